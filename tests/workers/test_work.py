"""One claim inside a sampler, and what is made of the rows that an earlier holder left."""

from dataclasses import replace

from dart_k8s.answers import Verdict
from dart_k8s.budget.posterior import Prior
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.budget.tracker import Grant, Tracker
from dart_k8s.edges.clock import run_virtual
from dart_k8s.edges.store import MemoryStore
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import Row, Waste, encode_segment, tally_of
from dart_k8s.workers.access import Access
from dart_k8s.workers.recovery import pending_rows, tally_orphans, written_rows
from dart_k8s.workers.work import Line, Work, carry_on

GOAL = Goal(kind=Kind.UNIFORM, scale=4, cap=100)
VANILLA = Goal(kind=Kind.VANILLA, scale=10)
SHARD = ShardName(PlanName(1, 1), 0)
RIGHT = Verdict(verdict="correct", answer="1", tier="text", reason="same")


def line(query: int = 0, goal: Goal = GOAL, need: int = 4, allowance: int = 50) -> Line:
    """A query that nothing is known of."""
    return Line(Tracker(goal, Prior.flat(), Grant(query=query, need=need, allowance=allowance)))


def row(place: int, verdict: str | None = "correct", *, query: int = 0, attempt: str = "") -> Row:
    """A finished trial."""
    return Row(
        query=query, place=place, response=f"r{place}", tokens=3, verdict=verdict, text=place + 1, attempt=attempt
    )


def launch(work: Work, count: int) -> list[tuple[int, int]]:
    """The next trials as (query, place)."""
    found = [trial for _ in range(count) if (trial := work.launch(64)) is not None]
    return [(line.query, place) for line, place in found]


def test_trials_are_launched_in_turn_over_the_queries() -> None:
    work = Work("w", [line(0), line(1), line(2)])
    assert launch(work, 6) == [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)]


def test_verdicts_count_in_launch_order_whatever_the_order_of_arrival() -> None:
    one = line(goal=VANILLA, need=10, allowance=10)
    work = Work("w", [one])
    launch(work, 3)
    for place, counted in ((2, 0), (1, 0), (0, 3)):
        buffered = work.finished(row(place, None), 0.0)
        work.judged(one, buffered.row, RIGHT, 0.0)
        assert one.tracker.counted == counted


def test_a_refused_request_closes_the_gap_and_gives_its_allowance_back() -> None:
    one = line(goal=VANILLA, need=2, allowance=2)
    work = Work("w", [one])
    assert launch(work, 5) == [(0, 0), (0, 1)]
    work.failed(one, 0, 0.0)
    assert launch(work, 5) == [(0, 2)]
    assert work.take_rows(older_than=None) == [Row(query=0, place=0, finish="error")]


def test_a_query_that_is_only_refused_is_left_alone_in_the_end() -> None:
    one = line()
    work = Work("w", [one])
    asked = 0
    while launched := launch(work, 8):
        asked += len(launched)
        for _, place in launched:
            work.failed(one, place, 0.0)
    assert 8 <= asked <= 16
    assert work.idle


def test_rows_without_a_verdict_wait_for_it_as_long_as_they_may() -> None:
    one = line()
    work = Work("w", [one])
    launch(work, 2)
    work.finished(row(0, None), 1.0)
    work.finished(row(1, None), 5.0)
    assert work.take_rows(older_than=0.5) == []
    assert [r.place for r in work.take_rows(older_than=1.0)] == [0]
    assert work.pending_written == {(0, 0)}
    assert work.bytes > 0


def test_a_verdict_after_its_trial_was_written_goes_into_a_row_of_its_own() -> None:
    one = line()
    work = Work("w", [one])
    launch(work, 1)
    buffered = work.finished(row(0, None), 1.0)
    written = work.take_rows(older_than=None)
    work.judged(one, buffered.row, RIGHT, 2.0)
    assert [(r.response, r.verdict) for r in written] == [("r0", None)]
    assert [(r.response, r.verdict, r.tokens, r.text) for r in work.take_rows(older_than=None)] == [
        (None, "correct", 0, 1)
    ]
    assert work.bytes == 0


def test_a_work_is_idle_when_nothing_runs_waits_or_may_begin() -> None:
    one = line(goal=VANILLA, need=1, allowance=1)
    work = Work("w", [one])
    assert not work.idle
    launch(work, 1)
    assert not work.idle
    buffered = work.finished(row(0, None), 0.0)
    assert not work.idle
    work.judged(one, buffered.row, RIGHT, 0.0)
    assert work.idle


def test_a_lost_claim_launches_nothing() -> None:
    work = Work("w", [line()])
    work.launching = False
    assert launch(work, 5) == [] and work.idle


# Taking over


def test_the_next_holder_goes_on_where_the_last_one_was() -> None:
    earlier = [row(0), row(1, "incorrect"), row(2)]
    (one,) = carry_on([line()], [earlier], Prior.flat(), GOAL)
    grant = one.tracker.grant
    assert (grant.need, grant.allowance, grant.trials, grant.correct, grant.spent) == (2, 47, 3, 2, 3)
    assert sorted(grant.known) == [1, 3] and grant.singles == 2


def test_trials_behind_a_gap_are_spent_but_say_nothing() -> None:
    (one,) = carry_on([line()], [[row(0), row(3)]], Prior.flat(), GOAL)
    assert (one.tracker.grant.spent, one.tracker.grant.trials, one.tracker.grant.need) == (2, 1, 3)


def test_vanilla_goes_on_with_the_trials_that_are_left() -> None:
    lines = [line(goal=VANILLA, need=10, allowance=10)]
    (one,) = carry_on(lines, [[row(p, "incorrect") for p in range(4)]], Prior.flat(), VANILLA)
    assert (one.tracker.grant.need, one.tracker.grant.allowance) == (6, 6)


def test_a_shard_that_was_carried_out_has_no_lines_left() -> None:
    assert carry_on([line()], [[row(p) for p in range(4)]], Prior.flat(), GOAL) == []


def test_refused_requests_are_no_trials_of_the_earlier_holder() -> None:
    earlier = [Row(query=0, place=0, finish="error"), row(1)]
    (one,) = carry_on([line()], [earlier], Prior.flat(), GOAL)
    assert (one.tracker.grant.spent, one.tracker.grant.trials, one.tracker.grant.allowance) == (1, 1, 49)


def attempt(number: int) -> AttemptName:
    """An attempt at the shard."""
    return AttemptName(SHARD, number)


def write(store: MemoryStore, number: int, *segments: list[Row], tallied: int) -> None:
    """Segments of an attempt, the first so many with their tally."""
    for sequence, rows in enumerate(segments):
        data = encode_segment(rows, waste=Waste(), final=False, verifier="v")
        store.put_if_absent(attempt(number).segment(sequence), data)
        if sequence < tallied:
            store.put_if_absent(attempt(number).tally(sequence), tally_of(data, key="s"))


def test_segments_without_a_tally_get_the_one_that_belongs_to_them() -> None:
    store = MemoryStore()
    write(store, 0, [row(0)], [row(1)], [row(2)], tallied=1)
    access = Access(store, direct=True)
    assert run_virtual(tally_orphans(access, attempt(0))) == 2
    assert run_virtual(tally_orphans(access, attempt(0))) == 0
    segment = store.get(attempt(0).segment(2)).data
    assert store.get(attempt(0).tally(2)).data == tally_of(segment, key="s")


def test_a_tally_that_another_version_wrote_meanwhile_is_left_alone() -> None:
    store = MemoryStore()
    write(store, 0, [row(0)], tallied=0)

    def meanwhile(operation: str, key: str) -> None:
        if operation == "get":
            store.before = None
            store.put(attempt(0).tally(0), b"the same in other bytes")

    store.before = meanwhile
    run_virtual(tally_orphans(Access(store, direct=True), attempt(0)))
    assert store.get(attempt(0).tally(0)).data == b"the same in other bytes"


def test_a_late_verdict_is_put_to_its_trial() -> None:
    store = MemoryStore()
    late = replace(row(0), response=None)
    write(store, 0, [row(0, None), row(1, None)], [late], tallied=2)
    rows = run_virtual(written_rows(Access(store, direct=True), attempt(0)))
    assert [(r.place, r.verdict) for r in rows] == [(0, "correct"), (1, None)]


def test_pending_trials_are_those_without_a_verdict_in_any_attempt() -> None:
    first = (attempt(0), [row(0, None), row(1, None), row(2), Row(query=0, place=3, finish="error")])
    second = (attempt(1), [replace(row(1, attempt=str(attempt(0))), response=None), row(0, None)])
    found = pending_rows([first, second])
    assert [(r.attempt, r.place) for r in found] == [(str(attempt(0)), 0), (str(attempt(1)), 0)]
