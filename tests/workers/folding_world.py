"""Runs whose planner is the operator's folding child: asked to fold again and again, killed and replaced."""

import json
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dart_k8s.api import Synthesis, digest, load_one, to_dict
from dart_k8s.edges.store import Store
from dart_k8s.ledger.keys import QUERIES, RUN
from dart_k8s.ledger.state import Phase
from dart_k8s.workers import record, snapshot
from dart_k8s.workers.access import Access, Tell
from dart_k8s.workers.folding.folds import PATIENCE, Folds
from dart_k8s.workers.record import RunRecord
from dart_k8s.workers.snapshot import Query
from dart_k8s.workers.translate import goal_of
from tests.simulation import World

from .faults import Killed, SlowAccess, Trouble, Wire, asyncio

LEASE = "dart/operator"
RATES = np.array([0.9, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2])


def declared(**spec: Any) -> Synthesis:
    """A Synthesis over the twelve queries of `RATES`; `spec` replaces top-level fields."""
    fields: dict[str, Any] = {
        "queries": [{"name": "sums", "uri": "s3://bucket/queries.jsonl"}],
        "engine": {"kind": "scripted", "script": "script.json", "args": {"verifier": "exact"}},
        "prompt": {"inline": "{query}"},
        "strategy": {"kind": "uniform", "target": 3},
        "budget": {"maxTrialsPerQuery": 60, "hopelessAfter": 16},
        "claims": {"heartbeatSeconds": 4, "ttlSeconds": 24},
        "sharding": {"trials": 24},
        "output": {"uri": "s3://bucket/toy"},
    }
    document = {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": "toy", "namespace": "math"},
        "spec": {**fields, **spec},
    }
    return load_one(json.dumps(document), "the test")


def prepare(store: Store, synthesis: Synthesis, queries: int = RATES.size) -> None:
    """What a prepare pod writes besides the first state."""
    rows = [Query(id=str(n), source="sums", query=str(n), answer=str(n)) for n in range(queries)]
    store.put(QUERIES, snapshot.encode(rows))
    made = RunRecord(
        declaration=to_dict(synthesis),
        digest=digest(synthesis),
        queries=queries,
        sources=(),
        model_revision=None,
        verifier="exact-1",
    )
    store.put_if_absent(RUN, record.encode(made))


def small(synthesis: Synthesis, **changes: Any) -> World:
    """Two samplers of eight slots, trials of about a second."""
    settings: dict[str, Any] = {
        "samplers": 2, "slots": 8, "tokens": 40.0, "late": 0.5, "shard_seconds": 6.0, "flush_seconds": 4.0,
        "heartbeat": 4.0, "ttl": 24.0, "fold_every": 4.0,
    }  # fmt: skip
    world = World(rates=RATES, goal=goal_of(synthesis), **{**settings, **changes})
    prepare(world.store, synthesis)
    return world


def request(synthesis: Synthesis, **fields: Any) -> str:
    """A fold's request."""
    asked = {"id": 1, "output": synthesis.spec.output.uri, "declaration": to_dict(synthesis), "samplers": 2}
    return json.dumps({**asked, "lease": LEASE, "cause": "test", **fields})


def folds(store: Store, answers: list[Mapping[str, Any]], **options: Any) -> Folds:
    """A child's folds on a store in memory."""

    def connect(uri: str, tell: Tell) -> Access:
        return Access(store, patience=PATIENCE, tell=tell, direct=True)

    return Folds(answer=answers.append, connect=connect, **options)


@dataclass(kw_only=True)
class FoldingTrouble(Trouble):
    """A world whose planners are folding children."""

    declaration: Synthesis
    leases: Mapping[str, str] = field(default_factory=lambda: {"planner": LEASE, "rival": LEASE})
    answers: list[Mapping[str, Any]] = field(default_factory=list)

    def _planner(self, name: str, wire: Wire, number: int) -> Coroutine[Any, Any, object]:
        return self._child(self.leases[name.partition("-")[0]], wire, number)

    async def _child(self, lease: str, wire: Wire, number: int) -> object:
        said: list[Mapping[str, Any]] = []

        def connect(uri: str, tell: Tell) -> Access:
            return SlowAccess(
                wire, latency=self.latency, seed=self.seed * 77 + number, tell=self.world.tell, patience=PATIENCE
            )

        served = Folds(answer=said.append, tell=self.world.tell, connect=connect)
        while True:
            await served.serve(request(self.declaration, lease=lease))
            if wire.dead:
                raise Killed
            answer = said.pop()
            self.answers.append(answer)
            if answer.get("progress", {}).get("phase") == "closed":
                return Phase.CLOSED
            await asyncio.sleep(self.world.fold_every)


__all__ = ["LEASE", "RATES", "FoldingTrouble", "declared", "folds", "prepare", "request", "small"]
