"""When a query is done and why: each reason at its boundary."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.budget.posterior import Prior, chance
from dart_k8s.budget.stops import Stop, current_targets, hopeless, judge, next_look, saturated
from dart_k8s.budget.strategies import Goal, Kind, least_trials

FLAT = Prior.flat()
UNIFORM = Goal(kind=Kind.UNIFORM, scale=8, cap=256)
SURE = Goal(kind=Kind.PROP2DIFF, scale=16, min_trials=4, precision=0.04, cap=256)
PROP2DIFF = Goal(kind=Kind.PROP2DIFF, scale=16, min_trials=32, cap=256)
VANILLA = Goal(kind=Kind.VANILLA, scale=52)


def verdict(goal, *, correct=0, trials=0, distinct=None, singles=None, spent=None, own=0):
    """Reason and need of a single query."""

    def column(value):
        return np.array([value], dtype=np.int64)

    mean = FLAT.mean(column(correct), column(trials))
    reason, need = judge(
        goal,
        FLAT,
        correct=column(correct),
        trials=column(trials),
        distinct=column(correct if distinct is None else distinct),
        singles=column(correct if singles is None else singles),
        spent=column(trials if spent is None else spent),
        target=current_targets(goal, mean, column(own)),
        least=least_trials(goal, mean),
    )
    return Stop(int(reason[0])), int(need[0])


@pytest.mark.parametrize(
    ("goal", "counts", "reason", "need"),
    [
        pytest.param(UNIFORM, {}, Stop.OPEN, 8, id="untried"),
        pytest.param(UNIFORM, {"correct": 7, "trials": 10}, Stop.OPEN, 1, id="one short of k"),
        pytest.param(UNIFORM, {"correct": 8, "trials": 10}, Stop.TARGET, 0, id="exactly k"),
        pytest.param(UNIFORM, {"correct": 9, "trials": 10}, Stop.TARGET, 0, id="beyond k"),
        pytest.param(
            UNIFORM, {"correct": 12, "trials": 20, "distinct": 7, "singles": 5}, Stop.OPEN, 1, id="texts count"
        ),
        pytest.param(UNIFORM, {"correct": 2, "trials": 4, "own": 2}, Stop.TARGET, 0, id="own target"),
        pytest.param(PROP2DIFF, {"correct": 31, "trials": 31}, Stop.OPEN, 1, id="target reached before minTrials"),
        pytest.param(PROP2DIFF, {"correct": 32, "trials": 32}, Stop.TARGET, 0, id="exactly minTrials"),
        pytest.param(PROP2DIFF, {"correct": 8, "trials": 32}, Stop.OPEN, 4, id="target follows the estimate"),
        pytest.param(SURE, {"correct": 7, "trials": 10}, Stop.OPEN, 1, id="target reached, but not surely"),
        pytest.param(SURE, {"correct": 15, "trials": 22}, Stop.TARGET, 0, id="target reached, surely enough"),
        pytest.param(SURE, {"correct": 16, "trials": 17}, Stop.TARGET, 0, id="an easy query is sure sooner"),
        pytest.param(UNIFORM, {"correct": 2, "trials": 200, "spent": 255}, Stop.HOPELESS, 0, id="no hope left"),
        pytest.param(UNIFORM, {"correct": 7, "trials": 20, "spent": 255}, Stop.OPEN, 1, id="one below the cap"),
        pytest.param(
            UNIFORM, {"correct": 7, "trials": 20, "spent": 256}, Stop.CAP, 0, id="spent counts against the cap"
        ),
        pytest.param(UNIFORM, {"correct": 8, "trials": 256}, Stop.TARGET, 0, id="target comes before cap"),
        pytest.param(VANILLA, {"trials": 51}, Stop.OPEN, 1, id="vanilla one short"),
        pytest.param(VANILLA, {"trials": 52}, Stop.TRIALS, 0, id="vanilla done"),
        pytest.param(
            VANILLA, {"correct": 52, "trials": 51, "distinct": 1, "singles": 0}, Stop.OPEN, 1, id="only trials"
        ),
    ],
)
def test_reasons_and_needs(goal, counts, reason, need):
    assert verdict(goal, **counts) == (reason, need)


@pytest.mark.parametrize(
    ("correct", "singles", "closed"),
    [(15, 0, False), (16, 0, True), (16, 1, False), (20, 0, True), (20, 1, False), (40, 1, True), (40, 2, False)],
)
def test_saturation_needs_16_correct_and_under_a_twentieth_of_new_texts(correct, singles, closed):
    assert bool(saturated(np.array([correct]), np.array([singles]))[0]) == closed
    goal = Goal(kind=Kind.UNIFORM, scale=40)
    counts = {"correct": correct, "trials": correct, "distinct": 5, "singles": singles}
    assert verdict(goal, **counts)[0] is (Stop.SATURATED if closed else Stop.OPEN)


@pytest.mark.parametrize(("trials", "reason"), [(63, Stop.OPEN), (64, Stop.HOPELESS)])
def test_nothing_is_hopeless_before_64_trials(trials, reason):
    # One correct response and no chance at 200 of them: uniform's floor is reached.
    goal = Goal(kind=Kind.UNIFORM, scale=200, cap=256)
    assert verdict(goal, correct=1, trials=trials)[0] is reason


def test_the_first_trial_after_which_a_query_may_be_hopeless_is_the_users():
    goal = Goal(kind=Kind.UNIFORM, scale=200, cap=256, hopeless_after=10)
    assert verdict(goal, correct=1, trials=9)[0] is Stop.OPEN
    assert verdict(goal, correct=1, trials=10)[0] is Stop.HOPELESS


def test_a_hopeless_uniform_query_goes_on_until_its_first_correct_response():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=512)
    assert verdict(goal, correct=0, trials=64) == (Stop.OPEN, 1)
    assert verdict(goal, correct=1, trials=65)[0] is Stop.HOPELESS


def test_a_query_with_none_correct_stops_when_one_is_not_to_be_expected_either():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=2048)
    assert verdict(goal, correct=0, trials=1000)[0] is Stop.OPEN
    assert verdict(goal, correct=0, trials=2040) == (Stop.HOPELESS, 0)


def test_a_hopeless_prop2diff_query_goes_on_to_a_quarter_of_its_target():
    goal = Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, cap=8192)
    reason, need = verdict(goal, correct=5, trials=1000)
    target = int(current_targets(goal, FLAT.mean([5], [1000]), np.array([0]))[0])
    assert (reason, need) == (Stop.OPEN, -(-target // 4) - 5)
    assert verdict(goal, correct=48, trials=8000)[0] is Stop.HOPELESS
    assert verdict(goal, correct=47, trials=8000) == (Stop.OPEN, 1)


def test_at_probability_zero_nothing_is_hopeless():
    goal = Goal(kind=Kind.UNIFORM, scale=40, cap=2048, hopeless_probability=0.0)
    assert verdict(goal, correct=0, trials=2047) == (Stop.OPEN, 40)
    assert verdict(goal, correct=0, trials=2048)[0] is Stop.CAP


@given(
    st.sampled_from([UNIFORM, PROP2DIFF, Goal(kind=Kind.UNIFORM, scale=40, cap=10**6)]),
    st.integers(0, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))),
    st.integers(0, 50),
)
def test_the_hopeless_rule_is_the_chance_within_the_trials_left(goal, counts, extra):
    s, n = counts
    target = int(current_targets(goal, FLAT.mean([s], [n]), np.array([0]))[0])
    one = {name: np.array([value]) for name, value in
           {"correct": s, "trials": n, "distinct": s, "spent": n + extra, "target": target}.items()}  # fmt: skip
    floor = int(hopeless(goal, FLAT, **one)[0])
    left = max(0, goal.cap - n - extra)
    mass = FLAT.posterior(s, n)
    low = n >= 64 and s < target and float(chance(mass, target - s, left)) < 0.05
    assert (floor >= 0) == low
    if low:
        none = s == 0 and float(chance(mass, 1, left)) < 0.05
        assert floor == (0 if none else int(goal.floor(target)))


def test_a_query_is_looked_at_each_time_its_trials_have_grown_by_a_quarter():
    looks, at = [], 0
    while at < 2000:
        at = next_look(UNIFORM, at)
        looks.append(at)
    assert looks == [64, 80, 100, 125, 157, 197, 247, 309, 387, 484, 605, 757, 947, 1184, 1480, 1850, 2313]
    assert [next_look(UNIFORM, n) for n in (0, 63, 64, 79, 80, 1850)] == [64, 64, 80, 80, 100, 2313]


@given(st.integers(1, 500), st.integers(0, 100))
def test_looks_come_at_growing_numbers_of_trials(after, trials):
    goal = Goal(kind=Kind.UNIFORM, scale=8, hopeless_after=after)
    look = next_look(goal, trials)
    assert look > trials and look >= after and next_look(goal, look - 1) == look


@given(st.integers(0, 2**20))
def test_queries_are_judged_each_by_itself(seed):
    rng = np.random.default_rng(seed)
    trials = rng.integers(0, 260, 30)
    correct = rng.binomial(trials, rng.random(30))
    columns = {"correct": correct, "trials": trials, "distinct": correct, "singles": correct, "spent": trials}
    target = current_targets(PROP2DIFF, FLAT.mean(correct, trials), np.zeros(30, dtype=np.int64))
    columns["least"] = rng.integers(0, 64, 30)
    reasons, needs = judge(PROP2DIFF, FLAT, **columns, target=target)
    for query in range(30):
        alone = {name: values[[query]] for name, values in columns.items()}
        reason, need = judge(PROP2DIFF, FLAT, **alone, target=target[[query]])
        assert (int(reason[0]), int(need[0])) == (int(reasons[query]), int(needs[query]))
    assert ((needs > 0) == (reasons == Stop.OPEN)).all()
