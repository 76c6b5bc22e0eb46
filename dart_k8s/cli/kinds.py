"""What `dart run` does with a document of each kind but Synthesis: a function in `RUN`.

A Synthesis shares its engine with its neighbours and has a loop of its own (run.py).
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from dart_k8s.api import Declaration, Training

from .scores import run_evaluation
from .screen import Screen


@dataclass(slots=True, kw_only=True)
class Running:
    """What a document needs to be done."""

    cache: Path
    """Folder for models and logs."""
    offline: bool
    """Never ask a hub."""
    screen: Screen
    """`screen.tell` takes events."""
    stop: asyncio.Event
    """Set when the user asks to stop: raise StoppedError then."""
    command: str
    """How the user started it, for cards and reports."""
    made: dict[tuple[str, str], Any] = field(default_factory=dict)
    """What earlier documents gave, by kind and name."""


Show = Callable[[Console], None]
"""Says at the end, when the screen is free again, what was made and where it lies."""
Run = Callable[[Any, Running], Awaitable[Show]]
"""Does one document, whose references are resolved to places. Doing it again goes on where it stopped."""


async def run_training(document: Training, running: Running) -> Show:
    """Train a model."""
    from dart_k8s.workers.train.local import train

    report = await train(
        document,
        cache=running.cache,
        offline=running.offline,
        tell=running.screen.tell,
        stop=running.stop,
        command=running.command,
    )
    running.made["Training", document.metadata.name] = report

    def show(console: Console) -> None:
        plan, uri, curve = report["plan"], document.spec.output.uri, report["loss"]
        losses = f", loss {curve[0][1]:.4f} to {curve[-1][1]:.4f}" if curve else ""
        console.print(
            f"[bold]{document.metadata.name}[/]: {plan['steps']} steps on {plan['rows']} rows "
            f"({plan['droppedRows']} dropped){losses}"
        )
        for warning in plan["warnings"]:
            console.print(f"  warning   {warning}", markup=False, soft_wrap=True)
        console.print(f"  model     {uri}/model/", markup=False, soft_wrap=True)
        console.print(f"  card      {uri}/model/README.md", markup=False, soft_wrap=True)
        console.print(f"  report    {uri}/report/training.json", markup=False, soft_wrap=True)

    return show


RUN: Mapping[str, Run] = {"Training": run_training, "Evaluation": run_evaluation}
"""By kind."""


def runs(document: Declaration) -> bool:
    """Whether this version runs documents of its kind."""
    return document.kind == "Synthesis" or document.kind in RUN


__all__ = ["RUN", "Run", "Running", "Show", "runs"]
