"""Whole runs in which something goes wrong: real planner, samplers and claims, in simulated time.

Each run ends with `check`: what the state says is counted anew from the objects in the store.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dart_k8s.budget.stops import Stop
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.errors import EXIT_STOPPED
from dart_k8s.ledger import claims, plans
from dart_k8s.ledger.keys import CLAIMS, PLANS, SEGMENTS, TALLIES, PlanName
from tests.simulation import World

from .faults import Faults, Killed, Trouble, check

UNIFORM = Goal(kind=Kind.UNIFORM, scale=3, cap=60, hopeless_after=16)
VANILLA = Goal(kind=Kind.VANILLA, scale=8)
seeds = pytest.mark.parametrize("seed", range(2))

Script = Callable[[str, int], Faults]


def small(goal: Goal = UNIFORM, **changes: Any) -> World:
    """Twelve queries, two samplers of eight slots, trials of about a second."""
    rates = np.array([0.9, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.4, 0.3, 0.3, 0.2, 0.2])
    settings: dict[str, Any] = {
        "samplers": 2, "slots": 8, "tokens": 40.0, "late": 0.5, "shard_seconds": 6.0, "flush_seconds": 4.0,
        "heartbeat": 4.0, "ttl": 24.0, "fold_every": 4.0,
    }  # fmt: skip
    return World(rates=rates, goal=goal, **{**settings, **changes})


def trouble(world: World, script: Script, *, seed: int = 0, **changes: Any) -> Trouble:
    """Run it to the end."""
    case = Trouble(world=world, faults=script, seed=seed, **changes)
    case.run()
    return case


def only(role: str, faults: Faults, *, starts: int = 1) -> Script:
    """These faults for the first processes of a role, none for the others."""
    return lambda who, start: faults if who == role and start < starts else Faults()


def told(world: World, event: str) -> list[dict[str, object]]:
    """Facts of all events of a name."""
    return [facts for name, facts in world.events if name == event]


def held_claims(world: World) -> list[claims.Claim]:
    """All claims of the run."""
    return [claims.decode(world.store.get(e.key).data, key=e.key) for e in world.store.list(CLAIMS)]


def full(world: World) -> None:
    """Assert that every query has what the strategy says."""
    table = world.state().table
    if world.goal.kind is Kind.VANILLA:
        assert table.trials.tolist() == [world.goal.scale] * table.trials.size
    else:
        assert (table.distinct >= world.goal.scale).all()
        assert (table.reason == Stop.TARGET).all()


@seeds
@pytest.mark.parametrize("goal", [UNIFORM, VANILLA], ids=["uniform", "vanilla"])
def test_without_faults_every_query_gets_exactly_what_the_strategy_says(goal: Goal, seed: int) -> None:
    world = small(goal, seed=seed)
    trouble(world, lambda role, start: Faults(), seed=seed, latency=0.5)
    found = check(world)
    full(world)
    assert found.surplus.sum() == 0 or goal is UNIFORM


@pytest.mark.parametrize("moment", [4, 9, 17, 26, 40])
@pytest.mark.parametrize("after", [False, True], ids=["lost", "done"])
def test_a_sampler_killed_at_any_request_loses_and_repeats_nothing(moment: int, after: bool) -> None:
    world = small()
    case = trouble(world, only("sampler", Faults(dies_at=moment, dies_after_effect=after), starts=2))
    assert sum(isinstance(end, Killed) for _, end in case.ends) >= 2
    check(world)
    full(world)


@seeds
def test_vanilla_ends_with_exactly_its_trials_though_samplers_are_killed(seed: int) -> None:
    world = small(VANILLA, seed=seed)
    trouble(world, only("sampler", Faults(dies_at=18 + 7 * seed), starts=3), seed=seed)
    check(world)
    full(world)


def test_a_segment_whose_sampler_died_before_its_tally_counts() -> None:
    world = small()
    case = trouble(world, only("sampler", Faults(dies_writing=SEGMENTS)))
    assert sum(isinstance(end, Killed) for _, end in case.ends) == 2
    check(world)
    full(world)
    segments = [e.key.removeprefix(SEGMENTS).partition(".")[0] for e in world.store.list(SEGMENTS)]
    assert segments == [e.key.removeprefix(TALLIES) for e in world.store.list(TALLIES)]


def test_a_claim_taken_by_a_sampler_that_died_of_it_at_once_is_taken_over() -> None:
    world = small(samplers=1)
    trouble(world, only("sampler", Faults(dies_writing=CLAIMS), starts=2))
    check(world)
    full(world)


@pytest.mark.parametrize("kills", ["the process", "the engine"])
def test_a_query_that_ends_its_samplers_again_and_again_is_set_aside(kills: str) -> None:
    def poison(name: str) -> bool:
        return name.split("/")[-2] == "5"

    faults = Faults(kills_sampler=poison) if kills == "the process" else Faults(kills_engine=poison)
    world = small(samplers=1)
    case = trouble(world, lambda role, start: faults)
    check(world)
    reason = world.state().table.reason
    assert reason[5] == Stop.SET_ASIDE
    assert (reason != Stop.SET_ASIDE).sum() >= 6
    assert len(case.ends) < 15


@seeds
def test_another_process_plans_when_the_planner_is_killed(seed: int) -> None:
    world = small(seed=seed)
    trouble(world, only("planner", Faults(dies_at=15 + 20 * seed)), planners=2, restart=60.0, seed=seed)
    check(world)
    full(world)
    epochs = [facts["epoch"] for facts in told(world, "planner")]
    assert epochs == sorted(set(epochs)) and len(epochs) >= 2


@pytest.mark.parametrize("prefix", [PLANS, "state/budget", "state/planner"])
def test_a_planner_killed_while_it_publishes_leaves_nothing_that_stops_the_next(prefix: str) -> None:
    world = small()
    trouble(world, only("planner", Faults(dies_writing=prefix), starts=3))
    check(world)
    full(world)


def test_nobody_works_on_a_plan_that_no_state_pointed_at() -> None:
    world = small()
    trouble(world, only("planner", Faults(dies_writing=PLANS)))
    names = [PlanName.parse(e.key.removeprefix(PLANS)) for e in world.store.list(PLANS)]
    published, name = set(), world.state().plan
    while name is not None:
        published.add(name)
        name = plans.decode(world.store.get(name.key).data, key=name.key).parent
    dead = [name for name in names if name not in published]
    assert dead
    assert not any(list(world.store.list(name.claims)) for name in dead)


@seeds
def test_a_planner_frozen_past_its_claim_gives_way_when_it_wakes(seed: int) -> None:
    world = small(seed=seed)
    frozen = ((6.0 + 3 * seed, 90.0),)
    trouble(world, only("planner", Faults(frozen=frozen)), planners=2, seed=seed)
    check(world)
    full(world)
    epochs = [facts["epoch"] for facts in told(world, "planner")]
    assert epochs == sorted(set(epochs)) and len(epochs) >= 2


def test_two_planners_at_once_never_write_one_over_the_other() -> None:
    """The store loses so much that the role changes hands again and again."""
    world = small()
    trouble(
        world,
        lambda role, start: (
            Faults(frozen=tuple((t, t + 40.0) for t in range(10 * (role == "rival"), 300, 80)))
            if role != "sampler"
            else Faults()
        ),
        planners=2,
    )
    check(world)
    full(world)


@pytest.mark.parametrize("begin", [1.0, 8.0, 15.0, 22.0])
def test_a_store_that_is_out_for_a_minute_costs_nothing(begin: float) -> None:
    world = small()
    case = trouble(world, lambda role, start: Faults(outages=((begin, begin + 60.0),)))
    check(world)
    full(world)
    assert all(not isinstance(end, Exception) for _, end in case.ends)
    assert not told(world, "claim-lost")
    assert all(claim.attempt == 0 for claim in held_claims(world))


@seeds
@pytest.mark.parametrize("goal", [UNIFORM, VANILLA], ids=["uniform", "vanilla"])
def test_lost_requests_and_lost_replies_change_no_count(goal: Goal, seed: int) -> None:
    world = small(goal, seed=seed)
    trouble(world, lambda role, start: Faults(lossy=0.3), seed=seed)
    check(world)
    full(world)


@seeds
def test_what_a_holder_paused_past_its_claim_writes_late_counts_once(seed: int) -> None:
    world = small(seed=seed)
    begin = 4.0 + 2 * seed
    case = trouble(world, only("sampler", Faults(frozen=((begin, begin + 40.0),))), seed=seed)
    found = check(world, late=True)
    full(world)
    table = world.state().table
    assert int((table.trials + table.surplus).sum()) == int((found.counted + found.surplus).sum())
    assert all(not isinstance(end, Exception) for _, end in case.ends)


def test_a_holder_that_wakes_after_the_end_harms_nothing() -> None:
    world = small()
    frozen = iter([Faults(frozen=((5.0, 900.0),))])
    case = trouble(world, lambda role, start: next(frozen, Faults()) if role == "sampler" else Faults())
    check(world, late=True)
    full(world)
    assert all(not isinstance(end, Exception) for _, end in case.ends)


@pytest.mark.parametrize("begin", [0.0, 3.0, 9.0])
def test_responses_wait_for_a_verifier_that_is_out_and_get_their_verdict(begin: float) -> None:
    world = small()
    trouble(world, lambda role, start: Faults(verifier_out=((begin, begin + 45.0),)))
    check(world)
    full(world)
    assert len(told(world, "verifier-unavailable")) < 12


def test_pending_responses_of_a_killed_sampler_get_their_verdict_from_another() -> None:
    world = small(late=8.0, flush_seconds=3.0)
    trouble(world, only("sampler", Faults(dies_at=45), starts=2))
    found = check(world)
    full(world)
    assert found.pending == 0


def test_a_verifier_that_stays_out_ends_the_samplers_and_no_run() -> None:
    world = small(samplers=1)
    case = Trouble(world=world, faults=lambda role, start: Faults(verifier_out=((2.0, 1500.0),)))
    case.run()
    assert any("verifier" in str(end) for _, end in case.ends)
    check(world)
    full(world)


@pytest.mark.parametrize("moment", [0.0, 0.3, 2.0, 5.0, 9.0])
def test_stopped_at_any_moment_and_started_again_the_run_goes_on(moment: float) -> None:
    world = small()
    case = trouble(world, lambda role, start: Faults(stops_at=moment + start if start < 3 else None))
    stopped = [end for name, end in case.ends if name.startswith("sampler") and end == EXIT_STOPPED]
    assert len(stopped) >= 2
    check(world)
    full(world)


def test_a_stopped_sampler_gives_its_claims_back() -> None:
    world = small(samplers=1)
    trouble(world, only("sampler", Faults(stops_at=4.0)))
    holds = {attempt.hold for claim in held_claims(world) for attempt in claim.attempts}
    assert claims.Hold.LOST not in holds and claims.Hold.RELEASED in holds


@seeds
def test_requests_that_the_engine_refuses_are_no_trials_and_hold_nothing_up(seed: int) -> None:
    world = small(VANILLA, seed=seed)
    refused: set[str] = set()

    def refuses(name: str) -> bool:
        if np.random.default_rng([seed, *name.encode()]).random() < 0.2:
            refused.add(name)
            return True
        return False

    trouble(world, lambda role, start: Faults(refuses=refuses), seed=seed)
    check(world)
    full(world)
    assert int(world.state().table.voids.sum()) == len(refused) > 0


def test_a_query_whose_requests_are_all_refused_is_set_aside_after_a_few() -> None:
    world = small()
    trouble(world, lambda role, start: Faults(refuses=lambda name: name.split("/")[-2] == "3"))
    check(world)
    table = world.state().table
    assert table.reason[3] == Stop.SET_ASIDE
    assert 16 <= table.voids[3] <= 64
    assert (np.delete(table.reason, 3) == Stop.TARGET).all()


def test_an_engine_that_dies_ends_its_process_and_not_the_run() -> None:
    world = small()
    case = trouble(world, only("sampler", Faults(engine_dies_after=12), starts=3))
    assert sum("died" in str(end) for _, end in case.ends) >= 3
    check(world)
    full(world)


TOTALS = pytest.mark.parametrize(
    "goal",
    [
        Goal(kind=Kind.UNIFORM, scale=40, cap=60, total=150),
        Goal(kind=Kind.PROP2DIFF, scale=20, cap=40, min_trials=4, total=120),
        Goal(kind=Kind.VANILLA, scale=30, total=100),
    ],
    ids=lambda goal: goal.kind.value,
)


@TOTALS
def test_a_total_is_never_exceeded_though_samplers_get_between_the_planners_requests(goal: Goal) -> None:
    world = small(goal, samplers=3)
    trouble(world, lambda role, start: Faults(), latency=0.7)
    check(world)
    spent = int(world.state().spent().sum())
    assert 0.9 * (goal.total or 0) <= spent <= (goal.total or 0)


@TOTALS
def test_kills_do_not_make_a_run_exceed_its_total(goal: Goal) -> None:
    world = small(goal, seed=1)
    trouble(world, only("sampler", Faults(dies_at=24), starts=2), seed=1)
    check(world)
    spent = int(world.state().spent().sum())
    assert 0.9 * (goal.total or 0) <= spent <= (goal.total or 0)


def test_stopped_while_the_store_is_out_a_sampler_waits_for_it_and_writes_what_it_has() -> None:
    world = small(samplers=1)
    case = trouble(world, only("sampler", Faults(stops_at=6.0, outages=((5.0, 50.0),))))
    found = check(world)
    full(world)
    assert ("sampler-0-0", EXIT_STOPPED) in case.ends
    assert not any(attempt.hold is claims.Hold.LOST for claim in held_claims(world) for attempt in claim.attempts)
    assert found.late == 0
