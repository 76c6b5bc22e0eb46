"""An Evaluation as a part of `dart run`, and scores on the screen."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from dart_k8s.api import Evaluation

if TYPE_CHECKING:
    from dart_k8s.workers.access import Tell
    from dart_k8s.workers.local import Show as Standing

    from .kinds import Running, Show


async def run_evaluation(document: Evaluation, running: "Running") -> "Show":
    """Evaluate a model; see `kinds.RUN`."""
    from dart_k8s.workers.evaluate.local import evaluate

    screen, name = running.screen, document.metadata.name

    def seen(one: str, standing: "Standing") -> None:
        screen.state(one, standing.state, standing.remaining)

    made = await evaluate(
        document,
        cache=running.cache,
        offline=running.offline,
        tell=screen.tell,
        stop=running.stop,
        seen=seen,
        progress=lambda done, total: screen.now(f"{name}: {done} of {total} responses judged"),
    )
    running.made["Evaluation", name] = made.report
    return lambda console: show_evaluation(console, made.report, document.spec.output.uri)


def show_evaluation(console: Console, report: Mapping[str, Any], uri: str) -> None:
    """A report as a table, and where its files lie."""
    from dart_k8s.workers.evaluate.table import head_of, rows_of

    place = report["model"]["uri"] or report["model"]["served"] or report["model"]["engine"]
    console.print(f"[bold]{report['name']}[/]: {place}", soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(head_of(report)):
        table.add_column(title, justify="right" if number else "left", no_wrap=True)
    for row in rows_of(report):
        table.add_row(*row)
    console.print(table)
    level = f"{report['intervals']['confidence']:.0%}"
    console.print(f"  percent of problems; {level} bootstrap intervals over problems")
    for one in report["benchmarks"]:
        for note in one["notes"]:
            console.print(f"  {one['title']}: {note}", markup=False, soft_wrap=True)
    console.print(f"  report    {uri}/report/", markup=False, soft_wrap=True)
    console.print(f"  responses {uri}/passes/", markup=False, soft_wrap=True)


def check_evaluation(document: Evaluation, cache: Path, tell: "Tell") -> None:
    """All that can be checked of it before what it evaluates is made: its benchmarks, and its output."""
    from dart_k8s.workers.evaluate.prepare import PrepareEvaluation

    PrepareEvaluation(cache=cache, tell=tell).check(document)


__all__ = ["check_evaluation", "run_evaluation", "show_evaluation"]
