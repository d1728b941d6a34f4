"""Words to vectors: a tokenizer that knows the captions' words, and a small CLIP text encoder, untrained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from mimetic2.lab.captions import vocabulary

if TYPE_CHECKING:
    from transformers import CLIPTextModel, PreTrainedTokenizerFast

LENGTH = 16
_SPECIAL = ("<pad>", "<bos>", "<eos>", "<unk>")


def new_tokenizer() -> PreTrainedTokenizerFast:
    """One token a word or mark, lower-cased; a word outside the captions' vocabulary becomes ``<unk>``."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    words = {word: place for place, word in enumerate((*_SPECIAL, *vocabulary()))}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token=_SPECIAL[-1]))
    tokenizer.normalizer = normalizers.Lowercase()
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<bos> $A <eos>", special_tokens=[("<bos>", words["<bos>"]), ("<eos>", words["<eos>"])]
    )
    marks = {f"{mark.strip('<>')}_token": mark for mark in _SPECIAL}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, model_max_length=LENGTH, **marks)


def new_text_encoder(words: int, width: int) -> CLIPTextModel:
    """An untrained encoder of 2 layers; draws its weights from torch's global generator."""
    from transformers import CLIPTextConfig, CLIPTextModel

    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=words,
            hidden_size=width,
            intermediate_size=4 * width,
            num_hidden_layers=2,
            num_attention_heads=4,
            max_position_embeddings=LENGTH,
            hidden_act="gelu",
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
            projection_dim=width,
        )
    )


def tokens(tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> torch.Tensor:
    """Token numbers (n, LENGTH) of captions, padded and cut to length."""
    encoded = tokenizer(captions, padding="max_length", max_length=LENGTH, truncation=True, return_tensors="pt")
    ids: torch.Tensor = encoded.input_ids
    return ids
