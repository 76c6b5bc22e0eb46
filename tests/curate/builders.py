"""Segments, snapshots and pools by hand."""

import pyarrow as pa

from dart_k8s.edges.store.base import Store
from dart_k8s.edges.store.memory import MemoryStore
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import Row, Waste, encode_segment
from dart_k8s.workers.curate.compact import Compaction, compact
from dart_k8s.workers.curate.pool import PoolSource, Provenance, SealedAttempt


def attempt(number: int, *, shard: int = 0) -> str:
    return str(AttemptName(ShardName(PlanName(1, 1), shard), number))


def snapshot(count: int, **columns: list[object]) -> pa.Table:
    given = {
        "id": [f"math/{q}" for q in range(count)],
        "source": ["math"] * count,
        "query": [f"What is {q} + {q}?" for q in range(count)],
        "answer": [str(2 * q) for q in range(count)],
        "subject": ["sums"] * count,
        "level": [f"Level {q % 5 + 1}" for q in range(count)],
        **columns,
    }
    return pa.table({name: pa.array(values, pa.string()) for name, values in given.items()})


def trial(query: int, place: int, verdict: str | None = "correct", text: str | None = None, **fields: object) -> Row:
    """A trial; its text says which one it is unless given."""
    response = text if text is not None else f"Trial {place} of query {query}: \\boxed{{{2 * query}}}"
    return Row(
        query=query,
        place=place,
        response=response,
        tokens=len(response.split()),
        prompt_tokens=7,
        verdict=verdict,
        reason=None if verdict is None else f"is {verdict}",
        answer=None if verdict is None else str(2 * query if verdict == "correct" else 2 * query + 1),
        tier=None if verdict is None else "string",
        text=abs(hash_of(" ".join(response.split()))),
        **fields,  # type: ignore[arg-type]
    )


def hash_of(text: str) -> int:
    """64 bits of a text, the same in every process."""
    value = 1469598103934665603
    for byte in text.encode():
        value = (value ^ byte) * 1099511628211 % 2**64
    return value


def void(query: int, place: int) -> Row:
    return Row(query=query, place=place, finish="error")


def late(query: int, place: int, verdict: str, *, attempt: str = "") -> Row:
    """The verdict of a trial that was written while pending."""
    return Row(
        query=query, place=place, attempt=attempt, verdict=verdict, reason="was late", answer="7", tier="symbolic"
    )


def put_segments(store: Store, name: str, *segments: list[Row], verifier: str = "1") -> int:
    for sequence, rows in enumerate(segments):
        data = encode_segment(rows, waste=Waste(), final=False, verifier=verifier)
        store.put(AttemptName.parse(name).segment(sequence), data)
    return len(segments)


def sealed(store: Store, attempts: list[list[list[Row]]]) -> list[SealedAttempt]:
    """Write attempts (each a list of segments, each a list of rows) and name them in launch order."""
    return [
        SealedAttempt(
            name=attempt(0, shard=order), order=order, segments=put_segments(store, attempt(0, shard=order), *segments)
        )
        for order, segments in enumerate(attempts)
    ]


def pool_of(rows: list[Row], queries: pa.Table, *, name: str = "own") -> tuple[PoolSource, Compaction]:
    """A sealed pool of one attempt with one segment."""
    store = MemoryStore()
    done = compact(store, sealed(store, [[rows]]), queries)
    provenance = Provenance(engine="scripted", template="alpaca", sampling='{"temperature": 1.6}', verifier="1")
    return PoolSource(name=name, store=store, provenance=provenance), done
