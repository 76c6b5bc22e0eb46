"""An Evaluation of a file on the scripted engine, in a folder."""

import json
from pathlib import Path
from typing import Any

from dart_k8s.api import Evaluation, load_any

RATES = (0.95, 0.7, 0.4, 0.1)
"""Pass rates of the problems, in turn."""


def write_problems(folder: Path, count: int = 24, *, rates: tuple[float, ...] = RATES) -> None:
    """`problems.jsonl` and a script that answers them with known pass rates."""
    rows = [
        {
            "problem": f"What is {n} times 3?",
            "answer": str(3 * n),
            "id": f"p{n}",
            "topic": "even" if n % 2 == 0 else "odd",
            "level": str(1 + n % 4),
        }
        for n in range(1, count + 1)
    ]
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scripts = [
        {"match": row["problem"], "p": rates[number % len(rates)], "answer": row["answer"], "tokens": 8}
        for number, row in enumerate(rows)
    ]
    (folder / "script.json").write_text(json.dumps({"version": 1, "scripts": scripts}))


def fields(folder: Path, name: str = "scores", **spec: Any) -> dict[str, Any]:
    """The declaration as plain values; `spec` replaces top-level fields of the spec, None removes one."""
    made: dict[str, Any] = {
        "engine": {
            "kind": "scripted",
            "script": str(folder / "script.json"),
            "slots": 8,
            "args": {"verifier": "exact"},
        },
        "benchmarks": [
            {
                "name": "triples",
                "uri": str(folder / "problems.jsonl"),
                "fields": {"query": "problem", "answer": "answer", "id": "id", "subject": "topic", "level": "level"},
            }
        ],
        "decoding": {"maxTokens": 200},
        "intervals": {"resamples": 200},
        "verifiers": {"processes": 1},
        "output": {"uri": str(folder / name)},
    }
    made |= spec
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Evaluation",
        "metadata": {"name": name},
        "spec": {key: value for key, value in made.items() if value is not None},
    }


def evaluation(folder: Path, name: str = "scores", **spec: Any) -> Evaluation:
    """The same as a model."""
    found = load_any(fields(folder, name, **spec), "test")
    assert isinstance(found, Evaluation)
    return found
