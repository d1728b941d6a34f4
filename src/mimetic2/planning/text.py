"""The plan as lines for a terminal."""

from __future__ import annotations

from mimetic2.planning.plan import Plan
from mimetic2.planning.power import Power


def as_text(plan: Plan) -> str:
    """Cost, precision, power, proposal, and under each what it rests on."""
    parts = [_cost(plan), _precision(plan), _power(plan), _proposal(plan)]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _cost(plan: Plan) -> list[str]:
    cost = plan.cost
    lines = [f"{plan.name}: {cost.concepts:,} concepts, {cost.prompts} prompts"]
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
    lines.insert(0, "images per prompt   sd of a score   interval, against 1 000 images a concept")
    for place, row in enumerate(plan.precision, 1):
        lines.insert(place, f"{row.images:>17,}   {row.noise:>13.3f}   {100 * row.wider:+.1f} %")
    if plan.useful is not None:
        said = f"beyond {plan.useful:,.0f} images a concept, on average, all further ones narrow it by less than 5 %"
        lines.append(said)
    return lines


def _power(plan: Plan) -> list[str]:
    lines = [f"verdicts to expect with {plan.images:g} images a concept, {plan.runs} simulated studies a line, in %"]
    lines.append(
        f"{'concepts':>8}  {'step':>4} {'gradual':>7} {'none':>4} {'undecided':>9}  {'interval':>8}  if the truth is"
    )
    lines += [_power_line(row) for row in plan.power]
    return [
        *lines,
        f"  interval: median of high / low; counts: {plan.basis.counts_source}",
        f"  truths: {plan.basis.scenarios_source}",
    ]


def _power_line(row: Power) -> str:
    rates = {name: f"{100 * rate:.0f}" for name, rate in row.rates.items()}
    factor = "–" if row.factor is None else f"{row.factor:.1f}"
    return (
        f"{row.concepts:>8,}  {rates['step']:>4} {rates['gradual']:>7} {rates['none']:>4} {rates['undecided']:>9}  "
        f"{factor:>8}  {row.words}"
    )


def _proposal(plan: Plan) -> list[str]:
    basis, lines = plan.basis, []
    if basis.verdict is not None:
        lines.append(f"the run's verdict is {basis.verdict}")
    if basis.needed is not None:
        needed, (low, high) = basis.needed
        lines.append(f"at least {needed:,} concepts, added mostly at {low:,} to {high:,} images, would be needed")
    if plan.affordable is not None:
        lines.append(f"the budget pays for {plan.affordable:,} concepts of {plan.images:g} images")
    if not plan.more:
        return lines
    where = "around the open place" if plan.focused else "where counts are thin"
    lines.append(f"add first, {where}: {plan.more:,} concepts")
    lines += [
        f"  {row.add:>4,} with {row.low:,} to {row.high:,} images (there are {row.have:,})"
        for row in plan.proposal
        if row.add
    ]
    return lines
