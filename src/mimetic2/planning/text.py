"""The plan as lines for a terminal."""

from __future__ import annotations

from mimetic2.planning.growth import ENOUGH
from mimetic2.planning.plan import Plan
from mimetic2.planning.power import Power
from mimetic2.planning.proposal import Bin


def as_text(plan: Plan) -> str:
    """Cost, precision, power, proposal, and under each what it rests on."""
    parts = [_cost(plan), _precision(plan), _power(plan), _proposal(plan)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _cost(plan: Plan) -> list[str]:
    cost = plan.cost
    lines = [f"{plan.name}: {cost.concepts:,} concepts, {cost.prompts} prompts"]
    if plan.basis.given:
        lines = [f"{plan.name}: {cost.concepts:,} concepts, their images given: {plan.images:,.6g} each, on average"]
    if cost.images:
        upto = f" (expected; at most {cost.most:,})" if cost.most > cost.images else ""
        lines.append(f"images to generate  {cost.images:,}{upto}")
    if cost.hours is not None:
        lines.append(f"hours               {cost.hours:,.2f} on one device")
    if cost.gigabytes is not None:
        lines.append(f"disk                {cost.gigabytes:,.2f} GB of images")
    if cost.to_fetch is not None:
        lines.append(f"images to fetch     {cost.to_fetch:,}, looked at and not kept")
    return [*lines, *(f"  {rate}" for rate in cost.rates)]


def _precision(plan: Plan) -> list[str]:
    noise = plan.basis.noise
    lines = [f"noise: concepts of equal count differ by {noise.between:.3f} (sd)", f"  {noise.source}"]
    if not plan.precision:
        return lines
    lines.insert(0, "images per prompt   sd of a score   interval, against 1,000 images a concept")
    for place, row in enumerate(plan.precision, 1):
        lines.insert(place, f"{row.images:>17,}   {row.noise:>13.3f}   {100 * row.wider:+.1f} %")
    if plan.useful is not None:
        said = f"beyond {plan.useful:,.0f} images a concept, on average, all further ones narrow it by less than 5 %"
        lines.append(said)
    return lines


def _power(plan: Plan) -> list[str]:
    images = "" if plan.basis.given else f" with {plan.images:g} images a concept"
    return [
        f"verdicts to expect{images}, in %: {plan.runs} simulated studies a line, ± Monte Carlo standard error",
        f"{'concepts':>8}  {'step':>4} {'gradual':>7} {'none':>4} {'undecided':>9}  {'':<4}  {'interval':<16}  "
        "if the truth is",
        *(_power_line(row) for row in plan.growth.power),
        "  ± of the least certain rate in the line; interval: high / low where there is one, median (quartiles)",
        f"  counts: {plan.basis.counts_source}",
        f"  truths: {plan.basis.scenarios_source}",
    ]


def _power_line(row: Power) -> str:
    rates = {name: f"{100 * rate:.0f}" for name, rate in row.rates.items()}
    error = f"±{100 * max(row.errors.values()):.1f}"
    return (
        f"{row.concepts:>8,}  {rates['step']:>4} {rates['gradual']:>7} {rates['none']:>4} {rates['undecided']:>9}  "
        f"{error:<4}  {_factor(row):<16}  {row.words}"
    )


def _factor(row: Power) -> str:
    if row.factor is None or row.factor_quartiles is None:
        return "–"
    low, high = row.factor_quartiles
    return f"× {row.factor:.1f} ({low:.1f}–{high:.1f})"


def _proposal(plan: Plan) -> list[str]:
    basis, growth = plan.basis, plan.growth
    lines = []
    if basis.verdict is not None:
        lines.append(f"the run's verdict is {basis.verdict}")
    if basis.needed is not None:
        needed, (low, high) = basis.needed
        lines.append(f"at least {needed:,} concepts, added mostly at {low:,} to {high:,} images, would be needed")
    if plan.affordable is not None:
        lines.append(f"the budget pays for {plan.affordable:,} concepts of {plan.images:g} images")
    if not growth.more:
        return lines
    return [
        *lines,
        f"proposal: {growth.more:,} further concepts; {_why(plan)}",
        "  at counts where they tell the verdicts apart best (where there are too few such concepts, at the nearest):",
        f"{'training images':>19}  {'there are':>9}  {'add':>5}  {'then':>5}",
        *(_bin_line(row) for row in growth.proposal),
        "what they change, if the truth is …",
        *(_change(before, after) for before, after in zip(plan.power(), plan.power(growth.more), strict=True)),
    ]


def _why(plan: Plan) -> str:
    aim = f"the right verdict in {100 * ENOUGH:.0f} % of studies"
    if plan.growth.enough_now:
        return f"those there are give {aim} already: more make intervals narrower"
    if plan.growth.enough:
        return f"the least number simulated that gives {aim}"
    return f"no number simulated gives {aim}"


def _bin_line(row: Bin) -> str:
    span = f"{row.low:,}" if row.low == row.high else f"{row.low:,} to {row.high:,}"
    return f"{span:>19}  {row.have:>9,}  {row.add or '–':>5}  {row.have + row.add:>5,}"


def _change(before: Power, after: Power) -> str:
    def rate(row: Power) -> str:
        return f"{100 * row.right:.0f} ±{100 * row.right_error:.1f}"

    interval = "" if after.factor is None else f", interval {_factor(before)} → {_factor(after)}"
    return f"  {after.words}: right verdict {rate(before)} → {rate(after)} %{interval}"
