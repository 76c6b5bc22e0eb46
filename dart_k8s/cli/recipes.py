"""`dart recipes`: the settings that a declaration may start from."""

from collections.abc import Mapping
from typing import Annotated

import typer
import yaml

from dart_k8s.api import RECIPES
from dart_k8s.errors import SpecError

app = typer.Typer(help="The settings that a declaration may start from.", no_args_is_help=True, rich_markup_mode=None)


@app.command("list")
def list_recipes() -> None:
    """Show the names of all recipes."""
    for name in sorted(RECIPES):
        typer.echo(name)


@app.command("show")
def show(name: Annotated[str, typer.Argument(help="Name of the recipe.")] = "dart-math") -> None:
    """Show a recipe as YAML: the fields that `spec.recipe: NAME` sets, each of which a declaration may override."""
    if name not in RECIPES:
        raise SpecError(f"There is no recipe '{name}'.", remedy=f"There are: {', '.join(sorted(RECIPES))}.")
    typer.echo(yaml.safe_dump(_plain(RECIPES[name]), sort_keys=False, allow_unicode=True).rstrip())


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
