"""What makes a study wrong although each of its keys is right: choices that exclude each other, absent paths."""

from __future__ import annotations

import glob
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from mimetic2.domains import load_domain
from mimetic2.embedding.registry import has_option
from mimetic2.errors import InputError
from mimetic2.yamlfile import YamlFile

if TYPE_CHECKING:
    from mimetic2.study import Study

NEEDED = (
    *((key, "captions") for key in ("images_of_captions", "fetch", "text_column", "url_column", "allow_missing")),
    *((key, "captions") for key in ("address", "workers", "cutoff", "filter", "correct")),
    *(("prompts", "model"), ("batch_size", "model"), ("adaptive", "model"), ("generate", "model")),
)
"""Keys that say nothing without another one."""


def caption_files(study: Study) -> list[Path]:
    """The files that the captions' patterns name, sorted, each once."""
    found = {match for pattern in study.captions or () for match in glob.glob(pattern, recursive=True)}
    return [Path(match) for match in sorted(found)]


def check_choices(study: Study, file: YamlFile) -> None:
    """Raise :class:`InputError` for keys that exclude or need each other."""

    def wrong(problem: str, key: str, accepted: str) -> InputError:
        return InputError(problem, file=file.path, row=file.line((key,)), accepted=accepted)

    counting = "either 'counts: FILE', or 'captions: GLOB' with 'concepts: FILE'"
    if study.counts is not None and study.captions is not None:
        raise wrong("both 'counts' and 'captions' are given", "captions", counting)
    if study.counts is None and study.captions is None:
        raise wrong("nothing says how often each concept was seen", "", counting)
    if study.captions is not None and study.concepts is None:
        raise wrong("'captions' needs 'concepts'", "captions", counting)
    imagery = "either 'generated: FOLDER', or 'model: NAME'"
    if study.generated is not None and study.model is not None:
        raise wrong("both 'generated' and 'model' are given", "model", imagery)
    if study.generated is None and study.model is None:
        raise wrong("nothing says where generated images come from", "", imagery)
    if study.images_of_captions is not None and study.fetch is not None:
        accepted = "a folder that was fetched before, or 'fetch'"
        raise wrong("both 'images_of_captions' and 'fetch' are given", "fetch", accepted)
    if study.address is not None and study.engine != "ray":
        raise wrong("'address' has no effect without 'engine: ray'", "address", "'engine: ray', or no 'address'")
    for key, needs in NEEDED:
        given = getattr(study, key)
        if given is not None and given is not False and given != 0 and getattr(study, needs) is None:
            raise wrong(f"'{key}' has no effect without '{needs}'", key, f"'{needs}', or no '{key}'")
    _check_procedure(study, wrong)
    if study.faces is not None and not has_option(study.embedder or load_domain(study.domain).embedder, "faces"):
        problem = "'faces' has no effect: the embedder looks at whole images"
        raise wrong(problem, "faces", "no 'faces', or an embedder of faces")
    if study.adaptive is not None and study.images < 2:
        raise wrong("'adaptive' learns how images of a concept differ from the first ones", "images", "2 or more")
    if study.adaptive is not None and study.adaptive.most < study.images:
        problem = f"'adaptive' allows fewer images per prompt than 'images: {study.images}'"
        raise wrong(problem, "adaptive", "a larger most")


def _check_procedure(study: Study, wrong: Callable[[str, str, str], InputError]) -> None:
    """The paper's procedure has one score and no correction; only it knows malformed prompts."""
    if study.procedure == "robust":
        if study.prompt_bug:
            raise wrong("'prompt_bug' has no effect without 'procedure: paper'", "prompt_bug", "'procedure: paper'")
        return
    for key, default in (("readout", "mean"), ("exclude_unfit", False), ("correct", False), ("adaptive", None)):
        if getattr(study, key) != default:
            raise wrong(f"'{key}' is no part of the paper's procedure", key, f"no '{key}', or 'procedure: robust'")
    if study.prompt_bug and study.prompts is not None:
        raise wrong("'prompt_bug' is about the domain's prompts", "prompt_bug", "no 'prompts'")


def check_paths(study: Study, file: YamlFile) -> None:
    """Raise :class:`InputError` for files and folders that do not exist."""

    def wrong(problem: str, key: str) -> InputError:
        return InputError(f"'{key}': {problem}", file=file.path, row=file.line(tuple(key.split("."))))

    kind = study.filter
    files = [(key, getattr(study, key)) for key in ("counts", "concepts", "cutoff")]
    for key, path in [*files, ("filter.cutoff", kind.cutoff if kind is not None else None)]:
        if isinstance(path, Path) and not path.exists():
            raise wrong(f"no such file: {path}", key)
        if isinstance(path, Path) and path.is_dir():
            raise wrong(f"is a folder, a file is wanted: {path}", key)
    filter_weights = kind.weights if kind is not None else None
    for key, weights in (("embedder_weights", study.embedder_weights), ("filter.weights", filter_weights)):
        if weights is not None and weights.is_absolute() and not weights.exists():  # a relative one is a hub id
            raise wrong(f"no such file or folder: {weights}", key)
    if study.fetch is not None and study.fetch.block is not None and not study.fetch.block.is_file():
        row = file.line(("fetch", "block"))
        raise InputError(f"'block' of 'fetch': no such file: {study.fetch.block}", file=file.path, row=row)
    for key in ("reference", "generated", "images_of_captions"):
        path = getattr(study, key)
        if path is not None and not path.exists():
            raise wrong(f"no such folder: {path}", key)
        if path is not None and not path.is_dir():
            raise wrong(f"is a file, a folder is wanted: {path}", key)
    local = [pattern for pattern in study.captions or () if "://" not in pattern]
    if local and not caption_files(study):
        raise wrong(f"no file matches {local[0]}", "captions")
