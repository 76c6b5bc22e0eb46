"""Statuses stay small, conditions have reasons with words."""

import json
import re
from pathlib import Path
from typing import Any, get_args

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.api.conditions import REASONS, TYPES, ConditionType, status_of
from dart_k8s.api.crds import KINDS, schema
from dart_k8s.api.status import MESSAGE_BYTES, MOST_BYTES, MOST_CONDITIONS, bounded, clip
from dart_k8s.reconcile import findings

RECONCILE = Path(__file__).parents[2] / "dart_k8s" / "reconcile"
WORST = '\x01\u4e2d\U0001f600"\\'
"""Characters that take the most bytes as JSON."""


def written(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode())


def largest(node: dict[str, Any], name: str = "") -> Any:
    """The largest value that a schema takes."""
    match node["type"]:
        case "object":
            return {key: largest(inner, key) for key, inner in node["properties"].items()}
        case "array":
            most = len(TYPES) if name == "conditions" else node["maxItems"]
            return [largest(node["items"]) for _ in range(most)]
        case "string" if "enum" in node:
            return max(node["enum"], key=len)
        case "string" if name == "message":
            return WORST * 300
        case "string":
            # Addresses and names are plain text.
            return "x" * min(node["maxLength"], 300)
        case "integer":
            return node["maximum"]
        case "number":
            return min(node.get("maximum", 1e12), 1234567890.123)
        case "boolean":
            return False
    raise AssertionError(node)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.kind for kind in KINDS])
def test_the_largest_status_stays_within_its_bound(kind):
    whole = schema(kind)["properties"]["status"]
    status = bounded(largest(whole))
    assert written(status) <= MOST_BYTES
    jsonschema.Draft4Validator(whole).validate(status)


@given(st.text(alphabet=st.sampled_from([*WORST, "a", " ", "\n", "\ud800"]), max_size=1500), st.integers(8, 600))
def test_a_text_is_cut_to_its_bytes_and_not_much_shorter(text, most):
    cut = clip(text, most)
    size = len(json.dumps(cut, ensure_ascii=False).encode("utf-8", "replace")) - 2
    assert size <= most
    if cut != text:
        assert cut.endswith("...")
        assert size > most - 12


def test_a_short_text_stays_as_it_is():
    assert clip("all is well") == "all is well"
    assert len(clip("x" * 1000)) == MESSAGE_BYTES


def test_there_is_room_for_every_condition():
    assert set(TYPES) == set(get_args(ConditionType))
    assert len(TYPES) <= MOST_CONDITIONS


def test_every_reason_has_a_meaning_and_bad_ones_a_way_out():
    for name, why in REASONS.items():
        assert re.fullmatch("[A-Z][A-Za-z]+", name)
        assert why.meaning.endswith("."), name
        assert why.remedy.endswith(".") or not why.remedy, name
        if "Failed" in why.types and name != "NotFailed":
            assert why.remedy, f"{name} ends a run and says no way out"
        for kind in why.types:
            assert status_of(kind, name) in ("True", "False", "Unknown")


def test_a_reason_stands_only_where_it_belongs():
    assert status_of("Failed", "OutOfMemory") == "True"
    assert status_of("Degraded", "AllWell") == "False"
    with pytest.raises(ValueError, match="no reason of Suspended"):
        status_of("Suspended", "Finished")


def test_every_reason_that_the_operator_gives_is_explained():
    given = {reason for page in RECONCILE.glob("*.py") for reason in re.findall(r'reason="(\w+)"', page.read_text())}
    assert sorted(given - set(REASONS)) == []
    assert sorted(findings.REASONS - set(REASONS) - {"Stopped"}) == []
