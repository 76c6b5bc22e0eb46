"""Starting an engine and a sampler for an output: what sampler processes and sampler pods have in common."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path

from dart_k8s.api import Synthesis
from dart_k8s.edges.engine.base import Engine, EngineInfo, Prompt
from dart_k8s.edges.store import Store
from dart_k8s.errors import SpecError

from .access import Access, Tell
from .holders import claims_of
from .opening import open_model
from .record import RunRecord
from .sample import Problems, Sampler
from .snapshot import Snapshot
from .translate import engine_of, executor_of, prompt_of, responder_of, sampler_settings, verifier_of

PROMPTS_KEPT = 4096
"""Rendered prompts kept in memory: those of the shards at work."""


def make_engine(
    synthesis: Synthesis,
    run: RunRecord,
    *,
    cache: Path,
    offline: bool,
    log: Path | None = None,
    measured: bool = False,
) -> Engine:
    """The engine of a prepared run, not started. Its model is fetched into the cache if it is not there: this blocks.

    `measured`: the engine's own metrics go to the process's registry.
    """
    folder = None
    if synthesis.spec.model is not None and synthesis.spec.engine.kind == "vllm":
        folder = open_model(synthesis.spec.model.uri, run.model_revision, cache=cache, offline=offline).path
    seed = (synthesis.spec.sampling.seed * 1_000_003 + secrets.randbits(31)) % (1 << 31)
    return engine_of(synthesis, model=folder, seed=seed, log=log, measured=measured)


def facts_of(info: EngineInfo) -> dict[str, object]:
    """What is said of an engine that has started."""
    return {
        "kind": info.kind, "model": info.model, "version": info.version, "dtype": info.dtype, "slots": info.slots,
    }  # fmt: skip


@asynccontextmanager
async def sampler_of(
    store: Store, synthesis: Synthesis, run: RunRecord, engine: Engine, tell: Tell
) -> AsyncIterator[Sampler]:
    """A sampler with its verifier and the way to its store; all of it is closed at the end, the engine is not.

    SpecError: this program's verdicts are of another version than the run's.
    """
    snapshot = await asyncio.to_thread(Snapshot.load, store)
    verifier = verifier_of(synthesis)
    if verifier.version != run.verifier:
        raise SpecError(
            f"Cannot go on with {store.uri}: its verdicts come from verifier {run.verifier}, this program has "
            f"{verifier.version}, and a state never mixes two.",
            remedy="Judge all of it anew with `dart reverify FILE`, go on with the program that began it, or start "
            "from its pool (spec.pool.from) in another output.",
        )
    access = Access(store, tell=tell)
    settings = synthesis.spec.claims
    claims = claims_of(access, "sampler", heartbeat=settings.heartbeat_seconds, ttl=settings.ttl_seconds)

    @lru_cache(maxsize=PROMPTS_KEPT)
    def prompt(row: int) -> Prompt:
        return prompt_of(synthesis, snapshot.query(row))

    executor = executor_of(synthesis)
    try:
        if executor is not None:
            tell("confinement", **asdict(await executor.start()))
        yield Sampler(
            engine=engine,
            verifier=verifier,
            access=access,
            claims=claims,
            settings=sampler_settings(synthesis),
            problems=Problems(prompt=prompt, query=snapshot.query, reference=snapshot.reference),
            tell=tell,
            responder=responder_of(synthesis, engine, executor, tell),
        )
    finally:
        await verifier.close()
        if executor is not None:
            await executor.close()
        access.close()


__all__ = ["facts_of", "make_engine", "sampler_of"]
