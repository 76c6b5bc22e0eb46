"""`dart tune`: which temperature gives distinct correct responses at the least cost."""

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from dart_k8s.api import Synthesis
from dart_k8s.errors import SpecError

from .reading import read_declarations
from .screen import CACHE, Screen, wide_console

if TYPE_CHECKING:
    from dart_k8s.workers.prepare import Prepare
    from dart_k8s.workers.tune import Tuning

GRID = (0.4, 0.7, 1.0, 1.3, 1.6)
"""Temperatures that are tried unless the user names others; the last is the recipe's."""


def tune(
    file: Annotated[str, typer.Argument(help="Declaration file; - reads standard input.")],
    temperature: Annotated[
        list[float] | None, typer.Option(help=f"A temperature to try; again for more. Default: {GRID}.", min=0.0)
    ] = None,
    queries: Annotated[int, typer.Option(help="Queries to draw.", min=1)] = 50,
    samples: Annotated[int, typer.Option("--samples", "-n", help="Trials of each query at each.", min=1)] = 8,
    seed: Annotated[int, typer.Option(help="Seed of the draw.", min=0)] = 0,
    name: Annotated[str | None, typer.Option(help="Which Synthesis of the file, if it has several.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="JSON; progress goes to standard error.")] = False,
    cache: Annotated[Path, typer.Option(help="Folder for models and logs.", envvar="DART_CACHE")] = CACHE,
    offline: Annotated[bool, typer.Option("--offline", help="Never ask a hub: everything is in the cache.")] = False,
) -> None:
    """Sample some of a declaration's queries at several temperatures and recommend one.

    Per temperature, with 95 % intervals: pass rate, coverage, distinct share, cut-off share, cost per distinct correct
    response. Nothing is written to the output.
    """
    from dart_k8s.workers.prepare import Prepare

    documents = read_declarations(file, name)
    if len(documents) > 1:
        names = ", ".join(document.metadata.name for document in documents)
        raise SpecError(f"Which Synthesis of {file}? It has: {names}.", remedy="Name one with --name.")
    with Screen(Console(highlight=False, stderr=as_json)) as screen:
        prepare = Prepare(cache=cache, offline=offline, tell=screen.tell)
        found = asyncio.run(_tune(documents[0], prepare, screen, temperature or list(GRID), queries, samples, seed))
    if as_json:
        typer.echo(json.dumps({"name": documents[0].metadata.name, **found.to_json()}, indent=2))
    else:
        show(wide_console(), documents[0], found)


async def _tune(
    synthesis: Synthesis,
    prepare: "Prepare",
    screen: Screen,
    temperatures: list[float],
    queries: int,
    samples: int,
    seed: int,
) -> "Tuning":
    from dart_k8s.edges.engine.base import Request
    from dart_k8s.workers.sample import Problems
    from dart_k8s.workers.translate import (
        engine_of,
        executor_of,
        prompt_of,
        responder_of,
        sampler_settings,
        verifier_of,
    )
    from dart_k8s.workers.tune import Progress
    from dart_k8s.workers.tune import tune as run

    reading, _ = await asyncio.to_thread(prepare.read, synthesis)
    asked = reading.queries
    model, _ = await asyncio.to_thread(prepare.engine, synthesis, asked)
    log = prepare.cache / "logs" / f"tune-{synthesis.metadata.name}.log"
    engine = engine_of(synthesis, model=None if model is None else model.path, seed=seed, log=log)
    settings = sampler_settings(synthesis)
    verifier = verifier_of(synthesis)
    executor = executor_of(synthesis)

    def progress(now: Progress) -> None:
        screen.now(f"temperature {now.temperature:g}: {now.done} of {now.total} responses, {now.correct} correct")

    try:
        if model is not None:
            screen.tell("loading", engine=synthesis.spec.engine.kind)
        await engine.start()
        if executor is not None:
            await executor.start()
        return await run(
            engine,
            verifier,
            Problems(
                prompt=lambda row: prompt_of(synthesis, asked[row].query),
                query=lambda row: asked[row].query,
                reference=lambda row: asked[row].answer,
            ),
            len(asked),
            temperatures=temperatures,
            samples=queries,
            n=samples,
            request=Request(
                name="tune", prompt="", max_tokens=settings.max_tokens, top_p=settings.top_p, stop=settings.stop
            ),
            seed=seed,
            seeded_requests=settings.seed is not None,
            responder=responder_of(synthesis, engine, executor),
            progress=progress,
        )
    finally:
        await engine.close()
        await verifier.close()
        if executor is not None:
            await executor.close()


def show(console: Console, synthesis: Synthesis, found: "Tuning") -> None:
    """Print the readings and what follows from them."""
    console.print(f"[bold]{synthesis.metadata.name}[/]: {len(found.queries)} queries, {found.n} trials each")
    head, *body = found.table()
    table = Table(box=None, pad_edge=False)
    for title in head:
        table.add_column(title, justify="right")
    for row in body:
        table.add_row(*(cell.replace(" (", "\n(") for cell in row))
    console.print(table)
    refused = sum(reading.refused for reading in found.readings)
    if refused:
        console.print(f"  {refused} requests were refused by the engine and are no trials.")
    console.print(f"  {found.words}", markup=False, soft_wrap=True)
    if found.recommended is not None and found.recommended != synthesis.spec.sampling.temperature:
        console.print(
            f"  The declaration has {synthesis.spec.sampling.temperature:g}: "
            f"set spec.sampling.temperature to {found.recommended:g}.",
            markup=False,
        )
