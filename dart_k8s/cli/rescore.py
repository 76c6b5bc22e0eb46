"""`dart rescore`: the responses of an Evaluation judged by the present verifier, without sampling."""

import asyncio
import json
import signal
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dart_k8s.errors import SpecError

from .reading import is_declaration
from .screen import Screen, wide_console

if TYPE_CHECKING:
    from dart_k8s.workers.evaluate.rescore import Rescored


def rescore(
    target: Annotated[str, typer.Argument(help="Output of an Evaluation, or its declaration file.")],
    again: Annotated[
        bool, typer.Option("--again", help="Also where the report is of this program's verifier already.")
    ] = False,
    processes: Annotated[int | None, typer.Option(help="Processes. Default: one for each core.", min=1)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON, one document an output.")] = False,
) -> None:
    """Score an Evaluation again from the responses that it has kept, by this program's verifier.

    The earlier report stays under report/earlier/. Nothing is sampled; killed at any moment, the same command does it.
    """
    console = Console(highlight=False, stderr=as_json)
    for uri in _outputs(target):
        with Screen(console) as screen:
            made = asyncio.run(_run(uri, screen, again=again, processes=processes))
        if as_json:
            typer.echo(json.dumps({"output": uri, "changed": made.fresh, "report": made.scored.report}, indent=1))
        else:
            _show(wide_console(), uri, made)


async def _run(uri: str, screen: Screen, *, again: bool, processes: int | None) -> "Rescored":
    from dart_k8s.workers.evaluate.rescore import rescore as run
    from dart_k8s.workers.stopping import stopped

    def progress(done: int, total: int) -> None:
        screen.now(f"{uri}: {done} of {total} responses judged")

    work = asyncio.create_task(
        run(uri, again=again, processes=processes, tell=screen.tell, progress=progress), name="rescore"
    )
    for asked in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(asked, work.cancel)
    try:
        return await work
    except asyncio.CancelledError:
        raise stopped() from None


def _outputs(target: str) -> list[str]:
    """Outputs of a declaration's Evaluations, or the one that is named."""
    if not is_declaration(target):
        return [target]
    from dart_k8s.api import Evaluation

    from .reading import read_all

    found = [one.spec.output.uri for one in read_all(target) if isinstance(one, Evaluation)]
    if not found:
        raise SpecError(f"There is no Evaluation in {target}.", remedy="Name its output.")
    return found


def _show(console: Console, uri: str, made: "Rescored") -> None:
    from .scores import show_evaluation

    show_evaluation(console, made.scored.report, uri)
    if not made.fresh:
        console.print("  It was scored by this version already; --again does it all the same.")
    elif made.before is not None:
        now = made.scored.report["versions"]["verifier"]
        console.print(f"  verifier {made.before} -> {now}; the earlier report: {made.scored.earlier}", soft_wrap=True)
