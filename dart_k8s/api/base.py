"""What all parts of a declaration share: camelCase on the wire, frozen, no unknown fields, no silent conversions."""

from collections.abc import Iterable
from functools import cache
from typing import Annotated, Any, NamedTuple, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, JsonValue, Strict, model_validator
from pydantic.alias_generators import to_camel

IRREGULAR = {"memory_mib": "memoryMiB", "from_": "from"}
"""Field names whose wire name keeps a unit's own capitals, or is a word that Python keeps to itself."""

NAME = r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"
"""A DNS label (RFC 1123), as Kubernetes asks of names that end up in host names."""

SOURCE_NAME = r"^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$"
"""Names inside query ids, reports and object keys: no slash, no space."""


@cache
def wire_name(field: str) -> str:
    """The name of a field in YAML and JSON."""
    return IRREGULAR.get(field) or to_camel(field)


class Part(BaseModel):
    """A part of a declaration. Strict: the string "40" is not a number, 1 is not a truth value."""

    model_config = ConfigDict(
        alias_generator=wire_name,
        validate_by_name=True,
        validate_by_alias=True,
        serialize_by_alias=True,
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, value: object) -> object:
        """As in Kubernetes, `budget:` with nothing behind it means the same as no `budget` at all."""
        return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else value

    def plain(self) -> dict[str, Any]:
        """The part with its defaults, by wire names, as JSON values. Fields that hold nothing are left out."""
        shown = {wire_name(name): _plain(getattr(self, name)) for name in type(self).model_fields}
        return {name: value for name, value in shown.items() if value is not None and value != {} and value != []}


Free: TypeAlias = Annotated[dict[str, JsonValue], Field(max_length=128)]
"""A free mapping, passed on as it is."""

LARGEST = 10**12
"""Upper bound of whole numbers that have no other: far above any run, and an API server asks for one."""
LONGEST_TIME = 1e9
"""Upper bound of times and sizes that have no other."""

# Every list and text is bounded: an API server estimates what a rule costs from the largest value it may meet.
AtLeastOne = Annotated[int, Field(ge=1, le=LARGEST)]
NotNegative = Annotated[int, Field(ge=0, le=LARGEST)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Positive = Annotated[float, Field(gt=0.0, le=LONGEST_TIME)]
Text = Annotated[str, Field(min_length=1, max_length=1024)]
LongText = Annotated[str, Field(min_length=1, max_length=65_536)]
Listed = Strict(False)
"""Lets a YAML list become a tuple although everything else is strict."""


def _plain(value: Any) -> Any:
    if isinstance(value, Part):
        return value.plain()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


class Problem(NamedTuple):
    """One thing that is wrong with a declaration."""

    path: tuple[str | int, ...]
    """Where, from the part that is judged: ("strategy", "target"). Empty for the part itself."""
    says: str
    """What is wrong with which values, and the way out."""


class Problems(ValueError):
    """Everything that is wrong with one part; pydantic turns it into its own error."""

    def __init__(self, found: Iterable[Problem]) -> None:
        self.found = tuple(found)
        super().__init__("; ".join(problem.says for problem in self.found))


def refuse(found: list[Problem]) -> None:
    """Raise `Problems` unless there are none."""
    if found:
        raise Problems(found)
