"""`dart rescore`: the responses of an Evaluation scored again by this program's verifier, without sampling."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from dart_k8s.edges.store import open_store
from dart_k8s.workers.access import Tell, silent

from . import record
from .score import Scored, is_current, report_in, score


@dataclass(frozen=True, slots=True, kw_only=True)
class Rescored:
    """What came of it."""

    scored: Scored
    before: str | None
    """Version of the verifier of the report that was there; None without one."""
    fresh: bool
    """Whether anything was judged: not if the report is of this version, rules and intervals already."""


async def rescore(
    uri: str,
    *,
    again: bool = False,
    processes: int | None = None,
    tell: Tell = silent,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rescored:
    """Score an output again; the report that was there is kept beside the new one.

    Raises SpecError where there is no evaluation, RunError while its passes are not finished.
    """
    store = open_store(uri)
    found = await asyncio.to_thread(record.need, store)
    old = await asyncio.to_thread(report_in, store)
    before = None if old is None else str(old.get("versions", {}).get("verifier"))
    if old is not None and not again and is_current(old, found):
        return Rescored(scored=Scored(report=old, uri=uri), before=before, fresh=False)
    made = await score(store, found, processes=processes, keep_earlier=True, tell=tell, progress=progress)
    return Rescored(scored=made, before=before, fresh=True)


__all__ = ["Rescored", "rescore"]
