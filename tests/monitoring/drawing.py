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
    lines: list[tuple[str, list[float], list[float]]] = []
    for query in panel.queries:
        step = max(1.0, (ends - begins) / POINTS)
        for series in prometheus.range(query.expr, begins, ends, step):
            times = [float(when) - begins for when, _ in series["values"]]
            lines.append((query.name(series["metric"]), times, [float(text) for _, text in series["values"]]))
    place.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_words(value, panel.unit)))
    if panel.kind == "bargauge":
        _bars(place, lines, panel)
        return
    for name, times, values in lines:
        place.plot(times, values, label=name[:32])
    place.set_xlim(0, ends - begins)
    place.xaxis.set_major_formatter(FuncFormatter(lambda seconds, _: f"{datetime.fromtimestamp(seconds, UTC):%-M:%S}"))
    place.xaxis.set_major_locator(MaxNLocator(5))
    place.set_ylim(bottom=0)
    if 0 < len(lines) <= LEGENDS:
        place.legend(fontsize=5.5, frameon=False, loc="best", handlelength=1.0, labelspacing=0.2)


def _bars(place: Axes, lines: list[tuple[str, list[float], list[float]]], panel: Panel) -> None:
    last = [(name, next((v for v in reversed(values) if math.isfinite(v)), 0.0)) for name, _, values in lines]
    place.barh([name for name, _ in last], [value for _, value in last])
    place.invert_yaxis()
    place.yaxis.set_major_formatter(FuncFormatter(lambda at, _: last[int(at)][0] if 0 <= int(at) < len(last) else ""))
    place.set_yticks(range(len(last)), [name for name, _ in last])
    place.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _in_words(value, panel.unit)))


def _in_words(value: Any, unit: str) -> str:
    if unit == "percentunit":
        return f"{100 * value:.4g} %"
    if unit == "bytes":
        return f"{value / (1 << 20):.4g} MiB"
    if unit == "s" and 0 < abs(value) < 1:
        return f"{1000 * value:.4g} ms"
    return {"s": f"{value:.4g} s", "currencyUSD": f"${value:.4g}"}.get(unit, f"{value:.5g}")
