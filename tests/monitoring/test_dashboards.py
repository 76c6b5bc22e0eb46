"""Dashboards: as the code makes them, small, and about metrics that there are."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.golden import same_or_written

from .reference import METRICS, page
from .shown import DASHBOARDS, panels

dashboards = pytest.importorskip("charts.dashboards", reason="pip install dart-k8s[dev]")

ROOT = Path(__file__).parents[2]
MOST_BYTES = 100_000
"""Of all dashboards: the packed chart is in every release's Secret."""
OF_PROCESSES = {"process_resident_memory_bytes", "process_cpu_seconds_total"}


def known() -> set[str]:
    names = set(OF_PROCESSES)
    for metric in METRICS:
        ends = ("_bucket", "_sum", "_count") if metric.kind == "histogram" else ("",)
        names |= {metric.name + end for end in ends}
    return names


def asked(expr: str) -> set[str]:
    return set(re.findall(r"\b(?:dart|process)_[a-z_]+", expr))


def labels(expr: str) -> list[tuple[str, str]]:
    """Metrics with the labels that an expression chooses by."""
    return [
        (name, label)
        for name, chosen in re.findall(r"\b((?:dart)_[a-z_]+)\{([^}]*)\}", expr)
        for label in re.findall(r"(\w+)(?:=~|!=|!~|=)", chosen)
    ]


def rules() -> dict[str, str]:
    found = {}
    for path in (ROOT / "charts" / "dart" / "alerts").glob("*.yaml"):
        for group in yaml.safe_load(path.read_text())["groups"]:
            found |= {rule["alert"]: rule["expr"] for rule in group["rules"]}
    return found


EXPRESSIONS = {
    **{f"{p.board}: {p.title} {n}": q.expr for p in panels() for n, q in enumerate(p.queries)}, **rules()
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(dashboards.BOARDS))
def test_the_files_are_what_the_code_makes(name: str) -> None:
    path = DASHBOARDS / f"{name}.json"
    assert path.is_file() and path.read_text(encoding="utf-8") == dashboards.written(name), "run `make dashboards`"


def test_there_is_no_other_file_and_all_are_small() -> None:
    files = list(DASHBOARDS.iterdir())
    assert sorted(path.name for path in files) == sorted(f"{name}.json" for name in dashboards.BOARDS)
    assert sum(path.stat().st_size for path in files) < MOST_BYTES


@pytest.mark.parametrize("name", sorted(EXPRESSIONS))
def test_a_query_is_about_metrics_that_there_are_and_their_labels(name: str) -> None:
    expr = EXPRESSIONS[name]
    assert asked(expr) and asked(expr) <= known()
    own = {metric.name: metric for metric in METRICS}
    for asked_for, label in labels(expr):
        metric = own.get(re.sub(r"_(bucket|sum|count)$", "", asked_for)) or own[asked_for]
        scraped = {"namespace", "pod", "synthesis", "stage"} if not metric.objects else {"namespace", "name"}
        assert label in {*metric.labels, *scraped}, f"{asked_for} has no label {label}"


def test_every_panel_says_what_it_is_for_and_has_a_place_of_its_own() -> None:
    for path in DASHBOARDS.glob("*.json"):
        found = json.loads(path.read_text())["panels"]
        numbers = [panel["id"] for panel in found]
        assert len(set(numbers)) == len(numbers)
        taken: set[tuple[int, int]] = set()
        for panel in found:
            at = panel["gridPos"]
            cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
            assert not cells & taken and at["x"] + at["w"] <= 24
            taken |= cells
            if panel["type"] != "row":
                assert panel["description"].endswith(".") and panel["targets"]


def test_the_reference_of_metrics_is_up_to_date_golden() -> None:
    same_or_written(ROOT / "docs" / "reference" / "metrics.md", page())


def test_every_metric_has_a_name_of_its_own_and_a_unit() -> None:
    names = [metric.name for metric in METRICS]
    assert len(set(names)) == len(names) and all(name.startswith("dart_") for name in names)
    assert [m.name for m in METRICS if (m.kind == "counter") != m.name.endswith("_total")] == []
    assert [m.name for m in METRICS if m.kind == "histogram" and not m.name.endswith(("_seconds", "_items"))] == []
