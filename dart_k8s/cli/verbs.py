"""The verbs of the `dart` command, one module each."""

from typing import Annotated

import typer

from dart_k8s import __version__

from . import (
    analyze,
    crds,
    curate,
    forecast,
    operator,
    push,
    recipes,
    reverify,
    run,
    status,
    tune,
    validate,
    verifier,
    verify,
)

app = typer.Typer(
    name="dart",
    help="Difficulty-aware rejection tuning: from problems to a verified, difficulty-balanced data set.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=True,
    rich_markup_mode=None,
)
app.command("run")(run.run)
app.command("status")(status.status)
app.command("validate")(validate.validate)
app.command("curate")(curate.curate)
app.command("forecast")(forecast.forecast)
app.command("tune")(tune.tune)
app.command("analyze")(analyze.analyze)
app.command("push")(push.push)
app.command("verify")(verify.verify)
app.command("reverify")(reverify.reverify)
app.command("crds")(crds.crds)
app.command("operator")(operator.operator)
app.add_typer(recipes.app, name="recipes")
app.add_typer(verifier.app, name="verifier")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"dart {__version__}")
        raise typer.Exit


@app.callback()
def root(
    # A callback of the option: the group's own runs only when there is a verb.
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and leave.", is_eager=True, callback=_show_version)
    ] = False,
) -> None:
    """Options that go before the verb."""
