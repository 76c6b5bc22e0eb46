"""What was measured, as one JSON file per part and size: a benchmark that was interrupted goes on where it was."""

import datetime
import json
import os
import platform
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(".cache/benchmarks")

Size = dict[str, Any]
Found = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Part:
    """One thing to measure, at one size."""

    name: str
    measure: Callable[..., Found]
    size: Size

    @property
    def path(self) -> Path:
        """Where its result is kept."""
        words = [f"{name}={value}" for name, value in self.size.items()]
        return FOLDER / ("_".join([self.name, *words]) + ".json")

    def stored(self) -> Found | None:
        """Its result, if it was measured."""
        return json.loads(self.path.read_text())["found"] if self.path.exists() else None

    def run(self) -> Found:
        """Measure, store and return."""
        began = time.monotonic()
        found = self.measure(**self.size)
        record = {
            "part": self.name,
            "size": self.size,
            "found": found,
            "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
            "machine": machine(),
            "minutes": round((time.monotonic() - began) / 60, 1),
        }
        self.path.parent.mkdir(parents=True, exist_ok=True)
        new = self.path.with_suffix(".new")
        new.write_text(json.dumps(record, indent=1))
        new.replace(self.path)
        return found


def machine() -> dict[str, Any]:
    """Kind of machine, no names."""
    model = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = [line for line in info.read_text().splitlines() if line.startswith("model name")]
        model = lines[0].partition(":")[2].strip() if lines else model
    return {"cpu": model, "cores": os.cpu_count(), "python": platform.python_version(), "system": platform.system()}
