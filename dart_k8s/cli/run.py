"""`dart run`: do what a declaration file says, on this machine."""

import asyncio
import shlex
import signal
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from dart_k8s.api import Declaration, Evaluation, Synthesis, in_order
from dart_k8s.workers.local import Fleet, Show, curate, same_engine, sample
from dart_k8s.workers.prepare import Prepare
from dart_k8s.workers.stopping import unless_stopped

from .kinds import RUN, Running
from .kinds import Show as Ending
from .reading import chosen, not_run, read_all
from .scores import check_evaluation
from .screen import CACHE, Screen, show_comparison, show_dataset

if TYPE_CHECKING:
    from dart_k8s.workers.curate.assemble import Assembled
    from dart_k8s.workers.curate.compare import Comparison


LOG_WIDTH = 120
"""Columns where there is no terminal: a log is not as narrow as the fallback of 80."""


def run(
    file: Annotated[str, typer.Argument(help="Declaration file; - reads standard input.")],
    name: Annotated[str | None, typer.Option(help="Only this document of the file.")] = None,
    cache: Annotated[Path, typer.Option(help="Folder for models and logs.", envvar="DART_CACHE")] = CACHE,
    offline: Annotated[bool, typer.Option(help="Never ask a hub: everything is in the cache.")] = False,
) -> None:
    """Sample, verify, curate, train and evaluate as a declaration file says; run it again to go on where it stopped.

    Exit codes: 0 done, 64 the declaration or the data, 74 the store or the disk, 75 stopped on request, 1 anything
    else.
    """
    declared = read_all(file)
    documents = chosen(in_order(declared, "standard input" if file == "-" else file), file, name)
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = LOG_WIDTH
    command = shlex.join(["dart", "run", file])
    syntheses = [d for d in documents if isinstance(d, Synthesis)]
    with Screen(console) as screen:
        if words := not_run(documents):
            screen.say(words)
        outputs = frozenset(d.spec.output.uri for d in syntheses)
        prepare = Prepare(cache=cache, offline=offline, tell=screen.tell, pending=outputs)
        # The first is checked when it is prepared; the others now, before anything is paid for.
        for document in syntheses[1:]:
            prepare.check(document)
        for later in documents[1:]:
            if isinstance(later, Evaluation):
                check_evaluation(later, cache, screen.tell)
        made, endings = asyncio.run(_run(documents, prepare, screen, command=command))
        found = compared(list(zip(syntheses, made, strict=True)))
    for synthesis, assembled in zip(syntheses, made, strict=True):
        show_dataset(console, synthesis, assembled)
    if found is not None:
        show_comparison(console, *found)
    for ending in endings:
        ending(console)


async def _run(
    documents: Sequence[Declaration], prepare: Prepare, screen: Screen, *, command: str
) -> "tuple[list[Assembled], list[Ending]]":
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    pressed = 0

    def interrupt() -> None:
        nonlocal pressed
        pressed += 1
        if pressed == 1:
            screen.say("stopping: what is finished is being written (Ctrl-C again to leave at once, nothing is lost)")
            stop.set()
        else:
            signal.raise_signal(signal.SIGKILL)

    for asked in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(asked, interrupt)
    # A Synthesis needs no other document, so all of them come first: neighbours share an engine.
    made = await _sample(
        [d for d in documents if isinstance(d, Synthesis)], prepare, screen, command=command, stop=stop
    )
    running = Running(cache=prepare.cache, offline=prepare.offline, screen=screen, stop=stop, command=command)
    endings = [await RUN[d.kind](d, running) for d in documents if d.kind in RUN]
    return made, endings


async def _sample(
    documents: Sequence[Synthesis], prepare: Prepare, screen: Screen, *, command: str, stop: asyncio.Event
) -> "list[Assembled]":
    made: list[Assembled] = []
    for group in _groups(documents):
        # Curation brings figures and databases along: they are imported when there is something to curate.
        from dart_k8s.workers.finish import finish

        fleet = Fleet(
            replicas=max(1, group[0].spec.samplers.replicas),
            cache=prepare.cache,
            offline=prepare.offline,
            tell=screen.tell,
        )
        try:
            for number, document in enumerate(group):
                prepared = await unless_stopped(stop, partial(prepare.prepare, document))
                if not prepared.closed:
                    await fleet.start([d.spec.output.uri for d in group[number:]])
                    shows: asyncio.Queue[Show] = asyncio.Queue()
                    showing = asyncio.create_task(_show(document.metadata.name, shows, screen))
                    try:
                        await sample(document, prepared, fleet, tell=screen.tell, stop=stop, show=shows)
                    finally:
                        showing.cancel()
                uri = document.spec.output.uri
                work = partial(finish, uri, declared=document, command=command, tell=screen.tell)
                made.append(await curate(document, work, tell=screen.tell, stop=stop))
        finally:
            await fleet.stop()
    return made


async def _show(name: str, shows: "asyncio.Queue[Show]", screen: Screen) -> None:
    while True:
        seen = await shows.get()
        screen.state(name, seen.state, seen.remaining)


def compared(made: "Sequence[tuple[Synthesis, Assembled]]") -> "tuple[Comparison, str] | None":
    """Strategies side by side, where a file has several over the same queries; and where the figure lies."""
    from dart_k8s.workers.side_by_side import side_by_side

    return side_by_side(made)


def _groups(documents: Sequence[Synthesis]) -> list[list[Synthesis]]:
    """Neighbours that can share one engine start."""
    groups: list[list[Synthesis]] = []
    for document in documents:
        if groups and same_engine(groups[-1][-1], document):
            groups[-1].append(document)
        else:
            groups.append([document])
    return groups
