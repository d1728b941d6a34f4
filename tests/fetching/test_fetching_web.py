"""Fetching from a server that misbehaves: what is kept, what is refused and why, how politely, and resuming."""

from __future__ import annotations

import asyncio
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest
from hostile import Hostile, hostile_server, picture

from mimetic2.counting.fetching import Blocklist, Limits, fetch_sample, source_of
from mimetic2.counting.fetching import failures as because
from mimetic2.counting.fetching.addresses import GuardedBackend, is_public
from mimetic2.counting.fetching.client import DECODED_AT_ONCE, Client
from mimetic2.counting.fetching.content import Content, inspect, sniff
from mimetic2.counting.fetching.failures import Failure
from mimetic2.counting.fetching.fetch import Fetched
from mimetic2.counting.fetching.links import canonical, check_link, seconds_of
from mimetic2.counting.fetching.store import Store
from mimetic2.errors import InputError

LIMITS = Limits(timeout=0.6, max_bytes=300_000, attempts=2, backoff=0.01, allow_loopback=True)


@pytest.fixture
def server() -> Iterator[Hostile]:
    with hostile_server() as state:
        yield state


def sample(*urls: str, **more: list[object]) -> pl.DataFrame:
    return pl.DataFrame({"concept": ["c"] * len(urls), "url": list(urls), **more})


def reasons(fetched: Fetched) -> dict[str, str | None]:
    return {url.split("/", 3)[3]: reason for url, reason in fetched.rows.select("url", "reason").iter_rows()}


EXPECTED = {
    "1": None,
    "mislabelled": None,
    "busy": None,
    "to?to=/9": None,
    "endless": because.LARGE,
    "huge": because.LARGE,
    "drip": because.SLOW,
    "slow": because.SLOW,
    "truncated": because.TRUNCATED,
    "loop": because.REDIRECTS,
    "to?to=http://169.254.169.254/latest": because.PRIVATE,
    "to?to=http://10.0.0.1/": because.PRIVATE,
    "to?to=http://[::ffff:192.168.0.1]/": because.PRIVATE,
    "to?to=file:///etc/passwd": because.SCHEME,
    "to?to=http://user:word@127.0.0.1/": because.CREDENTIALS,
    "to?to=http://[": because.SCHEME,
    "always-busy": "HTTP 429",
    "later": "HTTP 429",
    "gone": "HTTP 404",
    "text": because.NOT_IMAGE,
    "half": "damaged image",
    "bomb": "too many pixels",
    "gzip": because.ENCODED,
    "noai": because.NO_AI,
    "tdm": because.NO_AI,
    "small": "smaller than 1000 bytes",
}


def test_every_misbehaviour_has_its_reason_and_good_images_are_kept(server: Hostile, tmp_path: Path) -> None:
    fetched = fetch_sample(sample(*(server.url(f"/{path}") for path in EXPECTED)), tmp_path, limits=LIMITS)
    assert reasons(fetched) == EXPECTED
    assert fetched.alive == 4
    assert sum(fetched.funnel.values()) == 2 * fetched.funnel["links"]
    assert server.asked["/busy"] == 2
    assert server.asked["/later"] == server.asked["/gone"] == 1
    assert {headers["accept-encoding"] for headers in server.headers} == {"identity"}
    source = source_of(tmp_path)
    assert source.read(server.url("/1")).data == picture(1)
    assert source.read(server.url("/gone")).reason == "HTTP 404"
    name = hashlib.sha256(picture(2, "PNG")).hexdigest()
    assert (tmp_path / "00000" / f"{name}.png").read_bytes() == picture(2, "PNG")


def test_loopback_is_refused_unless_allowed(server: Hostile, tmp_path: Path) -> None:
    fetched = fetch_sample(sample(server.url("/1")), tmp_path, limits=Limits(attempts=1))
    assert reasons(fetched) == {"1": because.PRIVATE}
    assert not server.asked


@pytest.mark.parametrize("answers", [["127.0.0.1"], ["8.8.8.8", "10.0.0.7"], ["fe80::1"], []])
def test_a_name_that_leads_inside_is_refused(answers: list[str]) -> None:
    async def resolver(host: str, port: int) -> list[str]:
        return answers

    with pytest.raises(Failure, match=because.PRIVATE):
        asyncio.run(GuardedBackend(resolver=resolver).connect_tcp("example.org", 80))


def test_rebinding_gains_nothing(server: Hostile) -> None:
    """The name is resolved once per connection, and the connection goes to the address that was checked."""
    answers = iter([["127.0.0.1"], ["127.0.0.1"], ["192.168.1.1"]])
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(answers)

    async def scenario() -> bytes:
        async with Client(LIMITS, resolver=resolver) as client:
            data, _ = await client.get(f"http://rebind.example:{server.port}/1")
        return data

    assert asyncio.run(scenario()) == picture(1)
    assert asked.count("rebind.example") == len(asked) <= 2


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("8.8.8.8", True),
        ("2606:4700::1111", True),
        ("127.0.0.1", False),
        ("0.0.0.0", False),
        ("10.1.2.3", False),
        ("100.64.0.1", False),
        ("169.254.169.254", False),
        ("224.0.0.1", False),
        ("255.255.255.255", False),
        ("::1", False),
        ("::", False),
        ("fe80::1%eth0", False),
        ("fc00::1", False),
        ("ff02::1", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("64:ff9b::808:808", True),
    ],
)
def test_only_public_addresses_are_connected_to(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_loopback_alone_can_be_allowed() -> None:
    assert is_public("127.0.0.1", allow_loopback=True)
    assert not is_public("10.0.0.1", allow_loopback=True)
    assert not is_public("::ffff:10.0.0.1", allow_loopback=True)


@pytest.mark.parametrize("url", ["ftp://a/b", "file:///x", "data:,x", "lab://a/b/1", "http:///x", "http://a:x/", "//a"])
def test_other_links_are_not_web_links(url: str) -> None:
    with pytest.raises(Failure, match=because.SCHEME):
        check_link(url)


def test_retry_after_is_read_as_number_or_date() -> None:
    assert seconds_of("7") == 7
    assert seconds_of("Thu, 01 Jan 1970 00:00:00 GMT") == 0
    assert seconds_of("soon") is None
    assert seconds_of(None) is None


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP", "BMP", "TIFF"])
def test_content_is_sniffed(kind: str) -> None:
    assert sniff(picture(1, kind)) is not None
    assert sniff(b"<svg>" + bytes(20)) is None


def test_robots_are_asked_once_and_obeyed(server: Hostile, tmp_path: Path) -> None:
    server.robots = (200, "User-agent: *\nDisallow: /\n\nUser-agent: Mimetic2\nDisallow: /2\nAllow: /3\n")
    urls = [server.url(f"/{number}") for number in (1, 2, 3)]
    urls.append(server.url("/to?to=/2"))
    assert reasons(fetch_sample(sample(*urls), tmp_path, limits=LIMITS)) == {
        "1": None,
        "2": because.ROBOTS,
        "3": None,
        "to?to=/2": because.ROBOTS,
    }
    assert server.asked["/robots.txt"] == 1
    assert not server.asked["/2"]


def test_a_host_whose_robots_cannot_be_read_is_not_asked(server: Hostile, tmp_path: Path) -> None:
    server.robots = (503, "")
    links = sample(server.url("/1"), server.url("/2"))
    assert reasons(fetch_sample(links, tmp_path, limits=LIMITS)) == dict.fromkeys(("1", "2"), because.ROBOTS_UNKNOWN)
    assert server.requests == 0
    assert server.asked["/robots.txt"] == LIMITS.attempts


def test_a_host_that_cannot_be_reached_is_given_up_at_once(tmp_path: Path) -> None:
    """Every link of it would otherwise wait for all its attempts."""
    asked: list[str] = []

    async def resolver(host: str, port: int) -> list[str]:
        asked.append(host)
        raise OSError("no such host")

    async def scenario() -> set[str]:
        found = set()
        async with Client(LIMITS, resolver=resolver) as client:
            for number in range(20):
                with pytest.raises(Failure) as failure:
                    await client.get(f"http://gone.example/{number}")
                found.add(str(failure.value))
        return found

    assert asyncio.run(scenario()) == {because.UNRESOLVED}
    assert len(asked) == LIMITS.attempts


def test_a_missing_contact_is_said(server: Hostile, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fetch_sample(sample(server.url("/1")), tmp_path / "a", limits=LIMITS)
    assert "hosts are told no contact" in capsys.readouterr().err
    fetch_sample(sample(server.url("/1")), tmp_path / "b", limits=replace(LIMITS, user_agent="x (a@b.example)"))
    assert "contact" not in capsys.readouterr().err
    assert server.headers[-1]["user-agent"] == "x (a@b.example)"


def test_nothing_to_fetch_is_no_mistake(tmp_path: Path) -> None:
    fetched = fetch_sample(sample(), tmp_path, limits=LIMITS)
    assert fetched.funnel == {"links": 0, "fetched": 0}
    assert source_of(tmp_path).read("http://a/").reason == "not fetched"


def test_few_pictures_are_decoded_at_once(server: Hostile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now, most, lock = 0, 0, threading.Lock()

    def slowly(data: bytes) -> Content:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.05)
        with lock:
            now -= 1
        return inspect(data)

    monkeypatch.setattr("mimetic2.counting.fetching.client.inspect", slowly)
    links = sample(*(server.url(f"/{number}") for number in range(24)))
    fetched = fetch_sample(links, tmp_path, limits=replace(LIMITS, per_host=24, timeout=20.0))
    assert fetched.alive == 24
    assert 1 < most <= DECODED_AT_ONCE


def test_a_redirect_to_a_blocked_link_is_not_followed(server: Hostile, tmp_path: Path) -> None:
    path = tmp_path / "block"
    path.write_text(server.url("/2").replace("http://", "HTTP://") + "#part\n")
    links = sample(server.url("/to?to=/2"), server.url("/2"), server.url("/3"))
    fetched = fetch_sample(links, tmp_path / "out", block=Blocklist.read(path), limits=LIMITS)
    assert reasons(fetched) == {"to?to=/2": because.BLOCKED, "2": because.BLOCKED, "3": None}
    assert server.asked["/2"] == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("HTTP://Example.ORG:80", "http://example.org/"),
        ("https://example.org:443/a?b=1#c", "https://example.org/a?b=1"),
        ("https://example.org./a", "https://example.org/a"),
        ("http://[2001:DB8::1]:8080/", "http://[2001:db8::1]:8080/"),
        ("http://a:x/", "http://a:x/"),
    ],
)
def test_spellings_of_a_link_are_one(one: str, other: str) -> None:
    assert canonical(one) == other
    assert canonical(other) == other


def test_paths_and_queries_tell_links_apart() -> None:
    links = ["http://a/x", "http://a/X", "http://a/x?", "http://a/x?1", "https://a/x", "http://a:81/x"]
    assert len({canonical(link) for link in links}) == 5  # an empty query is none


def test_the_folder_has_img2dataset_s_files_beside_each_image(server: Hostile, tmp_path: Path) -> None:
    rows = pl.DataFrame({"concept": ["b", "a"], "url": [server.url("/1")] * 2, "caption": ["of b", "of a"]})
    fetch_sample(rows, tmp_path, limits=LIMITS)
    key = hashlib.sha256(picture(1)).hexdigest()
    names = {path.name for path in (tmp_path / "00000").iterdir()}
    assert names == {f"{key}.jpg", f"{key}.txt", f"{key}.json"}
    said = json.loads((tmp_path / "00000" / f"{key}.json").read_text())
    assert said["url"] == server.url("/1")
    assert (said["key"], said["status"], said["sha256"], said["width"], said["caption"]) == (
        key, "success", key, 64, "of a",
    )  # fmt: skip
    assert (tmp_path / "00000" / f"{key}.txt").read_text() == "of a"
    (tmp_path / "00000.parquet").unlink()
    assert source_of(tmp_path).read(server.url("/1")).data == picture(1)


def test_a_crawl_delay_is_kept(server: Hostile, tmp_path: Path) -> None:
    server.robots = (200, "User-agent: *\nCrawl-delay: 0.3")
    fetch_sample(sample(*(server.url(f"/{number}") for number in range(3))), tmp_path, limits=LIMITS)
    starts = sorted(moment for path, moment in server.times if path != "/robots.txt")
    assert all(later - earlier > 0.25 for earlier, later in pairwise(starts))


def test_few_requests_at_once_for_a_host_and_no_cookies(server: Hostile, tmp_path: Path) -> None:
    fetch_sample(sample(server.url("/cookie"), *(server.url(f"/{n}") for n in range(20))), tmp_path, limits=LIMITS)
    assert server.most_at_once <= LIMITS.per_host
    assert not any("cookie" in headers for headers in server.headers)
    assert all(headers["user-agent"].startswith("mimetic2") for headers in server.headers)


def test_running_again_asks_for_nothing_and_writes_the_same(server: Hostile, tmp_path: Path) -> None:
    rows = sample(*(server.url(f"/{path}") for path in ("1", "gone", "text")))
    fetch_sample(rows, tmp_path, limits=LIMITS)
    first, table = server.requests, (tmp_path / "00000.parquet").read_bytes()
    fetch_sample(rows.reverse(), tmp_path, limits=LIMITS)
    assert server.requests == first
    assert (tmp_path / "00000.parquet").read_bytes() == table
    fetch_sample(rows, tmp_path, limits=LIMITS, retry=True)
    assert server.requests == first + 2


def test_a_folder_has_one_writer(server: Hostile, tmp_path: Path) -> None:
    with Store(tmp_path / "images"), pytest.raises(InputError, match="is writing to these images"):
        fetch_sample(sample(server.url("/1")), tmp_path / "images", limits=LIMITS)
    assert server.requests == 0


def test_a_lost_file_is_fetched_again(server: Hostile, tmp_path: Path) -> None:
    rows = sample(server.url("/1"))
    fetch_sample(rows, tmp_path, limits=LIMITS)
    for path in tmp_path.rglob("*.jpg"):
        path.unlink()
    assert fetch_sample(rows, tmp_path, limits=LIMITS).alive == 1
    assert source_of(tmp_path).read(server.url("/1")).data == picture(1)


def test_unsafe_blocked_and_unlisted_rows_are_not_asked_for(server: Hostile, tmp_path: Path) -> None:
    urls = [server.url(f"/{number}") for number in range(1, 6)]
    rows = sample(*urls, punsafe=[0.9, 0.1, None, 0.2, 0.2]).with_columns(
        pl.Series("NSFW", ["", "NSFW", "UNLIKELY", "", ""]), concept=pl.Series(["c", "c", "c", "c", "other"])
    )
    block = tmp_path / "block.txt"
    block.write_text(f"# taken down\n{urls[3]}\n")
    fetched = fetch_sample(rows, tmp_path / "out", concepts=["c"], block=Blocklist.read(block), limits=LIMITS)
    expected = [because.UNSAFE, because.UNSAFE, None, because.BLOCKED, because.NOT_LISTED]
    assert fetched.rows.sort("url")["reason"].to_list() == expected
    assert server.requests == 1
    assert fetched.funnel == {
        "links": 5,
        "fetched": 1,
        because.BLOCKED: 1,
        because.UNSAFE: 2,
        because.NOT_LISTED: 1,
    }


@pytest.mark.parametrize("digest", [hashlib.sha256, hashlib.md5])
def test_blocked_content_is_not_kept_also_if_blocked_later(
    server: Hostile, tmp_path: Path, digest: type[hashlib._Hash]
) -> None:
    rows = sample(server.url("/1"), server.url("/2"))
    block = Blocklist(digests=frozenset({digest(picture(1)).hexdigest()}))  # type: ignore[call-arg]
    for number, start in enumerate((None, block)):
        out = tmp_path / str(number)
        fetch_sample(rows, out, block=start, limits=LIMITS)
        fetched = fetch_sample(rows, out, block=block, limits=LIMITS)
        assert reasons(fetched) == {"1": because.BLOCKED, "2": None}
        assert len(list(out.rglob("*.jpg"))) == 2  # the other one, and its link in the shard


@pytest.mark.parametrize("line", ["abc", "12345678901234567890123456789012345"])
def test_a_block_list_that_cannot_be_read_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "block"
    path.write_text(f"\n{line}\n")
    with pytest.raises(InputError, match="row 2"):
        Blocklist.read(path)


def test_a_flag_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="column 'punsafe'"):
        fetch_sample(sample("http://a/", punsafe=["maybe"]), tmp_path)
