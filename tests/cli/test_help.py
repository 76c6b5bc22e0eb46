"""`--help` of every verb, and how quickly the light verbs are there."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from dart_k8s.cli.verbs import app, kubectl
from dart_k8s.errors import EXIT_SPEC
from tests.cli.declarations import declaration, write_declarations, write_problems
from tests.guards.test_docs import DOCS, verbs

HEAVY = {
    "boto3", "datasets", "datasketch", "duckdb", "huggingface_hub", "kubernetes", "matplotlib",
    "openai", "sympy", "torch", "transformers", "vllm",
}  # fmt: skip
"""What the command line loads only for the verb that needs it: most are in an extra, all cost seconds."""

VERBS = dict(verbs())


@pytest.mark.parametrize("verb", VERBS)
def test_help_names_every_argument_and_option(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, words = (kubectl, verb.split()[2:]) if verb.startswith("kubectl") else (app, verb.split()[1:])
    typer.main.get_command(command).main([*words, "--help"], standalone_mode=False)
    said = capsys.readouterr().out
    for parameter in VERBS[verb].params:
        names = parameter.opts if parameter.param_type_name == "option" else [parameter.name]
        assert all(name.lower() in said.lower() for name in names)


@pytest.mark.parametrize("verb", VERBS)
def test_the_reference_has_every_verb_argument_and_option(verb: str) -> None:
    page = (DOCS / "reference" / "commands.md").read_text(encoding="utf-8")
    _, found, after = page.partition(f"## {verb}\n")
    section = after.partition("\n## ")[0]
    assert found
    for parameter in VERBS[verb].params:
        words: list[Any] = [*parameter.opts, *parameter.secondary_opts]
        option = parameter.param_type_name == "option"
        assert all((f"`{word}`" if option else str(parameter.name).upper()) in section for word in words)


@pytest.mark.parametrize("arguments", [["--help"], ["validate", "FILE"], ["status", "FILE"]])
def test_light_verbs_load_no_heavy_package(arguments: list[str], tmp_path: Path) -> None:
    write_problems(tmp_path)
    file = write_declarations(tmp_path / "one.yaml", declaration(tmp_path))
    script = (
        "import sys\n"
        "from dart_k8s.cli.main import main\n"
        "try:\n"
        f"    sys.argv = ['dart', *{[str(file) if one == 'FILE' else one for one in arguments]!r}]\n"
        "    main()\n"
        "finally:\n"
        f"    print(sorted({HEAVY!r} & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == "[]"


def test_a_package_that_is_not_installed_is_named_with_its_extra() -> None:
    script = (
        "import sys\n"
        "from dart_k8s.cli.main import main\n"
        "sys.modules['matplotlib'] = None\n"
        "sys.argv = ['dart', 'analyze', 'x.jsonl']\n"
        "main()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == EXIT_SPEC, done.stderr
    assert "'matplotlib'" in done.stderr and "dart-k8s[worker]" in done.stderr
