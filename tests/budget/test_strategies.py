"""Targets of the three strategies, at exact fractions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.budget.stops import current_targets
from dart_k8s.budget.strategies import Goal, Kind, targets


@pytest.mark.parametrize(
    ("scale", "pass_rate", "target"),
    [
        (192, 0.0, 192),
        (192, 1.0, 1),
        (192, 1 - 1 / 192, 1),
        (192, 1 - 2 / 192, 2),
        (192, 1 - 3 / 192, 3),
        (192, 0.5, 96),
        (192, 0.25, 144),
        (192, 1 / 3, 128),
        (192, 0.999, 1),
        (192, 0.99, 2),
        (192, 0.1, 173),
        (16, 0.9, 2),
        (16, 15 / 16, 1),
        (1, 0.0, 1),
        (0.5, 0.0, 1),
    ],
)
def test_prop2diff_wants_correct_responses_in_proportion_to_the_fail_rate(scale, pass_rate, target):
    assert targets(Kind.PROP2DIFF, scale, pass_rate) == target


@given(st.integers(1, 400), st.integers(0, 400))
def test_whole_numbers_of_the_scale_are_met_exactly(scale, wanted):
    wanted = min(wanted, scale)
    assert targets(Kind.PROP2DIFF, scale, 1 - wanted / scale) == max(1, wanted)


@given(st.floats(0.5, 500), st.lists(st.floats(0, 1), min_size=2, max_size=20))
def test_a_harder_query_never_gets_a_smaller_target(scale, rates):
    wanted = targets(Kind.PROP2DIFF, scale, np.sort(rates))
    assert (np.diff(wanted) <= 0).all() and wanted.min() >= 1


@pytest.mark.parametrize(("scale", "target"), [(40, 40), (1, 1), (0, 1), (2.0, 2)])
def test_uniform_wants_the_same_of_every_query(scale, target):
    assert targets(Kind.UNIFORM, scale, np.array([0.0, 0.3, 1.0])).tolist() == [target] * 3


def test_vanilla_has_no_target():
    assert targets(Kind.VANILLA, 52, np.array([0.0, 1.0])).tolist() == [0, 0]


def test_a_sources_own_target_overrides_the_goals_except_under_vanilla():
    own, rates = np.array([0, 7]), np.array([0.5, 0.5])
    assert current_targets(Goal(kind=Kind.PROP2DIFF, scale=192), rates, own).tolist() == [96, 7]
    assert current_targets(Goal(kind=Kind.VANILLA, scale=52), rates, own).tolist() == [0, 0]


@pytest.mark.parametrize(
    ("kind", "given_floor", "target", "floor"),
    [
        (Kind.UNIFORM, None, 40, 1),
        (Kind.UNIFORM, None, 1, 1),
        (Kind.PROP2DIFF, None, 192, 48),
        (Kind.PROP2DIFF, None, 190, 48),
        (Kind.PROP2DIFF, None, 3, 1),
        (Kind.PROP2DIFF, None, 1, 1),
        (Kind.UNIFORM, 5, 40, 5),
        (Kind.UNIFORM, 5, 3, 3),
        (Kind.PROP2DIFF, 0, 192, 0),
    ],
)
def test_the_floor_of_a_hopeless_query(kind, given_floor, target, floor):
    assert Goal(kind=kind, scale=target, hopeless_floor=given_floor).floor(target) == floor
