"""Where problems come from: query sources, fixed difficulties, earlier pools."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import SOURCE_NAME, AtLeastOne, Free, Listed, Part, Problem, Text, refuse
from .places import Place
from .pods import ObjectName

Reference = Literal["as-is", "last-box", "after-hashes"]


class ConfigMapKey(Part):
    """A key of a ConfigMap in the object's namespace; in a cluster only."""

    name: ObjectName
    """Name of the ConfigMap."""
    key: Annotated[str, Field(pattern=r"^[-._a-zA-Z0-9]+$", max_length=253)] = "queries.jsonl"
    """Key that holds JSON Lines. ConfigMaps hold at most 1 MiB: for more, use a URI."""


class Fields(Part):
    """Which field of a source holds what."""

    query: Text = "query"
    """Field with the problem's text."""
    answer: Text = "answer"
    """Field with the reference answer, or with the solution that contains it (see `reference`)."""
    id: Text | None = None
    """Field with a stable identifier, unique in its source. Default: a hash of the problem's text."""
    subject: Text | None = None
    """Field with the subject, for reports."""
    level: Text | None = None
    """Field with the level of difficulty given by the source, for reports. Plays no part in the strategy."""


class QuerySource(Part):
    """A set of problems with reference answers."""

    name: Annotated[str, Field(pattern=SOURCE_NAME, max_length=63)]
    """Name of the source, unique in the declaration; part of query ids, and of counts in status and report."""
    uri: Place | None = None
    """JSON Lines or Parquet: a path, file://, s3://bucket/key or hf://owner/dataset. This or configMap."""
    config_map: ConfigMapKey | None = None
    """JSON Lines in a ConfigMap; in a cluster only. This or uri."""
    split: Text | None = None
    """Split of a hub data set. Default: train."""
    subset: Text | None = None
    """Configuration of a hub data set. Default: its only or default one."""
    revision: Text | None = None
    """Commit, tag or branch of a hub data set. Default: the newest, pinned when the run is prepared."""
    where: Free = Field(default_factory=dict)
    """Keep only rows with these values: {level: "Level 5"}, or one of several: {level: ["Level 4", "Level 5"]}."""
    fields: Fields = Fields()
    """Which field holds what."""
    reference: Reference = "as-is"
    """How the reference is found in the answer field: all of it, the last \\boxed{...}, or what follows ####."""
    target: AtLeastOne | None = None
    """Target of this source's queries in place of strategy.target. Default: the strategy's."""
    on_invalid: Literal["fail", "exclude"] = "fail"
    """What to do about queries without a usable text or reference: stop before sampling, or leave them out by name."""

    @model_validator(mode="after")
    def _one_place(self) -> "QuerySource":
        found = []
        if (self.uri is None) == (self.config_map is None):
            said = "both uri and configMap are" if self.uri else "neither uri nor configMap is"
            found.append(Problem((), f"source {self.name!r}: {said} given; give exactly one of them"))
        if self.uri and not self.uri.startswith("hf://"):
            for field in ("split", "subset", "revision"):
                if getattr(self, field) is not None:
                    says = f"only a hub data set (hf://owner/dataset) has one; uri is {self.uri!r}. Remove {field}"
                    found.append(Problem((field,), says))
        for key, value in self.where.items():
            if isinstance(value, dict) or (
                isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
            ):
                says = f"{value!r} is neither a value nor a list of values; write {key}: VALUE or {key}: [VALUE, ...]"
                found.append(Problem(("where", key), says))
        refuse(found)
        return self


class DifficultySource(Part):
    """Pass rates measured elsewhere, which fix the difficulty of every query."""

    uri: Place
    """JSON Lines or Parquet with one row per query: a path, file://, s3:// or hf://."""
    field: Text = "pass_rate"
    """Field with the pass rate p_q, 0 to 1 (dart-math's query-info files call it pass_rate)."""
    id: Text = "query_id"
    """Field with the query's id, as in the queries' own id field."""


class Pool(Part):
    """Responses that exist already."""

    from_: Annotated[tuple[Place, ...], Listed, Field(max_length=64)] = ()
    """Outputs of earlier runs. Their correct responses count towards targets; their trials count towards the pass rate
    only when model, revision, template, sampling and verifier are the same."""


__all__ = ["ConfigMapKey", "DifficultySource", "Fields", "Pool", "QuerySource", "Reference"]
