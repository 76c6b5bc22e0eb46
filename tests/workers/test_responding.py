"""Responses made in rounds, and a sampler that makes many of them at once."""

import asyncio
from dataclasses import dataclass, replace

import numpy as np
import pytest

from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.engine.base import Request
from dart_k8s.edges.engine.script import Script
from dart_k8s.edges.engine.scripted import ScriptedEngine
from dart_k8s.edges.execution.scripted import ScriptedExecutor
from dart_k8s.errors import EngineRequestError, ExecutionError
from dart_k8s.ledger import segments
from dart_k8s.workers.judging import Judge
from dart_k8s.workers.responding import ToolResponder
from dart_k8s.workers.responding.path import STOPS
from dart_k8s.workers.verification import LateVerifier
from tests.simulation import World

CODE = ("x = 6 * 7", "print(x)")
SCRIPT = Script(p=1.0, answer="42", tokens=10, spread=0.0, code=CODE)
REQUEST = Request(name="r", prompt="q", max_tokens=1000, stop=STOPS)


def idle(change):
    pass


def responder(script=SCRIPT, *, executions=8, executor=None, engine=None, **settings):
    engine = engine or ScriptedEngine({"q": script}, slots=4, seconds_per_token=0.1)
    executor = executor or ScriptedExecutor({"print(x)\n": "42\n"}, seconds=5.0)
    return ToolResponder(engine, executor, executions=executions, **settings)


def test_a_response_has_its_code_the_real_outputs_and_an_answer():
    response = run_virtual(responder().respond(REQUEST, idle))
    assert response.finish == "stop"
    assert response.text.count("```output") == 2
    assert "made up" not in response.text
    assert response.text.endswith("The answer is \\boxed{42}.")
    assert response.tokens == 30
    kinds = [span.kind for span in response.spans]
    assert kinds == ["model", "tool", "model", "tool", "model"]
    second = response.spans[3]
    assert response.text[second.start : second.end] == "```output\n42\n```\n"


def test_no_slot_is_held_while_code_runs():
    held = [1]
    seen = []

    class Watching(ScriptedExecutor):
        async def execute(self, block):
            seen.append(held[0])
            return await super().execute(block)

    def use(change):
        held[0] += change

    run_virtual(responder(executor=Watching()).respond(REQUEST, use))
    assert seen == [0, 0]
    assert held == [1]


def test_the_ninth_execution_ends_the_response():
    script = replace(SCRIPT, code=tuple(f"{n}" for n in range(20)))
    executor = ScriptedExecutor()
    response = run_virtual(responder(script, executor=executor).respond(REQUEST, idle))
    assert response.finish == "executions"
    assert executor.counters.executions == {"done": 8}
    row = segments.Row(query=0, place=0, response=response.text, finish=response.finish, spans=response.spans)
    judge = Judge(verifier=LateVerifier(delay=0), query=str, reference=str, patience=0)
    verdict = run_virtual(judge.judge(row))
    assert (verdict.verdict, verdict.reason) == ("incorrect", "it asked for more executions than it may")


def test_max_tokens_bounds_what_the_model_writes_over_all_rounds():
    response = run_virtual(responder().respond(replace(REQUEST, max_tokens=25), idle))
    assert (response.finish, response.tokens) == ("length", 25)


def test_a_full_context_after_some_rounds_is_a_response_that_was_cut_off():
    engine = ScriptedEngine({"q": SCRIPT}, context=30)
    response = run_virtual(responder(engine=engine).respond(replace(REQUEST, max_tokens=25), idle))
    assert response.finish == "length"
    assert response.spans


def test_a_prompt_that_does_not_fit_at_all_is_the_engines_refusal():
    engine = ScriptedEngine({"q" * 400: SCRIPT}, context=20)
    with pytest.raises(EngineRequestError):
        run_virtual(responder(engine=engine).respond(replace(REQUEST, prompt="q" * 400), idle))


def test_an_executor_that_is_out_of_order_is_waited_for_and_then_given_up():
    told = []
    executor = ScriptedExecutor(fails_after=1)
    made = responder(executor=executor, patience=60.0, tell=lambda event, **_: told.append(event))
    with pytest.raises(ExecutionError):
        run_virtual(made.respond(REQUEST, idle))
    assert told == ["executor-unavailable"]

    class Hiccup(ScriptedExecutor):
        async def execute(self, block):
            if not self.counters.kills:
                self.counters.kills += 1
                raise ExecutionError("Not now.")
            return await super().execute(block)

    told.clear()
    made = responder(executor=Hiccup({"print(x)\n": "42\n"}), tell=lambda event, **_: told.append(event))
    assert run_virtual(made.respond(REQUEST, idle)).finish == "stop"
    assert told == ["executor-unavailable", "executor-back"]


def test_an_abort_in_the_middle_gives_the_slot_back_and_stops_the_code():
    async def abort(after):
        held = [1]
        executor = ScriptedExecutor(seconds=5.0)
        made = responder(executor=executor)

        def use(change):
            held[0] += change

        task = asyncio.create_task(made.respond(REQUEST, use))
        await asyncio.sleep(after)
        running = executor.running
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return running, held[0], executor.running

    # A round takes 1 s, a block 5 s.
    assert run_virtual(abort(0.5)) == (0, 1, 0)
    assert run_virtual(abort(3.0)) == (1, 1, 0)


@dataclass(kw_only=True)
class ToolWorld(World):
    """A world whose responses have code."""

    code: tuple[str, ...] = CODE
    executions: int = 8
    code_seconds: float = 3.0

    def script(self, prompt):
        """See `World`."""
        return replace(super().script(prompt), code=self.code)

    def sampler(self, number):
        """See `World`."""
        made = super().sampler(number)
        executor = ScriptedExecutor(seconds=self.code_seconds, sessions=8)
        made.settings = replace(made.settings, stop=STOPS)
        made._responder = ToolResponder(made.engine, executor, executions=self.executions, tell=self.tell)
        self.tell("made", executor=executor, engine=made.engine)
        return made


def world(**settings):
    goal = Goal(kind=Kind.UNIFORM, scale=4, cap=64)
    return ToolWorld(rates=np.full(20, 0.5), goal=goal, slots=8, tokens=40.0, late=0.5, **settings)


def rows_of(made):
    found = []
    for entry in made.store.list("pool/segments/"):
        found += segments.read_segment(made.store.get(entry.key).data, key=entry.key)
    return [row for row in found if row.response is not None]


def test_a_run_of_tool_integrated_responses_closes_with_spans_in_every_row():
    made = world()
    assert run_virtual(made.run()) == [0]
    rows = rows_of(made)
    assert (made.state().table.distinct >= 4).all()
    assert rows and all([span.kind for span in row.spans] == ["model", "tool"] * 2 + ["model"] for row in rows)
    facts = dict(made.events)["made"]
    # While code runs others generate: the engine is full although code takes half of the time.
    assert facts["engine"].peak == 8
    assert facts["executor"].counters.executions["done"] >= 2 * len(rows)


def test_responses_with_too_much_code_are_incorrect_and_never_correct():
    made = world(executions=1)
    made.goal = replace(made.goal, cap=8)
    assert run_virtual(made.run()) == [0]
    rows = rows_of(made)
    assert {row.finish for row in rows} == {"executions"}
    assert {row.verdict for row in rows} == {"incorrect"}
    assert made.state().table.correct.sum() == 0
