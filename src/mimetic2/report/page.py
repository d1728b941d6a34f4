"""Assemble the report: read the run, work out every part, render one HTML file."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import fields
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from mimetic2.errors import InputError
from mimetic2.files import write_text
from mimetic2.report import numerals
from mimetic2.report.account import exclusions, losses, reproduction
from mimetic2.report.answers import key_figures, lookup, paper_beside_ours, shape_rows, tested
from mimetic2.report.assumptions import assumptions
from mimetic2.report.checked import among_twenty, bounds, controls, groups, sensitivity
from mimetic2.report.contents import Contents, Row, read_run
from mimetic2.report.counting import counting_account
from mimetic2.report.figures import by_count, evenly, identification_charts, null_band, score_charts
from mimetic2.report.labels import Labels, pseudonym_key
from mimetic2.report.pictures import IMAGE_CHOICES, contact_sheet
from mimetic2.report.scored import scored_values
from mimetic2.report.vocabulary import vocabulary
from mimetic2.report.wording import limits, prose

TEMPLATES = Path(__file__).parent / "templates"


def write_report(run: Path, *, images: str | None = None, pseudonyms: bool = False, out: Path | None = None) -> Path:
    """Write the report of a run directory and return its path.

    Parameters: ``images`` is ``all``, ``generated`` or ``none`` (None: the domain's default; faces show none);
    ``pseudonyms`` replaces every name by a code; ``out`` is the file, by default ``RUN/report.html``, with pseudonyms
    ``RUN/report-pseudonyms.html``: the page that ``run`` writes has names and is left alone.
    Everything but ``threshold.json`` may be missing; the parts that need it are then left out or say so.
    Raises :class:`InputError` for a directory that is no run, malformed files, and unknown ``images``.
    """
    run = Path(run)
    if images is not None and images not in IMAGE_CHOICES:
        raise InputError(f"'{images}' is no choice of images", accepted=", ".join(IMAGE_CHOICES))
    contents = read_run(run)
    labels = _labels(contents, pseudonyms)
    target = Path(out) if out is not None else run / ("report-pseudonyms.html" if pseudonyms else "report.html")
    write_text(target, render("report.html.j2", page_values(contents, labels, images)))
    return target


def render(template: str, values: dict[str, Any]) -> str:
    """A template with the style sheet and script inline, and a policy that admits just these two by digest."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        count=numerals.count,
        decimal=numerals.decimal,
        interval=numerals.interval,
        percent=numerals.percent,
        prose=prose,
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8").strip()
    script = (TEMPLATES / "page.js").read_text(encoding="utf-8").strip()
    policy = (
        f"default-src 'none'; img-src data:; style-src {_digest(style)}; script-src {_digest(script)}; "
        "base-uri 'none'; form-action 'none'"
    )
    # Both are files of this package, not input: they go in as they are.
    shared = {"style": Markup(style), "script": Markup(script), "policy": policy}  # noqa: S704
    return environment.get_template(template).render({**shared, **values})


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _labels(contents: Contents, pseudonyms: bool) -> Labels:
    names = [row.name for row in contents.rows]
    if not pseudonyms:
        return Labels(names)
    if not names:
        raise InputError(
            "has no table of concepts, so names in its texts cannot be recognised and replaced",
            file=contents.run,
            accepted="a run with scores.csv or counts.csv, or no --pseudonyms",
        )
    return Labels(names, key=pseudonym_key(contents.run), aliases=contents.aliases)


def page_values(contents: Contents, labels: Labels, images: str | None) -> dict[str, Any]:
    """Everything that the report's template says."""
    words = vocabulary(contents)
    choice = images or ("all" if words.show_images else "none")
    threshold = contents.threshold
    rows = sorted(contents.rows, key=lambda row: (row.count is None, row.count or 0.0, labels[row.name]))
    ranked = [row for row in rows if row.identified is not None and not row.excluded]
    return {
        **scored_values(contents, labels),
        "title": labels.mask(contents.name),
        "words": words,
        "labels": labels,
        "threshold": threshold,
        "verdict": threshold.get("verdict") or "paper",
        "sentence": labels.mask(threshold.get("sentence") or ""),
        "limits": limits(threshold),
        "warnings": _warnings(contents, labels),
        "figures": key_figures(threshold),
        "paper": paper_beside_ours(threshold, rows),
        "shapes": shape_rows(threshold),
        "tests": tested(threshold),
        "lookup": lookup(threshold),
        "sensitivity": sensitivity(threshold),
        "bounds": bounds(threshold),
        "of_groups": groups(threshold, labels),
        "of_controls": controls(threshold, labels),
        "among_twenty": among_twenty(threshold),
        "score_charts": score_charts(threshold, rows, labels, words),
        "has_null": null_band(threshold, rows) is not None,
        "has_identified": bool(ranked),
        "identification_charts": identification_charts(threshold, rows, labels, words),
        "groups": len(by_count([row for row in ranked if row.count is not None])),
        "sheet": contact_sheet(contents, rows, labels, choice),
        "rows": evenly(rows),
        "columns": _present(rows),
        "n_rows": len(rows),
        "counting": counting_account(contents, labels),
        "exclusions": exclusions(threshold, rows, labels),
        "losses": losses(contents.manifest, labels),
        "assumptions": assumptions(contents, rows, words, labels),
        "reproduction": reproduction(contents, labels),
        "basis": labels.mask((contents.study.get("subjects") or {}).get("basis") or ""),
        "training_data": labels.mask((contents.study.get("training_data") or {}).get("name") or ""),
        "model": labels.mask(contents.study.get("model") or ""),
    }


def _warnings(contents: Contents, labels: Labels) -> list[str]:
    texts = [*(contents.manifest.get("warnings") or []), *(contents.threshold.get("warnings") or [])]
    return list(dict.fromkeys(labels.mask(text) for text in texts))


def _present(rows: list[Row]) -> set[str]:
    """The columns of the concept table that hold anything."""
    return {item.name for item in fields(Row) if any(getattr(row, item.name) is not None for row in rows)}
