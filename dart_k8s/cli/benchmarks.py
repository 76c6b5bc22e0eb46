"""`dart benchmarks`: what models can be scored on, and whether a file of it is what it should be."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.errors import SpecError

from .screen import wide_console

if TYPE_CHECKING:
    from dart_k8s.api.benchmarks import Benchmark
    from dart_k8s.workers.agreement import Agreement
    from dart_k8s.workers.benchmarks import Loaded

app = typer.Typer(help="What a model can be scored on.", no_args_is_help=True, rich_markup_mode=None)

SHOWN = 20
"""Disagreements on the screen; --json has all."""
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for scripts.")]


@app.command("list")
def list_benchmarks(as_json: JsonOption = False) -> None:
    """Show all benchmarks: problems, where they are, worked examples for base models, and what counts as right."""
    from dart_k8s.benchmarks import BENCHMARKS

    rows: list[dict[str, Any]] = [
        {
            "name": known.name,
            "items": known.items,
            "pictures": known.pictures,
            "hub": list(known.source.uris) if known.source else [],
            "split": known.source.split if known.source else None,
            "revision": known.source.revision if known.source else None,
            "lacks": known.source.lacks if known.source else "",
            "file": known.publisher,
            "baseShots": known.base_shots,
            "rule": known.rule,
        }
        for known in BENCHMARKS.values()
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("name", "items", "shots", "source", "what counts as right"):
        table.add_column(title, justify="right" if title in ("items", "shots") else "left", overflow="fold")
    for row in rows:
        table.add_row(row["name"], str(row["items"]), str(row["baseShots"]), _source(row), row["rule"])
    wide_console().print(table)


def _source(row: dict[str, Any]) -> str:
    if not row["hub"]:
        return "a file only"
    first = row["hub"][0] if len(row["hub"]) == 1 else row["hub"][0].rpartition("/")[0]
    return f"{first} @ {row['revision'][:12] if row['revision'] else 'newest'}"


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of the benchmark; a name of your own with --uri.")],
    uri: Annotated[str | None, typer.Option(help="Its file in the publisher's form. Default: from the hub.")] = None,
    query: Annotated[str | None, typer.Option(help="Field with the problem, in a file of yours.")] = None,
    answer: Annotated[str | None, typer.Option(help="Field with the reference, in a file of yours.")] = None,
    form: Annotated[
        str | None,
        typer.Option("--form", help="How the reference stands in its field: as-is, last-box, after-hashes."),
    ] = None,
    items: Annotated[int | None, typer.Option(help="Look at so many problems only.", min=1)] = None,
    processes: Annotated[int | None, typer.Option(help="Processes. Default: one for each core.", min=1)] = None,
    as_json: JsonOption = False,
) -> None:
    """Read a benchmark as an Evaluation would, and ask the verifier about its references: each has to accept itself, in
    a box and in a sentence, and to refuse answers made wrong, under both policies.

    Exit codes: 0 looked at, whatever came out; 64 the file is not what it should be; 1 anything else.
    """
    from dart_k8s.workers.benchmarks import load

    given = {"query": query, "answer": answer}
    fields = {field: value for field, value in given.items() if value is not None}
    loaded = load(_declared(name=name, uri=uri, items=items, fields=fields or None, reference=form))
    found = asyncio.run(_ask(loaded, processes))
    if as_json:
        typer.echo(json.dumps(document(loaded, found), indent=2))
    else:
        show(wide_console(), loaded, found)


def _declared(**given: Any) -> "Benchmark":
    from pydantic import ValidationError

    from dart_k8s.api.benchmarks import Benchmark

    try:
        return Benchmark.model_validate({field: value for field, value in given.items() if value is not None})
    except ValidationError as error:
        raise SpecError("; ".join(one["msg"].removeprefix("Value error, ") for one in error.errors()) + ".") from error


async def _ask(loaded: "Loaded", processes: int | None) -> "Agreement":
    from dart_k8s.workers.agreement import agreement
    from dart_k8s.workers.checking import Checkers, cores

    checkers = Checkers(processes=processes or cores())
    await checkers.start()
    try:
        return await agreement(loaded.items, checkers)
    finally:
        await checkers.close()


def document(loaded: "Loaded", found: "Agreement") -> dict[str, Any]:
    """The outcome for scripts."""
    from dart_k8s.answers import VERSION

    return {
        "benchmark": loaded.benchmark.name,
        "uri": loaded.uri,
        "revision": loaded.revision,
        "items": len(loaded.items),
        "of": loaded.of,
        "notes": list(loaded.notes),
        "rules": VERSION,
        "asked": {f"{policy} {form}": count for (policy, form), count in sorted(found.asked.items())},
        "disagreements": [
            {
                "id": one.item.id,
                "policy": one.policy,
                "form": one.probe.form,
                "expected": one.probe.expected,
                "verdict": one.found.verdict,
                "reference": one.item.reference,
                "response": one.probe.response,
                "reason": one.found.reason,
            }
            for one in found.disagreements
        ],
    }


def show(console: Console, loaded: "Loaded", found: "Agreement") -> None:
    """Print what came out, for a person."""
    console.print(f"{loaded.benchmark.title}: {len(loaded.items)} problems from {loaded.uri}", markup=False)
    console.print(f"  revision       {loaded.revision}", markup=False, soft_wrap=True)
    for note in loaded.notes:
        console.print(f"  note           {note}", markup=False, soft_wrap=True)
    wrong = {(one.policy, one.probe.form) for one in found.disagreements}
    table = Table(box=None, pad_edge=False)
    for title in ("policy", "answer", "asked", "as it should be"):
        table.add_column(title, justify="right" if title == "asked" else "left")
    for (policy, form), count in sorted(found.asked.items()):
        differ = sum((one.policy, one.probe.form) == (policy, form) for one in found.disagreements)
        told = "all" if (policy, form) not in wrong else f"{count - differ} ({(count - differ) / count:.2%})"
        table.add_row(policy, form, str(count), told)
    console.print(table)
    if not found.disagreements:
        return
    shown = Table(box=None, pad_edge=False)
    for title in ("item", "policy", "answer", "verdict", "reference", "reason"):
        shown.add_column(title, overflow="ellipsis", no_wrap=True, max_width=44 if title == "reason" else 30)
    for one in found.disagreements[:SHOWN]:
        cells = (one.item.id, one.policy, one.probe.form, one.found.verdict, one.item.reference, one.found.reason)
        shown.add_row(*(" ".join(cell.split()).replace("[", "\\[") for cell in cells))
    console.print(shown)
    if len(found.disagreements) > SHOWN:
        console.print(f"... and {len(found.disagreements) - SHOWN} more")
