"""`dart run` as a user runs it: real processes, a real store, the scripted engine; killed, stopped, and run again."""

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from dart_k8s.edges.store import Store, open_store
from dart_k8s.ledger import state
from dart_k8s.ledger.keys import BUDGET, SEGMENTS
from dart_k8s.ledger.segments import read_segment
from dart_k8s.ledger.state import Phase
from tests.cli.declarations import declaration, write_declarations, write_problems
from tests.s3_server import S3Server

WAIT = 120.0
"""Seconds after which something hangs."""


def dart(*arguments: str | Path, cache: Path, **environment: str) -> subprocess.Popen[str]:
    """Start `dart` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "dart_k8s.cli.main", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        env={**os.environ, "DART_CACHE": str(cache), **environment},
    )


def finish(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Exit code and output."""
    try:
        out, _ = process.communicate(timeout=WAIT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, _ = process.communicate()
        pytest.fail(f"hangs after {WAIT} s; it said:\n{out}")
    return process.returncode, out


def written(store: Store) -> Counter[tuple[str, int, int]]:
    """Every trial in any segment: (attempt, query, place)."""
    found: Counter[tuple[str, int, int]] = Counter()
    for entry in store.list(SEGMENTS):
        attempt = entry.key.removeprefix(SEGMENTS).rpartition("/")[0]
        for row in read_segment(store.get(entry.key).data, key=entry.key):
            if row.response is not None:
                found[attempt, row.query, row.place] += 1
    return found


def until_written(store: Store, trials: int, process: subprocess.Popen[str]) -> None:
    """Wait until so many trials are in the store, or the process is gone."""
    end = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < end:
        if sum(written(store).values()) >= trials:
            return
        time.sleep(0.05)


def until_closed(store: Store, process: subprocess.Popen[str]) -> None:
    """Wait until the sampling is over, or the process is gone."""
    end = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < end:
        if store.head(BUDGET) is not None and state.decode(store.get(BUDGET).data).phase is Phase.CLOSED:
            return
        time.sleep(0.02)


def check_whole(store: Store) -> dict[str, Any]:
    """Every trial that was written is in the closed state exactly once, and in the pool."""
    trials = written(store)
    assert set(trials.values()) <= {1}
    final = state.decode(store.get(BUDGET).data)
    assert final.phase is Phase.CLOSED
    assert int(final.spent().sum()) == len(trials)
    assert final.waiting.place.size == 0
    assert final.totals.late == 0
    pool = [pq.read_table(store.local_path(e.key) or "") for e in store.list("pool/part-")]
    assert sum(table.num_rows for table in pool) == len(trials)
    return {"trials": len(trials), "state": final}


def sampler_pids(process: subprocess.Popen[str]) -> list[int]:
    """Samplers that a `dart run` has started."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(pid) for pid in children if b"workers.main" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder with problems; no process of a test outlives it."""
    write_problems(tmp_path)
    yield tmp_path
    left = subprocess.run(["pgrep", "-f", str(tmp_path)], capture_output=True, text=True, check=False).stdout.split()
    for pid in left:
        os.kill(int(pid), signal.SIGKILL)
    assert not left, "processes outlived their run"


def test_a_run_gives_a_data_set_and_running_it_again_changes_no_byte(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    assert "data set" in out and "card" in out
    store = open_store(str(folder / "toy"))
    check_whole(store)
    before = {e.key: e.etag for e in store.list("dataset/")} | {e.key: e.etag for e in store.list("pool/")}
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    after = {e.key: e.etag for e in store.list("dataset/")} | {e.key: e.etag for e in store.list("pool/")}
    assert after == before


def test_ctrl_c_stops_in_order_and_the_same_command_goes_on(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_written(store, 40, process)
    os.killpg(process.pid, signal.SIGINT)
    code, out = finish(process)
    assert code == 75, out
    assert "Run the same command to go on" in out
    kept = len(written(store))
    assert kept >= 40
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    assert check_whole(store)["trials"] >= kept


def test_a_run_that_is_stopped_while_it_curates_leaves_at_once_and_goes_on(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_closed(store, process)
    process.send_signal(signal.SIGTERM)
    code, out = finish(process)
    assert code == 75, out
    assert "Run the same command to go on" in out
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    check_whole(store)


def test_kill_9_of_the_whole_tree_loses_no_written_response(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    store = open_store(str(folder / "toy"))
    for trials in (20, 60):
        process = dart("run", file, cache=folder / "cache")
        until_written(store, trials, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    kept = set(written(store))
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    assert kept <= set(written(store))
    check_whole(store)


def test_after_kill_9_nobody_waits_for_the_claims_of_the_dead(folder: Path) -> None:
    hours = {"heartbeatSeconds": 600, "ttlSeconds": 7200}
    file = write_declarations(folder / "toy.yaml", declaration(folder, claims=hours))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_written(store, 20, process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    check_whole(store)


def test_a_killed_sampler_is_started_again(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder, samplers={"replicas": 2}))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_written(store, 20, process)
    os.kill(sampler_pids(process)[0], signal.SIGKILL)
    code, out = finish(process)
    assert code == 0, out
    check_whole(store)


def test_samplers_leave_when_only_their_parent_is_killed(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_written(store, 20, process)
    samplers = sampler_pids(process)
    process.kill()
    process.communicate()
    end = time.monotonic() + 30
    while time.monotonic() < end and any(Path(f"/proc/{pid}").exists() for pid in samplers):
        time.sleep(0.1)
    assert not [pid for pid in samplers if Path(f"/proc/{pid}").exists()]
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    check_whole(store)


def test_a_holder_paused_past_its_claim_and_woken_does_no_harm(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder, samplers={"replicas": 2}))
    process = dart("run", file, cache=folder / "cache")
    store = open_store(str(folder / "toy"))
    until_written(store, 15, process)
    paused = sampler_pids(process)[0]
    os.kill(paused, signal.SIGSTOP)
    time.sleep(5.0)
    os.kill(paused, signal.SIGCONT)
    code, out = finish(process)
    assert code == 0, out
    check_whole(store)


def test_two_runs_of_the_same_file_share_the_work(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    one, two = dart("run", file, cache=folder / "cache"), dart("run", file, cache=folder / "cache")
    (code, out), (other, words) = finish(one), finish(two)
    assert (code, other) == (0, 0), out + words
    check_whole(open_store(str(folder / "toy")))


def test_a_changed_declaration_is_refused_with_the_difference(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    assert finish(dart("run", file, cache=folder / "cache"))[0] == 0
    store = open_store(str(folder / "toy"))
    before = {entry.key: entry.etag for entry in store.list()}
    write_declarations(file, declaration(folder, sampling={"temperature": 0.7, "maxTokens": 200}))
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 64
    assert "spec.sampling.temperature: 1.0 -> 0.7" in out
    assert {entry.key: entry.etag for entry in store.list()} == before


def test_a_raised_target_goes_on_with_the_same_pool(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    assert finish(dart("run", file, cache=folder / "cache"))[0] == 0
    store = open_store(str(folder / "toy"))
    kept = set(written(store))
    strategy = {"kind": "prop2diff", "target": 24, "minTrials": 4}
    write_declarations(file, declaration(folder, strategy=strategy, budget={"maxTrialsPerQuery": 120}))
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    assert kept < set(written(store))
    check_whole(store)


def test_a_pipeline_of_two_starts_the_second_from_the_first_ones_pool(folder: Path) -> None:
    first = declaration(folder, "hard")
    second = declaration(
        folder, "flat", strategy={"kind": "vanilla", "trials": 20}, pool={"from": [first["spec"]["output"]["uri"]]}
    )
    file = write_declarations(folder / "both.yaml", first, second)
    code, out = finish(dart("run", file, cache=folder / "cache"))
    assert code == 0, out
    final = check_whole(open_store(str(folder / "flat")))["state"]
    assert (final.table.trials >= 20).all()
    brought = final.table.earlier_trials.sum()
    assert brought == check_whole(open_store(str(folder / "hard")))["state"].table.trials.sum()


def test_status_as_json_agrees_with_the_store(folder: Path) -> None:
    file = write_declarations(folder / "toy.yaml", declaration(folder))
    assert finish(dart("run", file, cache=folder / "cache"))[0] == 0
    code, out = finish(dart("status", file, "--json", "--queries", cache=folder / "cache"))
    assert code == 0, out
    document = json.loads(out)
    assert document["phase"] == "closed"
    assert document["total"]["trials"] == len(written(open_store(str(folder / "toy"))))
    assert sum(group["queries"] for group in document["deciles"]) == 12
    assert len(document["perQuery"]) == 12


def test_a_run_on_s3(folder: Path, s3_server: S3Server) -> None:
    uri = f"s3://{s3_server.bucket}/{folder.name}/toy"
    file = write_declarations(folder / "toy.yaml", declaration(folder, output=uri))
    code, out = finish(dart("run", file, cache=folder / "cache", **s3_server.environment()))
    assert code == 0, out
    assert f"{uri}/dataset/" in out
