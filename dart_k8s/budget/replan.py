"""When a new plan is worth making: it voids what nobody has claimed, so one too many costs everybody a look."""

from dataclasses import dataclass

CHANGE = 0.05
"""Part by which the demand of unclaimed work must have changed: below that the shards in force are as good."""

SHARDS_LEFT = 2
"""Unclaimed shards per sampler under which the next plan is made, so that no sampler finds none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The plan in force against what would be planned now; trials are expected ones."""

    planned: bool
    """Whether there is a plan in force."""
    unclaimed_shards: int
    unclaimed_trials: float
    """Expected trials of unclaimed shards, when they were planned."""
    demand: float
    """Expected trials that a new plan would hold."""
    samplers: int
    stopped_trials: float
    """Expected trials of unclaimed rows whose query must stop."""
    sweeps: int
    """Attempts to be swept that no shard in force names."""
    least: float
    """Trials of the smallest shard."""


def reason_to_plan(now: Standing) -> str | None:
    """Why a new plan is due, as a sentence; None if the one in force serves."""
    if now.demand <= 0 and now.sweeps == 0 and now.unclaimed_trials <= 0:
        return None
    if not now.planned:
        return "there is no plan yet"
    missing = now.demand - now.unclaimed_trials
    few = now.unclaimed_shards < SHARDS_LEFT * now.samplers
    if now.sweeps and now.unclaimed_shards == 0:
        return f"{now.sweeps} attempts wait to be swept"
    if now.unclaimed_shards == 0 and now.demand > 0:
        return "all shards are claimed and there is more to do"
    if few and missing >= now.least:
        return f"only {now.unclaimed_shards} shards are unclaimed and {missing:.0f} more trials are wanted"
    if now.unclaimed_shards == 0:
        return None
    if now.stopped_trials > CHANGE * now.unclaimed_trials:
        return "queries in unclaimed shards must stop"
    if abs(missing) > max(CHANGE * now.unclaimed_trials, now.least):
        return f"the demand of unclaimed work changed from {now.unclaimed_trials:.0f} to {now.demand:.0f} trials"
    return None
