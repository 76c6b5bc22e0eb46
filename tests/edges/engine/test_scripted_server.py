"""The scripted server as a user starts it."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dart_k8s.edges.engine.scripted_server import Fault

ROOT = Path(__file__).parents[3]


def start(script: Path, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "dart_k8s.edges.engine.scripted_server", "--script", str(script), *options]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )


def test_it_prints_its_url_answers_and_ends_on_request(tmp_path: Path) -> None:
    script, log = tmp_path / "script.json", tmp_path / "log.jsonl"
    document = {
        "version": 1,
        "scripts": [{"match": "2 + 2", "p": 1, "answer": "4"}],
        "faults": [{"kind": "status", "status": 503, "first": 1}],
    }
    script.write_text(json.dumps(document), "utf-8")
    with start(script, "--log", str(log), "--model", "small") as server:
        assert server.stdout is not None
        url = server.stdout.readline().strip()
        with urllib.request.urlopen(f"{url}/models") as reply:
            assert [model["id"] for model in json.load(reply)["data"]] == ["small"]
        body = json.dumps({"model": "small", "prompt": "What is 2 + 2?", "max_tokens": 500}).encode()
        with urllib.request.urlopen(f"{url}/completions", data=body) as reply:
            assert "\\boxed{4}" in json.load(reply)["choices"][0]["text"]
        with pytest.raises(urllib.error.HTTPError, match="503"):
            urllib.request.urlopen(f"{url}/completions", data=body)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=20) == 0
    assert [json.loads(line)["status"] for line in log.read_text("utf-8").splitlines()] == [200, 503]


def test_a_bad_script_is_refused_in_words(tmp_path: Path) -> None:
    with start(tmp_path / "none.json") as server:
        assert server.wait(timeout=20) == 1
        assert server.stderr is not None
        assert "none.json can't be read" in server.stderr.read()


def test_a_fault_hits_the_requests_it_names() -> None:
    assert [n for n in range(12) if Fault(kind="html", first=2, every=3, times=3).hits(n)] == [2, 5, 8]
    assert [n for n in range(5) if Fault(kind="html", first=3).hits(n)] == [3, 4]
