"""Calling the command line in this process, which takes a hundredth of a process's start."""

import io
from contextlib import redirect_stderr, redirect_stdout

import typer

from dart_k8s.cli.verbs import app
from dart_k8s.errors import DartError


def dart(*arguments: object) -> str:
    """What `dart ARGUMENTS` prints; the errors of the package come through as they are raised."""
    out = io.StringIO()
    with redirect_stdout(out):
        typer.main.get_command(app).main([str(one) for one in arguments], standalone_mode=False)
    return out.getvalue()


def refused(*arguments: object) -> tuple[int, str]:
    """Exit code and words of a call that has to fail."""
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        try:
            typer.main.get_command(app).main([str(one) for one in arguments], standalone_mode=False)
        except DartError as error:
            return error.exit_code, str(error)
    raise AssertionError(f"dart {' '.join(map(str, arguments))} did not fail")
