"""What `make benchmark` measures in hours still runs, at a size of seconds. Speed is not looked at here."""

from tests.benchmarks import accuracy, bound, hopeless


def test_the_bound_is_measured_on_real_samplers() -> None:
    found = bound.measure(population_name="light", queries=24, samplers=2, slots=8)
    assert found["trials"] >= found["bound"] > 0
    assert found["overhead"] < 0.05
    assert 0.2 < found["busy"] <= 1.0


def test_the_rules_alone_are_measured_one_trial_at_a_time() -> None:
    found = hopeless.measure(population_name="heavy", strategy="uniform", queries=60, seed=0)
    assert found["trials_with"] < found["trials_without"] and found["rows_with"] <= found["rows_without"]
    exact = accuracy.measure(population_name="heavy", queries=60, seed=0)
    assert 0.0 < exact["error"] < 0.2
