"""Figures of an evaluation as PNG bytes: scores with intervals, pass@k and maj@k, levels. The same report gives the
same bytes."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from dart_k8s.workers.curate.figures import INK, QUIET, canvas, colour_of, png, titled

STRICT, LENIENT = "#2f7fb8", "#8fa3b5"


def figures_of(report: Mapping[str, Any]) -> dict[str, bytes]:
    """The figures that a report has numbers for, by name."""
    first = report["benchmarks"][0]["scores"]["strict"]
    made = {}
    if first["greedy"] is not None:
        made["accuracy"] = accuracy(report)
    if first["passAt"]:
        made["trials"] = against_trials(report)
    if any(len(one["byLevel"]) > 1 for one in report["benchmarks"]):
        made["levels"] = by_level(report)
    return made


def accuracy(report: Mapping[str, Any]) -> bytes:
    """Greedy accuracy of every benchmark under both policies, with intervals."""
    lines = [(one["title"], one["items"], one["scores"]) for one in report["benchmarks"]]
    if report["average"] is not None:
        lines.append(("average", None, report["average"]["scores"]))
    with canvas(max(5.0, 1.25 * len(lines) + 1.6), 4.4) as figure:
        axes = figure.subplots()
        for offset, policy, colour in ((-0.19, "strict", STRICT), (0.19, "lenient", LENIENT)):
            found = [scores[policy]["greedy"] for _, _, scores in lines]
            _bars(axes, [place + offset for place in range(len(lines))], found, colour, policy)
        labels = [title if items is None else f"{title}\n{items:,} problems" for title, items, _ in lines]
        axes.set_xticks(range(len(lines)), labels, fontsize=8.5)
        axes.tick_params(length=0)
        _percent_axis(axes, "right")
        axes.legend(loc="upper right", ncols=2, bbox_to_anchor=(1.0, 1.12))
        level = f"{report['intervals']['confidence']:.0%}"
        titled(figure, "Greedy accuracy", f"{report['name']}   |   {level} bootstrap intervals over problems")
        return png(figure)


def against_trials(report: Mapping[str, Any]) -> bytes:
    """Unbiased pass@k and maj@k against k, a colour a benchmark."""
    trials = report["decoding"]["trials"]
    with canvas(7.2, 4.4) as figure:
        axes = figure.subplots()
        for number, one in enumerate(report["benchmarks"]):
            colour, scores = colour_of(one["name"], number), one["scores"]["strict"]
            _curve(axes, scores["passAt"], colour, "-", one["title"])
            _curve(axes, scores["majorityAt"], colour, "--", "")
        axes.set_xscale("log")
        ks = [one["k"] for one in report["benchmarks"][0]["scores"]["strict"]["passAt"]]
        axes.set_xticks(ks, [f"{k:,}" for k in ks])
        axes.xaxis.set_minor_locator(NullLocator())
        _percent_axis(axes, "right")
        axes.set_xlabel("k   (solid: pass@k, dashed: maj@k)")
        axes.tick_params(length=0)
        axes.legend(loc="lower right")
        drawn = f"{trials['n']:,} trials at temperature {trials['temperature']:g}, top-p {trials['topP']:g}"
        titled(figure, "pass@k and maj@k", f"{report['name']}   |   {drawn}, strict")
        return png(figure)


def by_level(report: Mapping[str, Any]) -> bytes:
    """The main score by level, of the benchmarks that have levels."""
    chosen = [one for one in report["benchmarks"] if len(one["byLevel"]) > 1]
    with canvas(max(5.0, 3.2 * len(chosen)), 4.0) as figure:
        for number, (one, axes) in enumerate(
            zip(chosen, figure.subplots(1, len(chosen), sharey=True, squeeze=False)[0], strict=True)
        ):
            groups = one["byLevel"]
            found = [_main(group["scores"]["strict"]) for group in groups]
            _bars(axes, list(range(len(groups))), found, colour_of(one["name"], number), one["title"], width=0.7)
            axes.set_xticks(range(len(groups)), [group["label"] for group in groups], fontsize=8.5)
            axes.tick_params(length=0)
            axes.set_xlabel(f"level of {one['title']}")
            _percent_axis(axes, "right" if number == 0 else "")
        titled(figure, "Accuracy by level", f"{report['name']}   |   strict")
        return png(figure)


def _bars(
    axes: Axes,
    places: Sequence[float],
    found: Sequence[Mapping[str, Any] | None],
    colour: str,
    label: str,
    *,
    width: float = 0.36,
) -> None:
    """Bars with intervals and values; nothing where there is no number."""
    known = [(place, one) for place, one in zip(places, found, strict=True) if one is not None]
    heights = [one["value"] for _, one in known]
    spread = [[one["value"] - one["low"] for _, one in known], [one["high"] - one["value"] for _, one in known]]
    axes.bar([place for place, _ in known], heights, width, color=colour, alpha=0.9, linewidth=0, label=label, zorder=2)
    axes.errorbar(
        [place for place, _ in known], heights, yerr=spread, fmt="none", ecolor=QUIET, elinewidth=1.1, capsize=2.5,
        zorder=3,
    )  # fmt: skip
    for place, one in known:
        axes.annotate(
            f"{100 * one['value']:.1f}", (place, one["high"]), xytext=(0, 2), textcoords="offset points", ha="center",
            va="bottom", fontsize=7.5, color=INK, zorder=5,
        )  # fmt: skip


def _curve(axes: Axes, at: Sequence[Mapping[str, Any]], colour: str, line: str, label: str) -> None:
    if not at:
        return
    ks = [one["k"] for one in at]
    marker = "o" if len(at) < 2 or line == "-" else ""
    axes.plot(
        ks, [one["value"] for one in at], color=colour, linestyle=line, linewidth=2.0, marker=marker, markersize=4,
        label=label or None,
    )  # fmt: skip
    axes.fill_between(
        ks, [one["low"] for one in at], [one["high"] for one in at], color=colour, alpha=0.12, linewidth=0
    )


def _main(scores: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """Greedy accuracy, else pass@1."""
    found: Mapping[str, Any] | None = scores["greedy"] or next(iter(scores["passAt"]), None)
    return found


def _percent_axis(axes: Axes, label: str) -> None:
    axes.set_ylim(0, 1.08)
    axes.yaxis.set_major_locator(MaxNLocator(nbins=6))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.0f} %"))
    axes.set_ylabel(label)


__all__ = ["accuracy", "against_trials", "by_level", "figures_of"]
