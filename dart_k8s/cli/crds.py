"""`dart crds`: what makes a cluster know the kinds of this program."""

from pathlib import Path
from typing import Annotated

import typer

from dart_k8s.api import write
from dart_k8s.api.crds import definitions

HEAD = "# Made by `make crds` from dart_k8s/api.\n"


def files() -> dict[str, str]:
    """Every CustomResourceDefinition as YAML, by the name of its file."""
    return {name: HEAD + write(definition) for name, definition in definitions().items()}


def crds(
    into: Annotated[Path | None, typer.Option(help="Write one file per kind into this folder.")] = None,
) -> None:
    """Print the CustomResourceDefinitions of this version: dart crds | kubectl apply -f -"""
    made = files()
    if into is None:
        typer.echo("---\n".join(made.values()), nl=False)
        return
    into.mkdir(parents=True, exist_ok=True)
    for name, text in made.items():
        (into / name).write_text(text, encoding="utf-8")
        typer.echo(str(into / name))
