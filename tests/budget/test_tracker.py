"""One query inside a claim: it stops where sequential sampling stops, and never has too much in flight."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dart_k8s.budget.posterior import GRID, Prior, fit
from dart_k8s.budget.stops import Stop, current_targets, judge, next_look
from dart_k8s.budget.strategies import Goal, Kind, least_trials
from dart_k8s.budget.tracker import REFUSED, Grant, Tracker
from dart_k8s.ledger.segments import Row
from dart_k8s.workers.work import Line
from tests.budget.worlds import heavy_tail, pilot

FLAT = Prior.flat()
COUNTS = pilot(heavy_tail(2000, seed=5), 16)
FITTED = fit(COUNTS.correct, COUNTS.trials)

goals = st.sampled_from(
    [
        Goal(kind=Kind.UNIFORM, scale=5, cap=200),
        Goal(kind=Kind.UNIFORM, scale=40, cap=300, hopeless_after=50),
        Goal(kind=Kind.PROP2DIFF, scale=16, min_trials=4, cap=150),
        Goal(kind=Kind.PROP2DIFF, scale=48, min_trials=32, cap=400),
        Goal(kind=Kind.PROP2DIFF, scale=48, min_trials=8, precision=0.04, cap=400),
        Goal(kind=Kind.UNIFORM, scale=40, cap=300, hopeless_probability=0.0),
        Goal(kind=Kind.VANILLA, scale=52, cap=200),
    ]
)


def tracker(goal, *, need=1_000, allowance=None, prior=FLAT, **grant):
    """A tracker with room up to the cap."""
    left = goal.cap - grant.get("spent", grant.get("trials", 0))
    need = int(goal.scale) if goal.kind is Kind.VANILLA else need
    return Tracker(goal, prior, Grant(query=0, need=need, allowance=left if allowance is None else allowance, **grant))


def feed(one, verdicts, texts=None):
    """Launch and observe verdicts until closed; how many were used."""
    for used, correct in enumerate(verdicts):
        if one.exhausted:
            return used
        place = one.launch()
        one.observe(bool(correct), place if texts is None else texts[used])
    return len(verdicts)


@given(goals, st.floats(0.001, 0.999), st.integers(0, 2**20), st.integers(1, 64), st.integers(1, 40))
def test_finishing_in_any_order_counts_what_sequential_sampling_counts(goal, rate, seed, slots, distinct):
    rng = np.random.default_rng(seed)
    outcomes, texts = rng.random(goal.cap) < rate, rng.integers(0, distinct, goal.cap) if seed % 2 else range(goal.cap)
    plain = tracker(goal, prior=FITTED)
    used = feed(plain, outcomes, texts)

    line = Line(tracker(goal, prior=FITTED))
    flying: list[int] = []
    while not line.tracker.closed:
        for _ in range(line.tracker.room(slots)):
            flying.append(line.tracker.launch())
        if not flying:
            break
        place = flying.pop(int(rng.integers(len(flying))))
        verdict = "correct" if outcomes[place] else "incorrect"
        line.settle(place, Row(query=0, place=place, response="", verdict=verdict, text=int(texts[place])))
    assert line.tracker.stop is plain.stop and line.tracker.launched <= goal.cap
    # What had finished behind the last trial needed, without a gap, is counted on top: nothing is thrown away.
    extra = line.tracker.counted - used
    assert extra == 0 or (extra > 0 and line.tracker.closed)
    assert line.tracker.correct == plain.correct + int(outcomes[used : used + extra].sum())


@given(st.integers(1, 60), st.floats(0.05, 0.95), st.integers(0, 2**20), st.integers(1, 30))
def test_uniform_stops_at_the_kth_distinct_success(k, rate, seed, distinct):
    rng = np.random.default_rng(seed)
    outcomes, texts = rng.random(4000) < rate, rng.integers(0, distinct, 4000)
    one = tracker(Goal(kind=Kind.UNIFORM, scale=k, cap=4000, hopeless_probability=0.0))
    used = feed(one, outcomes, texts)
    found = set(texts[:used][outcomes[:used]].tolist())
    if one.stop is Stop.TARGET:
        assert len(found) == k and outcomes[used - 1] and texts[used - 1] not in texts[: used - 1][outcomes[: used - 1]]
    else:
        assert one.stop in (Stop.SATURATED, Stop.CAP) and len(found) < k


@settings(max_examples=30)
@given(goals, st.floats(0.001, 0.999), st.integers(0, 2**20))
def test_the_tracker_and_the_planner_judge_the_same_counts_the_same(goal, rate, seed):
    rng = np.random.default_rng(seed)
    one = tracker(goal, prior=FITTED)
    seen: list[int] = []
    for place in range(goal.cap):
        if one.closed:
            break
        one.launch()
        correct, text = bool(rng.random() < rate), int(rng.integers(0, 60))
        one.observe(correct, text)
        seen += [text] * correct
        looks = one.trials == next_look(goal, one.trials - 1)
        if goal.kind is not Kind.VANILLA and not looks and not one.closed:
            continue
        texts, times = np.unique(seen, return_counts=True)
        columns = {
            "correct": one.correct,
            "trials": one.trials,
            "distinct": texts.size,
            "singles": int((times == 1).sum()),
            "spent": place + 1,
        }
        arrays = {name: np.array([value], dtype=np.int64) for name, value in columns.items()}
        mean = FITTED.mean(arrays["correct"], arrays["trials"])
        target, least = current_targets(goal, mean, np.zeros(1, dtype=np.int64)), least_trials(goal, mean)
        reason, need = judge(goal, FITTED, **arrays, target=target, least=least)
        if one.stop in (Stop.HOPELESS, Stop.CAP) and not looks:
            # Between two looks at the hope the tracker goes by the last one, the planner always looks.
            assert int(reason[0]) in (Stop.OPEN, Stop.HOPELESS, Stop.CAP)
            continue
        assert (one.stop, one.need()) == (Stop(int(reason[0])), int(need[0]) if reason[0] == Stop.OPEN else 0) or (
            # Open at its target before its least trials: the planner asks for one more, the tracker counts trials.
            one.stop is Stop.OPEN and one.trials < int(least[0]) and texts.size >= int(target[0])
        )


@pytest.mark.parametrize(
    ("trials", "correct", "need", "slots", "room"),
    [
        # floor(r / (2 p)) with p the posterior mean
        pytest.param(100, 50, 40, 512, "cap", id="half of what is still to come"),
        pytest.param(100, 50, 1, 512, "cap", id="one needed"),
        pytest.param(1000, 995, 30, 512, "cap", id="easy"),
        pytest.param(1000, 2, 40, 256, 256, id="never more than the slots"),
        pytest.param(0, 0, 40, 256, 8, id="eight before any verdict"),
        pytest.param(7, 7, 40, 256, 8, id="eight before eight verdicts"),
        pytest.param(0, 0, 40, 3, 3, id="slots before eight"),
    ],
)
def test_the_cap_in_flight(trials, correct, need, slots, room):
    goal = Goal(kind=Kind.UNIFORM, scale=correct + need, cap=8192, hopeless_probability=0.0)
    known = tuple(range(10_000, 10_000 + correct))
    one = tracker(goal, trials=trials, correct=correct, spent=trials, known=known, singles=correct)
    assert one.need() == need
    expected = max(1, int(need / (2 * one.pass_rate))) if room == "cap" else room
    assert one.room(slots) == expected
    for _ in range(expected):
        one.launch()
    assert one.room(slots) == 0


@given(goals, st.floats(0.01, 0.99), st.integers(1, 64), st.integers(0, 2**20))
def test_there_is_never_more_in_flight_than_the_rule_allows(goal, rate, slots, seed):
    rng = np.random.default_rng(seed)
    one = tracker(goal, prior=FITTED)
    while not one.closed:
        room = one.room(slots)
        if room == 0 and one.outstanding == 0:
            break
        for _ in range(room):
            one.launch()
        if room and goal.kind is not Kind.VANILLA:
            sure = min(one.least() - one.trials, one.trials) if one.need() == 0 else 0
            cap = max(1, int(one.need() / (2 * one.pass_rate)), goal.min_trials - one.trials, sure)
            assert one.outstanding <= min(slots, cap, 8 if one.trials < 8 else cap)
        assert one.launched <= one.allowance
        one.observe(bool(rng.random() < rate), one.counted)
    assert one.room(slots) == 0


def test_min_trials_come_first_and_are_not_overshot():
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, cap=8192)
    one = tracker(goal, prior=FITTED)
    launched = 0
    while one.trials < 31:
        for _ in range(one.room(256)):
            one.launch()
            launched += 1
        one.observe(True, one.counted)
        assert one.stop is Stop.OPEN
    assert launched == 32
    one.observe(True, 999)
    assert one.stop is Stop.TARGET and one.trials == 32


def test_a_query_at_its_target_goes_on_until_the_target_is_known_well_enough():
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, precision=0.04, cap=8192)
    one = tracker(goal, prior=FITTED)
    while not one.closed:
        before = one.trials
        for _ in range(one.room(256)):
            one.launch()
        assert one.outstanding <= max(8, 32 - before, before)
        one.observe(one.trials % 10 != 0, one.counted)
    assert one.stop is Stop.TARGET and one.trials == one.least() == pytest.approx(85, abs=5)


def test_a_target_fixed_from_outside_needs_no_trials_to_be_known():
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=4, precision=0.04)
    one = tracker(goal, prior=FITTED, target=5)
    for place in range(5):
        one.launch()
        one.observe(True, place)
    assert one.stop is Stop.TARGET


def test_a_query_that_repeats_itself_closes_as_saturated():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=40))
    assert feed(one, [True] * 30, [0, 1] * 15) == 16
    assert one.stop is Stop.SATURATED and one.texts() == ((0, 1), 0)


@pytest.mark.parametrize(("texts", "used"), [([1, 2, 3, 4], 4), ([1, 2, 3, 9, 4, 9], 6)])
def test_texts_known_before_the_claim_count_in_saturation(texts, used):
    one = tracker(Goal(kind=Kind.UNIFORM, scale=40), trials=12, correct=12, known=(1, 2, 3, 4, 5, 6, 7, 8), singles=4)
    assert feed(one, [True] * len(texts), texts) == used and one.stop is Stop.SATURATED


def test_a_text_known_before_brings_nothing_new():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=3), trials=4, correct=2, known=(1, 2), singles=2)
    one.launch()
    assert not one.observe(True, 1) and one.need() == 1
    one.launch()
    assert one.observe(True, 3) and one.stop is Stop.TARGET


def test_a_query_shared_with_other_claims_keeps_to_its_own_need():
    goal = Goal(kind=Kind.UNIFORM, scale=40)
    one = tracker(goal, need=3, share=True, trials=20, correct=10, known=tuple(range(10)), singles=10)
    assert one.need() == 3
    assert feed(one, [True] * 10, range(100, 110)) == 3 and one.stop is Stop.TARGET


def test_a_fixed_target_does_not_follow_the_estimate():
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=4)
    one = tracker(goal, target=6)
    assert feed(one, [True] * 20) == 6 and one.stop is Stop.TARGET


def test_a_hopeless_query_stops_at_its_floor_and_not_before():
    goal = Goal(kind=Kind.PROP2DIFF, scale=64, min_trials=32, cap=512)
    one = tracker(goal, prior=FITTED)
    used = feed(one, [place % 25 == 0 for place in range(512)])
    assert one.stop is Stop.HOPELESS and one.correct == int(goal.floor(one.target())) and used > 64


def test_the_cap_counts_what_was_spent_before_the_claim():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=100, hopeless_probability=0.0)
    one = tracker(goal, trials=60, correct=3, spent=90, known=(1, 2, 3), singles=3)
    assert feed(one, [False] * 50) == 10 and one.stop is Stop.CAP


def test_an_allowance_ends_the_claim_but_not_the_query():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=40), allowance=5)
    assert feed(one, [True] * 20) == 5
    assert one.exhausted and not one.closed and one.need() == 35


def test_a_void_trial_gives_its_allowance_back():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=40), allowance=2)
    one.launch()
    one.void()
    assert one.room(8) == 2 and one.outstanding == 0


def test_a_prompt_that_is_refused_again_and_again_is_let_go():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=40))
    for _ in range(REFUSED - 1):
        one.launch()
        one.void()
    one.launch()
    one.observe(False, 0)
    for _ in range(REFUSED):
        assert one.room(8) > 0
        one.launch()
        one.void()
    assert one.stop is Stop.SET_ASIDE and one.room(8) == 0


def test_a_query_that_has_enough_is_closed_from_the_start():
    one = tracker(Goal(kind=Kind.UNIFORM, scale=2), trials=4, correct=2, known=(1, 2), singles=2)
    assert one.stop is Stop.TARGET and one.room(8) == 0


def test_vanilla_counts_trials_only():
    one = tracker(Goal(kind=Kind.VANILLA, scale=10, cap=50))
    assert one.room(256) == 10
    assert feed(one, [False] * 9 + [True] * 9) == 10 and one.stop is Stop.TRIALS


@given(st.lists(st.booleans(), max_size=100))
def test_the_running_estimate_is_the_posterior_mean(verdicts):
    one = tracker(Goal(kind=Kind.VANILLA, scale=1000, cap=1000), prior=FITTED)
    feed(one, verdicts)
    assert one.pass_rate == pytest.approx(float(FITTED.mean(sum(verdicts), len(verdicts))), rel=1e-6)
    assert GRID[0] <= one.pass_rate <= GRID[-1]
