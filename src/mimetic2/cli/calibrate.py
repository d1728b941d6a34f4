"""`mimetic2 calibrate`: a verification cut-off from labelled images, for `verify --cutoff` and studies."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mimetic2.cli.embedder_options import AllowDownload, Device, Weights
from mimetic2.cli.embedder_options import chosen as chosen_embedder


def register(app: typer.Typer) -> None:
    """Add the verb ``calibrate``."""
    app.command()(calibrate)


def calibrate(
    images: Annotated[
        Path, typer.Option(help="Images that show what their folder says; with --labels, a folder of `fetch`.")
    ],
    reference: Annotated[Path, typer.Option(help="Folder of reference images, a folder per concept.")],
    out: Annotated[Path, typer.Option(help="Cut-off to write (JSON); the ROC curve goes beside it.")],
    embedder: Annotated[str, typer.Option(help="Embedder that will verify.")],
    labels: Annotated[
        Path | None, typer.Option(help="Table concept, url, shows (true, false) about fetched images.")
    ] = None,
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
    from mimetic2.counting.labelling import FileSource, labelled_pairs, labels_of_folder, read_labels
    from mimetic2.counting.sources import source_of
    from mimetic2.errors import InputError
    from mimetic2.files import keep_inputs
    from mimetic2.progress import log
    from mimetic2.scoring import STATISTICS

    if statistic not in STATISTICS:
        raise InputError(f"unknown statistic '{statistic}'", accepted=", ".join(STATISTICS))
    if out.suffix != ".json":
        raise InputError(f"unknown kind of file '{out.suffix}'", file=out, accepted=".json")
    keep_inputs([out, roc_path(out)], [labels])
    tool = chosen_embedder(embedder, weights, device=device, allow_download=allow_download)
    told = read_labels(labels) if labels is not None else labels_of_folder(images, seed=seed)
    source = source_of(images) if labels is not None else FileSource()
    found = labelled_pairs(told, source, tool, reference, statistic=statistic, references=references, out=cache)
    for reason, number in found.left_out.items():
        log(f"{number} pairs left out: {reason}")
    if found.without_vector:
        log(f"{found.without_vector} pairs of images without a vector count as rejected, as they would be")
    result = choose(found.pairs, seed=seed, level=level)
    halves = f"{len(result.choosing)} concepts chose, {len(result.measuring)} measured"
    where = f"{found.pairs.height} labelled pairs, {halves}"
    write_cutoff(out, cutoff_of(result, tool, statistic, found.references, f"mimetic2 calibrate: {where}"), result)
    if as_json:
        print(out.read_text(encoding="utf-8"), end="")
        return
    rates = result.rates
    print(f"cut-off {result.cutoff:.6f}: {statistic} to {found.references} references, {tool.name}")
    passed, rejected = f"{rates.passed} of {rates.positives}", f"{rates.rejected} of {rates.negatives}"
    print(f"sensitivity {_share(rates.sensitivity, result.sensitivity_interval)}: {passed}")
    print(f"specificity {_share(rates.specificity, result.specificity_interval)}: {rejected}")
    print(f"area under the ROC curve {result.auc:.3f}; {where}: {out}, {roc_path(out)}")


def _share(value: float, ends: tuple[float, float]) -> str:
    return f"{value:.3f} ({ends[0]:.3f} to {ends[1]:.3f})"
