"""A picture is a pure function of its link."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mimetic2.errors import InputError
from mimetic2.lab import SUBJECTS, DeadLink, painters, parse_link, read_shards, render_url, shipped_shards
from mimetic2.lab.links import FIRST_REFERENCE_SEED, GENERIC, Link, reference_links, reference_pictures, render

SHOWN = [GENERIC, *(painter.slug for painter in painters())]
LINKS = st.builds(Link, st.sampled_from(SHOWN), st.sampled_from(SUBJECTS), st.integers(0, 2**31 - 1))


@given(LINKS)
def test_a_link_reads_as_it_was_written(link: Link) -> None:
    assert parse_link(str(link)) == link


@given(LINKS)
@settings(max_examples=30, deadline=None)
def test_a_link_gives_the_same_picture_each_time(link: Link) -> None:
    picture = render_url(str(link))
    assert picture.shape == (32, 32, 3)
    assert picture.dtype == np.uint8
    assert np.array_equal(picture, render(link))


def test_another_process_paints_the_same_bits() -> None:
    urls = [f"lab://{shown}/{subject}/3" for shown in SHOWN[:12] for subject in SUBJECTS]
    program = (
        "import hashlib, sys; from mimetic2.lab import render_url;"
        "print(hashlib.sha256(b''.join(render_url(url).tobytes() for url in sys.argv[1:])).hexdigest())"
    )
    there = subprocess.run([sys.executable, "-c", program, *urls], capture_output=True, text=True, check=True)
    here = hashlib.sha256(b"".join(render_url(url).tobytes() for url in urls)).hexdigest()
    assert there.stdout.strip() == here


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a.png",
        "lab://",
        "lab://generic/house",
        "lab://generic/house/-1",
        "lab://generic/house/²",
        "lab://generic/castle/1",
        "lab://nobody-known/house/1",
        "lab://generic/house/1/2",
    ],
)
def test_anything_else_is_refused_by_name(url: str) -> None:
    with pytest.raises(InputError, match=r"link of the lab|unknown"):
        render_url(url)


def test_a_lost_link_is_dead() -> None:
    with pytest.raises(DeadLink, match="lab://lost/17-3: dead link"):
        render_url("lab://lost/17-3")


def test_references_are_fresh_draws() -> None:
    assert read_shards(shipped_shards())["seed"].max() < FIRST_REFERENCE_SEED  # type: ignore[operator]
    links = reference_links(painters()[0])
    assert len(set(links)) == 24
    assert {link.subject for link in links} == set(SUBJECTS)


def test_references_of_a_painter_resemble_each_other_more_than_others() -> None:
    means = {name: pictures.astype(float).mean(0).ravel() for name, pictures in reference_pictures(6).items()}
    again = {
        painter.name: np.mean([render(link).astype(float) for link in reference_links(painter, 12)[6:]], axis=0).ravel()
        for painter in painters()
    }
    names = list(means)
    distances = np.array([[np.linalg.norm(means[a] - again[b]) for b in names] for a in names])
    assert (distances.argmin(1) == np.arange(len(names))).mean() > 0.95
