"""What is stored, as Markdown: the tables of docs/benchmarks.md."""

from collections.abc import Iterable

from . import (
    accuracy,
    bookkeeping,
    bound,
    execution,
    failing_over,
    folding,
    hopeless,
    operating,
    passes,
    service,
    tracking,
    verifying,
)
from .stored import Found, Part

Done = list[tuple[Part, Found]]


def markdown(parts: Iterable[Part]) -> str:
    """Tables of all parts that have a result."""
    done = [(part, found) for part in parts if (found := part.stored()) is not None]
    sections = []
    for name, title, head, row in (
        ("bound", "Trials over the sequential bound", bound.HEAD, bound.row),
        ("peer", "dart-math's policy", bound.PEER_HEAD, bound.peer_row),
        ("passes", "A greedy pass", passes.HEAD, passes.row),
        ("accuracy", "prop2diff against known pass rates", accuracy.HEAD, accuracy.row),
        ("bookkeeping", "The sampler's own cost", bookkeeping.HEAD, bookkeeping.row),
        ("verifying", "Verification", verifying.HEAD, verifying.row),
        ("attacks", "Hostile answers", verifying.ATTACKS_HEAD, verifying.attacks_row),
        ("folding", "A planner's turn", folding.HEAD, folding.row),
        ("execution", "Running code", execution.HEAD, execution.row),
        ("service", "The verification service", service.HEAD, service.row),
        ("curation", "Curation", None, None),
        ("operating", "The operator at scale", operating.HEAD, operating.row),
        ("tracking", "Pods tracked to the end", tracking.HEAD, tracking.row),
        ("failing_over", "When nobody works", failing_over.HEAD, failing_over.row),
    ):
        mine = [(part, found) for part, found in done if part.name == name]
        if mine and head is not None and row is not None:
            sections.append("\n".join([f"## {title}", "", head, *(row(part.size, found) for part, found in mine)]))
        elif mine:
            sections.append("\n".join([f"## {title}", "", mine[0][1]["head"], *(found["row"] for _, found in mine)]))
    if stops := [(part, found) for part, found in done if part.name == "hopeless"]:
        sections.append(_hopeless(stops))
    return "\n\n".join(sections) + "\n"


def _hopeless(done: Done) -> str:
    """Means over seeds, one row per population and strategy, and prop2diff's deciles."""
    groups: dict[tuple[str, str, int], list[Found]] = {}
    for part, found in done:
        key = (part.size["strategy"], part.size["population_name"], part.size["queries"])
        groups.setdefault(key, []).append(found)
    lines = ["## The hopeless stop", "", hopeless.HEAD]
    means = {key: hopeless.mean(runs) for key, runs in groups.items()}
    lines += [hopeless.row(key, mean, len(groups[key])) for key, mean in means.items()]
    for key, mean in means.items():
        if key[0] == "prop2diff":
            lines += ["", f"prop2diff, {key[1]}, by decile of difficulty:", "", hopeless.DECILE_HEAD]
            lines += hopeless.decile_rows(mean)
    return "\n".join(lines)
