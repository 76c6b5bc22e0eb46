"""Benchmarks of an Evaluation: the paper's six by name, or a file of the user's."""

import difflib
from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from .base import SOURCE_NAME, AtLeastOne, Listed, NotNegative, Part, Problem, Text, refuse
from .places import Place
from .sources import Fields, Reference

BuiltIn = Literal["math", "gsm8k", "college-math", "deepmind-mathematics", "olympiadbench-oe", "theoremqa"]
"""MATH and GSM8K (in domain); CollegeMath, DeepMind-Mathematics, OlympiadBench-OE and TheoremQA (out of domain)."""
BUILT_IN: tuple[str, ...] = get_args(BuiltIn)


class Benchmark(Part):
    """Problems with reference answers to evaluate on."""

    name: Annotated[str, Field(pattern=SOURCE_NAME, max_length=63)]
    """math, gsm8k, college-math, deepmind-mathematics, olympiadbench-oe or theoremqa; with uri, a name of yours."""
    uri: Place | None = None
    """A file: of a benchmark above in its publisher's format, for machines without the hub; or one of yours, JSON Lines
    or Parquet. Default: from the hub."""
    fields: Fields | None = None
    """Which field of your file holds what. The benchmarks above know theirs."""
    reference: Reference | None = None
    """How the reference is found in the answer field of your file. Default: as-is."""
    revision: Text | None = None
    """Commit or tag at the hub. Default: the one that this version was made for."""
    shots: Annotated[int, Field(ge=0, le=64)] | None = None
    """Worked examples in the prompt: 0 for fine-tuned models; base models want 4, and 5 on theoremqa. Default: 0."""
    items: AtLeastOne | None = None
    """Take only so many problems, by a seeded choice. The report says so. Default: all."""

    @model_validator(mode="after")
    def _known(self) -> "Benchmark":
        found = []
        if self.name not in BUILT_IN and self.uri is None:
            near = difflib.get_close_matches(self.name.lower(), BUILT_IN, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(BUILT_IN)}; for a file of yours add uri"
            found.append(Problem(("name",), f"{self.name!r} is no benchmark that this version knows; {hint}"))
        if self.name in BUILT_IN:
            for field in ("fields", "reference"):
                if getattr(self, field) is not None:
                    says = f"{self.name} knows its own; remove {field}, or give your file another name"
                    found.append(Problem((field,), says))
        if self.revision is not None and self.uri is not None and not self.uri.startswith("hf://"):
            found.append(Problem(("revision",), f"only the hub has one; uri is {self.uri!r}. Remove revision"))
        refuse(found)
        return self


Counts = Annotated[tuple[Annotated[int, Field(ge=1, le=100_000)], ...], Listed, Field(min_length=1, max_length=32)]


class Trials(Part):
    """A second pass with several trials a problem, for maj@k and pass@k."""

    count: Annotated[int, Field(ge=2, le=100_000)]
    """Trials of each problem, n. pass@k is unbiased for k up to n."""
    temperature: Annotated[float, Field(gt=0.0, le=10.0)]
    """Softmax temperature. It has no default: a pass@k without its temperature says nothing."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    """Nucleus: draw among the likeliest tokens that together have this probability."""
    seed: NotNegative = 0
    """Makes trials distinct between runs, not repeatable."""
    majority_at: Counts | None = None
    """k of maj@k, each at most count. Default: count."""
    pass_at: Counts | None = None
    """k of pass@k, each at most count. Default: 1, 2, 5, 10, ... up to count."""

    @model_validator(mode="after")
    def _within(self) -> "Trials":
        found = []
        for field, name in (("majority_at", "majorityAt"), ("pass_at", "passAt")):
            for index, k in enumerate(getattr(self, field) or ()):
                if k > self.count:
                    says = f"{k} is above count ({self.count}): no estimate without so many trials; raise count"
                    found.append(Problem((name, index), says))
        refuse(found)
        return self


__all__ = ["BUILT_IN", "Benchmark", "BuiltIn", "Trials"]
