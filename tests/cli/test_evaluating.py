"""`dart run` of an Evaluation as a user runs it: killed while it samples, run again, then shown."""

import json
import os
import signal
import time
from pathlib import Path

from dart_k8s.edges.store import open_store
from dart_k8s.ledger.keys import SEGMENTS
from tests.cli.calling import refused
from tests.cli.declarations import write_declarations
from tests.cli.test_run import WAIT, dart, finish
from tests.evaluation.declared import fields, write_problems


def test_killed_while_it_samples_the_same_command_goes_on_to_the_scores(tmp_path: Path) -> None:
    write_problems(tmp_path, 60)
    engine = {
        "kind": "scripted",
        "script": str(tmp_path / "script.json"),
        "slots": 4,
        "args": {"verifier": "exact", "seconds_per_token": 0.05},
    }
    file = write_declarations(tmp_path / "file.yaml", fields(tmp_path, engine=engine))
    process = dart("run", file, cache=tmp_path / "cache")
    store = open_store(str(tmp_path / "scores" / "passes" / "greedy"))
    end = time.monotonic() + WAIT
    while process.poll() is None and time.monotonic() < end and not list(store.list(SEGMENTS)):
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    before = {entry.key for entry in store.list(SEGMENTS)}
    assert before
    code, said = finish(dart("run", file, cache=tmp_path / "cache"))
    assert code == 0, said
    report = json.loads((tmp_path / "scores" / "report" / "evaluation.json").read_text())
    assert report["benchmarks"][0]["greedyResponses"]["responses"] == 60
    assert before <= {entry.key for entry in store.list(SEGMENTS)}
    assert "triples" in said and "bootstrap intervals" in said


def test_a_benchmark_in_another_form_is_refused_before_anything_is_sampled(tmp_path: Path) -> None:
    write_problems(tmp_path, 4)
    bad = [{"name": "gsm8k", "uri": str(tmp_path / "problems.jsonl")}]
    file = write_declarations(tmp_path / "file.yaml", fields(tmp_path, benchmarks=bad))
    code, said = refused("run", file)
    assert code == 64
    assert "Cannot use" in said and "as benchmark gsm8k: 4 of 4 rows are not in its form" in said
    assert not (tmp_path / "scores" / "state" / "evaluation.json").exists()


def test_a_training_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    write_problems(tmp_path, 4)
    file = write_declarations(tmp_path / "file.yaml", fields(tmp_path, model={"fromTraining": "student"}))
    code, said = refused("run", file)
    assert code == 64
    assert "needs Training 'student'" in said
