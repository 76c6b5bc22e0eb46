"""What runs in pods, as processes: prepare, the folding child, two samplers, curate, cleanup; stopped and killed."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dart_k8s.edges.engine.base import EngineCounters
from dart_k8s.edges.store import MemoryStore, Store, open_store
from dart_k8s.errors import EngineNotReady, EngineStalled, SpecError, StoreUnavailable
from dart_k8s.ledger.keys import LOGS, OWNER, RUN
from dart_k8s.reconcile.findings import Finding, decode
from dart_k8s.reconcile.progress import Progress
from dart_k8s.workers.owner import own
from dart_k8s.workers.pod.__main__ import main
from dart_k8s.workers.pod.errand import Errand, read_declaration
from dart_k8s.workers.pod.errands import clean, refuse_roots
from dart_k8s.workers.pod.health import Pulse
from dart_k8s.workers.pod.journal import MOST_PARTS, PART_BYTES, Journal
from dart_k8s.workers.pod.measures import Measures
from dart_k8s.workers.pod.sample import _run, start
from tests.cli.declarations import declaration, write_declarations, write_problems
from tests.cli.test_run import check_whole, written
from tests.s3_server import S3Server

from .folding_world import declared

WAIT = 120.0
"""Seconds after which something hangs."""
LEASE = "dart/operator"


class Pod:
    """One process of the worker image."""

    def __init__(self, folder: Path, errand: str, *options: str, uid: str = "uid-1", **environment: str) -> None:
        self.said = folder / f"termination-{errand}-{time.monotonic_ns()}"
        command = [sys.executable, "-m", "dart_k8s.workers.pod", errand, "--declaration", str(folder / "toy.yaml")]
        command += ["--cache", str(folder / "cache"), "--queries", str(folder / "configmaps"), "--health-port", "0"]
        self.process = subprocess.Popen(
            [*command, *options],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={**os.environ, "DART_TERMINATION_LOG": str(self.said), "DART_UID": uid, **environment},
        )  # fmt: skip
        self.lines: list[dict[str, Any]] = []
        self.noise: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stdout or ():
            try:
                self.lines.append(json.loads(line))
            except ValueError:
                self.noise.append(line)

    def event(self, name: str) -> dict[str, Any]:
        """Wait until it says this."""
        end = time.monotonic() + WAIT
        while time.monotonic() < end:
            found = next((line for line in self.lines if line["event"] == name), None)
            if found is not None:
                return found
            assert self.process.poll() is None or self._reader.is_alive(), f"it ended; it said {self.lines, self.noise}"
            time.sleep(0.02)
        raise AssertionError(f"no {name}: {self.lines, self.noise}")

    def end(self) -> int:
        """Wait for its end; the exit code."""
        try:
            code = self.process.wait(WAIT)
        except subprocess.TimeoutExpired:
            self.process.kill()
            pytest.fail(f"hangs; it said {self.lines, self.noise}")
        self._reader.join(5.0)
        return code

    @property
    def finding(self) -> Finding | None:
        """Its termination message."""
        return decode(self.said.read_text()) if self.said.exists() else None


def here(folder: Path, errand: str, *, uid: str = "uid-1") -> tuple[int, Finding | None]:
    """An errand in this process, which saves the seconds of imports: its exit code and its termination message."""
    said = folder / "termination"
    said.unlink(missing_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DART_TERMINATION_LOG", str(said))
        arguments = ["--declaration", str(folder / "toy.yaml"), "--cache", str(folder / "cache"), "--uid", uid]
        arguments += ["--queries", str(folder / "configmaps"), "--health-port", "0"]
        code = main([errand, *arguments])
    return code, decode(said.read_text()) if said.exists() else None


class Child:
    """The operator's folding child, asked again and again by a thread."""

    def __init__(self, folder: Path, document: dict[str, Any], **environment: str) -> None:
        self.document, self.environment = document, environment
        self.answers: list[dict[str, Any]] = []
        self.closed = threading.Event()
        self._stop = threading.Event()
        self._begin()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self._thread.start()

    def _begin(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dart_k8s.workers.folding"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **self.environment},
        )  # fmt: skip

    def fold(self) -> dict[str, Any] | None:
        """One request; None if the child is gone."""
        asked = {
            "id": len(self.answers), "output": self.document["spec"]["output"]["uri"], "declaration": self.document,
            "samplers": 2, "lease": LEASE, "cause": "test",
        }  # fmt: skip
        try:
            assert self.process.stdin is not None and self.process.stdout is not None
            self.process.stdin.write(json.dumps(asked) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except (OSError, ValueError):
            return None
        return json.loads(line) if line else None

    def _ask(self) -> None:
        while not self._stop.is_set() and not self.closed.is_set():
            answer = self.fold()
            if answer is None:
                self.process.wait()
                self._begin()
                continue
            self.answers.append(answer)
            if answer.get("progress", {}).get("phase") == "closed":
                self.closed.set()
            self._stop.wait(0.2)

    def close(self) -> int:
        """End its input; the exit code."""
        self._stop.set()
        self._thread.join(WAIT)
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(WAIT)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with problems; no process of a test outlives it."""
    write_problems(tmp_path)
    yield tmp_path
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout.split()
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    assert not left, "processes outlived their test"


def declare(folder: Path, output: str | None = None, **spec: Any) -> dict[str, Any]:
    """Write the declaration that pods read."""
    document = declaration(folder, output=output, **spec)
    document["metadata"]["namespace"] = "math"
    write_declarations(folder / "toy.yaml", document)
    return document


def until_written(store: Store, trials: int) -> None:
    end = time.monotonic() + WAIT
    while sum(written(store).values()) < trials:
        assert time.monotonic() < end
        time.sleep(0.05)


def ask(port: int, path: str) -> tuple[int, str]:
    """Status and body of a GET on the health port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# A whole run


def test_a_run_in_pods_that_are_stopped_and_killed_ends_whole_and_is_cleaned_up(folder: Path) -> None:
    document = declare(folder)
    store = open_store(str(folder / "toy"))
    assert Pod(folder, "prepare").end() == 0
    child = Child(folder, document)
    try:
        stopped, killed = Pod(folder, "sample"), Pod(folder, "sample")
        until_written(store, 40)
        stopped.process.terminate()
        killed.process.kill()
        child.process.kill()
        assert stopped.end() == 75
        assert killed.end() == -signal.SIGKILL
        others = [Pod(folder, "sample"), Pod(folder, "sample")]
        assert [pod.end() for pod in others] == [0, 0]
        assert child.closed.wait(WAIT)
    finally:
        assert child.close() == 0
    said = [Progress.from_json(a["progress"]) for a in child.answers]
    assert [p.trials for p in said] == sorted(p.trials for p in said)
    assert not any(p.note for p in said), "nobody waits for the role of a killed child under the same Lease"

    curating = Pod(folder, "curate")
    curating.event("step")
    curating.process.kill()
    curating.end()
    assert here(folder, "curate")[0] == 0
    assert check_whole(store)["trials"] == said[-1].trials
    assert here(folder, "sample")[0] == 0, "a sampler of a closed run needs no engine"

    logs = [json.loads(line) for e in store.list(LOGS) for line in store.get(e.key).data.splitlines()]
    assert {"claimed", "left", "stopping"} <= {line["event"] for line in logs}
    assert all(line["time"] for line in logs)

    code, found = here(folder, "cleanup", uid="uid-of-an-earlier-one")
    assert code == 64 and found is not None and found.reason == "OutputOwned"
    assert here(folder, "cleanup") == (0, None)
    assert not list(store.list())
    assert here(folder, "cleanup") == (0, None), "what is gone is gone"


def test_a_run_in_pods_on_s3(folder: Path, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in s3_server.environment().items():
        monkeypatch.setenv(name, value)
    document = declare(folder, output=f"s3://{s3_server.bucket}/{folder.name}/toy")
    assert here(folder, "prepare") == (0, None)
    child = Child(folder, document)
    assert Pod(folder, "sample").end() == 0
    assert child.closed.wait(WAIT)
    assert child.close() == 0
    assert here(folder, "curate") == (0, None)
    assert here(folder, "cleanup") == (0, None)
    assert not list(open_store(document["spec"]["output"]["uri"]).list())


# Samplers


def test_a_sampler_answers_the_kubelet_and_prometheus_and_is_stopped_in_order(folder: Path) -> None:
    document = declare(folder)
    store = open_store(str(folder / "toy"))
    pod = Pod(folder, "sample")
    port = pod.event("listening")["port"]
    assert ask(port, "/startup")[0] == 503 and ask(port, "/live")[0] == 200, "it waits for the run to be prepared"
    assert here(folder, "prepare") == (0, None)
    child = Child(folder, document)
    try:
        pod.event("engine")
        until_written(store, 10)
        assert ask(port, "/startup")[0] == 200 and ask(port, "/live")[0] == 200 and ask(port, "/else")[0] == 404
        code, text = ask(port, "/metrics")
        assert code == 200
        for name in ("dart_sampler_tokens_total", "dart_sampler_engine_held_seconds_total", "dart_sampler_slots 8.0"):
            assert name in text
        assert "toy" not in text, "no label names what it works on"
        pod.process.terminate()
        assert pod.end() == 75
        assert pod.finding is None
    finally:
        child.close()


class Hanging:
    """An engine whose start takes for ever."""

    def __init__(self) -> None:
        self.called_off = False

    async def start(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.called_off = True
            raise


@pytest.mark.parametrize(("queue", "code"), [({}, 75), ({"queueName": "gpus"}, 0)])
def test_a_sampler_without_work_gives_its_gpu_back_and_in_a_queue_has_no_successor(
    folder: Path, queue: dict[str, Any], code: int
) -> None:
    declare(folder, samplers={"idleTimeout": 0.5}, **queue)
    assert here(folder, "prepare")[0] == 0
    assert here(folder, "sample") == (code, None), "nobody plans, so nothing is left to take"


async def test_a_sampler_that_is_told_to_stop_while_its_model_loads_does_not_wait_for_it(folder: Path) -> None:
    declare(folder)
    errand = Errand(document=read_declaration(folder / "toy.yaml"), tell=lambda event, **facts: None)
    engine: Any = Hanging()
    starting = asyncio.create_task(start(errand, engine))
    await asyncio.sleep(0)
    errand.stopping.set()
    assert await starting is False
    assert engine.called_off


async def test_an_engine_that_does_not_load_in_time_is_a_failure_with_a_reason(folder: Path) -> None:
    declare(folder)
    errand = Errand(document=read_declaration(folder / "toy.yaml"), tell=lambda event, **facts: None)
    engine: Any = Hanging()
    with pytest.raises(EngineNotReady, match="did not load its model within"):
        await start(errand, engine, seconds=0.01)


class Unmeasured(Measures):
    """Measures nothing."""

    def __init__(self) -> None: ...

    def engine(self, *_: Any) -> None: ...

    def sampler(self, *_: Any) -> None: ...

    def store(self, *_: Any) -> None: ...


class Stuck:
    """A sampler with an engine that does not move; told to stop, it gives its work back."""

    class Standing:
        running, waiting, pending = 3, 0, 0

    def __init__(self) -> None:
        self.standing, self.stopped = self.Standing(), asyncio.Event()

    def stop(self) -> None:
        self.stopped.set()

    async def run(self) -> int:
        await self.stopped.wait()
        return 75


async def test_a_sampler_whose_engine_stalls_gives_its_work_back_and_ends_with_a_reason(folder: Path) -> None:
    declare(folder)
    errand = Errand(document=read_declaration(folder / "toy.yaml"), tell=lambda event, **facts: None)
    sampler: Any = Stuck()
    pulse = Pulse(patience=0.0)
    pulse.look(3, (1,))
    engine: Any = SimpleNamespace(slots=4, counters=EngineCounters())
    with pytest.raises(EngineStalled, match="made no step"):
        await _run(errand, sampler, engine, MemoryStore("m"), Unmeasured(), pulse)
    assert sampler.stopped.is_set()


def test_an_engine_is_stalled_only_when_work_is_in_flight_and_nothing_moves_for_the_whole_time() -> None:
    now = [0.0]
    pulse = Pulse(patience=600.0, clock=lambda: now[0])
    for running, steps, seconds in ((0, 0, 5000.0), (4, 1, 599.0), (4, 2, 599.0), (0, 2, 5000.0), (4, 2, 599.0)):
        pulse.look(running, (steps,))
        now[0] += seconds
        assert pulse.stalled == 0.0
    now[0] += 1.0
    pulse.look(4, (2,))
    assert pulse.stalled == 600.0
    pulse.look(4, (3,))
    assert pulse.stalled == 0.0


# The journal


def test_a_pod_that_talks_without_end_keeps_the_newest_part_of_its_log() -> None:
    store = MemoryStore()
    journal = Journal(lambda event, **facts: None, name="pod", now=lambda: "now")
    journal._store = store
    for number in range(40):
        for _ in range(40):
            journal.tell("claimed", shard="x" * 7000, number=number)
        journal.write()
    parts = list(store.list(LOGS))
    assert len(parts) <= MOST_PARTS + 1
    assert sum(part.size for part in parts) <= (MOST_PARTS + 2) * PART_BYTES
    assert json.loads(store.get(parts[-1].key).data.splitlines()[-1])["number"] == 39


def test_a_log_that_could_not_be_written_is_written_the_next_time() -> None:
    store = MemoryStore()
    journal = Journal(lambda event, **facts: None, name="pod", now=lambda: "now")
    journal._store = store
    journal.tell("claimed", shard="a")

    def out(operation: str, key: str) -> None:
        raise StoreUnavailable("No answer.")

    store.before = out
    with pytest.raises(StoreUnavailable):
        journal.write()
    store.before = None
    journal.write()
    (part,) = store.list(LOGS)
    assert json.loads(store.get(part.key).data) == {"time": "now", "event": "claimed", "shard": "a"}


# Prepare and its findings


def test_queries_come_from_a_configmap_that_is_mounted(folder: Path) -> None:
    mounted = folder / "configmaps" / "problems"
    mounted.mkdir(parents=True)
    (folder / "queries.jsonl").rename(mounted / "queries.jsonl")
    fields = {"query": "problem", "answer": "solution", "id": "id"}
    declare(folder, queries=[{"name": "sums", "configMap": {"name": "problems"}, "fields": fields}])
    assert here(folder, "prepare") == (0, None)
    record = json.loads(open_store(str(folder / "toy")).get(RUN).data)
    assert record["sources"][0]["uri"] == "configmap:problems/queries.jsonl"
    assert record["queries"] == 12


def bad_queries(folder: Path) -> None:
    (folder / "queries.jsonl").write_text("{not JSON\n")


def bad_references(folder: Path) -> None:
    row = {"problem": "What is 1 + 1?", "solution": "", "id": "q"}
    (folder / "queries.jsonl").write_text(json.dumps(row) + "\n")


def no_queries(folder: Path) -> None:
    (folder / "queries.jsonl").unlink()


def a_stranger(folder: Path) -> None:
    (folder / "toy").mkdir()
    (folder / "toy" / "thesis.tex").write_text("mine")


def another_owner(folder: Path) -> None:
    (folder / "toy" / "state").mkdir(parents=True)
    owner = {"kind": "Synthesis", "namespace": "math", "name": "other", "uid": "u", "digest": "d"}
    (folder / "toy" / "state" / "owner.json").write_text(json.dumps(owner))


SPOILT = {
    "a source that is no JSON": (bad_queries, "QueriesUnreadable"),
    "a source that is not there": (no_queries, "QueriesUnreadable"),
    "a query without a reference": (bad_references, "ReferencesUnreadable"),
    "an output with a stranger's file": (a_stranger, "OutputNotEmpty"),
    "an output of another Synthesis": (another_owner, "OutputOwned"),
}


@pytest.mark.parametrize("case", SPOILT)
def test_what_prepare_finds_is_in_its_termination_message(folder: Path, case: str) -> None:
    spoil, reason = SPOILT[case]
    spoil(folder)
    declare(folder)
    code, found = here(folder, "prepare")
    assert code == 64
    assert found is not None and found.reason == reason and str(folder) in found.message + found.remedy + str(folder)
    assert not (folder / "toy" / "state" / "run.json").exists()


def test_a_declaration_that_is_not_there_is_a_finding_too(folder: Path) -> None:
    code, found = here(folder, "prepare")
    assert code == 64 and found is not None and found.reason == "BadConfiguration"


def test_the_same_synthesis_made_again_takes_its_output_over_and_another_spec_does_not(folder: Path) -> None:
    declare(folder)
    assert here(folder, "prepare", uid="old") == (0, None)
    assert here(folder, "prepare", uid="new") == (0, None)
    assert json.loads(open_store(str(folder / "toy")).get(OWNER).data)["uid"] == "new"
    declare(folder, prompt={"inline": "Other: {query}"})
    code, found = here(folder, "prepare", uid="newer")
    assert code == 64 and found is not None and found.reason == "SpecChanged"


def test_curating_a_run_that_is_not_over_is_refused(folder: Path) -> None:
    declare(folder)
    assert here(folder, "prepare") == (0, None)
    code, found = here(folder, "curate")
    assert code == 1 and found is not None and "not finished" in found.message


# Cleanup


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/", "/", "file:///"])
def test_a_whole_bucket_or_disk_is_never_cleaned(uri: str) -> None:
    with pytest.raises(SpecError, match="whole bucket or disk"):
        refuse_roots(uri)


def test_a_cleanup_killed_at_any_delete_is_done_again_and_touches_nothing_of_others(folder: Path) -> None:
    synthesis = declared(output={"uri": "memory://cleanup/runs/toy"})
    store: Any = open_store("memory://cleanup/runs/toy")
    ours = ["state/run.json", "state/budget", "state/logs/pod/000000.jsonl", "pool/part-000", "dataset/a", "report/b"]
    made = ["dataset-vanilla/a", "dataset-vanilla/README.md", "report-vanilla/a.png", "report-vanilla/statistics.json"]
    for dies in range(12):
        own(store, synthesis, "uid-1")
        for key in [*ours, "notes.txt", "dataset-other/a", "report-other/a", *made]:
            store.put(key, b"x")
        left = [dies]

        def before(operation: str, key: str, left: list[int] = left) -> None:
            if operation == "delete":
                left[0] -= 1
                if left[0] < 0:
                    raise StoreUnavailable("Killed.")

        store.before = before
        with suppress(StoreUnavailable):
            clean(synthesis, "uid-1")
        store.before = None
        clean(synthesis, "uid-1")
        assert [e.key for e in store.list()] == ["dataset-other/a", "notes.txt", "report-other/a"]
