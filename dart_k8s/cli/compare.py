"""`dart compare`: models side by side on the same problems."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.errors import SpecError

from .reading import is_declaration, read_all
from .screen import wide_console

if TYPE_CHECKING:
    from dart_k8s.scores.comparing import Against, Compared, Cost, Difference, Side
    from dart_k8s.scores.paper import Published


COSTS = (
    ("rows", "rows"),
    ("distinct queries", "queries"),
    ("tokens", "tokens"),
    ("steps", "steps"),
    ("raw trials", "trials"),
    ("GPU-hours sampling", "sampling_hours"),
    ("GPU-hours training", "training_hours"),
)


def compare(
    evaluations: Annotated[
        list[str], typer.Argument(help="Outputs of Evaluations, their reports (evaluation.json) or declaration files.")
    ],
    name: Annotated[list[str] | None, typer.Option(help="Name of a model in the table, in their order.")] = None,
    resamples: Annotated[int, typer.Option(help="Times that problems are drawn anew.", min=100)] = 10_000,
    confidence: Annotated[
        float, typer.Option(help="Share of the draws that an interval holds.", min=0.5, max=0.999)
    ] = 0.95,
    seed: Annotated[int, typer.Option(help="Of the draws.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="JSON.")] = False,
) -> None:
    """Compare models on the problems that they have in common; the first one is the baseline.

    Shows scores, differences with intervals paired over problems, what went into each model, and the paper's table
    beside models that are in it. Exit code 64: something named is no evaluation.
    """
    from dart_k8s.scores.numbers import Resampling
    from dart_k8s.workers.evaluate.comparing import open_side, side_by_side

    places = [place for one in evaluations for place in _places(one)]
    if len(places) < 2:
        raise SpecError(f"There is {len(places)} evaluation to compare.", remedy="Name two or more.")
    if name and len(name) != len(places):
        raise SpecError(
            f"There are {len(places)} evaluations and {len(name)} names.", remedy="Give --name once for each."
        )
    sides = [open_side(place, name=name[n] if name else "") for n, place in enumerate(places)]
    twice = {side.name for side in sides if [other.name for other in sides].count(side.name) > 1}
    if twice:
        raise SpecError(f"Several evaluations are called '{min(twice)}'.", remedy="Give --name once for each.")
    found, paper = side_by_side(sides, Resampling(resamples=resamples, confidence=confidence, seed=seed))
    if as_json:
        typer.echo(json.dumps(document(found, paper), indent=1))
    else:
        show(wide_console(), found, paper, confidence=confidence)


def _places(text: str) -> list[str]:
    if not is_declaration(text):
        return [text.rstrip("/") or text]
    from dart_k8s.api import Evaluation

    found = [one.spec.output.uri for one in read_all(text) if isinstance(one, Evaluation)]
    if not found:
        raise SpecError(f"There is no Evaluation in {text}.", remedy="Name the outputs of Evaluations.")
    return found


def document(found: "Compared", paper: "Sequence[Published]") -> dict[str, Any]:
    """The comparison for scripts; shares are 0 to 1, the paper's scores percent."""
    from dataclasses import asdict

    return {
        "format": "dart-k8s.io/comparison/v1",
        "models": [
            {
                "name": side.name,
                "model": side.model,
                "base": side.base or None,
                "scores": {
                    benchmark: {"measure": one.measure, **{p: float(v.mean()) for p, v in one.values.items()}}
                    for benchmark, one in side.benchmarks.items()
                },
                "cost": asdict(side.cost),
                "notes": list(side.notes),
            }
            for side in found.sides
        ],
        "baseline": found.sides[0].name,
        "against": [
            {
                "name": one.name,
                "likeForLike": _verdict(one),
                "unlike": list(one.unlike),
                "unknown": list(one.unknown),
                "cautions": list(one.cautions),
                **{policy: [asdict(line) for line in lines] for policy, lines in one.lines.items()},
            }
            for one in found.against
        ],
        "power": found.power,
        "paper": [{**asdict(row), "scores": list(row.scores), "average": round(row.average, 2)} for row in paper],
    }


def _verdict(one: "Against") -> bool | None:
    """Whether rows and steps are alike; None where that is not known."""
    return False if one.unlike else None if one.unknown else True


def show(console: Console, found: "Compared", paper: "Sequence[Published]", *, confidence: float) -> None:
    """The comparison for a person."""
    console.print(_scores(found, paper))
    if paper:
        console.print("  [dim]italic: Tong et al. 2024 (DART-Math), as published; beside lenient[/]", soft_wrap=True)
    for one in found.against:
        console.print()
        console.print(f"[bold]{one.name}[/] against {found.sides[0].name}, paired over problems")
        console.print(_differences(one, confidence))
        for line in _words(one, found):
            console.print(f"  {line}", markup=False, soft_wrap=True)
    console.print()
    console.print(_costs(found.sides))
    for side in found.sides:
        for note in side.notes:
            console.print(f"  {side.name}: {note}", markup=False, soft_wrap=True)


def _scores(found: "Compared", paper: "Sequence[Published]") -> Table:
    names = list(dict.fromkeys(name for side in found.sides for name in side.benchmarks))
    table = Table(box=None, pad_edge=False)
    table.add_column("percent of problems", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("average", justify="right", no_wrap=True)
    for side in found.sides:
        for policy in ("strict", "lenient"):
            table.add_row(f"{side.name} {policy}", *_line(side, policy, names))
    for row in paper:
        cells = ["" if (value := row.of(name)) is None else f"{value:.1f}" for name in names]
        table.add_row(row.name, *cells, f"{row.average:.1f}", style="italic")
    return table


def _line(side: "Side", policy: Any, names: Sequence[str]) -> list[str]:
    means = [float(side.benchmarks[name].values[policy].mean()) if name in side.benchmarks else None for name in names]
    known = [mean for mean in means if mean is not None]
    whole = f"{100 * sum(known) / len(known):.1f}" if len(known) == len(names) else ""
    return [*("" if mean is None else f"{100 * mean:.1f}" for mean in means), whole]


def _differences(one: "Against", confidence: float) -> Table:
    table = Table(box=None, pad_edge=False)
    for number, title in enumerate(
        ("benchmark", "policy", "items", "difference", f"{confidence:.0%} interval", "only it", "only baseline",
         "could have seen")
    ):  # fmt: skip
        table.add_column(title, justify="right" if number > 1 else "left", no_wrap=True)
    for policy, lines in one.lines.items():
        for line in lines:
            gap = line.difference
            table.add_row(
                line.benchmark or "average", policy, f"{line.items:,}", f"{100 * gap.value:+.1f}",
                f"{100 * gap.low:+.1f} to {100 * gap.high:+.1f}", str(line.only_other), str(line.only_first),
                "" if line.detectable is None else f"{100 * line.detectable:.1f}",
            )  # fmt: skip
    return table


def _words(one: "Against", found: "Compared") -> list[str]:
    """What to make of it."""
    words = []
    strict = one.lines["strict"]
    if strict:
        words.append(_judged(strict[-1], one.name, found.sides[0].name))
    words.append(f"could have seen: the smallest true difference that shows with a chance of {found.power:.0%}")
    if one.unlike:
        words.append(f"NOT like for like: {'; '.join(one.unlike)}")
    elif one.unknown:
        words.append(f"whether it is like for like is not known: {' and '.join(one.unknown)} of a model are not")
    else:
        words.append("like for like: rows and steps differ by at most 5 %")
    left_out = sum(line.left_out for line in strict[:-1] or strict)
    if left_out:
        words.append(f"{left_out} problems that only one of the two has answered are left out")
    return [*words, *one.cautions]


def _judged(line: "Difference", other: str, baseline: str) -> str:
    gap, where = line.difference, "on the average" if not line.benchmark else f"on {line.benchmark}"
    if gap.low > 0 or gap.high < 0:
        return f"{where} the interval leaves out 0: {other if gap.value > 0 else baseline} is ahead"
    return f"{where} the interval holds 0: no difference is shown"


def _costs(sides: "Sequence[Side]") -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("what went into it", no_wrap=True)
    for side in sides:
        table.add_column(side.name, justify="right", no_wrap=True)
    for title, field in COSTS:
        table.add_row(title, *(_cost(side.cost, field) for side in sides))
    return table


def _cost(cost: "Cost", field: str) -> str:
    value = getattr(cost, field)
    if value is None:
        return "not known"
    return f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
