"""`dart recipes`: the settings that a declaration may start from."""

from typing import Annotated

import typer

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
    typer.echo(RECIPES[name].strip())
