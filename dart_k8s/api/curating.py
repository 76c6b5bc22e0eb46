"""From a pool to a data set: what is left out, what is only reported, and where it goes."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import AtLeastOne, Listed, NotNegative, Part, Problem, Share, Text, refuse
from .places import OutputPlace, Place


class NearDuplicates(Part):
    """Settings of deduplicate: near."""

    similarity: Annotated[float, Field(gt=0.0, le=1.0)] = 0.9
    """Jaccard similarity of 5-word shingles from which two responses are near-duplicates."""
    within_query: bool = False
    """Also among the responses of one query. This costs hard queries most: look at the report first."""


class Decontaminate(Part):
    """Queries that also stand in a benchmark."""

    against: Annotated[tuple[Place, ...], Listed, Field(max_length=64)] = ()
    """Benchmark files (JSON Lines or Parquet) or hub data sets to compare with."""
    field: Text | None = None
    """Field with the benchmark's problem text. Default: the first of query, problem, question."""
    mode: Literal["report", "exclude", "off"] = "report"
    """report: list the pairs, keep the queries. exclude: leave the queries out before sampling, and say so."""

    @model_validator(mode="before")
    @classmethod
    def _yaml_off(cls, value: object) -> object:
        # YAML 1.1 readers, kubectl's among them, make a truth value of a bare `off`.
        if isinstance(value, dict) and value.get("mode") is False:
            return {**value, "mode": "off"}
        return value

    @model_validator(mode="after")
    def _has_something(self) -> "Decontaminate":
        if self.mode == "exclude" and not self.against:
            says = "mode exclude needs benchmark files to compare with; list them, or use mode: off"
            refuse([Problem(("against",), says)])
        return self


class Filters(Part):
    """Filters on correct responses. All are off by default, and counted by difficulty decile when on."""

    min_tokens: AtLeastOne | None = None
    """Drop shorter responses, in tokens."""
    max_tokens: AtLeastOne | None = None
    """Drop longer responses, in tokens."""
    non_latin_share: Share | None = None
    """Drop responses with a larger share of letters outside the Latin script (Greek and mathematics are fine)."""
    repetition: Share | None = None
    """Drop responses with a larger share of repeated 8-word sequences."""
    text_after_box: NotNegative | None = None
    """Drop responses with more characters after the last box."""

    @model_validator(mode="after")
    def _ordered(self) -> "Filters":
        if self.min_tokens and self.max_tokens and self.min_tokens > self.max_tokens:
            says = f"minTokens ({self.min_tokens}) is above maxTokens ({self.max_tokens}); nothing would be left"
            refuse([Problem(("minTokens",), says)])
        return self


class Curation(Part):
    """Which of the correct responses become rows."""

    deduplicate: Literal["exact", "none", "near"] = "exact"
    """exact: texts equal after Unicode and white-space normalisation are one. near: also similar ones (see near)."""
    near: NearDuplicates = NearDuplicates()
    """Settings of deduplicate: near."""
    decontaminate: Decontaminate = Decontaminate()
    """Comparison of the queries with benchmarks."""
    min_pass_rate: Share | None = None
    """Drop rows of queries with a lower pass rate, likely right by luck. Default: keep, and flag those under 0.005."""
    filters: Filters = Filters()
    """Filters on responses."""


class Output(Part):
    """Where everything goes."""

    uri: OutputPlace
    """Folder for state/, pool/, dataset/ and report/: a path, file:// or s3://bucket/prefix. One run per folder."""


__all__ = ["Curation", "Decontaminate", "Filters", "NearDuplicates", "Output"]
