"""Images from a model behind an API.

An API promises no seed: its images cannot be made again, so what is recorded is never asked for twice, and images of a
batch have nothing to do with each other. Requests that were paid for are kept: when one fails for good, those under way
are waited for and recorded before the run stops.
"""

from __future__ import annotations

import asyncio
import importlib.util
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from mimetic2.errors import InputError, MissingRequirement
from mimetic2.generation.backend import Outcomes, Sampling
from mimetic2.generation.prompts import ImageJob
from mimetic2.generation.quality import fault_of_levels
from mimetic2.generation.store import Made
from mimetic2.progress import log

if TYPE_CHECKING:
    from mimetic2.generation.answers import Answer
    from mimetic2.generation.endpoint import Endpoint

KEY_VARIABLE = "MIMETIC2_API_KEY"
UNREPEATABLE = "the images come from an API without seeds: the same images cannot be made again"
REWRITTEN = "the API rewrote prompts: its images answer other words than the study's"
_Outcome = tuple[int, list[Made]]


def is_address(model: str) -> bool:
    """Whether a model's name is the address of an endpoint."""
    return model.startswith(("http://", "https://"))


class Api(BaseModel):
    """A model behind an endpoint in OpenAI's style, and how it may be used; the endpoint's address is apart.

    ``model`` is the provider's name of the model; ``key_variable`` the environment variable that holds the key (none is
    sent where it is unset); ``options`` further fields of the request, such as ``quality``. At most ``parallel``
    requests at once and ``per_minute`` started a minute; times in seconds, ``backoff`` doubles from attempt to attempt.
    ``price`` is what an image costs, ``max_cost`` the most that all images of one output folder may cost together, in
    the same unit. ``allow_private``: the endpoint may be on this machine or in a private network.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    model: str = Field(min_length=1)
    key_variable: str = Field(default=KEY_VARIABLE, pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")
    options: dict[str, str | int | float | bool] = {}
    per_minute: float | None = Field(default=None, gt=0)
    parallel: int = Field(default=4, ge=1, le=256)
    attempts: int = Field(default=6, ge=1)
    timeout: float = Field(default=180.0, gt=0)
    backoff: float = Field(default=2.0, ge=0)
    price: float = Field(default=0.0, ge=0)
    max_cost: float | None = Field(default=None, gt=0)
    allow_private: bool = False


def check_address(url: str, api: Api) -> None:
    """Raise :class:`InputError` for an address that is none, holds credentials or would be spoken to unencrypted."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise InputError(f"'{url}' is not the address of an endpoint", accepted="https://HOST/v1")
    if parts.username is not None or parts.password is not None:
        raise InputError("the endpoint's address holds credentials", accepted=f"a key in ${api.key_variable}")
    if parts.scheme == "http" and not api.allow_private:
        raise InputError(f"{url} would be spoken to unencrypted", accepted="https:// or --api-allow-private")
    if api.max_cost is not None and api.price <= 0:
        raise InputError("a cost cap needs the price of an image", accepted="--api-price PRICE above 0")


class ApiBackend:
    """A model behind an endpoint in OpenAI's style."""

    fixed_batches = False

    def __init__(self, url: str, api: Api, sampling: Sampling) -> None:
        check_address(url, api)
        chosen = {
            "--steps": sampling.steps,
            "--guidance": sampling.guidance,
            "--negative-prompt": sampling.negative_prompt,
            "--safety-checker": sampling.safety_checker or None,
        }
        for option, value in chosen.items():
            if value is not None:
                accepted = "--api-option NAME=VALUE for what the provider offers"
                raise InputError(f"{option} has no effect on a model behind an API", accepted=accepted)
        self._url, self._api, self.price = url.rstrip("/"), api, api.price
        self._size = None if sampling.width is None or sampling.height is None else (sampling.width, sampling.height)
        self._told = False

    def automatic_batch_size(self, jobs: Sequence[ImageJob]) -> int:
        """One: images are independent of each other."""
        return 1

    def identity(self) -> Mapping[str, Any]:
        """See :class:`mimetic2.generation.backend.Backend`."""
        return {
            "endpoint": self._url,
            "model": self._api.model,
            "options": self._api.options,
            "size": list(self._size) if self._size else None,
        }

    def render(self, batches: Sequence[Sequence[ImageJob]]) -> Outcomes:
        """See :class:`mimetic2.generation.backend.Backend`; one outcome at a time, as answers come."""
        with asyncio.Runner() as runner:
            outcomes = self._outcomes([(number, job) for number, batch in enumerate(batches) for job in batch])
            try:
                while (outcome := runner.run(_next(outcomes))) is not None:
                    yield outcome
            finally:
                runner.run(outcomes.aclose())

    async def _outcomes(self, jobs: Sequence[tuple[int, ImageJob]]) -> AsyncGenerator[_Outcome, None]:
        from mimetic2.generation.endpoint import Endpoint

        waiting = iter(jobs)
        under_way: set[asyncio.Task[_Outcome]] = set()
        failure: BaseException | None = None
        async with Endpoint(self._url, self._api, self._size) as endpoint:
            try:
                while True:
                    while failure is None and len(under_way) < self._api.parallel and (job := next(waiting, None)):
                        under_way.add(asyncio.create_task(self._make(endpoint, *job)))
                    if not under_way:
                        break
                    done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
                    for task in done:
                        failure = failure or task.exception()
                        if task.exception() is None:
                            yield task.result()
            finally:
                for task in under_way:
                    task.cancel()
        if failure is not None:
            raise failure

    async def _make(self, endpoint: Endpoint, number: int, job: ImageJob) -> _Outcome:
        answer = await endpoint.ask(job.text)
        if answer.rewritten and not self._told:
            self._told = True
            log(f"warning: {REWRITTEN} (revised_prompt)")
        return number, [_made(job, answer, self.price)]


async def _next(outcomes: AsyncGenerator[_Outcome, None]) -> _Outcome | None:
    return await anext(outcomes, None)


def _made(job: ImageJob, answer: Answer, price: float) -> Made:
    cost = answer.charged * price
    if answer.image is None:
        return Made(job, None, answer.reason, cost)
    levels = np.asarray(answer.image)
    reason = fault_of_levels(levels)
    return Made(job, None if reason else levels, reason, cost)


def need_fetch() -> None:
    """Raise :class:`MissingRequirement` unless the packages of the extra ``fetch`` are installed."""
    for package in ("httpx2", "tenacity"):
        if importlib.util.find_spec(package) is None:
            raise MissingRequirement.extra(package, "fetch", "a model behind an API")  # noqa: S610 - no database here
