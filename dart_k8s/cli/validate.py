"""`dart validate`: everything that can be said about a declaration, without sampling."""

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dart_k8s.api import Declaration, Evaluation, Synthesis, Training
from dart_k8s.training.deepspeed import configuration
from dart_k8s.training.division import divide

from .reading import read_all
from .screen import CACHE, Screen


def validate(
    file: Annotated[str, typer.Argument(help="Declaration file; - reads standard input.")],
    data: Annotated[bool, typer.Option("--data", help="Also read the queries, the model and the output.")] = False,
    cache: Annotated[Path, typer.Option(help="Folder for models.", envvar="DART_CACHE")] = CACHE,
) -> None:
    """Check a declaration. With --data, do all the checks that `dart run` does before it samples."""
    documents = read_all(file)
    console = Console(highlight=False)
    if data:
        from dart_k8s.workers.prepare import Prepare

        with Screen(console) as screen:
            outputs = frozenset(d.spec.output.uri for d in documents)
            prepare = Prepare(cache=cache, tell=screen.tell, pending=outputs)
            for document in documents:
                if isinstance(document, Synthesis):
                    prepare.check(document)
    for document in documents:
        console.print(f"{document.kind} '{document.metadata.name}' is valid: {_gist(document)}.")
        if isinstance(document, Training) and document.spec.deepspeed.stage > 0:
            _show_deepspeed(console, document)


def _show_deepspeed(console: Console, training: Training) -> None:
    """DeepSpeed's configuration as ranks get it."""
    spec, settings = training.spec, training.spec.optimisation
    each = spec.processes_per_node or 1
    division = divide(settings.batch, spec.nodes * each, settings.per_process)
    found = configuration(spec.deepspeed, settings, division, bf16=settings.precision != "fp32")
    assumed = "" if spec.processes_per_node else ", one process a node (processesPerNode: one for each GPU)"
    says = f"DeepSpeed's configuration for {division.processes} processes{assumed}:"
    console.print(says, markup=False, soft_wrap=True)
    console.print(json.dumps(found, indent=2), markup=False, soft_wrap=True)


def _gist(document: Declaration) -> str:
    match document:
        case Synthesis():
            return document.spec.strategy.kind
        case Training():
            data = document.spec.data
            return f"on {data.uri or f'the data set of Synthesis {data.from_synthesis}'}"
        case Evaluation():
            return f"on {', '.join(benchmark.name for benchmark in document.spec.benchmarks)}"
