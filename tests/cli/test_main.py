"""The command itself: what it says of itself without a verb, how it ends when it is misused, and when it is stopped."""

import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dart_k8s import __version__
from dart_k8s.cli.verbs import app, kubectl
from dart_k8s.errors import EXIT_SPEC, EXIT_STOPPED, EXIT_STORE
from tests.cli.calling import refused


def test_the_version_needs_no_verb() -> None:
    done = CliRunner().invoke(app, ["--version"])
    assert (done.exit_code, done.output) == (0, f"dart {__version__}\n")


def test_without_a_verb_it_tells_the_verbs() -> None:
    done = CliRunner().invoke(app, [])
    assert "validate" in done.output


@pytest.mark.parametrize(
    ("program", "usage", "argument"),
    [("/usr/bin/kubectl-dart", "kubectl dart status", "name"), ("/usr/bin/dart", "dart status", "target")],
)
def test_called_by_kubectl_it_is_its_plug_in(program: str, usage: str, argument: str) -> None:
    script = f"import sys\nfrom dart_k8s.cli.main import entry\nsys.argv = [{program!r}, 'status', '--help']\nentry()\n"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout.startswith(f"Usage: {usage} [OPTIONS] [{argument}]"), done.stderr


def test_the_verbs_of_the_cluster_come_first_for_kubectl_and_those_of_this_machine_else() -> None:
    here, there = CliRunner().invoke(app, ["--help"]).output, CliRunner().invoke(kubectl, ["--help"]).output
    assert here.index("On this machine") < here.index("In a cluster")
    assert there.index("In a cluster") < there.index("On this machine")


def test_status_asks_which_run_and_says_how_a_cluster_is_meant() -> None:
    code, words = refused("status")
    assert code == EXIT_SPEC and "kubectl dart status" in words
    assert "kubectl dart status hard" in refused("status", "hard")[1]


@pytest.mark.parametrize("arguments", [["rnu"], ["run", "--nmae", "x", "a.yaml"], ["run"]])
def test_a_verb_or_an_option_that_is_not_there_has_the_exit_code_of_bad_configuration(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dart_k8s.cli.main", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == EXIT_SPEC, done.stderr
    assert "Usage: " in done.stderr


@pytest.mark.parametrize("asked", ["SIGINT", "SIGTERM"])
@pytest.mark.parametrize("module", ["dart_k8s.cli.verbs", "numpy", "dart_k8s.cli.status", "dart_k8s.workers.status"])
def test_stopped_while_it_starts_it_leaves_in_words(module: str, asked: str) -> None:
    script = (
        "import signal, sys\n"
        "from dart_k8s.cli.main import entry\n"
        "class Stopper:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {module!r}:\n"
        "            try:\n"
        f"                signal.raise_signal(signal.{asked})\n"
        "            except KeyboardInterrupt:\n"
        "                raise ImportError('an extension in C makes this of it')\n"
        "sys.meta_path.insert(0, Stopper())\n"
        "sys.argv = ['dart', 'status', 'nothing']\n"
        "entry()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_STOPPED, done.stderr
    assert done.stderr == "Stopped on request. Run the same command to go on.\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full, a device of Linux that has no space")
@pytest.mark.parametrize("arguments", [["recipes", "list"], ["recipes", "show", "dart-math"]])
def test_output_that_finds_no_space_is_said_in_words(arguments: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "dart_k8s.cli.main", *arguments], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False,
        )  # fmt: skip
    assert done.returncode == EXIT_STORE, done.stderr
    assert "Traceback" not in done.stderr


def test_it_works_where_its_output_is_closed() -> None:
    command = 'exec "$0" -m dart_k8s.cli.main --version >&-'
    done = subprocess.run(["sh", "-c", command, sys.executable], stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
