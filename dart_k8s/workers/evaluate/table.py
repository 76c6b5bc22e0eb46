"""The scores as a table: the same cells on a screen and in Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

Cells = list[list[str]]


def head_of(report: Mapping[str, Any]) -> list[str]:
    """Column titles."""
    policies = _first(report)["strict"]
    titles = ["benchmark", "items"]
    if policies["greedy"] is not None:
        titles += ["strict", "interval", "lenient", "interval"]
    if policies["majorityAt"]:
        titles.append(f"maj@{policies['majorityAt'][-1]['k']}")
    titles += [f"pass@{one['k']}" for one in _told(policies["passAt"])]
    return titles


def rows_of(report: Mapping[str, Any]) -> Cells:
    """A row a benchmark, the average last."""
    rows = []
    for one in report["benchmarks"]:
        rows.append([one["title"], f"{one['items']:,}", *_cells(one["scores"])])
        for group in one["byPicture"]:
            rows.append([f"  {group['label']}", f"{group['items']:,}", *_cells(group["scores"], like=one["scores"])])
    if report["average"] is not None:
        rows.append(["average", "", *_cells(report["average"]["scores"])])
    return rows


def markdown(report: Mapping[str, Any]) -> str:
    """The report for people: table, subjects, levels, and how it came to be."""
    level = f"{report['intervals']['confidence']:.0%}"
    lines = [f"# Evaluation {report['name']}", "", _about(report), ""]
    lines += _table(head_of(report), rows_of(report))
    rules, intervals, trials = report["rules"], report["intervals"], report["decoding"]["trials"]
    words = f"Percent of problems. strict: {rules['strict']}. lenient: {rules['lenient']}. "
    words += f"Intervals: {level}, bootstrap over problems, {intervals['resamples']:,} resamples."
    lines += ["", words]
    if trials:
        drawn = f"{trials['n']} trials at temperature {trials['temperature']:g}"
        lines.append(f"maj@k and pass@k are strict, from {drawn}. maj@k: {rules['majority']}.")
    for one in report["benchmarks"]:
        notes = [f"{one['title']}: {note}." for note in one["notes"]]
        lines += ["", *notes] if notes else []
        for key, title in (("bySubject", "subject"), ("byLevel", "level")):
            if one[key]:
                lines += ["", f"## {one['title']} by {title}", ""]
                cells = [[g["label"], f"{g['items']:,}", *_cells(g["scores"], like=one["scores"])] for g in one[key]]
                lines += _table([title, *head_of(report)[1:]], cells)
    lines += ["", "## How", ""]
    for one in report["benchmarks"]:
        lines.append(f"- {one['title']}: {one['uri']} at `{one['revision']}`, {one['shots']} shots; {one['rule']}.")
    versions = ", ".join(f"{name} {value}" for name, value in report["versions"].items())
    lines.append(f"- Template from the {report['prompt']['from']}; {versions}.")
    return "\n".join(lines) + "\n"


def _about(report: Mapping[str, Any]) -> str:
    model = report["model"]
    place = model["uri"] or model["served"] or model["engine"]
    revision = f" at `{model['revision']}`" if model["revision"] else ""
    return f"{place}{revision}, at most {report['decoding']['maxTokens']:,} tokens a response."


def _first(report: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = report["benchmarks"][0]["scores"]
    return found


def _told(at: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The first and the last of several k, and one between: the file has all."""
    return list(at) if len(at) <= 3 else [at[0], at[len(at) // 2], at[-1]]


def _cells(scores: Mapping[str, Any], *, like: Mapping[str, Any] | None = None) -> list[str]:
    """The cells of one row; `like`: the scores whose columns the row has, where its own have fewer."""
    shape = (like or scores)["strict"]
    strict, lenient = scores["strict"], scores["lenient"]
    cells = []
    if shape["greedy"] is not None:
        for one in (strict["greedy"], lenient["greedy"]):
            cells += [percent(one["value"]), between(one)] if one else ["", ""]
    for key, wanted in (("majorityAt", shape["majorityAt"][-1:]), ("passAt", _told(shape["passAt"]))):
        for column in wanted:
            found = next((one for one in strict[key] if one["k"] == column["k"]), None)
            cells.append("" if found is None else percent(found["value"]))
    return cells


def percent(share: float) -> str:
    """A share in percent."""
    return f"{100 * share:.1f}"


def between(one: Mapping[str, Any]) -> str:
    """An interval in percent."""
    return f"{100 * one['low']:.1f} to {100 * one['high']:.1f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    marks = ["---", *["---:"] * (len(head) - 1)]
    return ["| " + " | ".join(row) + " |" for row in (head, marks, *rows)]


__all__ = ["between", "head_of", "markdown", "percent", "rows_of"]
