"""Tuning the temperature: what is counted, how sure it is, and what it recommends."""

import json
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from dart_k8s.edges.clock.virtual import run_virtual
from dart_k8s.edges.engine.base import Completion, Engine, EngineCounters, EngineInfo, Prompt, Request
from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.errors import EngineDead, SpecError
from dart_k8s.workers.sample import Problems
from dart_k8s.workers.tune import Progress, Tuning, recommend, tune, wilson
from dart_k8s.workers.verification import LateVerifier

PROBLEMS = Problems(prompt=str, query=str, reference=str)


class ByTemperature:
    """An engine that plays another script at each temperature."""

    def __init__(self, scripts: Mapping[float, Script], *, slots: int = 8, **faults: int) -> None:
        self.slots, self.counters = slots, EngineCounters()
        self.asked: list[Request] = []
        self._engines = {
            t: ScriptedEngine(
                lambda prompt, script=script: Script(
                    p=script.p / (1 + int(prompt) % 3),
                    answer=prompt,
                    tokens=script.tokens,
                    distinct=script.distinct,
                ),
                slots=slots,
                **faults,
            )
            for t, script in scripts.items()
        }

    async def start(self) -> EngineInfo:
        return await next(iter(self._engines.values())).start()

    async def generate(self, request: Request) -> Completion:
        self.asked.append(request)
        return await self._engines[request.temperature].generate(request)

    async def count_tokens(self, prompt: Prompt) -> int | None:
        return None

    async def close(self) -> None:
        for engine in self._engines.values():
            await engine.close()


def tuned(engine: Engine, *, samples: int = 40, n: int = 8, size: int = 200, **others: object) -> Tuning:
    """Tune over temperatures 0.5, 1 and 1.5 with a script for each."""
    return run_virtual(
        tune(
            engine,
            LateVerifier(delay=0.0),
            PROBLEMS,
            size,
            temperatures=(1.5, 0.5, 1.0),
            samples=samples,
            n=n,
            request=Request(name="", prompt="", max_tokens=1000),
            **others,
        )
    )


def engine(**others: int) -> ByTemperature:
    """Cold repeats itself, warm is right and varied, hot is mostly wrong and long."""
    return ByTemperature(
        {
            0.5: Script(p=0.9, answer="", tokens=40, distinct=1),
            1.0: Script(p=0.8, answer="", tokens=50),
            1.5: Script(p=0.05, answer="", tokens=200),
        },
        **others,
    )


def test_the_cheapest_distinct_rows_win_over_more_rows_that_repeat_themselves():
    result = tuned(engine())
    cold, warm, hot = result.readings
    assert [reading.temperature for reading in result.readings] == [0.5, 1.0, 1.5]
    assert cold.correct > warm.correct > hot.correct and cold.distinct < warm.distinct
    assert result.recommended == 1.0
    assert "Temperature 1 costs" in result.words and "overlaps" not in result.words
    assert hot.coverage.high < warm.coverage.low


def test_every_sampled_query_gets_as_many_trials_at_each_temperature():
    player = engine()
    result = tuned(player, samples=30, n=5)
    asked = {(r.temperature, r.prompt) for r in player.asked}
    assert len(player.asked) == 3 * 30 * 5 and len(asked) == 3 * 30
    assert len(set(result.queries)) == 30 and set(map(str, result.queries)) == {r.prompt for r in player.asked}
    assert all(r.trials == 150 and r.refused == 0 for r in result.readings)
    assert len({r.name for r in player.asked}) == len(player.asked)
    assert {r.seed for r in player.asked} == {None}


def test_the_same_seed_samples_the_same_queries_and_says_the_same():
    assert tuned(engine(), seed=3) == tuned(engine(), seed=3)
    assert tuned(engine(), seed=3).queries != tuned(engine(), seed=4).queries


def test_a_set_smaller_than_the_sample_is_taken_whole():
    assert tuned(engine(), samples=500, size=12).queries == tuple(range(12))


def test_seeded_requests_have_seeds_of_their_own():
    player = engine()
    tuned(player, samples=5, n=3, seeded_requests=True)
    cold = [r.seed for r in player.asked if r.temperature == 0.5]
    assert None not in cold and len(set(cold)) == 15


def test_intervals_hold_the_truth():
    # Pass rates are p, p/2 and p/3 in turn, all texts new: 0.8 * (1 + 1/2 + 1/3) / 3, whatever the engine's draws.
    warm = tuned(engine(), samples=199, n=10).readings[1]
    assert warm.pass_rate.low < 0.8 * 11 / 18 < warm.pass_rate.high
    assert warm.trials_per_row.low < 18 / (0.8 * 11) < warm.trials_per_row.high
    assert warm.distinct_share.value == warm.distinct_share.low == 1.0


def test_responses_cut_off_are_counted_and_named():
    result = run_virtual(
        tune(
            ByTemperature({1.0: Script(p=0.9, answer="", tokens=50)}),
            LateVerifier(delay=0.0),
            PROBLEMS,
            50,
            temperatures=(1.0,),
            samples=50,
            n=4,
            request=Request(name="", prompt="", max_tokens=50),
        )
    )
    assert 0.2 < result.readings[0].cut_off_share.value < 0.6
    assert "cut off: try longer ones" in result.words


def test_nothing_correct_at_any_temperature_recommends_nothing():
    hopeless = ByTemperature({t: Script(p=0.0, answer="") for t in (0.5, 1.0, 1.5)})
    result = tuned(hopeless, samples=10)
    assert result.recommended is None and "No temperature gave a correct response" in result.words
    plain = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert plain["readings"][0]["tokensPerRow"] == {"value": None, "low": None, "high": None}
    assert plain["readings"][0]["coverage"]["high"] > 0.2


def test_temperatures_that_cannot_be_told_apart_are_named():
    same = ByTemperature({t: Script(p=0.4, answer="", tokens=50) for t in (0.5, 1.0, 1.5)})
    assert "overlaps with that of" in tuned(same).words


def test_a_cheaper_temperature_that_covers_significantly_less_is_not_taken():
    _, warm, hot = tuned(engine(), samples=60).readings
    wide, narrow = np.ones(60, dtype=bool), np.arange(60) >= 20
    cheap, dear = replace(warm, coverage=wilson(40, 60)), replace(hot, coverage=wilson(60, 60))
    temperature, words = recommend([cheap, dear], [narrow, wide])
    assert temperature == dear.temperature
    assert "Cheaper but covering significantly fewer queries: 1." in words


def test_a_cheaper_temperature_that_misses_a_few_queries_is_taken():
    _, warm, hot = tuned(engine(), samples=60).readings
    wide, narrow = np.ones(60, dtype=bool), np.arange(60) >= 4
    cheap, dear = replace(warm, coverage=wilson(56, 60)), replace(hot, coverage=wilson(60, 60))
    assert recommend([cheap, dear], [narrow, wide])[0] == cheap.temperature


def test_progress_counts_every_request():
    seen: list[Progress] = []
    tuned(engine(), samples=10, n=4, progress=seen.append)
    assert [step.done for step in seen] == list(range(1, 121))
    assert {step.total for step in seen} == {120} and seen[-1].temperature == 1.5


def test_prompts_that_the_engine_refuses_are_counted_and_the_rest_goes_on():
    result = tuned(engine(context=1), samples=10, n=2)
    assert all(r.refused == 20 and r.trials == 0 for r in result.readings)
    assert result.recommended is None


def test_a_dead_engine_ends_the_tuning_with_its_own_error():
    with pytest.raises(EngineDead, match="died"):
        tuned(engine(dies_after=5))


@pytest.mark.parametrize(
    "wrong",
    [{"temperatures": ()}, {"temperatures": (-1.0,)}, {"temperatures": (float("nan"),)}, {"n": 0}, {"samples": 0}],
)
def test_a_grid_that_says_nothing_is_refused_before_anything_is_asked(wrong):
    player = engine()
    request = Request(name="", prompt="", max_tokens=10)
    settings = {"temperatures": (1.0,), "samples": 3, "n": 2, **wrong}
    with pytest.raises(SpecError, match="Cannot tune"):
        run_virtual(tune(player, LateVerifier(delay=0.0), PROBLEMS, 5, request=request, **settings))
    assert not player.asked


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (0, 0, 0.0, 1.0)],
)
def test_wilsons_interval(successes, trials, low, high):
    found = wilson(successes, trials)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-3)


def test_the_table_has_a_row_per_temperature_and_marks_the_recommended_one():
    header, *rows = tuned(engine()).table()
    assert [row[0] for row in rows] == ["0.5", "1*", "1.5"]
    assert header[2] == "coverage@8" and all(len(row) == len(header) for row in rows)
