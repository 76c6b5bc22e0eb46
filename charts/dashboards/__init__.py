"""Dashboards for Grafana, as code: `make dashboards` writes charts/dart/dashboards, which the chart and manifests ship.

They lie beside the chart because nothing that runs needs them: in no image, in no wheel, not in the packed chart.
"""

import json
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from . import operator, synthesis, verification
from .panels import Board

__all__ = ["BOARDS", "FOLDER", "write", "written"]

FOLDER = Path(__file__).parents[1] / "dart" / "dashboards"
BOARDS: dict[str, Board] = {
    "dart-operator": operator.BOARD,
    "dart-synthesis": synthesis.BOARD,
    "dart-verification": verification.BOARD,
}
"""Name of file and uid -> dashboard."""


def written(name: str) -> str:
    """A dashboard as JSON, as small as it can be: all of them are in the packed chart, which every release stores."""
    dashboard = BOARDS[name].build(name)
    return json.dumps(dashboard, cls=JSONEncoder, separators=(",", ":"), ensure_ascii=False) + "\n"


def write() -> None:
    """All of them, into the chart."""
    FOLDER.mkdir(exist_ok=True)
    for old in FOLDER.glob("*.json"):
        old.unlink()
    for name in BOARDS:
        (FOLDER / f"{name}.json").write_text(written(name), encoding="utf-8")
