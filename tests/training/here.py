"""An output of the real trainer, and what happens on the way to it."""

import asyncio
from pathlib import Path
from typing import Any

from dart_k8s.api import load_any
from dart_k8s.workers.train.local import train
from tests.training import tiny


class Here:
    """One output."""

    def __init__(self, top: Path, base: Path) -> None:
        self.top, self.base, self.out = top, base, top / "out"
        self.data = tiny.rows(top / "rows.jsonl")
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.stop = asyncio.Event()

    async def train(self, **spec: Any) -> Any:
        document = load_any(tiny.declaration(self.out, self.base, self.data, **spec), "a test")
        return await train(
            document,  # type: ignore[arg-type]
            cache=self.top / "cache",
            offline=True,
            tell=self.tell,
            stop=self.stop,
        )

    def tell(self, event: str, **facts: Any) -> None:
        self.told.append((event, facts))

    def steps(self) -> list[int]:
        return [facts["step"] for event, facts in self.told if event == "training-step"]
