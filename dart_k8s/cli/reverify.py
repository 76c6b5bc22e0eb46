"""`dart reverify`: another generation of verdicts on what a run has written."""

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from .reading import outputs_of
from .screen import Screen, wide_console

if TYPE_CHECKING:
    from dart_k8s.api.running import Verifiers
    from dart_k8s.workers.rejudge import Rejudged
    from dart_k8s.workers.verification import Verifier


def reverify(
    target: Annotated[str, typer.Argument(help="Declaration file, or the URI of an output.")],
    again: Annotated[
        bool, typer.Option("--again", help="Also where the verdicts are of this program's version already.")
    ] = False,
    processes: Annotated[int | None, typer.Option(help="Processes. Default: one for each core.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one document an output.")] = False,
) -> None:
    """Judge all responses of a run by this program's verifier, and make its state from that.

    The earlier verdicts stay beside the new ones; killed at any moment, the same command goes on. Afterwards
    `dart curate` makes the data set from the new verdicts, and `dart run` samples where targets are missed now.
    """
    console = Console(highlight=False, stderr=as_json)
    for uri in outputs_of(target):
        with Screen(console) as screen:
            made = asyncio.run(_run(uri, screen, again=again, processes=processes))
        if as_json:
            typer.echo(json.dumps({"output": uri, **document(made)}, indent=2))
        else:
            show(wide_console(), uri, made)


async def _run(uri: str, screen: Screen, *, again: bool, processes: int | None) -> "Rejudged | None":
    from dart_k8s.edges.store import open_store
    from dart_k8s.workers import record
    from dart_k8s.workers.access import Access
    from dart_k8s.workers.rejudge import Rejudging
    from dart_k8s.workers.stopping import stopped
    from dart_k8s.workers.translate import verifier_of

    store = open_store(uri)
    found = await asyncio.to_thread(record.need, store)
    settings = found.synthesis.spec.verifiers
    verifier = await _on_all_cores(verifier_of(found.synthesis), settings, processes, screen)
    access = Access(store, tell=screen.tell)
    work = asyncio.create_task(
        Rejudging(
            access=access,
            verifier=verifier,
            again=again,
            tell=screen.tell,
            progress=lambda done, left: screen.now(f"{uri}: {done} responses judged, {left} segments to go"),
        ).run()
    )
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise stopped() from None
    finally:
        await verifier.close()
        access.close()


async def _on_all_cores(
    verifier: "Verifier", settings: "Verifiers", processes: int | None, screen: Screen
) -> "Verifier":
    """Checkers in the place of the children of one process; a service and a fake stay as they are."""
    from dart_k8s.workers.checking import Checkers, CheckersVerifier, cores
    from dart_k8s.workers.verification import PoolVerifier

    if not isinstance(verifier, PoolVerifier):
        return verifier
    await verifier.close()
    checkers = Checkers(
        processes=processes or cores(),
        deadline=settings.deadline_seconds,
        memory=settings.memory_mib << 20,
        tell=screen.tell,
    )
    await checkers.start()
    return CheckersVerifier(checkers, version=verifier.version, lenient=verifier.lenient)


def document(made: "Rejudged | None") -> dict[str, object]:
    """For scripts."""
    if made is None:
        return {"changed": False}
    return {
        "changed": True,
        "generation": made.generation,
        "verifier": {"before": made.before, "after": made.after},
        "judged": made.fresh,
        "verdicts": [{"before": a, "after": b, "trials": count} for (a, b), count in sorted(made.changed.items())],
        "phase": made.state.phase.value,
        "openQueries": _open(made),
    }


def _open(made: "Rejudged") -> int:
    from dart_k8s.budget.stops import Stop

    return int((made.state.table.reason == Stop.OPEN).sum())


def show(console: Console, uri: str, made: "Rejudged | None") -> None:
    """For people."""
    if made is None:
        console.print(f"{uri}: its verdicts are of this version already.", markup=False, soft_wrap=True)
        return
    console.print(
        f"{uri}: generation {made.generation}, verifier {made.before} -> {made.after}, "
        f"{made.fresh} responses judged now",
        markup=False,
        soft_wrap=True,
    )
    table = Table(box=None, pad_edge=False)
    for title in ("before", "now"):
        table.add_column(title)
    table.add_column("trials", justify="right")
    for (before, after), count in sorted(made.changed.items(), key=lambda one: -one[1]):
        table.add_row(before, after if after != before else "the same", str(count))
    console.print(table)
    count = _open(made)
    if count:
        console.print(f"  {count} queries miss their targets now: `dart run FILE` goes on sampling.")
    else:
        console.print("  No query misses its target: `dart curate FILE` makes the data set from these verdicts.")
