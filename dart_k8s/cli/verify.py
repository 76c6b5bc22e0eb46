"""`dart verify`: verdicts on a file of responses."""

import asyncio
import json
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.errors import SpecError

from .screen import Screen, wide_console

if TYPE_CHECKING:
    from dart_k8s.workers.verdicts import Job, Outcome, Progress, Summary

FORMS = ("as-is", "last-box", "after-hashes")
SHOWN = 20
"""Disagreements on the screen; the file has all."""


def verify(
    file: Annotated[str, typer.Argument(help="Responses: a JSONL or Parquet file, a folder of them, s3:// or hf://.")],
    response: Annotated[
        str | None, typer.Option(help="Field with the response. Default: response, completion, output, ...")
    ] = None,
    reference: Annotated[
        str | None, typer.Option(help="Field with the reference. Default: reference, answer, solution, ...")
    ] = None,
    query: Annotated[
        str | None, typer.Option(help="Field with the query. Default: query, problem, ..., if there is one.")
    ] = None,
    spans: Annotated[
        str | None,
        typer.Option(
            help="Field that says who wrote which part of a response: code and outputs are no answer. "
            "Default: spans, where there is one; none: all is the model's."
        ),
    ] = None,
    form: Annotated[
        str, typer.Option("--form", help="How the reference stands in its field: as-is, last-box, after-hashes.")
    ] = "as-is",
    out: Annotated[
        Path | None,
        typer.Option(help="Verdicts: a .parquet or .jsonl file. Default: FILE's name with .verdicts.parquet."),
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Take the last number or formula where no final answer is marked.")
    ] = False,
    ask: Annotated[
        list[str] | None,
        typer.Option(
            help="More than the rules for data sets, NAME or NAME=VALUE, repeated: relative=0.01, absolute=0.1, "
            "exact-references-too, choices, truth, unit, kind=list|set|tuple|interval."
        ),
    ] = None,
    compare: Annotated[
        str | None, typer.Option(help="Another verifier to ask too, and to list disagreements with: math-verify.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split of a data set of a hub, or of a folder.")] = None,
    processes: Annotated[int | None, typer.Option(help="Processes. Default: one for each core.", min=1)] = None,
    deadline: Annotated[
        float | None, typer.Option(help="Seconds of computer algebra for one comparison.", min=0.05)
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="Replace an output that is there, finished or not.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="JSON; progress goes to standard error.")] = False,
) -> None:
    """Verify a file of responses on all cores: verdicts beside it, and counts by verdict and tier.

    Killed or stopped, the same command goes on. Exit codes: 0 done, 64 the file or the options, 74 the disk or the
    store, 75 stopped on request, 1 anything else.
    """
    from dart_k8s.answers.pool import DEADLINE_SECONDS, MEMORY_BYTES
    from dart_k8s.errors import EXIT_STOPPED
    from dart_k8s.workers.checking import cores
    from dart_k8s.workers.opening import open_rows
    from dart_k8s.workers.verdicts import Job, need_yardstick
    from dart_k8s.workers.verdicts.asks import policy
    from dart_k8s.workers.verdicts.fields import choose

    asks = policy(ask or ())
    if compare not in (None, "math-verify"):
        raise SpecError(f"There is no verifier {compare!r} to compare with.", remedy="There is math-verify.")
    if compare:
        need_yardstick()
    console = Console(highlight=False, stderr=as_json)
    with Screen(console) as screen:
        screen.tell("step", step="reading", where=file)
        source = open_rows(file, split=split)
        first = next(iter(source), None)
        if first is None:
            raise SpecError(f"{file} holds no rows.")
        if form not in FORMS:
            raise SpecError(f"There is no form {form!r} of a reference.", remedy=f"There are {', '.join(FORMS)}.")
        fields = choose(
            first, file, response=response, reference=reference, query=query, form=cast(Any, form), spans=spans
        )
        screen.say(
            f"fields: response {fields.response}, reference {fields.reference} ({fields.form}), "
            f"query {fields.query or '(none)'}"
        )
        job = Job(
            source=source,
            fields=fields,
            out=out or default_output(file),
            lenient=lenient,
            asks=asks,
            compare=compare is not None,
            processes=processes or cores(),
            anew=anew,
            deadline=deadline or DEADLINE_SECONDS,
            memory=MEMORY_BYTES,
            progress=lambda now: screen.now(_line(now)),
        )
        outcome = asyncio.run(_run(job, screen))
    if as_json:
        typer.echo(json.dumps(document(file, outcome), indent=2))
    else:
        show(wide_console(), outcome)
    if not outcome.finished:
        raise typer.Exit(EXIT_STOPPED)


def default_output(file: str) -> Path:
    """Beside a local file or folder; in the current folder for what lies elsewhere."""
    scheme, separator, rest = file.partition("://")
    path = Path(file).expanduser() if not separator else Path(rest)
    name = path.name.removesuffix(".gz").removesuffix(".zst")
    stem = Path(name).stem if Path(name).suffix in (".jsonl", ".json", ".ndjson", ".parquet", ".pq") else name
    folder = path.parent if not separator or scheme == "file" else Path()
    return folder / f"{stem}.verdicts.parquet"


async def _run(job: "Job", screen: Screen) -> "Outcome":
    from dart_k8s.workers.verdicts import verify as run

    pressed = 0

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed > 1:
            signal.raise_signal(signal.SIGKILL)
        screen.say("stopping: what is done is being written (Ctrl-C again to leave at once)")
        job.stop.set()

    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, interrupt)
    return await run(job)


def _line(now: "Progress") -> str:
    of = f" of {now.total}" if now.total is not None else ""
    rate = now.fresh / now.seconds if now.seconds > 0 else 0.0
    left = ""
    if now.total is not None and rate > 0 and now.total > now.done:
        left = f", {(now.total - now.done) / rate:.0f} s to go"
    return f"{now.done}{of} responses, {rate:.0f}/s{left}"


def document(file: str, outcome: "Outcome") -> dict[str, object]:
    """The outcome for scripts."""
    from dart_k8s.answers import VERSION

    made: dict[str, object] = {
        "source": file,
        "rules": VERSION,
        "finished": outcome.finished,
        "output": str(outcome.output.path),
        **outcome.summary.to_json(),
        "checked": outcome.fresh,
        "seconds": round(outcome.seconds, 3),
        "perSecond": round(outcome.fresh / outcome.seconds, 1) if outcome.seconds else None,
        "childrenKilled": outcome.kills,
    }
    if outcome.summary.pairs:
        made["disagreements"] = str(outcome.output.disagreements)
    return made


def show(console: Console, outcome: "Outcome") -> None:
    """Print what came out, for a person."""
    from dart_k8s.workers.verdicts.summary import NO_REFERENCE, VERDICTS

    summary = outcome.summary
    if not outcome.finished:
        console.print(
            f"Stopped after {summary.rows} responses; the same command goes on.", markup=False, soft_wrap=True
        )
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("verdict")
    for title in ("responses", "share"):
        table.add_column(title, justify="right")
    table.add_column("decided by")
    for name in (*VERDICTS, NO_REFERENCE):
        count = summary.verdict(name)
        if count:
            tiers = sorted(((n, tier) for (verdict, tier), n in summary.tiers.items() if verdict == name), reverse=True)
            told = ", ".join(f"{tier} {n}" for n, tier in tiers)
            table.add_row(name, str(count), f"{count / max(1, summary.rows):.1%}", told)
    console.print(table)
    if outcome.fresh:
        console.print(
            f"{outcome.fresh} responses in {outcome.seconds:.1f} s ({outcome.fresh / outcome.seconds:.0f}/s), "
            f"{outcome.kills} children killed"
        )
    else:
        console.print("All of it was there already.")
    if summary.pairs:
        _show_disagreements(console, summary)
        console.print(f"  disagreements  {outcome.output.disagreements}", markup=False, soft_wrap=True)
    console.print(f"  verdicts       {outcome.output.path}", markup=False, soft_wrap=True)


def _show_disagreements(console: Console, summary: "Summary") -> None:
    console.print()
    console.print(f"[bold]{summary.differ}[/] of {summary.rows} responses are judged otherwise by math-verify")
    if not summary.disagreements:
        return
    table = Table(box=None, pad_edge=False, show_lines=False)
    for title in ("row", "reference", "answer", "dart", "math-verify", "its answer", "reason"):
        table.add_column(title, overflow="ellipsis", no_wrap=True, max_width=44 if title == "reason" else 26)
    for row in summary.disagreements[:SHOWN]:
        cells = (
            row["row"],
            row["reference"],
            row["answer"],
            row["verdict"],
            row["math_verify"],
            row["math_verify_answer"],
            row["reason"],
        )
        table.add_row(*(_cell(cell) for cell in cells))
    console.print(table)
    if summary.differ > SHOWN:
        console.print(f"... and {summary.differ - SHOWN} more")


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(str(value).split())
    return text.replace("[", "\\[")
