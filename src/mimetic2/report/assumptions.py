"""What the conclusion rests on: the assumptions that the analysis examined, then those that only this run can tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mimetic2.report.contents import Contents, Row
from mimetic2.report.labels import Labels
from mimetic2.report.numerals import count, decimal, interval, percent
from mimetic2.report.vocabulary import Vocabulary
from mimetic2.tables import numbers, read_table

PASS, DOUBTFUL, NOT_TESTABLE = "pass", "doubtful", "not testable"
MARKS = {PASS: "checked", DOUBTFUL: "concern", NOT_TESTABLE: "open"}
UNNAMED = "captionless.csv"
INVENTED = "control without references"  # of scores.csv: nothing is missing
RELATION = {
    "exact": (PASS, "The study states that the captions counted are those the model was trained on."),
    "superset": (DOUBTFUL, "The data counted contain the model’s training data and more, so counts are upper bounds."),
    "proxy": (DOUBTFUL, "The data counted only stand in for the model’s training data."),
    "unknown": (DOUBTFUL, "Nobody outside knows what this model was trained on; the counts come from other data."),
}


@dataclass(frozen=True)
class Assumption:
    """An assumption, its outcome (pass, doubtful, not testable), and why."""

    text: str
    outcome: str
    finding: str

    @property
    def mark(self) -> str:
        """The outcome as the style sheet knows it."""
        return MARKS.get(self.outcome, "open")


def assumptions(contents: Contents, rows: Sequence[Row], words: Vocabulary, labels: Labels) -> list[Assumption]:
    """Doubtful ones first, then those that pass, then those that cannot be tested here."""
    usable = [row for row in rows if row.score is not None and not row.excluded]
    examined = [
        Assumption(str(row["assumed"]), str(row["outcome"]), labels.mask(str(row["finding"])))
        for row in contents.threshold.get("assumptions") or []
    ]
    if not examined:
        text = f"The score rises with the count, for all {words.concepts} alike, and nothing else explains the rise."
        examined = [Assumption(text, NOT_TESTABLE, "The paper’s procedure examines no assumption.")]
    found = [_data(contents), _counts(rows), _references(usable), _null(usable), _losses(rows), _enough(usable)]
    every = [*examined, *(item for item in found if item is not None), _unnamed(contents, rows, words)]
    order = {DOUBTFUL: 0, PASS: 1}
    return sorted(every, key=lambda item: order.get(item.outcome, 2))


def _data(contents: Contents) -> Assumption:
    text = "The counts are of the data that the model was trained on."
    relation = (contents.study.get("training_data") or {}).get("relation")
    if relation not in RELATION:
        finding = "The study does not say how the data counted relate to the training data."
        return Assumption(text, DOUBTFUL, finding)
    return Assumption(text, *RELATION[relation])


def _unnamed(contents: Contents, rows: Sequence[Row], words: Vocabulary) -> Assumption:
    """What `mimetic2 captionless` found, where its table lies in the run directory."""
    text = f"Training images that show a {words.concept} without naming it do not matter."
    path = contents.run / UNNAMED
    if not path.is_file():
        return Assumption(text, NOT_TESTABLE, "Only captions that name a listed concept were counted.")
    table = read_table(path, ["concept", "inspected", "upper"])
    bounds = dict(zip(table["concept"], numbers(table, "upper", file=path, minimum=0), strict=True))
    counts = {row.name: row.count for row in rows if row.count is not None and row.name in bounds}
    if not counts:
        return Assumption(text, NOT_TESTABLE, "The random sample of rows was compared with none of these concepts.")
    inspected = max(number or 0 for number in numbers(table, "inspected", file=path, minimum=0))
    doubtful = sum((bounds[name] or 0) > own for name, own in counts.items())
    finding = (
        f"{count(inspected)} random images of the data bound them, each with 95\u202f%: "
        f"for {doubtful} of {len(counts)} {words.concepts} there may be more of them than were counted."
    )
    return Assumption(text, DOUBTFUL if doubtful else PASS, finding)


def _counts(rows: Sequence[Row]) -> Assumption | None:
    text = "The images counted show the concept that their captions name."
    looked = [row for row in rows if row.alive and row.verified is not None]
    if looked:
        alive, verified = sum(row.alive or 0 for row in looked), sum(row.verified or 0 for row in looked)
        finding = (
            f"Of {count(alive)} sampled images that could be read, {percent(verified / alive)} show their concept; "
            "the counts are scaled by each concept’s own share, with intervals."
        )
        return Assumption(text, PASS, finding)
    if any(row.count is not None for row in rows):
        return Assumption(text, NOT_TESTABLE, "They were given by the user and are taken as they are.")
    return None


def _references(rows: Sequence[Row]) -> Assumption | None:
    used = sorted({row.n_reference for row in rows if row.n_reference is not None})
    if not used:
        return None
    text = "All concepts are compared with the same number and kind of reference images."
    if len(used) == 1:
        return Assumption(text, PASS, f"Every concept has {count(used[0])} references.")
    return Assumption(text, DOUBTFUL, f"The number of references goes from {interval([used[0], used[-1]])}.")


def _null(rows: Sequence[Row]) -> Assumption | None:
    pairs = [(row.score, row.null_score) for row in rows if row.score is not None and row.null_score is not None]
    text = "A high score needs the concept’s own images: others’ images score lower against its references."
    if not pairs:
        return Assumption(text, NOT_TESTABLE, "The table has no null scores.") if rows else None
    above = sum(score > null for score, null in pairs)
    mean = sum(null for _, null in pairs) / len(pairs)
    finding = f"Null scores average {decimal(mean)}; {above} of {len(pairs)} concepts score above their own."
    return Assumption(text, PASS if above > len(pairs) / 2 else DOUBTFUL, finding)


def _losses(rows: Sequence[Row]) -> Assumption | None:
    if not rows:
        return None
    text = "What is missing is missing for reasons unrelated to the score."
    lost = [row for row in rows if row.excluded and row.excluded != INVENTED]
    if not lost:
        return Assumption(text, PASS, "No concept was left out.")
    counts = sorted(row.count for row in lost if row.count is not None)
    where = f", with counts from {interval([counts[0], counts[-1]])}" if len(counts) > 1 else ""
    finding = f"{len(lost)} of {len(rows)} concepts were left out{where}; they are listed under Left out."
    return Assumption(text, DOUBTFUL, finding)


def _enough(rows: Sequence[Row]) -> Assumption | None:
    counts = [row.count for row in rows if row.count is not None]
    if not counts:
        return None
    finding = f"{len(counts)} concepts with {len(set(counts))} different counts, {counts.count(0)} of them at 0."
    outcome = PASS if len(counts) >= 30 else DOUBTFUL
    return Assumption("There are enough concepts, at enough different counts, to see a shape.", outcome, finding)
