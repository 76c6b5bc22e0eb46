"""A real Prometheus on loopback: what it scrapes is named in a file, what it knows is asked over HTTP."""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import yaml

from tests.tools import PROMETHEUS

STARTS_WITHIN = 60.0
"""Seconds."""
SCRAPES = "500ms"
LISTENS = re.compile(r'msg="Listening on" .*address=(\S+)')


class Prometheus:
    """One server; `with` starts and ends it."""

    def __init__(self, folder: Path, rules: Sequence[Path] = (), *, honours: bool) -> None:
        """`folder`: for its data. `honours`: the operator's own labels win. Skips without the program."""
        self._program, self._folder = PROMETHEUS.need(), folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        jobs = [
            {"job_name": name, "honor_labels": honour, "file_sd_configs": [{"files": [str(self._file(name))]}]}
            for name, honour in (("operator", honours), ("pods", False))
        ]
        config = {
            "global": {"scrape_interval": SCRAPES, "scrape_timeout": SCRAPES, "evaluation_interval": "1s"},
            "rule_files": [str(path) for path in rules],
            "scrape_configs": jobs,
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))

    def _file(self, job: str) -> Path:
        return self._folder / f"targets-{job}.json"

    def targets(self, job: str, found: dict[str, dict[str, str]]) -> None:
        """From now on a job scrapes these: address -> labels."""
        text = json.dumps([{"targets": [address], "labels": labels} for address, labels in sorted(found.items())])
        path = self._file(job)
        if not path.exists() or path.read_text() != text:
            half = path.with_suffix(".half")
            half.write_text(text)
            half.replace(path)

    def __enter__(self) -> Self:
        log = self._folder / "prometheus.log"
        with log.open("wb") as said:
            self._process = subprocess.Popen(
                [
                    str(self._program), f"--config.file={self._folder / 'prometheus.yaml'}",
                    f"--storage.tsdb.path={self._folder / 'data'}", "--web.listen-address=127.0.0.1:0",
                ],
                stdout=said, stderr=said, cwd=self._folder,
            )  # fmt: skip
        ends = time.monotonic() + STARTS_WITHIN
        while time.monotonic() < ends and self._process.poll() is None:
            found = LISTENS.search(log.read_text(errors="replace"))
            if found:
                self.url = f"http://{found[1]}"
                if self._ready():
                    return self
            time.sleep(0.1)
        self.__exit__()
        raise AssertionError(f"Prometheus did not start: {log.read_text(errors='replace')[-2000:]}")

    def __exit__(self, *_: object) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def ask(self, path: str, **parameters: str) -> Any:
        """The API's `data`; AssertionError with its words if it refuses."""
        body = urllib.parse.urlencode(parameters).encode() if parameters else None
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}", body, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters.get('query', path)}: {error.read().decode()}") from None

    def range(self, query: str, begins: float, ends: float, step: float = 1.0) -> list[dict[str, Any]]:
        """Series of a query over a time, in seconds since the epoch: {"metric": labels, "values": [[time, text]]}."""
        given = {"start": f"{begins:.3f}", "end": f"{ends:.3f}", "step": f"{step:g}"}
        return list(self.ask("query_range", query=query, **given)["result"])

    def now(self, query: str, when: float) -> list[dict[str, Any]]:
        """Series of a query at a time."""
        return list(self.ask("query", query=query, time=f"{when:.3f}")["result"])
