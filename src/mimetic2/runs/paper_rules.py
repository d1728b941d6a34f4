"""What the paper (arXiv 2410.15002) or its released code does at each stage, and what to say where a run did otherwise.

A rule is a number (D1 to D25 of the documentation's page on the method, or empty), what the paper does, and a function
of the facts of a run that says what was done instead, or nothing where the same was done.
"""

from __future__ import annotations

from collections.abc import Callable

from mimetic2.runs.facts import Facts
from mimetic2.study import PAPER_DEFAULTS

Instead = Callable[[Facts], str | None]


def _when(condition: Callable[[Facts], bool], text: str) -> Instead:
    """``text``, its fields filled in from the facts, where the condition holds."""
    return lambda facts: text.format(f=facts) if condition(facts) else None


def _robust(text: str, also: Callable[[Facts], bool] = lambda facts: True) -> Instead:
    return _when(lambda facts: not facts.paper and also(facts), text)


def _images(facts: Facts) -> str | None:
    low, high = facts.images
    if low == high == PAPER_DEFAULTS["images"] and facts.prompts == 5:
        return None
    number = str(low) if low == high else f"{low} to {high}"
    return f"{number} image{'' if number == '1' else 's'} for " + (
        f"each of {facts.prompts} prompts" if facts.prompts > 1 else "a single prompt"
    )


def _unusable(facts: Facts) -> str | None:
    lost = ", ".join(f"{number} ({reason})" for reason, number in facts.unusable.items())
    return f"left out: {lost}" if lost else None


_COUNT: tuple[tuple[str, str, Instead], ...] = (
    (
        "",
        "399 to 420 people or artists of a kind, so many from each of seven bins of mentions",
        _when(lambda f: not 399 <= f.concepts <= 420, "{f.concepts} concepts, as the study lists them"),
    ),
    (
        "",
        "the captions of LAION2B-en, and for Stable Diffusion 2.1 of LAION-5B",
        _when(lambda f: not f.training_data_of_paper, "{f.training_data}"),
    ),
    (
        "D18",
        "for Stable Diffusion 2.1 scales the counts of LAION2B-en by the mentions in LAION-5B",
        _when(lambda f: f.rescaled, "the captions that the study names are counted and verified themselves"),
    ),
    (
        "",
        "one attempt a link, 30 seconds; drops files under 1 000 bytes, of one pixel or that do not decode",
        _when(lambda f: f.counted and f.fetched, "tries again where a server fails; drops what does not decode"),
    ),
    (
        "",
        "searches an index of the captions for each name and verifies what it downloads",
        _when(lambda f: not f.counted, "counts come from a table that the user gave; nothing was searched or verified"),
    ),
    (
        "",
        "phrase search whose idea of a word is the index's",
        _when(lambda f: f.counted, "consecutive words of the caption, without case and accents"),
    ),
    (
        "",
        "up to 100 000 images a concept",
        _when(lambda f: f.sampled_less > 0, "at most {f.sample} rows, fewer for {f.sampled_less} of {f.concepts}"),
    ),
    (
        "D9",
        "a concept none of whose images could be downloaded has count 0",
        _robust("{f.without_images} such concepts have no count", lambda f: f.counted and f.without_images > 0),
    ),
    (
        "D11",
        "counts faces, several of one image",
        _when(lambda f: f.counted and f.faces and not f.face_units, "images with a match are counted, each once"),
    ),
    (
        "D12",
        "searches full names; aliases only in a side result, where hits add up",
        _robust(
            "a caption counts once, by whichever name; {f.with_aliases} concepts have aliases",
            lambda f: f.counted and f.with_aliases > 0,
        ),
    ),
    ("D14", "counts without intervals", _robust("counts have intervals", lambda f: f.counted)),
    (
        "",
        "an image must first pass as a work of art, then as the artist's",
        _when(lambda f: f.counted and not f.faces and not f.filtered, "every readable image passes as a work of art"),
    ),
    (
        "",
        "an image must first pass as a work of art, by DFN5B CLIP at .1815 (classical) or .1769 (modern)",
        _when(lambda f: f.counted and bool(f.filtered), "{f.filtered}"),
    ),
    (
        "D15",
        "combines the two tests by position in differently ordered arrays",
        _when(lambda f: f.counted and not f.faces, "rows are joined by image"),
    ),
    (
        "D16",
        "cut-offs from mean similarities of whole reference sets, used on the best similarity",
        _when(lambda f: f.counted, "{f.cutoff}, for the similarity that is used"),
    ),
    (
        "D25",
        "images from the links that are alive today",
        _when(lambda f: f.counted and not f.fetched, "images from a folder or archive"),
    ),
)
_GENERATE: tuple[tuple[str, str, Instead], ...] = (
    (
        "",
        "generates with 50 steps, guidance 7.5, no safety checker",
        _when(lambda f: f.model is None, "images were given; model, prompts, seeds and settings are not known here"),
    ),
    (
        "",
        "Stable Diffusion 1.1 to 1.5 and 2.1",
        _when(lambda f: f.model is not None and not f.model_of_paper, "the model {f.model}"),
    ),
    (
        "",
        "50 steps, guidance 7.5",
        _when(lambda f: f.model is not None and bool(f.settings), "{f.settings}"),
    ),
    (
        "",
        "the checkpoint's sampler (PNDM) in float32; for 2.1 DPM-Solver in float16",
        _when(lambda f: bool(f.computing), "{f.computing}"),
    ),
    ("", "200 images for each of five prompts", _images),
    (
        "",
        "five prompts of its own",
        _when(lambda f: f.model is not None and not f.prompts_of_paper, "other prompts, {f.prompts} of them"),
    ),
    (
        "D20",
        "seeds count up from 0, skip one a batch, and are the same for all concepts",
        _when(lambda f: f.model is not None, "one seed an image, from study seed, concept, prompt and index"),
    ),
    (
        "D21",
        "two of five face prompts are malformed in the released code",
        _when(
            lambda f: f.model is not None and f.faces and f.prompts_of_paper and not f.prompt_bug,
            "the prompts as the paper prints them; which form gave the published numbers is not known",
        ),
    ),
    (
        "D21",
        "five well-formed face prompts in the paper's text",
        _when(lambda f: f.prompt_bug, "the malformed ones of its released code, as `prompt_bug` asks"),
    ),
    ("", "the same number of images for all concepts", _when(lambda f: f.adaptive, "more where they decide most")),
    ("", "keeps blank and failed images", _unusable),
)
_SCORE: tuple[tuple[str, str, Instead], ...] = (
    (
        "",
        "an ArcFace network for faces, the style descriptor CSD for art",
        _when(lambda f: not f.embedder_of_paper, "{f.embedder}"),
    ),
    ("", "vectors as they are", _when(lambda f: f.centred, "vectors centred on the mean of the references")),
    (
        "D10",
        "generated images count with exactly one face, without saying how many do not",
        _when(lambda f: f.faces and f.face_rule != "one", "face rule of the embedder: {f.face_rule}"),
    ),
    (
        "",
        "references from a web search, selected and vetted by hand",
        lambda f: "the references that the study names",
    ),
    (
        "D5",
        "the ten training images that fit best, chosen anew for each prompt",
        _robust("all pairs with at most {f.references} references drawn by seed"),
    ),
    (
        "D7",
        "training images where ten are verified, curated images otherwise",
        _when(lambda f: not f.paper or not f.counted, "references for all concepts"),
    ),
    (
        "D9",
        "a prompt without a usable image scores 0",
        _robust("a missing image is left out; {f.unscored} concepts have no score"),
    ),
    ("", "prompts weigh the same, whatever they lost", _robust("images weigh the same")),
    ("", "mean cosine", _when(lambda f: f.readout != "mean", "the readout {f.readout}")),
    ("D14", "scores without errors", _robust("scores have standard errors and null scores")),
)
_THRESHOLD: tuple[tuple[str, str, Instead], ...] = (
    ("D1", "reports the first break of a piecewise constant fit", _robust("shapes compared, a step must be tested")),
    ("D2", "penalty 0.9", _robust("no penalty; the paper's number stands beside ours")),
    ("D2", "penalty 0.9", _when(lambda f: f.paper and f.penalty != 0.9, "penalty {f.penalty:g}")),
    ("D3", "the rank of a concept is its place on the axis", _robust("the logarithm of the count is")),
    ("D4", "keeps the first break, rise or fall", _robust("only a rise counts")),
    (
        "D8",
        "ties in the order of an unstable sort",
        _when(
            lambda f: f.paper and f.tied > 0,
            "{f.tied} concepts with tied counts keep their order; the range over other orders is given",
        ),
    ),
    ("D8", "ties in the order of an unstable sort", _robust("breaks only between different counts")),
    ("D14", "a threshold without interval", _robust("intervals")),
    (
        "D23",
        "three people left out after looking at the results",
        _when(lambda f: f.faces, "nobody is left out but for the reasons listed"),
    ),
)
RULES = {"count": _COUNT, "generate": _GENERATE, "score": _SCORE, "threshold": _THRESHOLD}
