"""README.md of a data set: what is in it, how it was made, what to be careful with, how to make it again."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml

from .statistics import Plain

_SHOWN = 10
"""Entries of a list in the card; report/statistics.json has more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class About:
    """What only the caller knows about a data set."""

    name: str
    spec: Mapping[str, Any]
    """The declaration, JSON-ready."""
    versions: Mapping[str, str]
    """Programs, model and source revisions by name."""
    command: str
    """How to repeat it, one shell line or several."""
    licence: str = ""
    """Identifier for the hub; empty: none is claimed."""
    notes: Sequence[str] = field(default_factory=tuple)
    """Sentences for the reader, such as queries that were left out."""


def card(about: About, facts: Plain, figures: Mapping[str, str]) -> str:
    """The card from `statistics` and figures (relative path -> what it shows). The same input gives the same text."""
    parts = [
        _front_matter(about, facts),
        f"# {about.name}",
        _summary(about, facts),
        "## Rows by difficulty",
        "Tenths of the queries from easy to hard, by posterior mean pass rate.",
        _bands(facts["byDecile"], "decile"),
        *(f"![{says}]({path})" for path, says in figures.items()),
        "## Rows by source",
        _bands(facts["bySource"], "source"),
        *(["## Rows by level", _bands(facts["byLevel"], "level")] if facts["byLevel"] else []),
        "## Columns",
        _COLUMNS,
        "## What to be careful with",
        *_cautions(facts),
        "## How it was made",
        "The declaration:",
        _fenced(yaml.safe_dump(_plain(about.spec), sort_keys=False, allow_unicode=True, width=100), "yaml"),
        "Versions:",
        "\n".join(f"- {name}: {version}" for name, version in sorted(about.versions.items())),
        "To repeat it:",
        _fenced(about.command, "shell"),
        (
            "The same pool gives the same bytes. Sampling again gives other responses: an engine's output depends on "
            "its batches."
        ),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _front_matter(about: About, facts: Plain) -> str:
    fields: dict[str, Any] = {
        "pretty_name": about.name,
        "task_categories": ["text-generation"],
        "tags": ["math", "synthetic", "rejection-sampling", "dart", facts["strategy"]],
        "size_categories": [_size(facts["rows"])],
        "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "train-*.parquet"}]}],
    }
    if about.licence:
        fields = {"license": about.licence, **fields}
    return f"---\n{yaml.safe_dump(fields, sort_keys=False, allow_unicode=True)}---"


def _size(rows: int) -> str:
    """The hub's size category."""
    bounds = [(10**3, "n<1K"), (10**4, "1K<n<10K"), (10**5, "10K<n<100K"), (10**6, "100K<n<1M"), (10**7, "1M<n<10M")]
    return next((name for bound, name in bounds if rows < bound), "10M<n<100M")


def _summary(about: About, facts: Plain) -> str:
    covered = facts["queries"] - facts["queriesWithoutRow"]
    stopped = ", ".join(f"{reason} {count:,}" for reason, count in facts["stopped"].items())
    lines = [
        (
            f"{facts['rows']:,} verified responses to {covered:,} of {facts['queries']:,} queries, chosen by the "
            f"strategy `{facts['strategy']}` from {facts['trials']:,} trials. Every response's final answer equals the "
            "reference. Rows of a query are the first correct ones in launch order, so short responses are not "
            "preferred."
        ),
        *about.notes,
        f"Queries by why they stopped: {stopped}." if stopped else "",
    ]
    return "\n\n".join(line for line in lines if line)


def _bands(rows: Sequence[Plain], name: str) -> str:
    head = [name, "queries", "mean pass rate", "trials", "rows", "rows per query", "queries without a row"]
    body = [
        [
            str(row[name]),
            f"{row['queries']:,}",
            "" if row["meanPassRate"] is None else f"{row['meanPassRate']:.3g}",
            f"{row['trials']:,}",
            f"{row['rows']:,}",
            f"{row['rows'] / row['queries']:.1f}" if row["queries"] else "",
            f"{row['withoutRow']:,}",
        ]
        for row in rows
    ]
    return _table(head, body)


def _cautions(facts: Plain) -> list[str]:
    suspects, short = facts["suspects"], facts["short"]
    parts = []
    if short["queries"]:
        parts.append(
            f"**Short of the target**: {_queries(short['queries'])}, by {short['missing']:,} {short['of']} in all. "
            f"Correct responses to them that finished out of launch order: {short['surplusCorrect']:,}; they are in "
            "the pool, not here."
        )
        shown = [[s["queryId"], s["target"], s["rows"], s["trials"]] for s in short["list"][:_SHOWN]]
        parts.append(_table(["query", f"{short['of']} wanted", "rows", "trials"], shown))
    if suspects["otherAnswerQueries"]:
        parts.append(
            f"**Suspect references**: {_queries(suspects['otherAnswerQueries'])} where most responses agree on "
            "another answer (30 % of the trials and more). Their rows carry the flag `other-answer`."
        )
        shown = [
            [s["queryId"], s["reference"], s["answer"], f"{100 * s['share']:.0f} %", s["trials"]]
            for s in suspects["otherAnswer"][:_SHOWN]
        ]
        parts.append(_table(["query", "reference", "most frequent answer", "share", "trials"], shown))
    if suspects["lowPassRateQueries"]:
        parts.append(
            f"**Likely right by luck**: {suspects['lowPassRateRows']:,} rows of "
            f"{_queries(suspects['lowPassRateQueries'])} with a pass rate under 0.5 %. They carry the flag "
            "`low-pass-rate`."
        )
    if suspects["undecided"]:
        named = ", ".join(
            f"`{_code(one['queryId'])}` ({one['undecided']} of {one['trials']})"
            for one in suspects["undecided"][:_SHOWN]
        )
        parts.append(
            f"**Undecided**: over 5 % of the trials of {_queries(len(suspects['undecided']))} could not be "
            f"judged within the verifier's limits: {named}."
        )
    parts.extend(_losses(facts))
    parts.extend(_overlaps(facts))
    return parts or ["Nothing was found."]


def _queries(count: int) -> str:
    return "1 query" if count == 1 else f"{count:,} queries"


def _losses(facts: Plain) -> list[str]:
    parts = []
    if facts["duplicatesLeftOut"]:
        parts.append(f"**Equal texts**: {facts['duplicatesLeftOut']:,} correct responses repeat an earlier one.")
    if facts["queriesUnderMinPassRate"]:
        parts.append(
            f"**Left out by minPassRate**: {facts['queriesUnderMinPassRate']:,} queries with correct responses."
        )
    losses = list(facts["losses"])
    if facts["nearDuplicates"] is not None:
        losses.append({**facts["nearDuplicates"], "name": "near-duplicates (kept)"})
    if losses:
        parts.append("**Filters**, responses dropped by difficulty decile, easiest first:")
        body = [
            [loss["name"], *(f"{d:,} of {b:,}" for d, b in zip(loss["dropped"], loss["before"], strict=True))]
            for loss in losses
        ]
        parts.append(_table(["filter", *(str(n + 1) for n in range(len(body[0]) - 1))], body))
    return parts


def _overlaps(facts: Plain) -> list[str]:
    pairs, repeated = facts["contamination"], facts["repetitions"]
    parts = []
    if pairs["pairs"]:
        parts.append(f"**Queries that also stand in a benchmark**: {pairs['pairs']:,}.")
        shown = [
            [p["queryId"], f"{p['benchmark']}/{p['itemId']}", p["kind"], f"{100 * p['share']:.0f} %"]
            for p in pairs["list"][:_SHOWN]
        ]
        parts.append(_table(["query", "benchmark item", "match", "share of the query"], shown))
    if repeated["rows"]:
        parts.append(f"**Responses that repeat 30 words and more of a benchmark item**: {repeated['rows']:,}.")
        shown = [[r["queryId"], r["trial"], f"{r['benchmark']}/{r['itemId']}", r["words"]] for r in repeated["list"]]
        parts.append(_table(["query", "trial", "benchmark item", "words"], shown[:_SHOWN]))
    return parts


def _table(head: Sequence[object], body: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *body]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(value: object) -> str:
    """Text of a model or a data set must not become markup."""
    text = " ".join(str(value).split())
    if text == "---" or not any(letter in text for letter in "\\|<>`*_[]$#!&"):
        return text
    return f"`{_code(text)}`"


def _code(text: str) -> str:
    return text.replace("`", "'").replace("|", "\\|")[:120]


def _fenced(text: str, language: str) -> str:
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def _plain(value: object) -> object:
    """Only what JSON has, so that the YAML carries no types of ours."""
    return json.loads(json.dumps(value))


_COLUMNS = """\
| column | what |
| --- | --- |
| query, response | the pair to train on, without any prompt |
| messages | the same pair as a chat: user, assistant |
| query_id, trial | which trial it was, in its pool |
| source, subject, level | where the query comes from |
| difficulty | 1 - posterior mean pass rate of the sampled model |
| reference, answer | reference answer; the answer that the response gives |
| tokens | tokens of the response |
| flags | `other-answer`, `low-pass-rate`: see below |
| pool, engine, template, sampling, verifier | how the response was made and checked |
| spans | only where code was run: which characters the `model` wrote, and which a `tool`; train on the former only |"""
