"""`mimetic2 calibrate`: a verification cut-off from labelled images, for `verify --cutoff` and studies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Device, Weights
from mimetic2.cli.embedder_options import chosen as chosen_embedder
from mimetic2.cli.verifying import FilterCutoff, FilterWeights, named_filter

if TYPE_CHECKING:
    from mimetic2.counting.calibration import Calibration
    from mimetic2.counting.labelling import Labelled


def register(app: typer.Typer) -> None:
    """Add the verb ``calibrate``."""
    app.command()(calibrate)


def calibrate(
    images: Annotated[
        Path, typer.Option(help="Images that show what their folder says; with --labels, a folder of `fetch`.")
    ],
    out: Annotated[Path, typer.Option(help="Cut-off to write (JSON); the ROC curve goes beside it.")],
    embedder: Annotated[str, typer.Option(help="Embedder that will verify.")],
    reference: Annotated[
        Path | None, typer.Option(help="Folder of reference images, a folder per concept; not with --filter.")
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(help="Table concept, url, shows (true, false) about fetched images.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option("--filter", help="Calibrate a filter by this text instead: --images pass, --others do not."),
    ] = None,
    others: Annotated[Path | None, typer.Option(help="With --filter: a folder of images that must not pass.")] = None,
    domain: Annotated[str | None, typer.Option(help="Domain whose filter decides first, see --filter-weights.")] = None,
    filter_weights: FilterWeights = None,
    filter_cutoff: FilterCutoff = None,
    weights: Weights = None,
    device: Device = None,
    allow_download: AllowDownload = False,
    statistic: Annotated[str, typer.Option(help="max_cosine or mean_cosine to the references.")] = "max_cosine",
    references: Annotated[
        int | None, typer.Option(min=1, help="References per concept (default: the fewest that one has).")
    ] = None,
    cache: Annotated[Path | None, typer.Option(help="Folder to resume from (owner only).")] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.999, help="Level of the intervals.")] = 0.95,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the split into halves.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the cut-off as JSON.")] = False,
) -> None:
    """Choose a cut-off on half of the concepts and measure its errors on the other half."""
    from mimetic2.counting.calibration import calibrate as choose
    from mimetic2.counting.cutoffs import cutoff_of, roc_path, write_cutoff
    from mimetic2.counting.labelling import FileSource, filter_pairs, labelled_pairs, labels_of_folder, read_labels
    from mimetic2.counting.sources import source_of
    from mimetic2.domains import TEXT_COSINE
    from mimetic2.errors import InputError
    from mimetic2.files import keep_inputs
    from mimetic2.scoring import STATISTICS

    if statistic not in STATISTICS:
        raise InputError(f"unknown statistic '{statistic}'", accepted=", ".join(STATISTICS))
    if out.suffix != ".json":
        raise InputError(f"unknown kind of file '{out.suffix}'", file=out, accepted=".json")
    keep_inputs([out, roc_path(out)], [labels, filter_cutoff])
    tool = chosen_embedder(embedder, weights, device=device, allow_download=allow_download)
    kind = named_filter(domain, filter_weights, filter_cutoff, device=device, allow_download=allow_download)
    if text is not None:
        if others is None:
            raise InputError("--filter needs images that must not pass", accepted="--others FOLDER")
        found, statistic = filter_pairs(images, others, tool, text, out=cache), TEXT_COSINE
    elif reference is None:
        raise InputError("nothing to compare with", accepted="--reference FOLDER, or --filter TEXT")
    else:
        told = read_labels(labels) if labels is not None else labels_of_folder(images, seed=seed)
        source = source_of(images) if labels is not None else FileSource()
        found = labelled_pairs(
            told, source, tool, reference, statistic=statistic, references=references, kind=kind, out=cache
        )
    _say(found)
    result = choose(found.pairs, seed=seed, level=level)
    of = "groups" if text is not None else "concepts"
    where = f"{found.pairs.height} labelled pairs, {len(result.choosing)} {of} chose, {len(result.measuring)} measured"
    behind = kind.identity if kind is not None else None
    cutoff = cutoff_of(
        *(result, tool, statistic, found.references or None, f"mimetic2 calibrate: {where}"), text=text, behind=behind
    )
    write_cutoff(out, cutoff, result)
    if as_json:
        print(out.read_text(encoding="utf-8"), end="")
        return
    against = f"'{text}'" if text is not None else f"{found.references} references"
    _show(result, f"{statistic} to {against}, {tool.name}", where, out)


def _say(found: Labelled) -> None:
    from mimetic2.progress import log

    for reason, number in found.left_out.items():
        log(f"{number} pairs left out: {reason}")
    if found.without_vector:
        log(f"{found.without_vector} pairs of images that cannot pass count as rejected, as they would be")


def _show(result: Calibration, what: str, where: str, out: Path) -> None:
    from mimetic2.counting.cutoffs import roc_path

    rates = result.rates
    print(f"cut-off {result.cutoff:.6f}: {what}")
    passed, rejected = f"{rates.passed} of {rates.positives}", f"{rates.rejected} of {rates.negatives}"
    print(f"sensitivity {_share(rates.sensitivity, result.sensitivity_interval)}: {passed}")
    print(f"specificity {_share(rates.specificity, result.specificity_interval)}: {rejected}")
    print(f"area under the ROC curve {result.auc:.3f}; {where}: {out}, {roc_path(out)}")


def _share(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"
