"""`dart analyze`: what data sets tell about their bias, side by side."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.errors import SpecError

from .screen import wide_console

if TYPE_CHECKING:
    from dart_k8s.scores.curves import Curve, Reach
    from dart_k8s.workers.analyze import Analysis, SetBias

SHOWN = 6
"""Points of a curve that are printed."""

EACH = "Once for all sets, or once for each in their order."


def analyze(
    sets: Annotated[
        list[str],
        typer.Argument(help="Data sets: files, folders, store URIs, hub ids (OWNER/NAME), or outputs of `dart run`."),
    ],
    against: Annotated[
        str | None,
        typer.Option(
            help="Queries with their difficulties: an output, a query-info file, column:NAME or pass-rate:NAME of the "
            "first set. Default: the first set that is an output."
        ),
    ] = None,
    query: Annotated[list[str] | None, typer.Option(help=f"Field with the query (default: query). {EACH}")] = None,
    original: Annotated[
        list[str] | None,
        typer.Option(help=f"Field with the original of a rewritten query (MetaMathQA: original_question). {EACH}"),
    ] = None,
    response: Annotated[
        list[str] | None, typer.Option(help=f"Field with the response; rows where it is empty do not count. {EACH}")
    ] = None,
    name: Annotated[list[str] | None, typer.Option(help="Name of a set in table and figure, in their order.")] = None,
    split: Annotated[str | None, typer.Option(help="Split of the sets of a hub that have several.")] = None,
    figure: Annotated[
        Path | None,
        typer.Option(help="Write rows per query by difficulty there as PNG; coverage to NAME-coverage.png."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """Show rows per query by difficulty for data sets side by side: which are biased to easy queries.

    Also queries without any row, and coverage and pass@k where the rows have all verdicts.
    """
    if figure is not None and not figure.resolve().parent.is_dir():
        raise SpecError(f"Cannot write the figure {figure}: there is no folder {figure.resolve().parent}.")
    from dart_k8s.workers.analyze import Fields
    from dart_k8s.workers.analyze import analyze as run
    from dart_k8s.workers.analyze.opened import open_reference, open_set, with_responses

    count = len(sets)
    queries, originals = _each("--query", query, count, "query"), _each("--original", original, count, "")
    responses = _each("--response", response, count, "")
    if name and len(name) != count:
        raise SpecError(f"There are {count} sets and {len(name)} names.", remedy="Give --name once for each set.")
    opened = [open_set(one, split=split) for one in sets]
    reference = open_reference(against, opened, query=originals[0] or queries[0])
    found = run(
        [
            (label, with_responses(one, answer) if answer else one.rows, Fields(query=text, original=source))
            for label, one, text, source, answer in zip(
                name or _distinct([one.name for one in opened]), opened, queries, originals, responses, strict=True
            )
        ],
        reference,
    )
    if figure is not None:
        figure.write_bytes(found.figure())
        coverage = found.coverage_figure()
        if coverage is not None:
            figure.with_name(f"{figure.stem}-coverage.png").write_bytes(coverage)
    if as_json:
        typer.echo(found.to_json(), nl=False)
    else:
        show(wide_console(), found)


def _each(option: str, given: list[str] | None, count: int, default: str) -> list[str]:
    """One value for each set."""
    values = given or [default]
    if len(values) not in (1, count):
        raise SpecError(
            f"There are {count} sets and {len(values)} values of {option}.",
            remedy=f'Give {option} once for all sets, or once for each in their order ("" where a set has none).',
        )
    return values * count if len(values) == 1 else values


def _distinct(names: Sequence[str]) -> list[str]:
    """The names, later ones of the same kind numbered."""
    return [f"{one} {names[:n].count(one) + 1}" if one in names[:n] else one for n, one in enumerate(names)]


def show(console: Console, found: "Analysis") -> None:
    """Print an analysis for a person."""
    console.print(f"{found.difficulty.size} queries, difficulties from {found.origin}", markup=False, soft_wrap=True)
    for one in found.sets:
        console.print(f"[bold]{one.name}[/]: {_says(one)}")
        for example in one.unmatched_examples[:2]:
            console.print(f"  of another query: {example!r}", markup=False, soft_wrap=True)
    table = Table(box=None, pad_edge=False)
    names = [one.name for one in found.sets]
    for title in ("decile", "queries", "pass rate"):
        table.add_column(title, justify="left" if title == "decile" else "right")
    for label in names:
        for title in ("rows", "per query", "no row"):
            table.add_column(f"{label}\n{title}", justify="right")
    for line in found.rows():
        rate = line["pass rate"]
        cells = [str(line["decile"]), str(line["queries"]), "" if rate is None else f"{rate:.3f}"]
        for label in names:
            cells += [str(line[f"{label} {key}"]) for key in ("rows", "rows per query", "without row")]
        table.add_row(*cells)
    console.print(table)
    for one in found.sets:
        _curves(console, one.name, one.reach, one.refused)
    _curves(console, "the counts", found.counts.reach, found.counts.refused, found.counts.caution)


def _says(one: "SetBias") -> str:
    size = max(1, one.per_query.size)
    other = f", {one.unmatched} of other queries" if one.unmatched else ""
    return f"{one.rows} rows{other}; {one.without_row} queries without any row ({one.without_row / size:.1%})"


def _curves(console: Console, name: str, reach: "Reach | None", refused: str, caution: str = "") -> None:
    if reach is None:
        console.print(f"  {name}: {refused}", markup=False, soft_wrap=True)
        return
    console.print(
        f"  {name}: first {reach.m} trials of {reach.queries} queries ({reach.left_out} left out): "
        f"coverage {_points(reach.coverage)}; pass@k {_points(reach.pass_at_k)}",
        markup=False,
    )
    if caution:
        console.print(f"  {caution}", markup=False, soft_wrap=True)


def _points(curve: "Curve") -> str:
    """A few points, the first and the last among them."""
    last = curve.k.size - 1
    chosen = sorted({round(last * part / (SHOWN - 1)) for part in range(SHOWN)})
    return ", ".join(f"@{curve.k[i]} {curve.value[i]:.1%}" for i in chosen)
