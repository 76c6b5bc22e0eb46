"""What Grafana would ask for the panels of the dashboards in the chart."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

DASHBOARDS = Path(__file__).parents[2] / "charts" / "dart" / "dashboards"
VARIABLES = {
    "$__rate_interval": "10s", "$operator": ".*", "$namespace": ".*", "$synthesis": ".*", "$gpu_price": "2",
}  # fmt: skip
"""As with everything chosen, and with scrapes twice a second."""


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel."""

    expr: str
    legend: str

    def name(self, labels: dict[str, str]) -> str:
        """A series' name in the legend."""
        if self.legend == "__auto":
            return ", ".join(value for name, value in sorted(labels.items()) if name != "__name__")
        return re.sub(r"\{\{ *(\w+) *\}\}", lambda found: labels.get(found[1], ""), self.legend)


@dataclass(frozen=True, slots=True)
class Panel:
    """What is drawn in one place."""

    board: str
    row: str
    title: str
    kind: str
    unit: str
    queries: tuple[Query, ...]


def panels() -> list[Panel]:
    """Of all dashboards, in their order."""
    found = []
    for path in sorted(DASHBOARDS.glob("*.json")):
        row = ""
        for panel in json.loads(path.read_text())["panels"]:
            if panel["type"] == "row":
                row = panel["title"]
                continue
            queries = tuple(Query(_filled(one["expr"]), one["legendFormat"]) for one in panel["targets"])
            unit = panel["fieldConfig"]["defaults"]["unit"]
            found.append(Panel(path.stem, row, panel["title"], panel["type"], unit, queries))
    return found


def _filled(expr: str) -> str:
    for name, value in VARIABLES.items():
        expr = expr.replace(name, value)
    return expr
