"""`dart status`: where a run stands."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.edges.store import open_store
from dart_k8s.ledger import state as states
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.workers import record
from dart_k8s.workers.snapshot import Snapshot
from dart_k8s.workers.status import Group, per_query
from dart_k8s.workers.status import Status as Standing
from dart_k8s.workers.status import status as standing
from dart_k8s.workers.translate import goal_of

from .reading import outputs_of
from .screen import wide_console


def status(
    target: Annotated[str, typer.Argument(help="Declaration file, or the URI of an output.")],
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one document a Synthesis.")] = False,
    queries: Annotated[bool, typer.Option("--queries", help="Also each query.")] = False,
) -> None:
    """Show where a run stands: trials, rows, open queries, by difficulty. Reads the state only, changes nothing."""
    for uri in outputs_of(target):
        store = open_store(uri)
        found = record.need(store)
        current = states.decode(store.get(BUDGET).data)
        snapshot = Snapshot.load(store)
        synthesis = found.synthesis
        stands = standing(synthesis.metadata.name, current, snapshot, goal_of(synthesis))
        rows = per_query(current, snapshot) if queries else []
        if as_json:
            document = {"output": uri, **stands.to_json(), **({"perQuery": rows} if queries else {})}
            typer.echo(json.dumps(document, indent=2))
        else:
            show(wide_console(), stands, rows)


def show(console: Console, stands: Standing, rows: object = ()) -> None:
    """Print a status for a person."""
    total = stands.total
    console.print(
        f"[bold]{stands.name}[/]: {stands.phase}, {total.trials} trials, {total.correct} correct "
        f"({total.distinct} distinct), {total.open} of {total.queries} queries open, {total.covered} covered, "
        f"{total.at_target} at target"
    )
    console.print(
        f"  {stands.tokens} tokens, {stands.aborted} aborted ({stands.wasted_tokens} tokens), "
        f"{total.undecided} undecided, {stands.pending} pending, {stands.overhead:.1%} over the sequential bound"
    )
    reasons = ", ".join(f"{count} {reason}" for reason, count in stands.reasons.items())
    console.print(f"  queries by state: {reasons}")
    if stands.note:
        console.print(f"  {stands.note}")
    console.print(groups("difficulty", stands.deciles))
    if len(stands.sources) > 1:
        console.print(groups("source", stands.sources))
    for row in rows if isinstance(rows, list) else ():
        console.print("  " + "  ".join(f"{name} {value}" for name, value in row.items()))


def groups(name: str, shown: tuple[Group, ...]) -> Table:
    """A table of groups, empty ones left out."""
    table = Table(box=None, pad_edge=False)
    for column in (name, "queries", "open", "trials", "correct", "distinct", "wanted", "without any"):
        table.add_column(column, justify="right" if column != name else "left")
    for group in shown:
        if group.queries:
            cells = (group.queries, group.open, group.trials, group.correct, group.distinct, group.wanted)
            table.add_row(group.name, *map(str, cells), str(group.queries - group.covered))
    return table
