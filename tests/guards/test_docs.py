"""Documents say what the code does."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from dart_k8s import __version__
from dart_k8s.api.conditions import page as conditions
from dart_k8s.api.crds import KINDS, schema
from dart_k8s.api.crds import page as fields
from tests.golden import same_or_written
from tests.stages import BUDGET

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)(?:#[^)]*)?\)")


def verbs() -> Iterator[tuple[str, Any]]:
    """Every verb of the command line, like "dart recipes show"."""
    from dart_k8s.cli.verbs import BOTH_IN_CLUSTER, app, kubectl

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        inner = getattr(command, "commands", {})
        if not inner:
            yield name, command
        for word, child in sorted(inner.items()):
            yield from walk(f"{name} {word}", child)

    yield from walk("dart", typer.main.get_command(app))
    # Of the twin only the words that mean something else there.
    twin: Any = typer.main.get_command(kubectl)
    for word, _ in sorted(BOTH_IN_CLUSTER, key=lambda verb: verb[0]):
        yield from walk(f"kubectl dart {word}", twin.commands[word])


def explained(verb: str, command: Any) -> str:
    """A verb, its arguments and its options as Markdown."""
    arguments = [parameter for parameter in command.params if parameter.param_type_name == "argument"]
    options = [parameter for parameter in command.params if parameter.param_type_name == "option"]
    usage = " ".join([verb, *(str(argument.name).upper() for argument in arguments), "[OPTIONS]" * bool(options)])
    lines = [f"## {verb}", "", f"    {usage.strip()}", "", " ".join((command.help or "").split()), ""]
    if command.params:
        lines += ["| argument or option | meaning |", "| --- | --- |"]
        for parameter in (*arguments, *options):
            words = [*parameter.opts, *parameter.secondary_opts]
            names = str(parameter.name).upper() if parameter in arguments else ", ".join(f"`{word}`" for word in words)
            lines.append(f"| {names} | {' '.join((getattr(parameter, 'help', '') or '').split())} |")
        lines.append("")
    return "\n".join(lines)


def test_the_reference_of_commands_is_up_to_date_golden():
    head = "# The `dart` command\n\nMade from the code by `make golden`; a test keeps it up to date.\n\n"
    pages = [explained(verb, command) for verb, command in verbs()]
    same_or_written(DOCS / "reference" / "commands.md", head + "\n".join(pages))


def test_every_command_argument_and_option_says_what_it_does():
    silent = [verb for verb, command in verbs() if not command.help]
    silent += [
        f"{verb} {parameter.opts[0]}"
        for verb, command in verbs()
        for parameter in command.params
        if not getattr(parameter, "help", "")
    ]
    assert silent == []


def test_every_command_is_in_the_prose():
    prose = "\n".join(page.read_text(encoding="utf-8") for page in PAGES if page.parent.name != "reference")
    assert [verb for verb, _ in verbs() if verb not in prose] == []


def test_links_between_documents_lead_somewhere():
    broken = []
    for page in PAGES:
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target and not target.startswith("mailto:") and not (page.parent / target).exists():
                broken.append(f"{page.relative_to(ROOT)} -> {target}")
    assert broken == []


def test_the_reference_of_fields_is_up_to_date_golden():
    for kind in KINDS:
        same_or_written(DOCS / "reference" / f"{kind.kind.lower()}.md", fields(kind))


def below(node: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every field of a schema with the heading of its table, and every message of a rule with nothing."""
    yield from (("", rule["message"]) for rule in node.get("x-kubernetes-validations", ()) if "fieldPath" not in rule)
    for name, field in node.get("properties", {}).items():
        yield path, name
        yield from below(field, f"{path}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            yield from below(node[word], f"{path}[]")


def test_the_reference_has_every_field_and_every_refusal_of_the_definitions():
    missing = []
    for kind in KINDS:
        text = fields(kind)
        sections = dict(zip(*[iter(re.split(r"^## (.*)$", text, flags=re.MULTILINE)[1:])] * 2, strict=True))
        for part in ("spec", "status"):
            for heading, word in below(schema(kind)["properties"][part], part):
                where = sections.get(heading, "") if heading else text
                if (f"| `{word}` |" if heading else f"- {word}\n") not in where:
                    missing.append(f"{kind.kind} {heading} {word}")
    assert missing == []


def test_the_reference_of_conditions_is_up_to_date_golden():
    same_or_written(DOCS / "reference" / "conditions.md", conditions())


def test_the_budget_of_the_stages_is_the_one_in_the_document():
    page = (DOCS / "contributing.md").read_text(encoding="utf-8")
    table = {name: int(seconds) for name, seconds in re.findall(r"^\| (\w+) \| (\d+) \|", page, re.MULTILINE)}
    assert table == BUDGET


def test_every_folder_of_tests_has_a_budget():
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= set(BUDGET)


def test_the_changelog_knows_this_version():
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## [{__version__}]" in text or "## [Unreleased]" in text


def test_every_decision_has_its_number_once_and_the_same_parts():
    pages = sorted((DOCS / "decisions").glob("*.md"))
    numbers = [page.name[:4] for page in pages]
    assert numbers == [f"{n:04d}" for n in range(1, len(pages) + 1)]
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for part in ("## Context", "## Choice", "## Alternatives", "## What would change our mind"):
            assert part in text, f"{page.name} lacks {part}"
