"""`dart curate`: another data set from a finished pool, without sampling."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from dart_k8s.api import load_one, to_dict

from .reading import read_declarations
from .screen import Screen, show_dataset
from .stopping import stoppable


def curate(
    file: Annotated[str, typer.Argument(help="Declaration file of the finished run.")],
    name: Annotated[str | None, typer.Option(help="Which Synthesis of the file.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Another strategy: vanilla, uniform or prop2diff.")] = None,
    target: Annotated[int | None, typer.Option(help="Its target (uniform, prop2diff).")] = None,
    trials: Annotated[int | None, typer.Option(help="Its trials per query (vanilla).")] = None,
    into: Annotated[str | None, typer.Option(help="Name of the other data set, under dataset-NAME/.")] = None,
) -> None:
    """Make the data set of a finished run again, or another one from the same pool by another strategy.

    Says which queries fall short of the other strategy's target.
    """
    from dart_k8s.workers.finish import finish, open_closed, write_dataset

    console = Console(highlight=False)
    command = f"dart curate {Path(file).name}"
    for document in read_declarations(file, name):
        uri = document.spec.output.uri
        with Screen(console) as screen:
            if strategy is None:
                work = partial(finish, uri, declared=document, command=command, tell=screen.tell)
                folder = "dataset"
            else:
                fields = to_dict(document)
                spec = dict(fields["spec"])
                spec["strategy"] = {"kind": strategy} | ({"target": target} if target else {})
                spec["strategy"] |= {"trials": trials} if trials else {}
                changed = load_one(json.dumps({**fields, "spec": spec}), f"{file} with --strategy {strategy}")
                folder = f"dataset-{into or strategy}"
                closed = open_closed(uri)
                screen.tell("step", step="writing the data set", where=folder)
                work = partial(
                    write_dataset, closed, changed, command=f"{command} --strategy {strategy}", dataset=f"{folder}/",
                    report=f"report-{into or strategy}/",
                )  # fmt: skip
            made = stoppable(work)
        show_dataset(console, document, made, folder=folder)
