"""Every block of the users' pages is run, checked, or marked as not run with the reason; its `dart` verbs exist."""

import re
import shlex
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
import yaml

from dart_k8s.api import load_documents
from dart_k8s.cli.verbs import app, kubectl
from dart_k8s.operator.settings import load
from tests.api.drawn import SCHEMAS
from tests.api.test_crds import closed
from tests.blocks import COMMANDS, REASONS, ROOT, USER_PAGES, Block, agrees, blocks, commands

BLOCKS = [block for page in USER_PAGES for block in blocks(page)]
EACH = pytest.mark.parametrize("block", BLOCKS, ids=[block.where for block in BLOCKS])
INDENTED = re.compile(r"^    (?:\$ )?(?:dart|kubectl|helm|make|curl|pip|aws|python) ", re.MULTILINE)
OURS = re.compile(r"^(?:\$ )?(?P<line>(?:kubectl )?dart [^#|>&;\n]*)", re.MULTILINE)
GROUP = "dart-k8s.io/"


@EACH
def test_every_block_says_how_it_is_kept_true(block: Block) -> None:
    assert block.fault == "", block.where


@pytest.mark.parametrize("page", USER_PAGES, ids=[str(page.relative_to(ROOT)) for page in USER_PAGES])
def test_commands_stand_in_fences_where_they_are_run(page: Path) -> None:
    assert INDENTED.findall(page.read_text(encoding="utf-8")) == []


def test_every_reason_is_explained() -> None:
    page = (ROOT / "docs" / "contributing.md").read_text(encoding="utf-8")
    assert [reason for reason in REASONS if f"`{reason}`" not in page] == []


@EACH
def test_verbs_and_options_of_dart_exist(block: Block) -> None:
    if block.language not in COMMANDS:
        return
    text = "\n".join(command.text for command in commands(block)).replace("\\\n", " ")
    for found in OURS.finditer(text):
        line = found["line"].strip()
        words = shlex.split(line)
        root: Any = typer.main.get_command(kubectl if words[0] == "kubectl" else app)
        words = words[2:] if words[0] == "kubectl" else words[1:]
        command = root
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        assert command is not root, f"{block.where}: there is no verb in {line!r}"
        known = {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}
        given = {word.partition("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)}
        assert given <= known | {"--help"}, f"{block.where}: {line!r}"


@EACH
def test_declarations_are_taken_by_the_program_and_by_the_definitions(block: Block) -> None:
    if block.language != "yaml" or block.tag == "not-run":
        return
    if block.tag == "values":
        schema = yaml.safe_load((ROOT / "charts" / "dart" / "values.schema.json").read_text(encoding="utf-8"))
        jsonschema.validate(yaml.safe_load(block.text), schema)
        return
    if block.tag == "settings":
        return
    for document in yaml.safe_load_all(block.text):
        assert {"apiVersion", "kind", "metadata"} <= set(document), (
            f"{block.where}: no object; mark it values or settings"
        )
        if str(document["apiVersion"]).startswith(GROUP):
            text = yaml.safe_dump(document, sort_keys=False)
            assert list(load_documents(text, block.where))
            jsonschema.Draft4Validator(closed(SCHEMAS[document["kind"]])).validate(document)


def test_settings_on_a_page_are_those_of_the_operator(tmp_path: Path) -> None:
    for block in BLOCKS:
        if block.language == "yaml" and block.tag == "settings":
            file = tmp_path / "settings.yaml"
            file.write_text(block.text, encoding="utf-8")
            assert load(file, {})


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("3 trials", "41 trials", True),
        ("NAME   AGE\nx      3s", "NAME AGE\nx 2m13s", True),
        ("Complete", "Failed", False),
        ("first\n...\nlast", "first\nsecond\nthird\nlast", True),
        ("first\nlast", "first\nsecond\nlast", False),
        ("12.5%", "3%", True),
        ("pod x-1-... ended", "pod x-1-ab4qz ended well and ended", True),
        ("pod x-1-... ended", "pod y-1-ab4qz ended", False),
    ],
)
def test_what_is_shown_and_what_is_printed_differ_in_figures_alone(shown: str, printed: str, same: bool) -> None:
    assert agrees(shown, printed) is same
