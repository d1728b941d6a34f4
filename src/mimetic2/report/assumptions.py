"""What the conclusion rests on: which assumptions this run checked, with what outcome, and which nobody checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mimetic2.report.contents import Contents, Row
from mimetic2.report.numerals import count, decimal, interval, percent
from mimetic2.report.vocabulary import Vocabulary

RELATION = {
    "exact": ("checked", "The study states that the captions counted are those the model was trained on."),
    "superset": ("concern", "The data counted contain the model’s training data and more, so counts are upper bounds."),
    "proxy": ("concern", "The data counted only stand in for the model’s training data."),
    "unknown": ("concern", "Nobody outside knows what this model was trained on; the counts come from other data."),
}
OUTCOMES = {"checked": "checked", "concern": "checked, with a concern", "open": "not checked"}


@dataclass(frozen=True)
class Assumption:
    """An assumption, whether it was checked, and what came of it."""

    text: str
    outcome: str
    finding: str

    @property
    def outcome_words(self) -> str:
        """The outcome in words."""
        return OUTCOMES[self.outcome]


def assumptions(contents: Contents, rows: Sequence[Row], words: Vocabulary) -> list[Assumption]:
    """Checked ones first, then those that this procedure cannot check."""
    usable = [row for row in rows if row.score is not None and not row.excluded]
    found = [_data(contents), _counts(rows), _references(usable), _null(usable), _losses(rows), _ties(usable)]
    open_ones = [
        Assumption(
            f"Nothing else makes often-seen {words.concepts} easier to reproduce (no confounding).",
            "open",
            "Counts were observed, not assigned. Famous names also differ in picture quality and in captions.",
        ),
        Assumption(
            f"Each {words.training_image} of a {words.concept} counts the same.",
            "open",
            "Size, variety, repetition and how well a caption fits are not weighed.",
        ),
        Assumption(
            f"Training images that show a {words.concept} without naming it do not matter.",
            "open",
            "Only captions that name a listed concept were counted.",
        ),
        Assumption(
            f"{words.concepts.capitalize()} do not differ in how hard they are to reproduce.",
            "open",
            "One curve describes all; the spread around it shows how far single ones depart from it.",
        ),
    ]
    kept = [item for item in found if item is not None] + open_ones
    return sorted(kept, key=lambda item: item.outcome == "open")


def _data(contents: Contents) -> Assumption:
    text = "The counts are of the data that the model was trained on."
    relation = (contents.study.get("training_data") or {}).get("relation")
    if relation not in RELATION:
        return Assumption(text, "concern", "The study does not say how the data counted relate to the training data.")
    return Assumption(text, *RELATION[relation])


def _counts(rows: Sequence[Row]) -> Assumption | None:
    text = "The images counted show the concept that their captions name."
    looked = [row for row in rows if row.alive and row.verified is not None]
    if looked:
        alive, verified = sum(row.alive or 0 for row in looked), sum(row.verified or 0 for row in looked)
        finding = (
            f"Of {count(alive)} sampled images that could be read, {percent(verified / alive)} show their concept; "
            "the counts are scaled by each concept’s own share, with intervals."
        )
        return Assumption(text, "checked", finding)
    if any(row.count is not None for row in rows):
        return Assumption(text, "open", "They were given by the user and are taken as they are.")
    return None


def _references(rows: Sequence[Row]) -> Assumption | None:
    numbers = sorted({row.n_reference for row in rows if row.n_reference is not None})
    if not numbers:
        return None
    text = "All concepts are compared with the same number and kind of reference images."
    if len(numbers) == 1:
        return Assumption(text, "checked", f"Every concept has {count(numbers[0])} references.")
    return Assumption(text, "concern", f"The number of references goes from {interval([numbers[0], numbers[-1]])}.")


def _null(rows: Sequence[Row]) -> Assumption | None:
    pairs = [(row.score, row.null_score) for row in rows if row.score is not None and row.null_score is not None]
    text = "A high score needs the concept’s own images: others’ images score lower against its references."
    if not pairs:
        return Assumption(text, "open", "The table has no null scores.") if rows else None
    above = sum(score > null for score, null in pairs)
    mean = sum(null for _, null in pairs) / len(pairs)
    finding = f"Null scores average {decimal(mean)}; {above} of {len(pairs)} concepts score above their own."
    return Assumption(text, "checked", finding)


def _losses(rows: Sequence[Row]) -> Assumption | None:
    if not rows:
        return None
    text = "What is missing is missing for reasons unrelated to the score."
    lost = [row for row in rows if row.excluded]
    if not lost:
        return Assumption(text, "checked", "No concept was left out.")
    counts = sorted(row.count for row in lost if row.count is not None)
    where = f", with counts from {interval([counts[0], counts[-1]])}" if len(counts) > 1 else ""
    finding = f"{len(lost)} of {len(rows)} concepts were left out{where}; they are listed under Left out."
    return Assumption(text, "concern", finding)


def _ties(rows: Sequence[Row]) -> Assumption | None:
    counts = [row.count for row in rows if row.count is not None]
    if not counts:
        return None
    distinct = len(set(counts))
    finding = f"{len(counts)} concepts with {distinct} different counts, {counts.count(0)} of them at 0."
    outcome = "checked" if len(counts) >= 30 else "concern"
    return Assumption("There are enough concepts, at enough different counts, to see a shape.", outcome, finding)
