"""The `dart` command: one module a verb, errors in words, exit codes as in errors.py."""

import os
import signal
import sys
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from dart_k8s import __version__
from dart_k8s.errors import DartError, SpecError
from dart_k8s.workers.stopping import stopped

from . import analyze, curate, forecast, push, recipes, reverify, run, status, tune, validate, verifier, verify

INTERRUPTED = 130
"""What the command line library makes of a KeyboardInterrupt."""

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


def main() -> None:
    """Run the command line; errors of ours become a message and their exit code."""
    try:
        app()
    except DartError as error:
        _leave(error)
    except ModuleNotFoundError as error:
        if (error.name or "dart_k8s").partition(".")[0] == "dart_k8s":
            raise
        words = f"This needs the package '{error.name}', which is not installed."
        _leave(SpecError(words, remedy="Install dart-k8s[local] (one machine) or dart-k8s[worker]."))


def entry() -> NoReturn:
    """The process: `main`, and out at once when it is over.

    Everything is written and closed by then, but threads of native libraries (Arrow's, DuckDB's) may outlive the
    interpreter and abort it: one run in some forty ended in "terminate called without an active exception".
    """
    code: object = 0
    # Until a verb has handlers of its own, and in verbs that have none, SIGTERM is what Ctrl-C is.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        main()
    except SystemExit as end:
        code = end.code
    if code == INTERRUPTED:
        error = stopped()
        print(error, file=sys.stderr)
        code = error.exit_code
    if isinstance(code, str):
        print(code, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def _leave(error: DartError) -> NoReturn:
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold red]error:[/] {_plain(error.message)}")
    if error.remedy:
        console.print(f"[bold]way out:[/] {_plain(error.remedy)}")
    sys.exit(error.exit_code)


def _plain(text: str) -> str:
    return text.replace("[", "\\[")


if __name__ == "__main__":
    entry()
