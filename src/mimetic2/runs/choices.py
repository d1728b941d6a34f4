"""What a study chose, with the domain's default where it chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mimetic2.concepts import Concept, read_concepts
from mimetic2.countstable import read_counts
from mimetic2.domains import Cutoff, load_domain, read_prompts
from mimetic2.errors import InputError
from mimetic2.generation import Generating, Sampling
from mimetic2.study import PROMPT_FILES, Study

if TYPE_CHECKING:
    from mimetic2.counting.filtering import Filter
    from mimetic2.embedding import Embedder


def prompts_of(study: Study) -> tuple[str, ...]:
    """The study's prompts: a list, a file that holds one, or the domain's."""
    if study.prompts is None:
        return load_domain(study.domain).prompts_for(prompt_bug=study.prompt_bug)
    if len(study.prompts) == 1 and study.prompts[0].endswith(PROMPT_FILES):
        return read_prompts(Path(study.prompts[0]))
    return study.prompts


def embedder_name(study: Study) -> str:
    """The study's embedder, or the domain's."""
    return study.embedder or load_domain(study.domain).embedder


def scoring_of(study: Study) -> dict[str, Any]:
    """How the study scores: options of `score_concepts` and of whatever scores before it."""
    return {key: getattr(study, key) for key in ("references", "seed", "readout", "exclude_unfit")}


def embedder_options(study: Study) -> dict[str, str]:
    """The rule for several faces: the study's or, in the paper's procedure where the domain says so, exactly one."""
    from mimetic2.embedding.registry import has_option

    if study.faces is not None:
        return {"faces": study.faces}
    one = study.procedure == "paper" and load_domain(study.domain).exactly_one_face
    return {"faces": "one"} if one and has_option(embedder_name(study), "faces") else {}


def embedder_of(study: Study) -> Embedder:
    """The embedder with the study's weights, which may be fetched where the study allows it."""
    from mimetic2.embedding import get_embedder
    from mimetic2.embedding.registry import has_option

    name = embedder_name(study)
    fetched = {"allow_download": True} if study.allow_download and has_option(name, "allow_download") else {}
    return get_embedder(name, study.embedder_weights, **embedder_options(study), **fetched)


def embedder_files(study: Study) -> Mapping[str, Path]:
    """The embedder's weights, as files that a stage depends on; empty where they come with a package."""
    from mimetic2.embedding.registry import weights_here

    found = weights_here(embedder_name(study), study.embedder_weights)
    return {} if found is None else {"weights": found}


def listed(study: Study) -> list[Concept]:
    """The study's concepts: its list, else those that have a count."""
    if study.concepts is not None:
        return read_concepts(study.concepts)
    if study.counts is None:
        raise InputError("the study has neither 'concepts' nor 'counts'")
    return read_concepts(study.counts)


def counts_faces(study: Study) -> bool:
    """Whether the domain's unit, in the paper's procedure, is the face rather than the image."""
    return load_domain(study.domain).exactly_one_face


def generated_folder(study: Study, run: Path) -> Path:
    """Where the generated images are: the user's folder, or the stage's."""
    return study.generated if study.generated is not None else run / "generate"


def study_cutoff(study: Study) -> Cutoff | None:
    """The cut-off that the study names, None where the domain's is to be used."""
    if study.cutoff is None:
        return None
    from mimetic2.counting.cutoffs import choose_cutoff

    return choose_cutoff(study.cutoff, load_domain(study.domain))


def study_filter(study: Study) -> Filter | None:
    """The domain's filter with the study's weights and cut-off, None where the study does not ask for it."""
    if study.filter is None:
        return None
    from mimetic2.counting.cutoffs import choose_cutoff
    from mimetic2.counting.filtering import open_filter

    domain, named = load_domain(study.domain), study.filter.cutoff
    cutoff = choose_cutoff(named, domain, text=True) if named is not None else None
    return open_filter(domain, study.filter.weights, cutoff)


def verifying_files(study: Study) -> Mapping[str, Path]:
    """What verification depends on beside the images: weights, files of cut-offs."""
    from mimetic2.embedding.registry import weights_here

    files = dict(embedder_files(study))
    if isinstance(study.cutoff, Path):
        files["cutoff"] = study.cutoff
    if study.filter is not None and (asked := load_domain(study.domain).filter) is not None:
        weights = weights_here(asked.embedder, study.filter.weights)
        files |= {"filter weights": weights} if weights is not None else {}
        files |= {"filter cutoff": study.filter.cutoff} if isinstance(study.filter.cutoff, Path) else {}
    return files


def verifying_options(study: Study) -> dict[str, Any]:
    """What verification depends on that is no file: the domain's cut-offs and filter, and the study's choices."""
    domain = load_domain(study.domain)
    options: dict[str, Any] = {"cutoffs": [cutoff.model_dump() for cutoff in domain.cutoffs]}
    if isinstance(study.cutoff, str):
        options["cutoff"] = study.cutoff
    if study.filter is not None:
        options["filter"] = domain.filter.model_dump() if domain.filter is not None else None
        options["filter cutoff"] = study.filter.cutoff if isinstance(study.filter.cutoff, str) else None
    return options


def remote_captions(study: Study) -> dict[str, str]:
    """Caption files behind URLs, each with what tells it from a changed one; those of this machine are digested."""
    remote = [pattern for pattern in study.captions or () if "://" in pattern]
    if not remote:
        return {}
    from mimetic2.counting.captions import find_shards
    from mimetic2.counting.locations import identity

    return {shard: identity(shard) for shard in find_shards(remote)}


def check_requirements(study: Study) -> None:
    """Raise what would otherwise come up after hours: an unknown domain or embedder, bad prompts, a missing model,
    tables of counts and folders of images that are not as they should be."""
    from mimetic2.embedding.finding import check_images

    prompts_of(study)
    model_files(study)
    embedder = embedder_of(study)
    names = [concept.name for concept in listed(study) if not concept.minor]
    if study.counts is not None:
        read_counts(study.counts, paper=study.procedure == "paper")
    for folder in (study.reference, study.generated):
        if folder is not None:
            check_images(folder, names)
    if study.captions is not None:
        from mimetic2.counting.correction import rates_of
        from mimetic2.counting.verification import cutoff_for

        kind, domain = study_filter(study), load_domain(study.domain)
        cutoff = cutoff_for(embedder, domain=domain, cutoff=study_cutoff(study), kind=kind)
        if study.correct:
            rates_of(cutoff, filtered=kind is not None)
    if study.fetch is not None:
        from mimetic2.counting.fetching import fetch_sample  # noqa: F401 - says at once if the extra is missing


def generating(study: Study) -> Generating:
    """What the study chose about generating."""
    return study.generate or Generating()


def sampling_of(study: Study) -> Sampling:
    """How images are sampled, by the study and the domain."""
    return generating(study).sampling(**load_domain(study.domain).generation_defaults.model_dump())


def model_files(study: Study) -> Mapping[str, Path]:
    """The model's files, by what the stage calls them; empty where no model generates, or one behind an API.

    Raises what keeps the model from being opened, as far as that can be told without opening it.
    """
    if study.model is None:
        return {}
    from mimetic2.generation.opening import check_model

    chosen = generating(study)
    path = check_model(study.model, chosen.sampling(), allow_download=study.allow_download, **chosen.arguments())
    files = {f"lora {number}": adapter.path for number, adapter in enumerate(chosen.adapters())}
    files |= {"pipeline_config": chosen.pipeline_config} if chosen.pipeline_config is not None else {}
    return files | ({"model": path} if path is not None else {})
