"""Alerts: the rules are sound, each fires when it should and not before, and each has its page."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.tools import PROMTOOL

from .firing import CASES, unit_tests

ROOT = Path(__file__).parents[2]
ALERTS = sorted((ROOT / "charts" / "dart" / "alerts").glob("*.yaml"))
RUNBOOKS = ROOT / "docs" / "runbooks"
SECTIONS = ["## What it means", "## How to look", "## What to do"]


def rules_of(path: Path) -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"]]


RULES = [rule for path in ALERTS for rule in rules_of(path)]
NAMES = [rule["alert"] for rule in RULES]


def promtool(*arguments: str) -> None:
    """Run it; what it says if it is not content."""
    command = [str(PROMTOOL.need()), *arguments]
    made = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert made.returncode == 0, made.stdout + made.stderr


def test_the_rules_are_valid() -> None:
    promtool("check", "rules", "--lint=all", "--lint-fatal", *map(str, ALERTS))


@pytest.mark.parametrize("path", ALERTS, ids=lambda path: path.stem)
def test_each_alert_fires_in_trouble_and_only_there(path: Path, tmp_path: Path) -> None:
    document = tmp_path / "tests.yaml"
    document.write_text(yaml.safe_dump(unit_tests(str(path), rules_of(path))))
    promtool("test", "rules", str(document))


def test_each_alert_has_a_case_and_a_name_of_its_own() -> None:
    assert sorted(NAMES) == sorted(CASES) and len(set(NAMES)) == len(NAMES)


def test_each_alert_has_its_page_and_each_page_its_alert() -> None:
    assert sorted(page.stem for page in RUNBOOKS.glob("*.md")) == sorted(NAMES)
    for rule in RULES:
        link = rule["annotations"]["runbook_url"]
        assert link == f"docs/runbooks/{rule['alert']}.md" and (ROOT / link).is_file()


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_an_alert_says_how_bad_it_is_and_about_what(rule: dict[str, Any]) -> None:
    said = rule["annotations"]
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert "{{" in said["summary"] and said["summary"].endswith(".")
    assert said["description"].endswith(".")


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_it_means_how_to_look_and_what_to_do(name: str) -> None:
    page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert page.startswith(f"# {name}\n")
    assert re.findall(r"^## .*$", page, re.MULTILINE) == SECTIONS
