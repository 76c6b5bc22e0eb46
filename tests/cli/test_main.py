"""The command itself: what it says of itself without a verb."""

from typer.testing import CliRunner

from dart_k8s import __version__
from dart_k8s.cli.main import app


def test_the_version_needs_no_verb() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"dart {__version__}\n")


def test_without_a_verb_it_tells_the_verbs() -> None:
    done = CliRunner().invoke(app, [])
    assert "validate" in done.output
