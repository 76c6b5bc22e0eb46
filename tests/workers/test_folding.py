"""The folding child: what it answers, and that killing it at any moment loses nothing."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from dart_k8s.api import to_dict
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.store import MemoryStore, Store
from dart_k8s.errors import StoreUnavailable
from dart_k8s.ledger import claims, state
from dart_k8s.ledger.claims import Hold
from dart_k8s.ledger.keys import BUDGET, PLANNER, RUN
from dart_k8s.ledger.state import BudgetState
from dart_k8s.reconcile.progress import BANDS, MOST_BYTES, Progress
from dart_k8s.workers import record
from dart_k8s.workers.folding.summary import Pace, plain
from dart_k8s.workers.folding.warm import Warm

from .faults import Faults, check
from .folding_world import LEASE, FoldingTrouble, declared, folds, prepare, request, small

Answers = list[Mapping[str, Any]]


def prepared(**spec: Any) -> MemoryStore:
    """A store with a run that nobody has worked on."""
    store = MemoryStore()
    store.put(BUDGET, state.encode(BudgetState.empty(12, verifier="exact-1")))
    prepare(store, declared(**spec))
    return store


def ask(store: Store, *lines: str, **options: Any) -> Answers:
    """What one child answers to requests, one after the other."""
    answers: Answers = []

    async def main() -> None:
        child = folds(store, answers, **options)
        for line in lines:
            await child.serve(line)

    run_virtual(main())
    return answers


def role(store: Store) -> claims.Claim:
    return claims.decode(store.get(PLANNER).data, key=PLANNER)


# What it answers


def test_an_output_that_is_not_prepared_is_said_to_be_so_and_nothing_is_written() -> None:
    store = MemoryStore()
    (answer,) = ask(store, request(declared()))
    assert answer["progress"]["prepared"] is False
    assert not list(store.list())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'{"step": 3}', {"step": 3}),
        (None, None),
        (b"no JSON", "no JSON"),
        (b"[1, 2]", "no JSON object"),
        (b'"' + b"x" * (300 << 10) + b'"', "at most"),
    ],
)
def test_an_object_of_an_output_is_read_and_nothing_else_is_done(data: bytes | None, said: Any) -> None:
    store = MemoryStore()
    if data is not None:
        store.put("state/progress.json", data)
    before = [entry.key for entry in store.list()]
    (answer,) = ask(store, json.dumps({"id": 7, "read": "s3://bucket/t", "key": "state/progress.json"}))
    assert answer["id"] == 7 and [entry.key for entry in store.list()] == before
    if isinstance(said, str):
        assert said in answer["error"]["message"] and answer["error"]["fault"] == "store"
    else:
        assert (answer["key"], answer["object"]) == ("state/progress.json", said)


def test_the_first_fold_plans_and_says_how_many_shards_are_there_to_be_taken() -> None:
    store = prepared()
    (answer,) = ask(store, request(declared()))
    progress = Progress.from_json(answer["progress"])
    assert progress.prepared and progress.phase == "sampling" and progress.open == progress.queries == 12
    assert progress.unclaimed_shards > 0 and progress.live_claims == 0 and progress.plan
    assert progress.changed and progress.remaining > 0
    assert role(store).current.holder.startswith(f"planner@{LEASE}@")


def test_a_fold_that_finds_nothing_new_writes_nothing() -> None:
    store = prepared()
    first, second = ask(store, request(declared()), request(declared()))
    assert first["progress"]["changed"] and not second["progress"]["changed"]
    writes = store.requests()["put"]
    ask(store, request(declared()))
    assert store.requests()["put"] - writes == 2, "the role and its epoch, nothing else"


def test_a_child_under_the_same_lease_takes_the_role_over_at_once() -> None:
    store = prepared()
    ask(store, request(declared()))
    (answer,) = ask(store, request(declared()))
    assert answer["progress"]["epoch"] == 2 and not answer["progress"]["note"]


def test_a_child_under_another_lease_waits_and_says_for_whom() -> None:
    store = prepared()
    ask(store, request(declared()))
    (answer,) = ask(store, request(declared(), lease="other/operator"))
    assert answer["progress"]["epoch"] == 1
    assert "another planner" in answer["progress"]["note"] and LEASE in answer["progress"]["note"]


def test_forgetting_an_output_gives_its_role_back() -> None:
    store = prepared()
    *_, answer = ask(store, request(declared()), json.dumps({"id": 7, "forget": "s3://bucket/toy"}))
    assert answer == {"id": 7, "forgotten": "s3://bucket/toy"}
    assert role(store).current.hold is Hold.RELEASED


def test_at_the_end_all_roles_are_given_back() -> None:
    store = prepared()

    async def main() -> None:
        child = folds(store, [])
        await child.serve(request(declared()))
        await child.close()

    run_virtual(main())
    assert role(store).current.hold is Hold.RELEASED


def test_a_target_that_was_raised_is_followed_and_goes_into_the_record() -> None:
    store = prepared()
    more = declared(strategy={"kind": "uniform", "target": 6})
    first, second = ask(store, request(declared()), request(more))
    assert second["progress"]["wanted"] == 2 * first["progress"]["wanted"] > 0
    assert record.need(store).synthesis.spec.strategy.target == 6


def test_a_target_that_was_raised_while_no_operator_ran_is_followed_too() -> None:
    store = prepared()
    ask(store, request(declared()))
    ask(store, request(declared(strategy={"kind": "uniform", "target": 6})))
    assert record.need(store).synthesis.spec.strategy.target == 6


def test_the_address_of_verifiers_that_pods_were_given_stays_in_the_record() -> None:
    store = prepared(verifiers={"url": "http://toy-verifier:8080"})
    ask(store, request(declared(strategy={"kind": "uniform", "target": 6})))
    assert record.need(store).synthesis.spec.verifiers.url == "http://toy-verifier:8080"


def test_what_may_not_change_is_the_users_fault_in_words() -> None:
    store = prepared()
    before = store.get(RUN).etag
    _, answer = ask(store, request(declared()), request(declared(prompt={"inline": "Now: {query}"})))
    assert answer["error"]["kind"] == "SpecChanged" and answer["error"]["fault"] == "user"
    assert "spec.prompt.inline" in answer["error"]["message"] and answer["error"]["remedy"]
    assert store.get(RUN).etag == before


def test_an_output_of_another_synthesis_is_refused() -> None:
    store = prepared()
    theirs = {**to_dict(declared()), "metadata": {"name": "other", "namespace": "math"}}
    (answer,) = ask(store, request(declared(), declaration=theirs))
    assert answer["error"]["kind"] == "OutputOwned" and answer["error"]["fault"] == "user"


def test_a_store_that_does_not_answer_is_the_stores_fault_and_the_next_fold_goes_on() -> None:
    store = prepared()
    out = [True]

    def before(operation: str, key: str) -> None:
        if out[0]:
            raise StoreUnavailable("No answer.", remedy="It is asked again.")

    answers: Answers = []

    async def main() -> None:
        child = folds(store, answers)
        store.before = before
        await child.serve(request(declared()))
        out[0] = False
        await child.serve(request(declared()))

    run_virtual(main())
    assert answers[0]["error"] == {
        "kind": "StoreUnavailable", "message": "No answer.", "remedy": "It is asked again.", "fault": "store",
    }  # fmt: skip
    assert answers[1]["progress"]["prepared"]


def test_a_line_that_is_no_request_is_answered() -> None:
    answers = ask(
        prepared(), "not JSON", '{"id": 3}', '{"id": 4, "output": "s3://b/c", "declaration": {}, "lease": ""}'
    )
    assert [a["id"] for a in answers] == [None, 3, 4]
    assert all(a["error"]["fault"] == "user" for a in answers)


def test_requests_for_one_output_keep_their_order_and_others_do_not_wait() -> None:
    stores = {f"s3://bucket/{n}": prepared() for n in range(3)}
    answers: Answers = []

    async def main() -> None:
        from dart_k8s.workers.access import Access
        from dart_k8s.workers.folding.folds import Folds

        child = Folds(answer=answers.append, connect=lambda uri, tell: Access(stores[uri], direct=True))
        lines = [request(declared(), id=n, output=f"s3://bucket/{n % 3}") for n in range(9)]
        await asyncio.gather(*(child.serve(line) for line in lines))

    run_virtual(main())
    for n in range(3):
        assert [a["id"] for a in answers if a["id"] % 3 == n] == [n, n + 3, n + 6]
    assert all("progress" in a for a in answers)


def test_only_so_many_outputs_stay_in_memory_and_those_that_made_room_are_taken_up_again() -> None:
    stores = {f"s3://bucket/{n}": prepared() for n in range(4)}
    answers: Answers = []

    async def main() -> None:
        from dart_k8s.workers.access import Access
        from dart_k8s.workers.folding.folds import Folds

        child = Folds(answer=answers.append, connect=lambda uri, tell: Access(stores[uri], direct=True), most_outputs=2)
        for n in (0, 1, 2, 3, 0):
            await child.serve(request(declared(), id=n, output=f"s3://bucket/{n}"))
        assert len(child._warm) == 2

    run_virtual(main())
    assert [a["progress"]["epoch"] for a in answers] == [1, 1, 1, 1, 2]


# Limits


def test_want_of_memory_drops_what_is_kept_and_is_tried_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    store, short = prepared(), [1]
    fold = Warm.fold

    async def tight(self: Warm, *given: Any, **named: Any) -> Progress:
        if short[0]:
            short[0] -= 1
            raise MemoryError
        return await fold(self, *given, **named)

    monkeypatch.setattr(Warm, "fold", tight)
    (answer,) = ask(store, request(declared()))
    assert answer["progress"]["prepared"]
    short[0] = 2
    (answer,) = ask(store, request(declared()))
    assert "memory" in answer["error"]["message"] and answer["error"]["fault"] == "cluster"


def test_progress_of_any_run_fits_into_its_bytes() -> None:
    many = Progress(
        prepared=True,
        set_aside=tuple(f"{n:06d}-000001/00001" for n in range(200)),
        note="Ünklar \U0001f600 " * 500,
        stopped={f"reason-{n}": 10**12 for n in range(8)},
        trials=10**12,
    )
    said = plain(many)
    assert len(json.dumps(said).encode()) <= MOST_BYTES
    assert Progress.from_json(said).trials == 10**12


def test_the_rate_is_that_of_the_last_minutes() -> None:
    pace = Pace()
    pace.note(0.0, 0)
    assert pace.rate == 0.0
    for minute in range(1, 30):
        pace.note(60.0 * minute, 600 * min(minute, 20))
    assert pace.rate == 0.0
    pace.note(1800.0, 600 * 20 + 3000)
    assert pace.rate == pytest.approx(10.0)


# Killed


def run(*, faults: Mapping[int, Faults], seed: int = 0, **changes: Any) -> FoldingTrouble:
    """A whole run whose n-th planner has these faults; checked."""
    synthesis = declared()
    case = FoldingTrouble(
        world=small(synthesis, seed=seed),
        declaration=synthesis,
        faults=lambda who, start: faults.get(start, Faults()) if who == "planner" else Faults(),
        seed=seed,
        **changes,
    )
    case.run()
    check(case.world)
    table = case.world.state().table
    assert (table.distinct >= 3).all() or (table.reason > 1).any()
    return case


def test_a_whole_run_folded_by_children_ends_with_what_the_strategy_says() -> None:
    case = run(faults={})
    said = [Progress.from_json(a["progress"]) for a in case.answers]
    assert [p.trials for p in said] == sorted(p.trials for p in said)
    assert said[-1].phase == "closed" and said[-1].open == 0 and said[-1].accepted == said[-1].wanted
    assert 0 < said[-1].generating_seconds <= said[-1].held_seconds
    assert any(p.trials_per_second > 0 for p in said) and said[-1].tokens > 0


@pytest.mark.parametrize("moment", range(0, 60, 3))
def test_a_child_killed_at_any_request_loses_nothing_and_nobody_waits_for_its_role(moment: int) -> None:
    for after in (False, True):
        case = run(faults={0: Faults(dies_at=moment, dies_after_effect=after)}, seed=moment)
        assert not any("another planner" in a["progress"]["note"] for a in case.answers if "progress" in a)


@pytest.mark.parametrize("seed", range(4))
def test_lost_requests_and_replies_of_children_that_die_too_change_no_count(seed: int) -> None:
    rng = np.random.default_rng(seed)
    deaths = {n: Faults(lossy=0.1, dies_at=int(rng.integers(5, 60))) for n in range(4)}
    run(faults=deaths, seed=seed)


@pytest.mark.parametrize("leases", [{}, {"rival": "other/operator"}], ids=["one lease", "two leases"])
@pytest.mark.parametrize("seed", range(2))
def test_two_children_that_both_think_they_lead_do_no_harm(seed: int, leases: Mapping[str, str]) -> None:
    case = run(faults={}, seed=seed, planners=2, leases={"planner": LEASE, "rival": LEASE, **leases})
    assert all("error" not in answer for answer in case.answers)


def test_a_fold_says_what_was_wasted_and_where_the_run_stands_by_difficulty() -> None:
    store = prepared()
    (answer,) = ask(store, request(declared()))
    progress = Progress.from_json(answer["progress"])
    assert set(progress.by_difficulty) == {"queries", "trials", "correct", "accepted", "wanted"}
    assert all(len(numbers) == len(BANDS) for numbers in progress.by_difficulty.values())
    for of, numbers in progress.by_difficulty.items():
        assert sum(numbers) == getattr(progress, of)
    assert progress.surplus <= progress.overhead <= progress.trials
