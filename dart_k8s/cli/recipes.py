"""`dart recipes`: the settings that a declaration may start from."""

from enum import StrEnum
from typing import Annotated

import typer

from dart_k8s.api import RECIPES, TRAINING_RECIPES
from dart_k8s.errors import SpecError

app = typer.Typer(help="The settings that a declaration may start from.", no_args_is_help=True, rich_markup_mode=None)


class Kind(StrEnum):
    """What has recipes."""

    SYNTHESIS = "Synthesis"
    TRAINING = "Training"


OF_KIND = {Kind.SYNTHESIS: RECIPES, Kind.TRAINING: TRAINING_RECIPES}
KindOption = Annotated[Kind, typer.Option(help="Kind of the declaration.", case_sensitive=False)]


@app.command("list")
def list_recipes(kind: KindOption = Kind.SYNTHESIS) -> None:
    """Show the names of all recipes."""
    for name in sorted(OF_KIND[kind]):
        typer.echo(name)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="Name of the recipe.")] = "dart-math", kind: KindOption = Kind.SYNTHESIS
) -> None:
    """Show a recipe as YAML: the fields that `spec.recipe: NAME` sets, each of which a declaration may override."""
    recipes = OF_KIND[kind]
    if name not in recipes:
        raise SpecError(f"There is no recipe '{name}'.", remedy=f"There are: {', '.join(sorted(recipes))}.")
    typer.echo(recipes[name].strip())
