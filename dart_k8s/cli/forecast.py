"""`dart forecast`: what a run will cost and bring, before it and at any time in it."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from .cluster.forecast import in_cluster
from .cluster.reaching import ContextOption, KubeconfigOption, NamespaceOption, in_words, reach
from .reading import is_declaration, read_declarations
from .screen import CACHE, wide_console
from .stopping import stoppable

if TYPE_CHECKING:
    from dart_k8s.workers.outlook import Outlook


def forecast(
    target: Annotated[
        str,
        typer.Argument(
            help="Declaration file, or the URI of an output; - reads standard input. With an option of a cluster: a "
            "name there."
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Only this Synthesis of the file.")] = None,
    token_rate: Annotated[
        float | None, typer.Option(help="Tokens a second of one GPU, for GPU-hours.", min=0.001)
    ] = None,
    tokens: Annotated[
        float | None, typer.Option(help="Mean tokens of a response, if no trial has told yet.", min=0.001)
    ] = None,
    like: Annotated[
        str | None,
        typer.Option(help="Output or query-info file of other queries of the same kind under the same model."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the simulation.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one document a Synthesis.")] = False,
    namespace: NamespaceOption = None,
    context: ContextOption = None,
    kubeconfig: KubeconfigOption = None,
) -> None:
    """Forecast trials, tokens, GPU-hours, rows and covered queries for several hopeless stops, with 90 % intervals.

    Before a run from its queries, earlier pools and fixed difficulties; during and after it from what its trials
    showed. Samples nothing, changes nothing. For a Synthesis in a cluster say so: `kubectl dart forecast NAME`, or give
    -n, --context or --kubeconfig.
    """
    from dart_k8s.workers.outlook import Asked, of_declaration, of_output
    from dart_k8s.workers.prepare import Prepare

    asked = Asked(tokens_per_trial=tokens, tokens_per_second=token_rate, like=like, seed=seed)
    if namespace or context or kubeconfig:
        place = reach(namespace, context, kubeconfig)
        with in_words(place):
            found = [in_cluster(place, target, asked, None if as_json else wide_console())]
    elif is_declaration(target):
        documents = read_declarations(target, name)
        prepare = Prepare(cache=CACHE, pending=frozenset(d.spec.output.uri for d in documents))
        found = stoppable(lambda: [of_declaration(document, prepare, asked) for document in documents])
    else:
        found = stoppable(lambda: [of_output(target, asked)])
    console = wide_console()
    for outlook in found:
        if as_json:
            typer.echo(json.dumps(outlook.to_json(), indent=2))
        else:
            show(console, outlook)


def show(console: Console, outlook: "Outlook") -> None:
    """Print a forecast for a person: a column per hopeless stop, the declaration's own with a star."""
    found = outlook.forecast
    console.print(
        f"[bold]{outlook.name}[/] ({found.kind.value}, {found.scale:g}): {outlook.phase}, {found.queries} queries, "
        f"{found.spent} trials spent"
    )
    console.print(f"  known of pass rates: {outlook.basis}", markup=False, soft_wrap=True)
    console.print(
        f"  tokens of a response: {outlook.tokens_per_trial:.0f} ({outlook.tokens_basis})", markup=False, soft_wrap=True
    )
    console.print()
    console.print(_columns([_turned(found.table()), found.decile_table()]))
    console.print()
    console.print("  eps: spec.budget.hopelessProbability, 0 switches the stop off; * is the declaration's.")
    console.print("  tenth: its rows, by tenths of the queries from easy to hard. In brackets: 5 to 95 %.")


def _turned(table: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    return list(zip(*table, strict=True))


def _columns(parts: Sequence[Sequence[Sequence[str]]]) -> Table:
    """Tables of the same columns one below the other, the interval of each value on a line of its own."""
    head, *body = parts[0]
    table = Table(box=None, pad_edge=False)
    table.add_column("eps")
    for title in head[1:]:
        table.add_column(title, justify="right")
    for row in body:
        table.add_row(row[0], *(cell.replace(" (", "\n(") for cell in row[1:]))
    for part in parts[1:]:
        table.add_section()
        for row in part[1:]:
            table.add_row(f"tenth {row[0]}", *(cell.replace(" (", "\n(") for cell in row[1:]))
    return table
