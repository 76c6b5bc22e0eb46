"""Scores on the screen."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table


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


__all__ = ["show_evaluation"]
