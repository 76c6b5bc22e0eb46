"""Panels drawn from the series of a run, one picture a dashboard: `make pictures`."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from .prometheus import Prometheus
from .shown import Panel

__all__ = ["draw"]

COLUMNS = 3
POINTS = 300
"""Of a line."""
COLOURS = 64
"""Of a picture: so it stays small, and nobody sees it."""
MOST_BYTES = 150_000
LEGENDS = 8
"""Series that are named."""


def draw(prometheus: Prometheus, panels: list[Panel], begins: float, ends: float, folder: Path) -> list[Path]:
    """A picture of each dashboard with the series between two times; ValueError if one is too large for the docs."""
    made = []
    mpl.rcParams.update({"font.size": 7, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True})
    mpl.rcParams.update({"grid.alpha": 0.25, "axes.titlesize": 8, "axes.titleweight": "bold", "lines.linewidth": 1.1})
    for board in dict.fromkeys(panel.board for panel in panels):
        shown = [panel for panel in panels if panel.board == board and panel.kind != "stat"]
        rows = math.ceil(len(shown) / COLUMNS)
        figure = Figure(figsize=(10.5, 1.75 * rows), layout="constrained")
        places = figure.subplots(rows, COLUMNS, squeeze=False).ravel()
        for place, panel in zip(places, shown, strict=False):
            _panel(place, prometheus, panel, begins, ends)
        for place in places[len(shown) :]:
            place.set_axis_off()
        path = folder / f"{board}.png"
        figure.savefig(path, dpi=100)
        with Image.open(path) as image:
            small = image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        small.save(path, optimize=True)
        if path.stat().st_size > MOST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size} bytes, more than {MOST_BYTES}")
        made.append(path)
    return made


def _panel(place: Axes, prometheus: Prometheus, panel: Panel, begins: float, ends: float) -> None:
    place.set_title(panel.title, loc="left")
    if panel.kind == "bargauge":
        _bars(place, prometheus, panel, ends)
        return
    lines: list[tuple[str, list[float], list[float]]] = []
    for query in panel.queries:
        step = max(1.0, (ends - begins) / POINTS)
        for series in prometheus.range(query.expr, begins, ends, step):
            times = [float(when) - begins for when, _ in series["values"]]
            lines.append((query.name(series["metric"]), times, [float(text) for _, text in series["values"]]))
    place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_words(value, panel.unit)))
    for name, times, values in lines:
        place.plot(times, values, label=name[:32] or None)
    place.set_xlim(0, ends - begins)
    place.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{datetime.fromtimestamp(seconds, UTC):%-M:%S}"))
    place.xaxis.set_major_locator(MaxNLocator(5))
    highest = max((value for _, _, values in lines for value in values if math.isfinite(value)), default=0.0)
    place.set_ylim(0, 1.08 * highest or 1.0)
    if any(name for name, _, _ in lines) and len(lines) <= LEGENDS:
        place.legend(fontsize=5.5, frameon=False, loc="best", handlelength=1.0, labelspacing=0.2)


def _bars(place: Axes, prometheus: Prometheus, panel: Panel, when: float) -> None:
    found = sorted(
        (query.name(series["metric"]), float(series["value"][1]))
        for query in panel.queries
        for series in prometheus.now(query.expr, when)
    )
    place.barh([name for name, _ in found], [value for _, value in found])
    place.invert_yaxis()
    place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_words(value, panel.unit)))


def _in_words(value: Any, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.4g} %"
    if unit == "bytes":
        return f"{value / (1 << 20):.4g} MiB"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{1000 * value:.4g} ms"
    return {"s": f"{value:.4g} s", "currencyUSD": f"${value:.4g}"}.get(unit, f"{value:.5g}")
