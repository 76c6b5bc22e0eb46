"""Short responses have no advantage: what is kept under concurrency is what sequential sampling keeps."""

import heapq

import numpy as np

from dart_k8s.answers import Verdict
from dart_k8s.budget.posterior import Prior
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.budget.tracker import Grant, Tracker
from dart_k8s.edges.clock.virtual import run_virtual
from dart_k8s.ledger.segments import Row
from dart_k8s.workers.work import Line, Work
from tests.benchmarks.bound import realised_bound
from tests.simulation import World

NEED = 12
LATE = 30.0
SHORT, LONG = 100.0, 300.0


class Engine:
    """Correct responses are three times as short; every trial's outcome is a function of its name."""

    def __init__(self, rates: np.ndarray, *, slots: int, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.slots = slots
        self.right = rng.random((rates.size, 2000)) < rates[:, None]
        spread = np.exp(rng.normal(0, 0.5, self.right.shape) - 0.125)
        self.length = np.where(self.right, SHORT, LONG) * spread

    def run(self, work: Work) -> None:
        """Drive the claim to its end in simulated time."""
        clock, number = 0.0, 0
        events: list[tuple[float, int, str, Line, int]] = []
        verdicts = (Verdict(verdict="incorrect", answer=None, tier="", reason=""),
                    Verdict(verdict="correct", answer=None, tier="", reason=""))  # fmt: skip
        while True:
            while work.running < self.slots and (trial := work.launch(self.slots)):
                line, place = trial
                number += 1
                heapq.heappush(events, (clock + self.length[line.query, place], number, "response", line, place))
            if not events:
                return
            clock, _, what, line, place = heapq.heappop(events)
            if what == "response" and line.tracker.closed:
                work.aborted()
            elif what == "response":
                row = Row(query=line.query, place=place, response="", text=number * 10**6 + place)
                work.finished(row, clock)
                number += 1
                heapq.heappush(events, (clock + LATE, number, "verdict", line, place))
            else:
                row = Row(query=line.query, place=place, response="", text=line.query * 10**6 + place)
                work.judged(line, row, verdicts[int(self.right[line.query, place])], clock)


def claim(rates):
    """A claim on all queries with a need of NEED each."""
    goal = Goal(kind=Kind.UNIFORM, scale=NEED, cap=2000, hopeless_probability=0.0)
    grants = (Grant(query=query, need=NEED, allowance=2000) for query in range(rates.size))
    return Work("0001/0001/0", [Line(Tracker(goal, Prior.flat(), grant)) for grant in grants])


def test_kept_responses_are_those_of_sequential_sampling_though_short_ones_finish_first():
    rates = np.random.default_rng(1).uniform(0.05, 0.9, 300)
    engine = Engine(rates, slots=512, seed=2)
    work = claim(rates)
    engine.run(work)

    place_of = np.cumsum(engine.right, axis=1)
    needed = (place_of < NEED).sum(axis=1) + 1
    kept = []
    for query, line in work.lines.items():
        counted = line.tracker.counted
        assert counted >= needed[query]
        places = np.flatnonzero(engine.right[query, :counted])[:NEED]
        assert (places == np.flatnonzero(engine.right[query])[:NEED]).all()
        kept.append(engine.length[query, places])

    true_mean = engine.length[engine.right].mean()
    assert abs(np.mean(kept) / true_mean - 1) < 0.015
    sequential = np.mean([engine.length[q][engine.right[q]][:NEED] for q in range(rates.size)])
    assert abs(np.mean(kept) / sequential - 1) < 0.01
    # The engine has teeth: of 64 trials begun together, the first correct ones to finish are shorter by far.
    together = np.where(engine.right[:, :64], engine.length[:, :64], np.inf)
    assert np.mean(np.sort(together, axis=1)[rates > 0.4, :NEED]) / sequential < 0.9

    trials = np.array([line.tracker.counted for line in work.lines.values()])
    correct = np.array([line.tracker.correct for line in work.lines.values()])
    error = (correct - 1) / (trials - 1) - rates
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(rates.size)
    assert trials.sum() < 1.05 * needed.sum()


def test_a_whole_run_with_short_correct_responses_leaves_pass_rates_unbiased():
    rates = np.random.default_rng(3).uniform(0.1, 0.9, 50)
    goal = Goal(kind=Kind.UNIFORM, scale=12, cap=2048)
    world = World(rates=rates, goal=goal, samplers=2, slots=64, tokens=80.0, wrong_tokens=240.0, seed=4)
    run_virtual(world.run())
    table = world.state().table
    assert (table.distinct >= 12).all()
    error = (table.correct - 1) / (table.trials - 1) - rates
    assert abs(error.mean()) < 3 * error.std() / np.sqrt(rates.size)
    # Of the very outcomes of this run, so without their noise.
    assert 1.0 <= table.trials.sum() / realised_bound(world, need=12, cap=2048) < 1.05
