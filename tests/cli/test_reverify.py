"""`dart reverify`: another generation of verdicts, and the run that goes on from it; killed at every write."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from dart_k8s import answers
from dart_k8s.answers import Verdict
from dart_k8s.edges.store import Store, open_store
from dart_k8s.errors import RunError
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, RUN, SEGMENTS
from dart_k8s.ledger.state import BudgetState, Phase
from dart_k8s.workers import record, rejudge
from dart_k8s.workers.access import Access
from dart_k8s.workers.finish import finish
from dart_k8s.workers.rejudge import Rejudged, Rejudging
from tests.cli.conftest import FinishedRun
from tests.cli.declarations import declaration, write_declarations, write_problems
from tests.cli.test_run import WAIT, check_whole, until_written, written

Judging = Callable[[str, str], Verdict]


@pytest.fixture
def copied(finished: FinishedRun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A finished run of this test's own, whose claims expire at once."""
    monkeypatch.setattr(rejudge, "LOOK_SECONDS", 0.005)
    shutil.copytree(finished.output, tmp_path / "toy")
    store = open_store(str(tmp_path / "toy"))
    document = json.loads(store.get(RUN).data)
    document["declaration"]["spec"]["claims"] = {"heartbeatSeconds": 0.05, "ttlSeconds": 0.15}
    document["declaration"]["spec"]["output"]["uri"] = str(tmp_path / "toy")
    store.put(RUN, json.dumps(document).encode())
    return store


class Fake:
    """A verifier that judges by a function of response and reference."""

    def __init__(self, judge: Judging, version: str) -> None:
        self.version = version
        self._judge = judge

    async def verify(self, response: str, reference: str, query: str) -> Verdict:
        return self._judge(response, reference)

    async def close(self) -> None:
        pass


def as_before(text: str, wanted: str) -> Verdict:
    """Judges as the run did: by text."""
    right = rf"\boxed{{{wanted}}}" in text
    return Verdict(verdict="correct" if right else "incorrect", answer="?", tier="t", reason="r")


def harder(text: str, wanted: str) -> Verdict:
    """Every other text that was correct is not any more."""
    changed = Verdict(verdict="incorrect", answer="?", tier="new", reason="changed")
    return changed if len(text) % 2 else as_before(text, wanted)


def reverify(store: Any, judge: Judging, version: str = "exact-2", **options: Any) -> Rejudged | None:
    access = Access(store, direct=True)
    return asyncio.run(Rejudging(access=access, verifier=Fake(judge, version), **options).run())


def state_of(store: Store) -> BudgetState:
    return state.decode(store.get(BUDGET).data)


def pool(store: Store) -> list[dict[str, Any]]:
    finish(store.uri, command="test")
    files = [store.local_path(entry.key) for entry in store.list("pool/part-")]
    return [row for file in files for row in pq.read_table(file or "").to_pylist()]


COUNTS = ("trials", "correct", "distinct", "singles", "undecided", "surplus", "tokens", "voids", "earlier_trials")


def test_the_same_verdicts_give_the_same_state_and_pool(copied: Store) -> None:
    before, rows = state_of(copied), pool(copied)
    made = reverify(copied, as_before)
    after = state_of(copied)
    assert made is not None and (made.before, made.after, made.generation) == ("exact-1", "exact-2", 1)
    assert {pair for pair in made.changed if pair[0] != pair[1]} == set()
    assert sum(made.changed.values()) == made.fresh == len(rows)
    assert differing(after, before, COUNTS) == []
    assert np.array_equal(np.sort(after.texts), np.sort(before.texts))
    assert after.attempts == before.attempts and np.array_equal(after.cursor, before.cursor)
    assert (after.phase, after.verifier) == (Phase.CLOSED, "exact-2")
    assert record.need(copied).verifier == "exact-2"
    again = pool(copied)
    assert [(r["query_id"], r["trial"], r["response"], r["verdict"]) for r in again] == [
        (r["query_id"], r["trial"], r["response"], r["verdict"]) for r in rows
    ]
    assert {row["tier"] for row in again} == {"t"}


def test_other_verdicts_change_state_and_pool_and_nothing_that_was_written(copied: Store) -> None:
    rows = pool(copied)
    before = {entry.key: entry.etag for entry in copied.list(SEGMENTS)}
    made = reverify(copied, harder)
    assert made is not None and made.changed["correct", "incorrect"] > 0
    assert {entry.key: entry.etag for entry in copied.list(SEGMENTS)} == before
    after = state_of(copied)
    right = [row for row in rows if row["verdict"] == "correct" and not row["surplus"] and not len(row["response"]) % 2]
    assert int(after.table.correct.sum()) == len(right)
    assert int(after.spent().sum()) == len(rows)
    assert after.phase is Phase.SAMPLING
    assert (after.table.distinct <= after.table.correct).all()


def test_what_is_of_this_version_already_is_left_alone(copied: Store) -> None:
    before = copied.get(BUDGET).etag
    assert reverify(copied, harder, "exact-1") is None
    assert copied.get(BUDGET).etag == before
    made = reverify(copied, harder, "exact-1", again=True)
    assert made is not None and made.generation == 1
    second = reverify(copied, as_before, "exact-2")
    assert second is not None and second.generation == 2
    assert second.changed["incorrect", "correct"] == made.changed["correct", "incorrect"]


class Killed(BaseException):
    pass


class Mortal:
    """A store under a process that dies at its write number `last`: just before it, or just after."""

    def __init__(self, store: Store, last: int, *, after: bool) -> None:
        self._store, self._left, self._after = store, last, after
        self.dead = False
        self.writes = 0

    def __getattr__(self, name: str) -> Any:
        real = getattr(self._store, name)
        if not callable(real):
            return real

        def call(*arguments: Any, **options: Any) -> Any:
            if self.dead:
                raise Killed
            if not name.startswith(("put", "delete", "upload")):
                return real(*arguments, **options)
            self._left -= 1
            self.writes += 1
            if self._left < 0:
                self.dead = True
                if self._after:
                    real(*arguments, **options)
                raise Killed
            return real(*arguments, **options)

        return call


@pytest.mark.parametrize("after", [False, True], ids=["before a write", "after a write"])
def test_killed_at_any_write_it_goes_on_and_comes_to_the_same(copied: Store, tmp_path: Path, after: bool) -> None:
    old = state_of(copied)

    def fresh(name: str) -> Store:
        shutil.copytree(tmp_path / "toy", tmp_path / name)
        return open_store(str(tmp_path / name))

    whole = Mortal(fresh("whole"), 10**6, after=after)
    reverify(whole, harder)
    expected = state_of(open_store(str(tmp_path / "whole")))
    assert whole.writes > 6
    for last in range(whole.writes):
        store = fresh(str(last))
        with contextlib.suppress(Killed):
            reverify(Mortal(store, last, after=after), harder)
        now = state_of(store)
        # Old or new, never between: counts, verifier and generation change together.
        of = expected if now.generation else old
        assert now.verifier == of.verifier
        assert differing(now, of, COUNTS) == []
        reverify(store, harder)
        final = state_of(store)
        assert (final.generation, final.verifier, final.phase) == (1, "exact-2", expected.phase)
        assert differing(final, expected, (*COUNTS, "target", "reason")) == []
        assert record.need(store).verifier == "exact-2"


def differing(one: BudgetState, other: BudgetState, names: Sequence[str]) -> list[str]:
    return [name for name in names if not np.array_equal(getattr(one.table, name), getattr(other.table, name))]


def test_an_earlier_pool_of_another_version_is_named(copied: Store, finished: FinishedRun) -> None:
    document = json.loads(copied.get(RUN).data)
    document["declaration"]["spec"]["pool"] = {"from": [str(finished.output)]}
    copied.put(RUN, json.dumps(document).encode())
    told: list[tuple[str, dict[str, object]]] = []
    made = reverify(copied, as_before, tell=lambda event, **facts: told.append((event, facts)))
    assert ("earlier-pool", str(finished.output), "exact-1") in [
        (event, facts.get("uri"), facts.get("verifier")) for event, facts in told
    ]
    assert made is not None
    assert int(made.state.table.distinct.sum()) > 0


def test_an_interrupted_generation_of_another_version_is_passed_over(copied: Store) -> None:
    with pytest.raises(Killed):
        reverify(Mortal(copied, 4, after=False), as_before, "exact-2")
    made = reverify(copied, harder, "exact-3")
    assert made is not None and made.generation == 2
    assert state_of(copied).verifier == "exact-3"


def test_while_another_process_plans_it_is_refused_in_words(copied: Store) -> None:
    async def both() -> None:
        access = Access(copied, direct=True)
        entered = asyncio.Event()

        class Endless(Fake):
            async def verify(self, response: str, reference: str, query: str) -> Verdict:
                entered.set()
                await asyncio.sleep(60)
                raise AssertionError

        first = asyncio.create_task(Rejudging(access=access, verifier=Endless(as_before, "exact-2")).run())
        await entered.wait()
        with pytest.raises(RunError, match="Another process plans this run"):
            await Rejudging(access=access, verifier=Fake(as_before, "exact-2")).run()
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

    asyncio.run(both())
    assert reverify(copied, as_before) is not None


# A run that was begun by an older program, from the command line


@pytest.fixture
def old_program(tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a program whose verifier has version 0."""
    folder = tmp_path / "old"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(
        "import dart_k8s.answers as answers\nimport dart_k8s.answers.verdict as verdict\n"
        "answers.VERSION = verdict.VERSION = '0'\n"
    )
    paths = [str(folder), *os.environ.get("PYTHONPATH", str(Path(__file__).parents[2])).split(os.pathsep)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def start(*arguments: object, environment: dict[str, str] | None = None) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "dart_k8s.cli.main", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env=environment or dict(os.environ),
    )


def test_a_run_that_an_older_program_left_half_done_goes_on(tmp_path: Path, old_program: dict[str, str]) -> None:
    write_problems(tmp_path, 8)
    fields = {"strategy": {"kind": "uniform", "target": 8}, "budget": {"maxTrialsPerQuery": 40}}
    file = write_declarations(tmp_path / "toy.yaml", declaration(tmp_path, **fields))
    store = open_store(str(tmp_path / "toy"))
    cache = ("--cache", tmp_path / "cache")
    killed = start("run", file, *cache, environment=old_program)
    until_written(store, 20, killed)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate()
    kept = set(written(store))
    assert state_of(store).verifier == "0"

    refused = start("run", file, *cache)
    said, _ = refused.communicate(timeout=WAIT)
    assert refused.returncode == 64 and "dart reverify" in said, said

    moved = start("reverify", file, "--json", "--processes", "1")
    said, _ = moved.communicate(timeout=WAIT)
    assert moved.returncode == 0, said
    made = json.loads(said[said.index("{") :])
    assert made["verifier"] == {"before": "0", "after": answers.VERSION}
    assert (made["judged"], made["phase"]) == (len(kept), "sampling")

    done = start("run", file, *cache)
    said, _ = done.communicate(timeout=WAIT)
    assert done.returncode == 0, said
    assert kept < set(written(store))
    final = check_whole(store)["state"]
    assert (final.verifier, final.generation) == (answers.VERSION, 1)
    rows = [row for e in store.list("pool/part-") for row in pq.read_table(store.local_path(e.key) or "").to_pylist()]
    assert "pending" not in {row["verdict"] for row in rows}
