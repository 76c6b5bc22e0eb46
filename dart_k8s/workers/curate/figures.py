"""Figures as PNG bytes; the only importer of matplotlib. The same numbers give the same bytes."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import matplotlib
import matplotlib.style
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from dart_k8s.scores.curves import Curve, Reach

from .bands import Bands, Floats, Ints, deciles

matplotlib.use("Agg")

INK, QUIET, FAINT = "#1f2933", "#66717d", "#e4e7eb"
COLOURS = {"vanilla": "#8fa3b5", "uniform": "#2f7fb8", "prop2diff": "#d9482b"}
"""The strategies keep their colours in every figure."""
_OTHERS = ("#2f7fb8", "#d9482b", "#3d9970", "#8e5ea2", "#c8992b", "#5b6770")

LOG_FROM = 20
"""Ratio of the largest to the smallest band mean from which trials get a logarithmic axis."""

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": FAINT,
    "grid.linewidth": 0.9,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """One data set (or run) in a figure of numbers per query."""

    name: str
    values: Ints
    """Shape (Q,), aligned with the difficulty."""


def rows_per_query(
    difficulty: Floats, sets: Sequence[Series], *, title: str = "Rows per query, by difficulty"
) -> bytes:
    """Mean rows per query in each tenth of the queries, easy to hard, and the queries that got none below.

    `difficulty` is the fail rate per query, shape (Q,), NaN where unknown (left out). One or several sets.
    """
    bands = deciles(difficulty)
    with canvas(9.0, 5.6) as figure:
        top, bottom = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": [4.4, 1.0], "hspace": 0.13})
        _bars(top, bands, sets)
        top.set_ylabel("rows per query")
        top.yaxis.set_major_locator(MaxNLocator(nbins=7, integer=True))
        _legend(figure, top, sets)
        _without_any(bottom, bands, sets)
        _difficulty_axis(bottom, bands, difficulty)
        titled(figure, title, _rows_caption(bands, sets))
        return png(figure)


def trials_per_query(
    difficulty: Floats, runs: Sequence[Series], *, title: str = "Trials per query, by difficulty"
) -> bytes:
    """Mean trials per query in each tenth of the queries, easy to hard, on a logarithmic axis if they differ much."""
    bands = deciles(difficulty)
    with canvas(9.0, 4.6) as figure:
        axes = figure.subplots()
        _bars(axes, bands, runs, log=_wide([bands.mean(run.values) for run in runs]))
        axes.set_ylabel("trials per query")
        _legend(figure, axes, runs)
        _difficulty_axis(axes, bands, difficulty)
        totals = "   |   ".join(f"{run.name}: {int(run.values.sum()):,} trials" for run in runs)
        titled(figure, title, totals)
        return png(figure)


def coverage(reaches: Mapping[str, Reach], *, title: str = "Coverage against trials") -> bytes:
    """Share of queries with a correct response among their first k trials; posterior expectations dashed."""
    return _curves(
        {name: (reach.coverage, reach.coverage_posterior, reach) for name, reach in reaches.items()},
        title=title,
        what="queries solved at least once",
        across="trials per query",
        marker="",
    )


def pass_at_k(reaches: Mapping[str, Reach], *, title: str = "pass@k") -> bytes:
    """Unbiased pass@k, mean over queries; posterior expectations dashed."""
    return _curves(
        {name: (reach.pass_at_k, reach.coverage_posterior, reach) for name, reach in reaches.items()},
        title=title,
        what="pass@k",
        across="k",
        marker="o",
    )


def _bars(axes: Axes, bands: Bands, sets: Sequence[Series], *, log: bool = False) -> None:
    """Grouped bars of band means with their values above."""
    width = 0.8 / max(1, len(sets))
    places = np.arange(len(bands.labels))
    for number, one in enumerate(sets):
        means = bands.mean(one.values)
        at = places + (number - (len(sets) - 1) / 2) * width
        colour = colour_of(one.name, number)
        axes.bar(at, means, width * 0.92, color=colour, alpha=0.9, linewidth=0, label=one.name, zorder=2)
        for x, mean in zip(at, means, strict=True):
            if np.isfinite(mean) and len(sets) <= 3:
                axes.annotate(
                    _short(mean), (x, mean), xytext=(0, 2), textcoords="offset points", ha="center", va="bottom",
                    fontsize=7.5, color=INK, zorder=5
                )  # fmt: skip
    if log:
        axes.set_yscale("log")
        axes.set_ylim(bottom=0.8)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    else:
        axes.set_ylim(bottom=0)
        axes.margins(y=0.08)
    axes.tick_params(length=0)


def _wide(means: Sequence[Floats]) -> bool:
    """Whether positive values spread too far for a linear axis."""
    values = np.concatenate(means) if means else np.zeros(0)
    positive = values[values > 0]
    return bool(positive.size) and float(positive.max() / positive.min()) > LOG_FROM


def _without_any(axes: Axes, bands: Bands, sets: Sequence[Series]) -> None:
    """Queries without any row by band, in percent."""
    width = 0.8 / max(1, len(sets))
    places = np.arange(len(bands.labels))
    for number, one in enumerate(sets):
        shares = bands.mean(one.values == 0)
        at = places + (number - (len(sets) - 1) / 2) * width
        axes.bar(at, shares, width * 0.92, color=colour_of(one.name, number), alpha=0.9, linewidth=0, zorder=2)
        for x, share in zip(at, shares, strict=True):
            if np.isfinite(share) and share > 0 and len(sets) <= 3:
                percent = "<1" if share < 0.005 else f"{100 * share:.0f}"
                axes.annotate(
                    percent, (x, share), xytext=(0, 1), textcoords="offset points", ha="center", va="bottom",
                    fontsize=7, color=INK,
                )  # fmt: skip
    axes.set_ylim(0, 1.18)
    axes.set_yticks([0, 0.5, 1.0])
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_ylabel("queries\nwithout a row", fontsize=8.5)
    axes.tick_params(length=0, labelsize=8.5)


def _difficulty_axis(axes: Axes, bands: Bands, difficulty: Floats) -> None:
    """Tick labels with the mean pass rate of each band, and which end is hard."""
    rates = 1.0 - bands.mean(np.nan_to_num(difficulty))
    axes.set_xticks(range(len(bands.labels)), [_percent(rate) for rate in rates])
    axes.tick_params(axis="x", labelsize=9)
    sizes = bands.sizes()
    per_band = f"{sizes.min():,}" if sizes.size and sizes.min() == sizes.max() else "a tenth of the"
    axes.set_xlabel(f"easier   ←   mean pass rate of {per_band} queries each   →   harder", labelpad=6)


def _rows_caption(bands: Bands, sets: Sequence[Series]) -> str:
    known = bands.index >= 0
    parts = []
    for one in sets:
        values = one.values[known]
        parts.append(f"{one.name}: {int(values.sum()):,} rows, without a row: {int((values == 0).sum()):,}")
    return f"{int(known.sum()):,} queries   |   " + "   |   ".join(parts)


def _curves(
    found: Mapping[str, tuple[Curve, Curve | None, Reach]], *, title: str, what: str, across: str, marker: str
) -> bytes:
    with canvas(7.2, 4.4) as figure:
        axes = figure.subplots()
        notes = []
        for number, (name, (curve, beyond, reach)) in enumerate(found.items()):
            colour = colour_of(name, number)
            axes.plot(curve.k, curve.value, color=colour, linewidth=2.2, marker=marker, markersize=4.5, label=name)
            if beyond is not None:
                later = beyond.k >= reach.m
                dashes = (0, (4, 2.5))
                axes.plot(beyond.k[later], beyond.value[later], color=colour, linewidth=1.8, linestyle=dashes)
            notes.append(
                f"{name}: first m = {reach.m:,} trials of {reach.queries:,} queries, {reach.left_out:,} left out"
            )
        axes.set_xscale("log", base=2)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        axes.set_ylim(0, 1.02)
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
        axes.set_ylabel(what)
        dashed = any(beyond is not None for _, beyond, _ in found.values())
        axes.set_xlabel(across + ("   (dashed: expected, from the posterior)" if dashed else ""))
        axes.tick_params(length=0)
        if len(found) > 1:
            axes.legend(loc="lower right")
        titled(figure, title, "\n".join(notes))
        return png(figure)


def loss(curve: Sequence[tuple[int, float]], *, title: str) -> bytes:
    """The loss of a training after each of its steps."""
    steps, values = (np.array(column, float) for column in zip(*curve, strict=True))
    with canvas(7.2, 4.4) as picture:
        axes = picture.subplots()
        axes.plot(steps, values, color=_OTHERS[0], linewidth=1.6)
        axes.set_xlabel("optimiser steps")
        axes.set_ylabel("loss")
        axes.tick_params(length=0)
        titled(picture, title, f"{values[0]:.4f} at first, {values[-1]:.4f} at last")
        return png(picture)


def _legend(figure: Figure, axes: Axes, sets: Sequence[Series]) -> None:
    """Names at the top right, outside the bars."""
    if len(sets) > 1:
        handles, names = axes.get_legend_handles_labels()
        figure.legend(
            handles, names, loc="upper right", bbox_to_anchor=(0.99, 1.0), ncols=min(4, len(sets)), fontsize=10.5,
            handlelength=1.1, handleheight=1.0, columnspacing=1.6,
        )  # fmt: skip


def titled(figure: Figure, title: str, caption: str) -> None:
    """Title and caption, left-aligned above the axes."""
    lines = caption.count("\n") + 1
    width, height = figure.get_size_inches()
    figure.subplots_adjust(
        left=0.88 / width, right=0.985, bottom=0.62 / height, top=1.0 - (0.62 + 0.18 * lines) / height
    )
    figure.text(0.015, 1.0 - 0.14 / height, title, fontsize=13.5, fontweight="bold", va="top")
    figure.text(0.015, 1.0 - 0.43 / height, caption, fontsize=8.8, color=QUIET, va="top", linespacing=1.4)


@contextmanager
def canvas(width: float, height: float) -> Iterator[Figure]:
    """A figure in our style, whatever the user's matplotlib settings are."""
    with matplotlib.style.context(["default", _STYLE]):
        figure = Figure(figsize=(width, height), dpi=160)
        FigureCanvasAgg(figure)
        yield figure


def png(figure: Figure) -> bytes:
    sink = BytesIO()
    # The default metadata name the library's version, which would change the bytes for no reader's good.
    figure.savefig(sink, format="png", metadata={"Software": None})
    return sink.getvalue()


def colour_of(name: str, number: int) -> str:
    return COLOURS.get(name, _OTHERS[number % len(_OTHERS)])


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 9.95 or value == 0 else f"{value:.1f}"


def _percent(rate: float) -> str:
    if not np.isfinite(rate):
        return ""
    percent = 100.0 * rate
    return f"{percent:.0f} %" if percent >= 9.95 else f"{percent:.1f} %" if percent >= 0.095 else f"{percent:.2g} %"
