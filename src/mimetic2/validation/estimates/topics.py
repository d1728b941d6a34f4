"""What the second study consists of: its topics, their cases and what is required of each event."""

from __future__ import annotations

from mimetic2.validation.estimates.beside import association_study, checks_study
from mimetic2.validation.estimates.cases import COVERS_95, ERRS_5, Case, Event, Kind, Topic
from mimetic2.validation.estimates.curves import curve_study, midpoint_study, null_study, onset_study
from mimetic2.validation.estimates.dependent import dependent_study
from mimetic2.validation.estimates.grouped import grouped_study
from mimetic2.validation.estimates.identified import identified_study
from mimetic2.validation.estimates.recorded import recorded_study
from mimetic2.validation.estimates.weighted import weighted_study

SIZES = (44, 120, 418)
FOUND, NUMBER, TOLD = Event(Kind.FINDS), Event(Kind.MEDIAN), Event(Kind.ERRS)


def _cases(
    topic: str,
    worlds: tuple[str, ...],
    sizes: tuple[int, ...] = SIZES,
    noises: tuple[str, ...] = ("sd .10",),
    conditions: tuple[str, ...] = ("",),
) -> tuple[Case, ...]:
    return tuple(
        Case(topic, world, n, noise, condition)
        for condition in conditions
        for world in worlds
        for noise in noises
        for n in sizes
    )


_UNEQUAL = ("rising", "falling", "heavy tails")

TOPICS: dict[str, Topic] = {
    "weights": Topic(
        "Weights from standard errors",
        "Standard errors between .02 and .20, log-uniform over concepts, beside a spread of .05 between concepts; "
        "known, or estimated from ten images each. The same scores with equal weights beside.",
        weighted_study,
        {
            "false step": ERRS_5,
            "false step, equal weights": TOLD,
            "step found": FOUND,
            "step found, equal weights": FOUND,
            "interval covers": COVERS_95,
            "interval covers, equal weights": Event(Kind.COVERS),
            "decades": NUMBER,
            "decades, equal weights": NUMBER,
        },
        _cases("weights", ("flat", "narrow ramp", "step"), (44, 120), ("se",), ("known", "estimated")),
        quick=_cases("weights", ("step",), (44,), ("se",), ("known",)),
    ),
    "curve": Topic(
        "The curve and its band",
        "What `predict` says of a count drawn anywhere between the least and the largest observed one, and of one "
        "within a quarter of a decade of the rise: interval of the mean, and of one more concept.",
        curve_study,
        {
            "mean, anywhere": COVERS_95,
            "mean, near the rise": Event(Kind.COVERS),
            "one concept, anywhere": COVERS_95,
            "one concept, near the rise": Event(Kind.COVERS),
        },
        _cases("curve", ("flat", "linear", "hinge", "ramp", "step"))
        + _cases("curve", ("ramp", "step"), (120,), _UNEQUAL),
    ),
    "onset": Topic(
        "Onset and one-sided bounds",
        "Null scores with a spread of .03; the true mean crosses the top of their band at 35 % of the rise. In the "
        "flat world it never does.",
        onset_study,
        {
            "onset too early": Event(Kind.ERRS, 0.025),
            "onset named": FOUND,
            "onset's interval holds the crossing": COVERS_95,
            "'imitated from' too early": ERRS_5,
            "'not imitated up to' too late": ERRS_5,
        },
        _cases("onset", ("flat", "linear", "hinge", "ramp", "step")) + _cases("onset", ("ramp",), (120,), _UNEQUAL),
        revision=2,
    ),
    "null band": Topic(
        "The null band of single concepts",
        "The band should hold 95 % of further concepts, 2.5 % lie above it. Normal null scores, and skewed ones.",
        null_study,
        {
            "one more concept inside": COVERS_95,
            "share inside": NUMBER,
            "share above the top": NUMBER,
        },
        _cases("null band", ("–",), (20, *SIZES), ("normal", "skewed")),
    ),
    "midpoint": Topic(
        "Midpoints of ramps, as they are named",
        "Where the verdict is gradual and names the ramp's midpoint.",
        midpoint_study,
        {"named": FOUND, "two ends, if named": FOUND, "interval covers": COVERS_95, "decades": NUMBER},
        _cases("midpoint", ("ramp", "narrow ramp")) + _cases("midpoint", ("ramp",), (120,), _UNEQUAL),
    ),
    "identification": Topic(
        "N50 and N90",
        "An end that is missing is taken as open. Worlds: the fitted curve is true; it ends at .8; a fifth of the "
        "concepts is identified at any count; it jumps; or ranks come from scores of all rivals.",
        identified_study,
        {
            "N50 covered": COVERS_95,
            "N50 has two ends": FOUND,
            "N90 covered": COVERS_95,
            "N90 has two ends": FOUND,
            "N90 named where there is none": TOLD,
            "N50 among 20 covered": COVERS_95,
            "N50 among 20 has two ends": FOUND,
        },
        _cases("identification", ("logistic", "ceiling", "default faces", "sudden", "rivals"), noises=("",)),
        quick=_cases("identification", ("logistic",), (44,), ("",)),
        share=0.3,
    ),
    "counts": Topic(
        "Counts recorded with an error",
        "Recorded counts miss the true ones by a normal error on log10(1 + count), whose size the intervals tell. The "
        "interval that takes counts as given, and the one that carries their uncertainty, where the verdict names one.",
        recorded_study,
        {
            "false step": ERRS_5,
            "named": FOUND,
            "as given covers": Event(Kind.COVERS),
            "interval covers": COVERS_95,
            "as given, decades": NUMBER,
            "decades": NUMBER,
        },
        _cases("counts", ("narrow ramp", "ramp", "step"), (120, 418), ("sd .05",), (".05 decades", ".1 decades")),
        share=0.3,
    ),
    "groups": Topic(
        "Groups",
        "One place for all groups, with or without another floor, or a last group with ten times the others' place. "
        "Tests at 5 %; 95 % intervals of the places that pooling gives, for the first and the last group.",
        grouped_study,
        {
            "one curve rejected": ERRS_5,
            "one curve rejected, rightly": FOUND,
            "one place rejected": ERRS_5,
            "one place rejected, rightly": FOUND,
            "pooled interval covers, large group": COVERS_95,
            "pooled interval covers, large, last group": COVERS_95,
            "pooled interval covers, small group": COVERS_95,
            "pooled interval covers, small, last group": COVERS_95,
            "decades, large group": NUMBER,
            "decades, large, last group": NUMBER,
            "decades, small group": NUMBER,
            "decades, small, last group": NUMBER,
        },
        tuple(
            Case("groups", f"{kind}, {differs}", sum(map(int, sizes.split(" + "))), "sd .10", sizes)
            for sizes in ("60 + 60 + 9", "100 + 100", " + ".join(["15"] * 8))
            for kind in ("step", "ramp")
            for differs in ("nothing differs", "floor differs", "place differs")
        ),
        share=0.5,
    ),
    "association": Topic(
        "The permutation test of any association",
        "Flat worlds, in which nothing should be seen, also with variances that change with the count.",
        association_study,
        {"association wrongly seen": Event(Kind.ERRS, 0.05, 20), "association seen": FOUND},
        _cases("association", ("flat",), (20, *SIZES), ("sd .10", *_UNEQUAL))
        + _cases("association", ("linear",), (20, *SIZES)),
        quick=_cases("association", ("flat",), (44,)),
    ),
    "checks": Topic(
        "Checks that raise a doubt where there is none",
        "All assumptions hold, or only that of equal variances does not. Standard errors are the true ones.",
        checks_study,
        {
            "monotone doubted": ERRS_5,
            "concepts alike doubted": ERRS_5,
            "leading shape hangs on one concept": TOLD,
            "unequal variance wrongly seen": ERRS_5,
            "unequal variance seen": FOUND,
            "two steps wrongly established": ERRS_5,
            "dependence wrongly seen": ERRS_5,
        },
        _cases("checks", ("flat", "ramp", "step"), (44, 120), ("sd .10", "falling", "heavy tails")),
        share=0.5,
    ),
    "dependent": Topic(
        "Concepts that are not independent",
        "Clusters of four that share half of the variance; members lie anywhere among the counts, or next to each "
        "other. Nothing is required here: every statistic of this package takes concepts as independent.",
        dependent_study,
        {
            "false step": TOLD,
            "flat not rejected": FOUND,
            "association wrongly seen": TOLD,
            "step found": FOUND,
            "interval covers": Event(Kind.COVERS),
            "dependence seen": FOUND,
        },
        _cases("dependent", ("flat", "linear", "narrow ramp", "step"), conditions=("anywhere", "neighbours")),
        share=0.5,
    ),
}
