"""Curation of many responses: minutes and peak memory of compact + select + write, as a row of a Markdown table.

    python -m tests.benchmarks.curation [RESPONSES]      (default 1,000,000, of about 1.2 kB each)

Segments of 4 MiB are generated on a folder store first (not measured). Each stage then runs in a child process of its
own, so the peak resident memory is that stage's alone, Python and libraries included.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa

from dart_k8s.api.curating import Curation
from dart_k8s.edges.store.local import LocalStore
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import Row, Waste, encode_segment
from dart_k8s.workers.curate.assemble import Known, assemble
from dart_k8s.workers.curate.card import About
from dart_k8s.workers.curate.compact import compact
from dart_k8s.workers.curate.pool import PoolSource, Provenance, SealedAttempt
from dart_k8s.workers.curate.select import rule_for

QUERIES = 15_000
PER_SEGMENT = 3_500
"""Responses of 1.2 kB in 4 MiB."""
SEGMENTS_PER_ATTEMPT = 6
TARGET = 192
WORDS = 210
"""Words of a response; about 1.2 kB."""


def queries() -> pa.Table:
    numbers = range(QUERIES)
    return pa.table(
        {
            "id": [f"math/{q}" for q in numbers],
            "source": ["math"] * QUERIES,
            "query": [f"How much is {q} plus {q} if all else stays as it is?" for q in numbers],
            "answer": [str(2 * q) for q in numbers],
            "subject": ["sums"] * QUERIES,
            "level": [str(q % 5 + 1) for q in numbers],
        }
    )


def pass_rates() -> np.ndarray:
    return np.random.default_rng(1).beta(1.6, 0.5, QUERIES)


def generate(store: LocalStore, responses: int) -> list[SealedAttempt]:
    """Trials of random queries with random words: hard to compress, as real ones are."""
    chance = np.random.default_rng(2)
    rates = pass_rates()
    vocabulary = np.array([f"w{n}" if n % 3 else f"word{n}" for n in range(5_000)], dtype=object)
    attempts: list[SealedAttempt] = []
    left, shard = responses, 0
    while left:
        name = AttemptName(ShardName(PlanName(1, 1), shard), 0)
        places = np.zeros(QUERIES, dtype=np.int64)
        segments = 0
        while segments < SEGMENTS_PER_ATTEMPT and left:
            size = min(PER_SEGMENT, left)
            chosen = chance.integers(0, QUERIES, size)
            words = vocabulary[chance.integers(0, vocabulary.size, (size, WORDS))]
            rows = []
            for query, text in zip(chosen.tolist(), words, strict=True):
                correct = chance.random() < rates[query]
                rows.append(
                    Row(
                        query=query,
                        place=int(places[query]),
                        response=" ".join(text),
                        tokens=300,
                        prompt_tokens=80,
                        verdict="correct" if correct else "incorrect",
                        reason="equal" if correct else "different",
                        answer=str(2 * query if correct else 2 * query + int(chance.integers(1, 9))),
                        tier="string",
                        text=int(chance.integers(0, 2**63)),
                    )
                )
                places[query] += 1
            store.put(name.segment(segments), encode_segment(rows, waste=Waste(), final=False, verifier="1"))
            segments += 1
            left -= size
        attempts.append(SealedAttempt(name=str(name), order=shard, segments=segments))
        shard += 1
    return attempts


def stage(name: str, folder: Path) -> None:
    """Run one stage in this process and print its seconds and peak memory as JSON."""
    store = LocalStore(folder)
    snapshot, rates = queries(), pass_rates()
    started = time.perf_counter()
    if name == "compact":
        listed = json.loads((folder / "attempts.json").read_text())
        rows = compact(store, [SealedAttempt(**one) for one in listed], snapshot, posterior=rates.tolist()).rows
    else:
        pool = PoolSource(
            name="own", store=store, provenance=Provenance(engine="made up", template="none", sampling="{}")
        )
        target = np.maximum(1, np.ceil(TARGET * (1 - rates))).astype(int).tolist()
        rows = assemble(
            store,
            [pool],
            snapshot,
            Known(pass_rate=rates.tolist()),
            rule_for("prop2diff", target=target, trials=0, distinct=True),
            Curation(),
            About(name="benchmark", spec={}, versions={}, command="none"),
        ).selection.rows
    seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "gib": peak, "rows": rows}))


def run(responses: int) -> str:
    """Generate, measure, and return the table row."""
    with tempfile.TemporaryDirectory(prefix="dart-benchmark-") as name:
        folder = Path(name)
        attempts = generate(LocalStore(folder), responses)
        fields = [{"name": one.name, "order": one.order, "segments": one.segments} for one in attempts]
        (folder / "attempts.json").write_text(json.dumps(fields))
        found = {}
        for one in ("compact", "assemble"):
            command = [sys.executable, "-m", "tests.benchmarks.curation", "--stage", one, str(folder)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[one] = json.loads(done.stdout.splitlines()[-1])
    total = sum(one["seconds"] for one in found.values())
    peak = max(one["gib"] for one in found.values())
    return (
        f"| {responses:,} | {found['compact']['seconds'] / 60:.2f} | {found['compact']['gib']:.2f} "
        f"| {found['assemble']['rows']:,} | {found['assemble']['seconds'] / 60:.2f} | {found['assemble']['gib']:.2f} "
        f"| {total / 60:.2f} | {peak:.2f} |"
    )


HEAD = """\
| responses | compact, min | peak GiB | rows chosen | select + write, min | peak GiB | total, min | peak GiB |
| --- | --- | --- | --- | --- | --- | --- | --- |"""


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["--stage"]:
        stage(arguments[1], Path(arguments[2]))
        return
    print(HEAD)
    print(run(int(arguments[0].replace(",", "").replace("_", "")) if arguments else 1_000_000))


if __name__ == "__main__":
    main(sys.argv[1:])
