"""Specs drawn from a CustomResourceDefinition: valid ones, with some fields set to what the schema takes."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from dart_k8s.api.crds import KINDS, schema

SCHEMAS = {kind.kind: schema(kind) for kind in KINDS}
"""Schema of the objects of each kind."""

BASES: dict[str, dict[str, Any]] = {
    "Synthesis": {
        "queries": [{"name": "math", "uri": "s3://bucket/math.jsonl"}],
        "model": {"uri": "hf://owner/model"},
        "prompt": {"template": "chat"},
        "strategy": {"kind": "prop2diff"},
        "output": {"uri": "s3://bucket/runs/one"},
    },
    "Training": {
        "data": {"uri": "s3://bucket/rows.parquet"},
        "model": {"uri": "hf://owner/model"},
        "output": {"uri": "s3://bucket/student"},
    },
    "Evaluation": {
        "model": {"uri": "s3://bucket/student/model"},
        "benchmarks": [{"name": "math"}],
        "output": {"uri": "s3://bucket/scores"},
    },
}
"""A least spec of each kind, as a cluster takes it."""

FROM_RECIPES: dict[str, dict[str, Any]] = {
    "Synthesis": {"recipe": "dart-math", "output": {"uri": "s3://bucket/runs/one"}},
    "Training": {"recipe": "tiny", "data": {"fromSynthesis": "one"}, "output": {"uri": "s3://bucket/student"}},
    "Evaluation": BASES["Evaluation"],
}
"""The same, as far as a recipe can."""

URIS = ("s3://bucket/a", "hf://owner/name", "/data/a", "file:///data/a", "s3://b")
ODD = (
    "hf://owner",
    " s3://b/c",
    "s3://b/c ",
    "s3://me@b/c",
    "ftp://x/y",
    "a/b",
    "memory://x/y",
    "file://host/a",
    "s3:///x",
)
"""URIs that some or all refuse."""
WORDS = st.text(st.characters(codec="ascii", categories=["L", "N", "P"]), min_size=1, max_size=8)
PLAIN = st.none() | st.booleans() | st.integers(0, 9) | WORDS
FREE = st.dictionaries(
    WORDS, PLAIN | st.lists(WORDS, max_size=2) | st.dictionaries(WORDS, WORDS, max_size=2), max_size=2
)


def values(node: dict[str, Any], name: str = "") -> st.SearchStrategy[Any]:
    """What a schema takes, and now and then what is just outside its bounds."""
    if "enum" in node:
        return st.sampled_from(node["enum"])
    match node.get("type"):
        case "object" if "properties" in node:
            return objects(node)
        case "object" if "additionalProperties" in node:
            return st.dictionaries(WORDS, values(node["additionalProperties"]), max_size=2)
        case "array":
            return st.lists(values(node["items"], name), min_size=node.get("minItems", 0), max_size=2)
        case "string" if name in ("uri", "script", "from", "against"):
            return st.sampled_from(URIS) | st.sampled_from((*URIS, *ODD))
        case "string" if "pattern" in node:
            return st.from_regex(node["pattern"], fullmatch=True).filter(
                lambda text: "\n" not in text and len(text) <= node["maxLength"]
            )
        case "string":
            return WORDS
        case "integer":
            least, most = node["minimum"], node["maximum"]
            return st.integers(least, min(most, least + 200)) | st.sampled_from([least, most, least - 1, most + 1])
        case "number":
            least, most = node.get("minimum", 0.0), node.get("maximum", 100.0)
            return st.floats(least, min(most, least + 100.0)) | st.sampled_from([least, most])
        case "boolean":
            return st.booleans()
        case _:
            return FREE


def objects(node: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Mappings with all required and some other fields."""
    fields = {name: values(inner, name) for name, inner in node["properties"].items()}
    required = set(node.get("required", ()))
    always = st.fixed_dictionaries({name: fields[name] for name in fields if name in required})
    names = sorted(set(fields) - required)
    if not names:
        return always
    some = st.lists(st.sampled_from(names), max_size=2, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
    )
    return st.tuples(always, some).map(lambda pair: {**pair[0], **pair[1]})


@cache
def specs(kind: str) -> st.SearchStrategy[dict[str, Any]]:
    """Specs of a kind; about half are fine."""
    node = SCHEMAS[kind]["properties"]["spec"]
    fields = {name: values(inner, name) for name, inner in node["properties"].items() if name != "output"}
    changed = st.lists(st.sampled_from(sorted(fields)), min_size=1, max_size=3, unique=True).flatmap(
        lambda chosen: st.fixed_dictionaries({name: fields[name] for name in chosen})
    )
    bases = st.sampled_from([BASES[kind], FROM_RECIPES[kind]])
    return st.tuples(bases, changed).map(lambda pair: {**pair[0], **pair[1]})
