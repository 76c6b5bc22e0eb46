"""What a user sees while something runs: one live line in a terminal, a plain line now and then elsewhere."""

import math
import os
import time
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from dart_k8s.api import Synthesis
from dart_k8s.budget.stops import Stop
from dart_k8s.ledger.state import BudgetState

if TYPE_CHECKING:
    from dart_k8s.workers.curate.assemble import Assembled
    from dart_k8s.workers.curate.compare import Comparison

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "dart-k8s"
"""Where models and logs are kept unless the user says otherwise."""

WIDE = 140
"""Columns of a table that goes to a file or a pipe."""

PLAIN_SECONDS = 10.0
"""Between two lines where there is no terminal."""

LEFT_OUT = 12
"""Queries that were left out which are named; more are counted."""

TROUBLE_SHOWN = 80
"""Characters of what an endpoint said when it refused."""

RATE_SECONDS = 30.0
"""Window of the rates shown."""

QUIET = {"progress", "claimed", "planner", "left", "said", "error"}
"""Events that only a log wants; an error is said when it ends the run or restarts a sampler."""


class Screen:
    """Takes workers' events and states, shows where things stand."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._line = "starting"
        self._loading = ""
        self._confined = ""
        self._live: Live | None = None
        self._shown = 0.0
        self._began = time.monotonic()
        self._points: deque[tuple[float, int, int]] = deque()
        self._retries: dict[object, int] = {}
        self._trouble = (-math.inf, "")
        """When an engine was last heard to repeat requests, and why."""
        self._tokens: dict[object, int] = {}
        self._base: dict[object, int] = {}

    def __enter__(self) -> "Screen":
        if self._console.is_terminal:
            self._live = Live(console=self._console, get_renderable=self._render, refresh_per_second=4, transient=True)
            self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    def tell(self, event: str, **facts: object) -> None:
        """An event of a worker."""
        if event == "step":
            where = f" {facts['where']}" if facts.get("where") else ""
            rows = f", {facts['rows']} rows" if facts.get("rows") else ""
            self._set(f"{facts['step']}{where}{rows}", new=not rows)
        elif event == "loading":
            self._loading = f"starting the engine {facts.get('engine')} (a model takes a minute or two on a CPU)"
            self._set(self._loading, new=True)
        elif event == "engine":
            self._loading = ""
            software = f"{facts['kind']} {facts['version'] or ''}".rstrip()
            told = (software, facts["model"], facts["dtype"], f"{facts['slots']} slots")
            self.say("engine: " + ", ".join(str(fact) for fact in told if fact))
        elif event == "left-out":
            self._left_out(str(facts["what"]), facts["sentences"])
        elif event == "plan":
            self._set(f"plan {facts['name']}: {facts['trials']} trials in {facts['shards']} shards", new=False)
        elif event == "restart":
            self.say(f"sampler {facts['sampler']} ended ({facts['code']}): {facts['why']} Starting it again.")
        elif event == "confinement":
            self._confinement(facts)
        elif event == "executor-unavailable":
            self.say(f"code can't be run, waiting: {facts['error']}")
        elif event == "store-unavailable":
            self.say(f"the store does not answer, waiting: {facts['error']}")
        elif event.startswith("training-"):
            self._training(event.removeprefix("training-"), facts)
        elif event not in QUIET:
            self.say(f"{event}: " + ", ".join(f"{name} {value}" for name, value in facts.items() if name != "sampler"))
        if event == "progress" and isinstance(facts.get("tokens"), int):
            self._count(facts.get("sampler"), int(str(facts["tokens"])))
            self._repeated(facts.get("sampler"), int(str(facts.get("retries", 0))), str(facts.get("trouble", "")))

    def _training(self, event: str, facts: Mapping[str, Any]) -> None:
        """What a Training does."""
        if event == "plan":
            self.say(
                f"{facts['name']}: {facts['rows']} rows ({facts['dropped']} dropped), {facts['tokens']} tokens, "
                f"{facts['packs']} packed sequences, {facts['steps']} optimiser steps ({facts['warmup']} of them "
                f"warm-up), {facts['processes']} processes"
            )
            for warning in facts["warnings"]:
                self.say(f"  warning: {warning}")
        elif event == "loaded":
            self.say(
                f"training: {facts['processes']} processes on {facts['device']}, {facts['precision']}, attention "
                f"{facts['attention']}, {facts['parameters']} parameters, loaded in {facts['seconds']:.0f} s"
            )
        elif event == "step":
            rate = facts["tokens"] / max(1e-6, facts["seconds"])
            eta = "" if facts["eta"] is None else f", about {_minutes(facts['eta'])} to go"
            self._set(
                f"step {facts['step']} of {facts['steps']}, loss {facts['loss']:.4f}, {rate:.0f} tokens/s{eta}",
                new=False,
            )
        elif event == "checkpoint":
            self.say(f"checkpoint of step {facts['step']} is whole")
        elif event == "restart":
            self.say(f"the group failed and starts again ({facts['restart']} of {facts['most']}): {facts['why']}")

    def _confinement(self, facts: Mapping[str, Any]) -> None:
        """What confines code of responses: once, though every sampler says it."""
        held = [name if detail == "True" else f"{name} {detail}" for name, detail in facts["layers"].items() if detail]
        lacks = f"; NOT kept from it: {', '.join(facts['missing'])}" if facts["missing"] else ""
        words = f"code of responses is confined by: {', '.join(held) or 'nothing'}{lacks}"
        if words != self._confined:
            self._confined = words
            self.say(words)

    def _left_out(self, what: str, sentences: object) -> None:
        listed = list(sentences) if isinstance(sentences, list) else []
        self.say(f"{what}: {len(listed)} left out")
        for sentence in listed[:LEFT_OUT]:
            self.say(f"  {sentence}")
        if len(listed) > LEFT_OUT:
            self.say(f"  ... and {len(listed) - LEFT_OUT} more; state/run.json names all")

    def _count(self, sampler: object, tokens: int) -> None:
        if tokens < self._tokens.get(sampler, 0):
            self._base[sampler] = self._base.get(sampler, 0) + self._tokens[sampler]
        self._tokens[sampler] = tokens

    def _repeated(self, sampler: object, retries: int, why: str) -> None:
        if retries > self._retries.get(sampler, 0):
            self._trouble = (time.monotonic(), " ".join(why.split())[:TROUBLE_SHOWN])
        self._retries[sampler] = retries

    def state(self, name: str, state: BudgetState, remaining: float) -> None:
        """A run's state: trials, accepted, open queries, tokens a second, time to come."""
        trials = int(state.spent().sum())
        if self._loading and not trials:
            self._set(self._loading, new=False)
            return
        now = time.monotonic()
        tokens = sum(self._tokens.values()) + sum(self._base.values())
        if not self._points or self._points[-1][0] < now - 0.5:
            self._points.append((now, trials, tokens))
        while self._points[0][0] < now - RATE_SECONDS:
            self._points.popleft()
        then, trials_then, tokens_then = self._points[0]
        span = max(1e-3, now - then)
        rate, speed = (trials - trials_then) / span, (tokens - tokens_then) / span
        eta = f"about {_minutes(remaining / rate)} to go" if rate > 0 and remaining > 0 else "..."
        open_queries = int((state.table.reason == Stop.OPEN).sum()) if trials else state.size
        heard, why = self._trouble
        trouble = f"; requests are being repeated ({why})" if now - heard < RATE_SECONDS else ""
        self._set(
            f"{name}: {trials} trials, {int(state.table.distinct.sum())} accepted, {open_queries} of {state.size} "
            f"queries open, {speed:.0f} tokens/s, {eta}{trouble}",
            new=False,
        )

    def now(self, line: str) -> None:
        """What goes on at the moment; replaced by the next."""
        self._set(line, new=False)

    def say(self, text: str) -> None:
        """A line that stays."""
        self._console.print(text, markup=False, soft_wrap=True)

    def _set(self, line: str, *, new: bool) -> None:
        """Change the live line; without a terminal print it if it is `new` or some time has passed."""
        if line == self._line:
            return
        self._line = line
        if self._live is None and (new or time.monotonic() - self._shown >= PLAIN_SECONDS):
            self._shown = time.monotonic()
            self.say(line)

    def _render(self) -> Text:
        return Text(f"[{_minutes(time.monotonic() - self._began)}] {self._line}")


def _minutes(seconds: float) -> str:
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600}h {whole % 3600 // 60:02d}m"
    return f"{whole // 60}m {whole % 60:02d}s"


def wide_console() -> Console:
    """A console for tables: as wide as the terminal, or `WIDE` where there is none."""
    console = Console(highlight=False)
    return console if console.is_terminal else Console(highlight=False, width=WIDE)


def show_dataset(console: Console, synthesis: Synthesis, made: "Assembled", *, folder: str = "dataset") -> None:
    """Where a data set lies, and what is in it."""
    uri = synthesis.spec.output.uri
    console.print(
        f"[bold]{synthesis.metadata.name}[/] ({synthesis.spec.strategy.kind}): {made.selection.rows} rows "
        f"from {int(made.trials.sum())} trials"
    )
    console.print(f"  data set  {uri}/{folder}/", markup=False, soft_wrap=True)
    console.print(f"  card      {uri}/{folder}/README.md", markup=False, soft_wrap=True)
    console.print(f"  figures   {uri}/{folder}/figures/", markup=False, soft_wrap=True)


def show_comparison(console: Console, found: "Comparison", figure: str) -> None:
    """Strategies side by side by difficulty: at the trials they made, and cut to equal rows."""
    console.print()
    console.print(_comparison(found, "at the trials they made", equal=False))
    for caution in found.cautions:
        console.print(f"  {caution}")
    console.print()
    console.print(_comparison(found, f"cut to {found.equal_size} rows each", equal=True))
    console.print(f"  figure    {figure}", markup=False, soft_wrap=True)


def _comparison(found: "Comparison", title: str, *, equal: bool) -> Table:
    names = [cell.name for cell in found.total.cells]
    table = Table(box=None, pad_edge=False, title=f"By difficulty, {title}", title_justify="left")
    table.add_column(found.kind, no_wrap=True)
    for column in ("queries", "pass\nrate"):
        table.add_column(column, justify="right", no_wrap=True)
    for name in names:
        # The name stands once, above the first of its columns: so that the table fits a terminal of 80 columns.
        columns = ("rows", "no row") if equal else ("trials", "rows", "no row")
        for column in columns:
            above = name if column == columns[0] else ""
            table.add_column(f"{above}\n{column}", justify="right", no_wrap=True)
    for line in (*found.lines, found.total):
        rate = "" if line.pass_rate is None else f"{line.pass_rate:.2f}"
        cells: list[int] = []
        for cell in line.cells:
            made = (cell.trials, cell.rows, cell.without_row)
            cells += (cell.equal_rows, cell.equal_without_row) if equal else made
        table.add_row(line.band, str(line.queries), rate, *map(str, cells))
    return table
