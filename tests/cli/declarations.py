"""Declarations, queries and scripts for runs on the scripted engine, as files in a folder."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

RATES = (0.95, 0.8, 0.6, 0.4, 0.25, 0.1)
"""Pass rates of the queries, in turn."""


def write_problems(folder: Path, count: int = 12) -> None:
    """`queries.jsonl` and a script that answers them with known pass rates."""
    rows = [{"problem": f"What is {n} + {n}?", "solution": str(2 * n), "id": f"q{n}"} for n in range(1, count + 1)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    scripts = [
        {"match": row["problem"], "p": RATES[number % len(RATES)], "answer": row["solution"], "tokens": 30}
        for number, row in enumerate(rows)
    ]
    (folder / "script.json").write_text(json.dumps({"version": 1, "scripts": scripts}))


def declaration(folder: Path, name: str = "toy", output: str | None = None, **spec: Any) -> dict[str, Any]:
    """A Synthesis on the scripted engine; `spec` replaces top-level fields of the spec."""
    fields: dict[str, Any] = {
        "queries": [
            {
                "name": "sums",
                "uri": str(folder / "queries.jsonl"),
                "fields": {"query": "problem", "answer": "solution", "id": "id"},
            }
        ],
        "engine": {
            "kind": "scripted",
            "script": str(folder / "script.json"),
            "slots": 8,
            "args": {"seconds_per_token": 0.002},
        },
        "prompt": {"inline": "Problem: {query}\nSolution:"},
        "sampling": {"temperature": 1.0, "maxTokens": 200},
        "strategy": {"kind": "prop2diff", "target": 12, "minTrials": 4},
        "budget": {"maxTrialsPerQuery": 60},
        "claims": {"heartbeatSeconds": 0.5, "ttlSeconds": 3},
        "flush": {"seconds": 0.5},
        "output": {"uri": output or str(folder / name)},
    }
    return {
        "apiVersion": "dart-k8s.io/v1alpha1",
        "kind": "Synthesis",
        "metadata": {"name": name},
        "spec": {**fields, **spec},
    }


def write_declarations(path: Path, *documents: Mapping[str, Any]) -> Path:
    """The documents as one YAML file."""
    path.write_text(yaml.safe_dump_all([dict(document) for document in documents], sort_keys=False))
    return path
