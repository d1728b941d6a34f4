"""What a pipeline's text encoders make of a prompt, computed once a prompt.

Every prompt is encoded alone, so that its embedding does not depend on what shares the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

_REMEMBERED = 512
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
    """Turns prompts into arguments of a pipeline's call: embeddings where its family is known, else the words."""

    def __init__(self, pipeline: Any, negative_prompt: str | None, *, guided: bool) -> None:
        self._pipeline = pipeline
        self._negative = negative_prompt
        self._guided = guided
        self._names = _RETURNS.get(type(pipeline).__name__)
        self._known: dict[str, dict[str, Any]] = {}

    def arguments(self, texts: Sequence[str]) -> dict[str, Any]:
        """Keyword arguments for a batch with these prompts."""
        if self._names is None:
            words: dict[str, Any] = {"prompt": list(texts)}
            return words if self._negative is None else words | {"negative_prompt": [self._negative] * len(texts)}
        import torch

        if len(self._known) > _REMEMBERED:
            self._known.clear()
        encoded = [self._encode(text) for text in texts]
        found: dict[str, Any] = {name: torch.cat([each[name] for each in encoded]) for name in encoded[0]}
        if type(self._pipeline).__name__ == "PixArtSigmaPipeline":
            found["negative_prompt"] = None  # its default, "", would clash with the embeddings
        return found

    def _encode(self, text: str) -> dict[str, Any]:
        if text not in self._known:
            given: dict[str, Any] = {"prompt": text}
            family = type(self._pipeline).__name__
            if family.startswith(("StableDiffusion3", "StableDiffusionXL", "Flux")):
                given["prompt_2"] = None
            if family == "StableDiffusion3Pipeline":
                given["prompt_3"] = None
            if family != "FluxPipeline":
                given |= {"do_classifier_free_guidance": self._guided, "negative_prompt": self._negative}
            if family == "PixArtSigmaPipeline":
                given["negative_prompt"] = self._negative or ""  # where others take None for no negative prompt
            given |= {"device": self._pipeline._execution_device, "num_images_per_prompt": 1}
            values = self._pipeline.encode_prompt(**given)
            pairs = zip(self._names or (), values, strict=True)
            self._known[text] = {name: value for name, value in pairs if name is not None and value is not None}
        return self._known[text]
