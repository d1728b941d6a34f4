"""A sample to a folder of images: who may be asked, who was, and what became of it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from mimetic2.counting.fetching.client import USER_AGENT, Client, Limits
from mimetic2.counting.fetching.failures import BLOCKED, Failure
from mimetic2.counting.fetching.links import host_of
from mimetic2.counting.fetching.selection import UNSAFE_ABOVE, Blocklist, refusals
from mimetic2.counting.fetching.store import Outcome, Store, outcome_of
from mimetic2.errors import InputError
from mimetic2.files import write_json
from mimetic2.progress import Bar, bar, log

FUNNEL = "funnel.json"


@dataclass(frozen=True)
class Fetched:
    """The rows with what became of them (as in the folder's tables), and the funnel: links by outcome."""

    rows: pl.DataFrame
    funnel: dict[str, int]

    @property
    def alive(self) -> int:
        """Links with an image."""
        return self.funnel["fetched"]


def fetch_sample(
    sample: pl.DataFrame,
    out: Path,
    *,
    concepts: Collection[str] | None = None,
    block: Blocklist | None = None,
    unsafe_above: float = UNSAFE_ABOVE,
    retry: bool = False,
    limits: Limits | None = None,
) -> Fetched:
    """Fetch every link of ``sample`` (concept, url; optionally caption, multiplicity, punsafe, NSFW) once.

    ``concepts``: rows of others are not fetched. ``retry``: links that failed in an earlier call are asked again;
    otherwise an earlier outcome stands. Writes into ``out`` the layout of `store`, and ``funnel.json``. Raises
    `InputError` for a sample without links. Nothing that a host does ends the call.
    """
    limits = limits or Limits()
    rows = _rows(sample)
    refused = dict(zip(rows["url"], _strictest(sample, rows, concepts, block, unsafe_above), strict=True))
    with Store(out) as store:
        known = {url: outcome for url, outcome in store.known().items() if outcome.alive or not retry}
        for url, outcome in known.items():
            if outcome.alive and (refused.get(url) is not None or store.holds_blocked(outcome, block)):
                known[url] = Outcome(url, refused.get(url) or BLOCKED)
                store.remove(outcome, known[url])
        todo = [url for url in dict.fromkeys(rows["url"]) if refused[url] is None and url not in known]
        already = len(refused) - len(todo)
        if todo and limits.user_agent == USER_AGENT:
            log("hosts are told no contact; --user-agent (in a study: fetch: {user_agent: …}) names one")
        with bar("fetch", len(refused), unit="links", already=already) as progress:
            try:
                known |= asyncio.run(_fetch_all(todo, store, block or Blocklist(), limits, progress))
            except* (OSError, sqlite3.OperationalError) as group:
                raise InputError(f"cannot be written ({group.exceptions[0]})", file=out) from group
        outcomes = [_final(url, refused[url], known) for url in rows["url"]]
        store.write_tables(rows, outcomes)
    funnel = _funnel({outcome.url: outcome for outcome in outcomes})
    write_json(out / FUNNEL, funnel)
    state = pl.Series("status", ["success" if each.alive else "failed" for each in outcomes], pl.String)
    return Fetched(rows.with_columns(state, pl.Series("reason", [o.reason for o in outcomes], pl.String)), funnel)


def _rows(sample: pl.DataFrame) -> pl.DataFrame:
    """One row a (concept, url), sorted; the first caption, multiplicities added."""
    for column in ("concept", "url"):
        if column not in sample.columns:
            raise InputError("is missing in the sample", column=column, accepted="a sample that `count` wrote")
    if (sample["url"].cast(pl.String).fill_null("") == "").any():
        accepted = "a link in every row: captions in which `count` finds a column of links"
        raise InputError("is empty in the sample", column="url", accepted=accepted)
    caption = pl.col("caption") if "caption" in sample.columns else pl.lit(None, pl.String)
    number = pl.col("multiplicity").cast(pl.Int64) if "multiplicity" in sample.columns else pl.lit(1, pl.Int64)
    return (
        sample.with_columns(caption.alias("caption"), number.alias("multiplicity"))
        .group_by("concept", "url")
        .agg(pl.col("caption").min(), pl.col("multiplicity").sum())
        .sort("concept", "url")
    )


def _strictest(
    sample: pl.DataFrame,
    rows: pl.DataFrame,
    concepts: Collection[str] | None,
    block: Blocklist | None,
    unsafe_above: float,
) -> list[str | None]:
    """Per row why its link is not fetched; a link that one listed concept's row asks for is fetched."""
    reasons = refusals(sample, concepts=concepts, block=block, unsafe_above=unsafe_above)
    by_link: dict[str, str | None] = {}
    for url, reason in zip(sample["url"], reasons, strict=True):
        by_link[url] = None if reason is None else by_link.get(url, reason)
    return [by_link[url] for url in rows["url"]]


async def _fetch_all(
    urls: list[str], store: Store, block: Blocklist, limits: Limits, progress: Bar
) -> dict[str, Outcome]:
    """All links, host by host, at most ``concurrency`` at once over all hosts and ``per_host`` at each."""
    by_host: defaultdict[str, list[str]] = defaultdict(list)
    for url in urls:
        by_host[host_of(url)].append(url)
    outcomes: dict[str, Outcome] = {}
    reasons: Counter[str] = Counter()

    async def work(queue: list[str], client: Client) -> None:
        while queue:
            url = queue.pop()
            outcome, data = await _fetch_one(url, client, block)
            store.keep(outcome, data)
            outcomes[url] = outcome
            reasons[outcome.reason or "fetched"] += 1
            progress.advance(1, ", ".join(f"{number:,} {reason}" for reason, number in reasons.most_common(4)))

    async with Client(limits, blocked=block.urls) as client, asyncio.TaskGroup() as group:
        for queue in by_host.values():
            queue.reverse()
            for _ in range(min(limits.per_host, len(queue))):
                group.create_task(work(queue, client))
    return outcomes


async def _fetch_one(url: str, client: Client, block: Blocklist) -> tuple[Outcome, bytes | None]:
    try:
        data, content = await client.get(url)
        if block.has(data):
            raise Failure(BLOCKED)
    except Failure as failure:
        return Outcome(url, str(failure)), None
    return outcome_of(url, data, content.ending, content.width, content.height), data


def _final(url: str, refused: str | None, known: dict[str, Outcome]) -> Outcome:
    """A refusal stands also where an earlier call, with another block list, fetched the link."""
    return Outcome(url, refused) if refused is not None else known[url]


def _funnel(outcomes: dict[str, Outcome]) -> dict[str, int]:
    counted = Counter(outcome.reason or "fetched" for outcome in outcomes.values())
    fetched = counted.pop("fetched", 0)
    return {"links": len(outcomes), "fetched": fetched, **dict(sorted(counted.items()))}
