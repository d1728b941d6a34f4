"""What a pipeline's text encoders make of prompts, computed once for the prompts of a batch.

Prompts are encoded together only with those of the same batch, each once, in order of their words, so that an
embedding never depends on what other batches asked for; the empty or negative prompt is encoded once for all.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

_REMEMBERED = 64
_POOLED = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")
# What encode_prompt of each pipeline returns, by the names under which its call takes them; None is not passed on.
_RETURNS: dict[str, tuple[str | None, ...]] = {
    "StableDiffusionPipeline": ("prompt_embeds", "negative_prompt_embeds"),
    "StableDiffusionXLPipeline": _POOLED,
    "StableDiffusion3Pipeline": _POOLED,
    "FluxPipeline": ("prompt_embeds", "pooled_prompt_embeds", None),
    "PixArtSigmaPipeline": (
        *("prompt_embeds", "prompt_attention_mask"),
        *("negative_prompt_embeds", "negative_prompt_attention_mask"),
    ),
}


class PromptCache:
    """Turns prompts into arguments of a pipeline's call: embeddings where its family is known, else the words.

    May be used by several threads; they take turns, because tokenizers keep state between calls.
    """

    def __init__(self, pipeline: Any, negative_prompt: str | None, *, guided: bool) -> None:
        self._pipeline = pipeline
        self._family = type(pipeline).__name__
        self._device = pipeline._execution_device  # found by a walk over all modules, hence once
        self._negative = negative_prompt
        self._guided = guided
        self._known: dict[tuple[str, ...], dict[str, Any]] = {}
        self._unwanted: dict[str, Any] | None = None
        self._lock = threading.Lock()

    def arguments(self, texts: Sequence[str]) -> dict[str, Any]:
        """Keyword arguments for a batch with these prompts."""
        if self._family not in _RETURNS:
            words: dict[str, Any] = {"prompt": list(texts)}
            return words if self._negative is None else words | {"negative_prompt": [self._negative] * len(texts)}
        distinct = tuple(sorted(set(texts)))
        with self._lock:
            wanted, unwanted = self._embeddings(distinct), self._negative_embeddings()
        places = [distinct.index(text) for text in texts]
        found: dict[str, Any] = {name: value[places] for name, value in wanted.items()}
        found |= {name: value.expand(len(texts), *value.shape[1:]) for name, value in unwanted.items()}
        if self._family == "PixArtSigmaPipeline":
            found["negative_prompt"] = None  # its default, "", would clash with the embeddings
        return found

    def _embeddings(self, texts: tuple[str, ...]) -> dict[str, Any]:
        if texts not in self._known:
            if len(self._known) >= _REMEMBERED:
                self._known.pop(next(iter(self._known)))
            self._known[texts] = self._encode(texts, guided=False)
        return self._known[texts]

    def _negative_embeddings(self) -> dict[str, Any]:
        if self._unwanted is None:
            both = self._encode(("",), guided=True) if self._guided else {}
            self._unwanted = {name: value for name, value in both.items() if name.startswith("negative")}
        return self._unwanted

    def _encode(self, texts: tuple[str, ...], *, guided: bool) -> dict[str, Any]:
        given: dict[str, Any] = {"prompt": list(texts)}
        if self._family.startswith(("StableDiffusion3", "StableDiffusionXL", "Flux")):
            given["prompt_2"] = None
        if self._family == "StableDiffusion3Pipeline":
            given["prompt_3"] = None
        if self._family != "FluxPipeline":
            # PixArt takes "" where the others take None for no negative prompt.
            negative = "" if self._negative is None and self._family == "PixArtSigmaPipeline" else self._negative
            unwanted = None if negative is None else [negative] * len(texts)
            given |= {"do_classifier_free_guidance": guided, "negative_prompt": unwanted}
        given |= {"device": self._device, "num_images_per_prompt": 1}
        pairs = zip(_RETURNS[self._family], self._pipeline.encode_prompt(**given), strict=True)
        return {name: value for name, value in pairs if name is not None and value is not None}
