"""Fenced blocks of the pages that users read, and how each is kept true; docs/contributing.md has the words.

The words after a fence's language say it:

    sh, console           run on one machine, in a folder with manifests and charts     tests/cli/test_pages.py
    sh cluster            run against the tests' control plane with a real operator     tests/whole/test_pages.py
    sh chart              run with Helm beside the tests' API server, pods pretend      tests/packaging/test_pages.py
    sh e2e                run on the real node                                          tests/e2e
    sh not-run REASON     not run; REASON is one of `REASONS`
    yaml                  a declaration, or another object of Kubernetes
    yaml values           values of the chart
    yaml settings         settings of the operator

A `console` block has commands behind "$ " with its further lines behind "> ", and below what it says: words must be the
same, figures may differ, three dots stand for any text, a line of them for any lines. A `sh` block has commands alone.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
USER_PAGES = (
    ROOT / "README.md",
    ROOT / "charts" / "dart" / "README.md",
    *(p for p in sorted((ROOT / "docs").glob("*.md")) if p.stem not in ("contributing", "benchmarks", "glossary")),
    *sorted((ROOT / "docs" / "runbooks").glob("*.md")),
)
"""Pages that tell users what to do. Benchmarks and contributing are for those who have the repository."""
COMMANDS, DATA = ("sh", "console"), ("yaml", "python")
SHOWN = ("text", "mermaid", "promql", "json")
"""Languages of what is only looked at."""
NOT_RUN = "not-run"
REASONS = {
    "alert": "is for when an alert fires",
    "aws": "needs an account at AWS",
    "gpu": "needs a GPU",
    "grafana": "needs a Grafana",
    "kueue": "needs Kueue, whose modules can't be had in the tests",
    "mirror": "needs a mirror of images",
    "network": "downloads from a hub or a registry",
    "object-store": "needs the chart's embedded store: an image and a volume that the tests have not",
    "placeholder": "names things of yours",
    "prometheus-operator": "needs the Prometheus operator",
    "registry": "needs a registry of images",
    "repository": "installs or tests this repository itself",
}
"""Why a block is not run."""
RUN_BY = ("", "cluster", "chart", "e2e")
OF_YAML = ("", "values", "settings")
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^`\n]*)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A fenced block."""

    page: Path
    line: int
    """Of its opening fence, from 1."""
    language: str
    tag: str
    """The first word after the language; empty if there is none."""
    reason: str
    """The words after it."""
    text: str
    """What is inside, with a line break at its end."""

    @property
    def where(self) -> str:
        """For messages: page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"

    @property
    def fault(self) -> str:
        """What is wrong with its marks; empty if nothing is."""
        known = (*COMMANDS, *DATA, *SHOWN)
        if self.language not in known:
            return f"the language is {self.language or 'missing'}; it is one of {', '.join(known)}"
        if self.tag == NOT_RUN:
            return (
                ""
                if self.reason in REASONS
                else f"not run for {self.reason or 'no reason'}; known: {', '.join(REASONS)}"
            )
        tags = RUN_BY if self.language in (*COMMANDS, "python") else OF_YAML if self.language == "yaml" else ("",)
        return "" if self.tag in tags else f"the mark {self.tag} is not known here; it is one of {', '.join(tags[1:])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command of a block."""

    text: str
    """For a shell; may have several lines."""
    says: str | None
    """What it prints, in a console block."""
    line: int
    """Of its first line in the page, from 1."""


def blocks(page: Path | str, tag: str | None = None, *languages: str) -> list[Block]:
    """The fenced blocks of a page, by its path from the repository's top; `tag`: those with this mark ("" for none)."""
    path = ROOT / page
    found, opened, inside = [], None, []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        fence = FENCE.match(line)
        if opened is None and fence:
            opened, inside = (number, fence), []
        elif opened is not None and fence and not fence["info"].strip():
            began, first = opened
            language, mark, reason, *_ = [*first["info"].split(maxsplit=2), "", "", ""]
            text = "".join(f"{one}\n" for one in inside)
            found.append(Block(page=path, line=began, language=language, tag=mark, reason=reason.strip(), text=text))
            opened = None
        elif opened is not None:
            inside.append(line.removeprefix(opened[1]["indent"]))
    if opened is not None:
        raise ValueError(f"{page}: the fence of line {opened[0]} is not closed")
    return [b for b in found if tag in (None, b.tag) and (not languages or b.language in languages)]


def commands(block: Block) -> list[Command]:
    """The commands of a block, in their order."""
    if block.language == "sh":
        return [Command(text=block.text, says=None, line=block.line + 1)]
    found: list[Command] = []
    for number, lines in _spoken(block.text):
        rest = iter(lines)
        text = [next(rest).removeprefix("$ ")]
        says = ""
        for line in rest:
            if not says and line.startswith(">"):
                text.append(line.removeprefix(">").removeprefix(" "))
            else:
                says += f"{line}\n"
        found.append(Command(text="\n".join(text), says=says, line=block.line + number))
    return found


def _spoken(text: str) -> Iterator[tuple[int, list[str]]]:
    """Lines of a command and of what it says, with the number of the first."""
    began, lines = 0, list[str]()
    for number, line in enumerate(text.splitlines(), start=1):
        if line.startswith("$ "):
            if lines:
                yield began, lines
            began, lines = number, [line]
        elif lines:
            lines.append(line)
        else:
            raise ValueError(f"a console block begins with {line!r} and not with a command behind '$ '")
    if lines:
        yield began, lines


ANY_LINES = "..."
FIGURE = re.compile(r"\d[\d,.]*(?:[smhd](?:\d[\d.]*[smhd])*(?![a-zA-Z]))?")


def agrees(says: str, said: str) -> bool:
    """Whether what a command printed is what the page shows: word for word, but for figures, spaces and ages."""
    shown = [line.split() for line in says.splitlines() if line.strip()]
    return re.fullmatch(_pattern(shown), "".join(_line(line) for line in said.splitlines() if line.strip())) is not None


def _line(line: str) -> str:
    # Newer ones of kubectl say of which namespace.
    return re.sub(r" deleted from \S+ namespace$", " deleted", " ".join(line.split())) + "\n"


def _pattern(shown: list[list[str]]) -> str:
    parts = []
    for words in shown:
        if words == [ANY_LINES]:
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(" ".join(_word(word) for word in words) + "\n")
    return "".join(parts)


def _word(word: str) -> str:
    """A word as a pattern: each of its figures stands for any, and three dots for any text."""
    if ANY_LINES in word:
        return ".*".join(_word(part) for part in word.split(ANY_LINES))
    made, at = "", 0
    for figure in FIGURE.finditer(word):
        made += re.escape(word[at : figure.start()]) + r"\d[\d,.]*(?:[smhd](?:\d[\d.]*[smhd])*)?"
        at = figure.end()
    return made + re.escape(word[at:])


__all__ = ["REASONS", "USER_PAGES", "Block", "Command", "agrees", "blocks", "commands"]
