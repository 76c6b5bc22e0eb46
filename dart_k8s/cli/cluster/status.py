"""`kubectl dart status`: where Syntheses of a cluster stand."""

import json
import time
from collections.abc import Iterable, Mapping
from contextlib import nullcontext
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dart_k8s.api import write
from dart_k8s.cli.screen import wide_console
from dart_k8s.edges.cluster import Object
from dart_k8s.edges.cluster.resources import SYNTHESES
from dart_k8s.errors import EXIT_FAILED, ClusterUnavailable, SpecError

from .following import follow
from .reaching import (
    NAMED,
    AllOption,
    ContextOption,
    FormOption,
    KubeconfigOption,
    NamespaceOption,
    Reach,
    find,
    in_words,
    named,
    reach,
    syntheses,
)
from .standing import COLUMNS, ENDED, lines, phase, row, sources, summary

__all__ = ["WATCH_HELP", "check_form", "printed", "show", "status", "watch"]

QUERIES_HELP = "Also each query, from the store, with this machine's credentials."
WATCH_HELP = "Go on and show every change. With a name: until it is Complete (exit code 0) or Failed (1)."


def status(
    name: Annotated[str | None, typer.Argument(help=f"{NAMED} Default: all Syntheses of the namespace.")] = None,
    watching: Annotated[bool, typer.Option("--watch", "-w", help=WATCH_HELP)] = False,
    queries: Annotated[bool, typer.Option("--queries", help=QUERIES_HELP)] = False,
    form: FormOption = None,
    namespace: NamespaceOption = None,
    all_namespaces: AllOption = False,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Show where objects in the cluster stand: phase, progress, pods, what needs a look. Changes nothing."""
    check_form(form)
    place = reach(namespace, context, kubeconfig, all_namespaces=all_namespaces)
    with in_words(place):
        show(place, name, form=form, queries=queries, watching=watching, console=wide_console())


def show(place: Reach, name: str | None, *, form: str | None, queries: bool, watching: bool, console: Console) -> None:
    """Print one or all, once or whenever something changes."""
    if watching and (form or queries):
        raise SpecError("--watch shows changes to a person; it goes with neither --output nor --queries.")
    if queries and not name:
        raise SpecError("--queries is about one Synthesis.", remedy="Name it.")
    if name is None:
        if watching:
            watch(place, None, console)
        found = syntheses(place)
        if form:
            typer.echo(printed({"apiVersion": "v1", "kind": "List", "items": found}, form), nl=False)
        elif not found:
            console.print(f"No Synthesis in {place.shown}.", markup=False, soft_wrap=True)
        else:
            console.print(table(found, time.time(), spaces=place.namespace is None))
        return
    item = find(place, name)
    if watching:
        watch(place, name, console)
    rows = _queries(item) if queries else []
    if form:
        typer.echo(printed({**item, **({"perQuery": rows} if queries else {})}, form), nl=False)
        return
    for line in lines(item, time.time()):
        console.print(line, markup=False, soft_wrap=True)
    if counts := sources(item):
        console.print(_sources(counts))
    for one in rows:
        console.print("  " + "  ".join(f"{key} {value}" for key, value in one.items()), markup=False, soft_wrap=True)


def watch(place: Reach, name: str | None, console: Console) -> None:
    """Show every change. Leaves when the one that is named has ended, with the exit code that says how."""
    live = Live(console=console, auto_refresh=False) if console.is_terminal else None
    said: dict[tuple[str, str], str] = {}

    def lost(error: ClusterUnavailable) -> None:
        console.print(f"waiting for the cluster: {error.message}", markup=False, soft_wrap=True)

    resource, plain = named(name) if name is not None else (SYNTHESES, None)
    with live or nullcontext():
        for seen in follow(place, plain, resource=resource, lost=lost):
            now = time.time()
            if live:
                live.update(_whole(seen, name, now, spaces=place.namespace is None), refresh=True)
            else:
                for key, item in sorted(seen.items()):
                    line = summary(item, now)
                    if said.get(key) != line:
                        said[key] = line
                        console.print(line, markup=False, soft_wrap=True)
            if name is None:
                continue
            if not seen:
                raise SpecError(f"{resource.kind} '{plain}' is not there any more: somebody deleted it.")
            [item] = seen.values()
            if phase(item) in ENDED and _current(item):
                raise typer.Exit(0 if phase(item) == "Complete" else EXIT_FAILED)


def table(items: Iterable[Object], now: float, *, spaces: bool) -> Table:
    """All of them, one a line."""
    made = Table(box=None, pad_edge=False)
    for column in (*(("NAMESPACE",) if spaces else ()), *COLUMNS):
        made.add_column(column, no_wrap=column != "MESSAGE", overflow="fold" if column != "MESSAGE" else "ellipsis")
    for item in items:
        space = (str(item["metadata"]["namespace"]),) if spaces else ()
        made.add_row(*(Text(cell) for cell in (*space, *row(item, now))))
    return made


def check_form(form: str | None) -> None:
    """SpecError for a form that there is not."""
    if form not in (None, "json", "yaml"):
        raise SpecError(f"There is no output form {form!r}.", remedy="There are json and yaml.")


def printed(value: Mapping[str, Any], form: str) -> str:
    """For scripts."""
    return json.dumps(value, indent=2) + "\n" if form == "json" else write(value)


def _whole(seen: Mapping[tuple[str, str], Object], name: str | None, now: float, *, spaces: bool) -> Table | Text:
    if name is None:
        return table([seen[key] for key in sorted(seen)], now, spaces=spaces)
    return Text("\n".join(line for item in seen.values() for line in lines(item, now)))


def _current(item: Object) -> bool:
    """Whether the status speaks of the spec as it is: a failed one that was changed is tried again."""
    seen = (item.get("status") or {}).get("observedGeneration")
    return seen is None or seen >= item["metadata"].get("generation", 0)


def _sources(counts: Iterable[Mapping[str, Any]]) -> Table:
    made = Table(box=None, pad_edge=False)
    made.add_column("source")
    for column in ("queries", "open", "covered", "trials", "accepted"):
        made.add_column(column, justify="right")
    for one in counts:
        made.add_row(
            Text(str(one["name"])),
            *(str(one.get(key, 0)) for key in ("queries", "open", "covered", "trials", "accepted")),
        )
    return made


def _queries(item: Object) -> list[dict[str, object]]:
    from dart_k8s.ledger import state as states
    from dart_k8s.ledger.keys import BUDGET
    from dart_k8s.workers.snapshot import Snapshot
    from dart_k8s.workers.status import per_query

    from .stored import open_output

    store = open_output(item, "each query")
    return list(per_query(states.decode(store.get(BUDGET).data), Snapshot.load(store)))
