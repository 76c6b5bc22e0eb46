"""`dart status`: where a run stands."""

import json
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.edges.store import open_store
from dart_k8s.errors import SpecError
from dart_k8s.ledger import state as states
from dart_k8s.ledger.keys import BUDGET
from dart_k8s.workers import record
from dart_k8s.workers.snapshot import Snapshot
from dart_k8s.workers.status import Group, per_query
from dart_k8s.workers.status import Status as Standing
from dart_k8s.workers.status import status as standing
from dart_k8s.workers.translate import goal_of

from .cluster.reaching import (
    AllOption,
    ContextOption,
    FormOption,
    KubeconfigOption,
    NamespaceOption,
    in_words,
    reach,
)
from .cluster.status import WATCH_HELP, check_form
from .cluster.status import show as show_in_cluster
from .reading import is_declaration, outputs_of
from .screen import wide_console

WHICH = "Name its declaration file or its output."
IN_CLUSTER = "For a cluster: kubectl dart status, or dart status -n NAMESPACE."


def status(
    target: Annotated[
        str | None,
        typer.Argument(help="Declaration file, or the URI of an output. With an option of a cluster: a name there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one document a Synthesis.")] = False,
    queries: Annotated[bool, typer.Option("--queries", help="Also each query.")] = False,
    watching: Annotated[bool, typer.Option("--watch", "-w", help=f"In a cluster only. {WATCH_HELP}")] = False,
    form: FormOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: AllOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show where a run stands: trials, rows, open queries, by difficulty. Reads the state only, changes nothing.

    This is about a run of this machine or an output. For a Synthesis in a cluster say so: `kubectl dart status NAME`,
    or give -n, -A, --context or --kubeconfig.
    """
    check_form(form)
    if namespace or all_namespaces or context or kubeconfig:
        place = reach(namespace, context, kubeconfig, all_namespaces=all_namespaces)
        with in_words(place):
            show_in_cluster(
                place,
                target,
                form="json" if as_json else form,
                queries=queries,
                watching=watching,
                console=wide_console(),
            )
        return
    if target is None:
        raise SpecError("Which run? " + WHICH, remedy=IN_CLUSTER)
    if watching or form == "yaml":
        raise SpecError("--watch and --output yaml are about Syntheses in a cluster.", remedy=IN_CLUSTER)
    as_json = as_json or form == "json"
    for uri in outputs_of(target):
        store = open_store(uri)
        try:
            found = record.need(store)
        except SpecError as error:
            if _may_be_a_name(target):
                error.remedy = (
                    f"{error.remedy} If '{target}' is a Synthesis in a cluster: kubectl dart status {target}."
                )
            raise
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


def _may_be_a_name(target: str) -> bool:
    return "/" not in target and not is_declaration(target)


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
