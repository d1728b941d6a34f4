"""What the answers of an images endpoint mean: an image, a refusal, try again, or give up."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from PIL import Image

from mimetic2.counting.fetching.links import seconds_of
from mimetic2.embedding.decoding import decode_bytes
from mimetic2.errors import InputError, Interrupted, MissingRequirement
from mimetic2.generation.api import Api

REFUSED = "refused by the provider"
NOT_AN_IMAGE = "the answer is not an image"
_REFUSALS = frozenset(
    {"content_policy_violation", "moderation_blocked", "content_filter", "image_generation_user_error", "safety"}
)
_REFUSING_WORDS = ("safety system", "content policy", "content_policy", "content moderation", "responsible ai")
_USED_UP = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})


class Again(Exception):  # noqa: N818 - an outcome, not an error of the program
    """Another attempt may succeed, after ``wait`` seconds if the server said so; ``charged`` if it may be billed."""

    def __init__(self, problem: str, wait: float | None = None, *, charged: bool = False) -> None:
        super().__init__(problem)
        self.wait, self.charged = wait, charged


@dataclass(frozen=True, slots=True)
class Answer:
    """An image, or the reason why there is none; how many requests may be billed; whether the prompt was rewritten."""

    image: Image.Image | None
    reason: str | None
    charged: int = 1
    rewritten: bool = False

    def after(self, charged: int) -> Answer:
        """The answer with the requests before it that may be billed too."""
        return replace(self, charged=self.charged + charged)


@dataclass(frozen=True, slots=True)
class Content:
    """What a good answer holds: bytes, or the link to them, or neither; ``problem`` says what is wrong with it."""

    data: bytes = b""
    link: str = ""
    problem: str = ""
    rewritten: bool = False


def content_of(body: bytes) -> Content:
    """The image of ``{"data": [{"b64_json"}]}`` or ``{"data": [{"url"}]}``.

    Some providers answer a refused prompt with no image at all.
    """
    items = _parsed(body).get("data")
    item = items[0] if isinstance(items, list) and items and isinstance(items[0], Mapping) else {}
    text, link, rewritten = item.get("b64_json"), item.get("url"), bool(item.get("revised_prompt"))
    if isinstance(text, str) and text:
        try:
            return Content(data=base64.b64decode(text, validate=True), rewritten=rewritten)
        except binascii.Error:
            return Content(problem=f"{NOT_AN_IMAGE}: broken base64", rewritten=rewritten)
    if isinstance(link, str) and link:
        return Content(link=link, rewritten=rewritten)
    return Content(problem=f"{REFUSED}: no image in the answer", rewritten=rewritten)


def image_of(url: str, content: Content, data: bytes, size: tuple[int, int] | None) -> Answer:
    """The answer that ``data`` make; raises :class:`InputError` for an image of another size than was asked for."""
    if content.problem:
        return Answer(None, content.problem, rewritten=content.rewritten)
    image, reason = decode_bytes(data)
    if image is None:
        return Answer(None, f"{NOT_AN_IMAGE}: {reason}", rewritten=content.rewritten)
    if size is not None and image.size != size:
        problem = f"{url}: the image has {_shape(image.size)} pixels, {_shape(size)} were asked for"
        raise InputError(problem, accepted="a size that this model makes, or no --size")
    return Answer(image, None, rewritten=content.rewritten)


def explain(url: str, api: Api, status: int, retry_after: str | None, body: bytes, key: str) -> Answer:
    """A refusal of this prompt, as an answer; anything else is raised.

    :class:`Again` for what another attempt may cure, :class:`Interrupted` for a quota used up,
    :class:`MissingRequirement` for a missing or refused key, :class:`InputError` for the rest.
    """
    error = _parsed(body).get("error")
    error = error if isinstance(error, Mapping) else {"message": str(error or "")}
    code = _shown(str(error.get("code") or error.get("type") or ""), key)
    message = _shown(str(error.get("message") or ""), key)
    if code in _USED_UP or status == 402:
        raise Interrupted(f"{url}: the provider's quota is used up ({message}): the same command goes on from here")
    if status in _AGAIN:
        raise Again(f"HTTP {status}", seconds_of(retry_after), charged=status == 504)
    if code in _REFUSALS or any(words in message.lower() for words in _REFUSING_WORDS):
        return Answer(None, f"{REFUSED}: {code or 'content policy'}")
    if status == 401:
        refused = f"{url} refuses the key in ${api.key_variable}"
        raise MissingRequirement(refused if key else f"{url} wants a key: set ${api.key_variable}")
    raise InputError(f"{url} answers HTTP {status} to model '{api.model}' ({message or code or 'no reason'})")


def _shown(message: str, key: str) -> str:
    """What may be shown of a server's words: one line, short, without the key, should the server repeat it."""
    return " ".join((message.replace(key, "[key]") if key else message).split())[:200]


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except ValueError:
        return {}
    return answer if isinstance(answer, dict) else {}


def _shape(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
