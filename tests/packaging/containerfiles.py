"""Reads Containerfiles as far as the tests ask."""

import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """One FROM and what follows it."""

    base: str
    name: str
    steps: list[tuple[str, str]] = field(default_factory=list)
    """(instruction in capitals, its argument) in order."""

    def arguments(self, instruction: str) -> list[str]:
        """What follows this instruction, wherever it occurs."""
        return [text for word, text in self.steps if word == instruction]


@dataclass(frozen=True, kw_only=True, slots=True)
class Containerfile:
    """Build arguments before the first stage, and the stages."""

    defaults: dict[str, str]
    stages: list[Stage]


def read(path: Path) -> Containerfile:
    """The instructions of a file, with continued lines joined and comments gone."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    text = re.sub(r"\\\n", " ", "\n".join(lines))
    defaults: dict[str, str] = {}
    stages: list[Stage] = []
    for line in filter(str.strip, text.splitlines()):
        word, _, rest = line.strip().partition(" ")
        if word == "FROM":
            base, _, name = rest.partition(" AS ")
            stages.append(Stage(base=base.strip(), name=name.strip()))
        elif stages:
            stages[-1].steps.append((word.upper(), rest.strip()))
        else:
            name, _, value = rest.partition("=")
            defaults[name.strip()] = value.strip()
    return Containerfile(defaults=defaults, stages=stages)
