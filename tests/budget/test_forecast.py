"""The forecast's intervals hold what really comes, and its parts fit together."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from dart_k8s.budget.forecast import EPS, Forecast, forecast
from dart_k8s.budget.paths import checkpoints
from dart_k8s.budget.posterior import Prior, expected_trials, fit
from dart_k8s.budget.strategies import Goal, Kind
from tests.budget.worlds import counts_of, heavy_tail, pilot, sequential, spread_out, untried

UNIFORM = Goal(kind=Kind.UNIFORM, scale=8, cap=256)
PROP2DIFF = Goal(kind=Kind.PROP2DIFF, scale=24, min_trials=16, cap=256)
VANILLA = Goal(kind=Kind.VANILLA, scale=40, cap=256)
TIGHT = replace(UNIFORM, hopeless_probability=0.2, hopeless_after=32)


def at(found: Forecast, eps: float):
    """The outlook of one stop."""
    return next(outlook for outlook in found.outlooks if outlook.eps == eps)


def known(goal, *, queries=400, trials=16, seed=0):
    """True pass rates, counts after a pilot, and the prior fitted to them."""
    rates = heavy_tail(queries, seed=seed)
    counts = pilot(rates, trials, seed=seed)
    return rates, counts, fit(counts.correct, counts.trials)


@pytest.mark.parametrize("goal", [UNIFORM, TIGHT, PROP2DIFF, VANILLA], ids=["uniform", "tight", "prop2diff", "vanilla"])
def test_intervals_hold_what_sequential_sampling_comes_to(goal):
    inside, errors = [], []
    for seed in range(5):
        rates, counts, prior = known(goal, queries=120, seed=seed)
        outlook = at(forecast(goal, prior, counts, seed=seed), 0.0 if goal is VANILLA else goal.hopeless_probability)
        end = sequential(goal, prior, rates, counts, seed=seed)
        rows = int(end.correct.sum()) if goal is VANILLA else end.rows
        truths = (int(end.trials.sum()), rows, int((end.correct > 0).sum()))
        for truth, interval in zip(truths, (outlook.trials, outlook.rows, outlook.covered), strict=True):
            # A percent more on either side: the forecast's stated approximations.
            inside.append(interval.low * 0.99 <= truth <= interval.high * 1.01)
            errors.append(interval.mean / truth - 1)
    # 90 % intervals: of 15, three outside are nothing unusual.
    assert sum(inside) >= 12
    assert abs(np.mean(errors)) < 0.04


def test_without_a_stop_trials_are_the_closed_form():
    _, counts, prior = known(UNIFORM, queries=2000)
    found = at(forecast(UNIFORM, prior, counts), 0.0)
    mass = prior.posterior(counts.correct, counts.trials)
    expected = expected_trials(mass, np.maximum(0, 8 - counts.correct), 256 - counts.trials).sum()
    assert found.further.mean == pytest.approx(expected, rel=0.04)
    assert found.trials.mean - found.further.mean == pytest.approx(2000 * 16)


@pytest.mark.parametrize("goal", [UNIFORM, PROP2DIFF], ids=["uniform", "prop2diff"])
def test_a_bolder_stop_never_costs_more_nor_brings_more(goal):
    _, counts, prior = known(goal)
    outlooks = forecast(goal, prior, counts).outlooks
    assert [outlook.eps for outlook in outlooks] == list(EPS)
    for less, more in pairwise(outlooks):
        for name in ("trials", "rows", "covered", "at_target"):
            assert getattr(more, name).mean <= getattr(less, name).mean
    assert outlooks[-1].trials.mean < 0.9 * outlooks[0].trials.mean


def test_the_parts_add_up():
    _, counts, prior = known(PROP2DIFF)
    for outlook in forecast(PROP2DIFF, prior, counts, tokens_per_trial=300, tokens_per_second=1500).outlooks:
        assert sum(decile.mean for decile in outlook.rows_by_decile) == pytest.approx(outlook.rows.mean)
        assert len(outlook.rows_by_decile) == 10
        assert outlook.tokens.mean == pytest.approx(300 * outlook.further.mean)
        assert outlook.gpu_hours.high == pytest.approx(outlook.tokens.high / 1500 / 3600)
        assert 400 >= outlook.covered.mean >= outlook.at_target.mean
        for name in ("trials", "rows", "covered"):
            assert getattr(outlook, name).low <= getattr(outlook, name).mean <= getattr(outlook, name).high


def test_prop2diff_gives_the_harder_deciles_more_rows_and_uniform_the_same():
    rates = spread_out(600)
    counts = pilot(rates, 32)
    prior = fit(counts.correct, counts.trials)
    rows = [d.mean for d in at(forecast(replace(PROP2DIFF, cap=4000), prior, counts), 0.0).rows_by_decile]
    assert rows == sorted(rows) and rows[-1] > 5 * rows[0]
    even = [d.mean for d in at(forecast(UNIFORM, prior, counts), 0.0).rows_by_decile]
    assert max(even) == pytest.approx(min(even), rel=0.07)


def test_the_more_is_known_the_narrower_the_intervals():
    goal = replace(UNIFORM, scale=40, cap=1000)
    widths = []
    for trials in (0, 8, 64):
        counts = untried(300) if trials == 0 else pilot(heavy_tail(300, seed=4), trials)
        found = at(forecast(goal, fit(counts.correct, counts.trials), counts), 0.0).trials
        widths.append((found.high - found.low) / found.mean)
    assert widths[0] > 2 * widths[1] > 2 * widths[2]


def test_before_any_trial_all_is_possible_unless_other_counts_are_given():
    rates = heavy_tail(2000, seed=8)
    truth = float(np.minimum(256, 8 / rates).sum())
    blind = at(forecast(UNIFORM, Prior.flat(), untried(2000)), 0.0).trials
    assert blind.low < truth < blind.high and blind.high > 3 * blind.low
    others = pilot(heavy_tail(3000, seed=9), 64)
    told = at(forecast(UNIFORM, Prior.flat(), untried(2000), known=(others.correct, others.trials)), 0.0).trials
    drawn = sequential(replace(UNIFORM, hopeless_probability=0.0), Prior.flat(), rates[:300], untried(300)).trials
    assert told.high < 1.5 * told.low
    assert told.mean == pytest.approx(2000 / 300 * drawn.sum(), rel=0.15)


def test_a_large_set_is_forecast_from_a_part_of_it():
    counts = pilot(heavy_tail(60_000, seed=6), 8)
    prior = fit(counts.correct, counts.trials)
    found = at(forecast(UNIFORM, prior, counts), 0.0)
    mass = prior.posterior(counts.correct[:6000], counts.trials[:6000])
    expected = 10 * expected_trials(mass, np.maximum(0, 8 - counts.correct[:6000]), 248).sum()
    assert found.further.mean == pytest.approx(expected, rel=0.06)
    assert found.covered.high <= 60_000


def test_a_seed_repeats_a_forecast():
    _, counts, prior = known(PROP2DIFF, queries=50)
    assert forecast(PROP2DIFF, prior, counts, seed=5) == forecast(PROP2DIFF, prior, counts, seed=5)
    assert forecast(PROP2DIFF, prior, counts, seed=5) != forecast(PROP2DIFF, prior, counts, seed=6)


def test_a_finished_run_has_nothing_to_come():
    rates, counts, prior = known(UNIFORM, queries=60)
    end = sequential(UNIFORM, prior, rates, counts)
    found = at(forecast(UNIFORM, prior, counts_of(end.trials, end.correct)), UNIFORM.hopeless_probability)
    assert found.further.high == 0 and found.trials.mean == end.trials.sum()
    assert found.rows.mean == end.rows


def test_own_targets_and_pass_rates_from_outside_are_honoured():
    counts = replace(pilot(np.full(100, 0.5), 32), own=np.full(100, 20))
    # 32 trials have brought 16 already: about eight more each.
    assert at(forecast(PROP2DIFF, Prior.flat(), counts), 0.0).rows.mean == pytest.approx(2000, rel=0.01)
    fixed = replace(untried(100), pass_rate=np.full(100, 0.75))
    easy = fit(np.full(500, 48), np.full(500, 64))
    assert at(
        forecast(PROP2DIFF, easy, fixed, known=(np.full(500, 48), np.full(500, 64))), 0.0
    ).rows.mean == pytest.approx(600, rel=0.01)


def test_queries_that_repeat_themselves_need_more_trials():
    counts = pilot(np.full(200, 0.5), 8)
    goal = replace(UNIFORM, scale=30)
    prior = fit(counts.correct, counts.trials)
    half = replace(counts, singles=counts.correct // 2)
    assert at(forecast(goal, prior, half), 0.0).further.mean > 1.4 * at(forecast(goal, prior, counts), 0.0).further.mean


def test_a_fixed_total_is_not_exceeded_and_gives_a_scale():
    rates = spread_out(200)
    counts = pilot(rates, 16)
    goal = Goal(kind=Kind.UNIFORM, scale=400, cap=2000, total=200 * 60)
    found = forecast(goal, fit(counts.correct, counts.trials), counts)
    for outlook in found.outlooks:
        assert outlook.trials.high <= 200 * 60
    assert 5 < found.scale < 30
    assert at(found, 0.0).rows.mean == pytest.approx(200 * found.scale, rel=0.1)


def test_vanilla_knows_its_trials_exactly_and_has_no_stop():
    (only,) = forecast(VANILLA, Prior.flat(), untried(30)).outlooks
    assert only.eps == 0 and only.trials.low == only.trials.high == 30 * 40 and only.at_target.low == 30


@pytest.mark.parametrize("queries", [0, 1, 7])
def test_the_smallest_sets_have_a_forecast(queries):
    (first, *_) = forecast(UNIFORM, Prior.flat(), untried(queries)).outlooks
    assert len(first.rows_by_decile) == queries and first.rows.high <= 8 * queries


def test_the_goals_own_stop_is_among_the_lines_and_marked():
    found = forecast(replace(UNIFORM, hopeless_probability=0.1), Prior.flat(), untried(20))
    assert [outlook.eps for outlook in found.outlooks] == [0.0, 0.01, 0.05, 0.1, 0.2, 0.5]
    header, *rows = found.table()
    assert [row[0] for row in rows] == ["0", "0.01", "0.05", "0.1*", "0.2", "0.5"]
    assert "tokens to come" not in header and all(len(row) == len(header) for row in rows)
    with_tokens = forecast(UNIFORM, Prior.flat(), untried(20), tokens_per_trial=100, tokens_per_second=10)
    assert {"tokens to come", "GPU-hours to come"} <= set(with_tokens.table()[0])
    assert len(found.decile_table()) == 11


def test_the_json_says_what_is_approximate_and_holds_every_number():
    found = forecast(UNIFORM, Prior.flat(), untried(20), tokens_per_trial=100)
    plain = json.loads(json.dumps(found.to_json(), allow_nan=False))
    assert plain["format"] == "dart-k8s.io/forecast/v1" and len(plain["approximations"]) == 3
    outlook = plain["outlooks"][0]
    assert outlook["gpuHours"] is None and set(outlook["trials"]) == {"mean", "low", "high"}
    assert len(outlook["rowsByDecile"]) == 10 and {"covered", "atTarget", "tokens"} <= set(outlook)


def test_checkpoints_hold_the_trials_at_which_a_rule_begins():
    marks = checkpoints(Goal(kind=Kind.PROP2DIFF, scale=192, min_trials=32, cap=8192), 8192)
    assert marks == sorted(set(marks)) and {64, 80, 100, 8192} <= set(marks) and len(marks) < 60
    assert checkpoints(UNIFORM, 10) == [10]
