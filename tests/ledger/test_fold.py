"""Folding against a naive recount: nothing lost, nothing twice, whatever the order and the batches of arrival."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from dart_k8s.ledger import fold, state
from dart_k8s.ledger.fold import Arrival
from dart_k8s.ledger.keys import AttemptName, PlanName, ShardName
from dart_k8s.ledger.segments import CORRECT, INCORRECT, PENDING, UNDECIDED, VOID, Row, Tally, Waste
from dart_k8s.ledger.state import BudgetState, Held, Ints, Passed

from .test_formats import same_state

QUERIES = 3
NAMES = tuple(str(AttemptName(ShardName(PlanName(1, 1), shard), 0)) for shard in range(3))


NO_WASTE = Waste()
CODES = {None: PENDING, "correct": CORRECT, "incorrect": INCORRECT, "undecided": UNDECIDED}


def tally(rows: Sequence[Row], waste: Waste = NO_WASTE) -> Tally:
    """The tally of a segment with these rows, made without the way through bytes (`test_formats` goes that way)."""

    def ints(values: Iterable[int]) -> Ints:
        return np.array(list(values), dtype=np.int64)

    return Tally(
        query=ints(r.query for r in rows),
        attempt=tuple(r.attempt for r in rows) if any(r.attempt for r in rows) else (),
        place=ints(r.place for r in rows),
        verdict=ints(VOID if r.finish == "error" else CODES[r.verdict] for r in rows),
        tokens=ints(r.tokens for r in rows),
        prompt_tokens=ints(r.prompt_tokens for r in rows),
        text=np.array([r.text for r in rows], dtype=np.uint64),
        fresh=np.array([r.response is not None or r.finish == "error" for r in rows], dtype=np.bool_),
        waste=waste,
    )


def begun(names: Sequence[str] = NAMES, queries: int = QUERIES) -> BudgetState:
    """Attempts that hold all queries."""
    current, every = BudgetState.empty(queries, verifier="v"), np.arange(queries)
    for name in names:
        current = fold.register(current, name, query=every, need=every * 0 + 9, allowance=every * 0 + 99)
    return current


def trial(place: int, verdict: str | None = "correct", *, query: int = 0, text: int = 0, attempt: str = "") -> Row:
    """A response with its verdict, or pending."""
    return Row(
        query=query, place=place, response="r", verdict=verdict, text=text or place + 1, tokens=10, attempt=attempt
    )


def verdict(place: int, what: str = "correct", *, query: int = 0, text: int = 0, attempt: str = "") -> Row:
    """Only the verdict of a trial that was written while pending."""
    return Row(query=query, place=place, verdict=what, text=text or place + 1, attempt=attempt)


def void(place: int, query: int = 0) -> Row:
    """A request that the engine refused."""
    return Row(query=query, place=place, finish="error")


def folded(*tallies: Sequence[Row], start: BudgetState | None = None, name: str = NAMES[0]) -> BudgetState:
    """Tallies of one attempt, one after the other."""
    current = start or begun()
    first = int(current.cursor[current.attempt_index()[name]])
    return fold.fold(
        current, [Arrival(attempt=name, sequence=first + n, tally=tally(t)) for n, t in enumerate(tallies)]
    )


# The counting rule

RULE: list[tuple[str, list[Row], int, int, int]] = [
    # rows -> counted, waiting, pending
    ("all there", [trial(0), trial(1), trial(2)], 3, 0, 0),
    ("written out of order", [trial(2), trial(0), trial(1)], 3, 0, 0),
    ("an earlier one runs", [trial(1), trial(2)], 0, 2, 0),
    ("a gap", [trial(0), trial(2), trial(3)], 1, 2, 0),
    ("a void place closes the gap", [trial(0), void(1), trial(2)], 2, 0, 0),
    ("a void place first", [void(0), trial(1)], 1, 0, 0),
    ("a pending one holds the others up", [trial(0), trial(1, None), trial(2)], 1, 2, 1),
    ("its verdict in the same tally", [trial(0), trial(1, None), verdict(1), trial(2)], 3, 0, 0),
    ("incorrect and undecided count", [trial(0, "incorrect"), trial(1, "undecided")], 2, 0, 0),
    ("only void", [void(0), void(1)], 0, 0, 0),
]


@pytest.mark.parametrize(("rows", "counted", "waiting", "pending"), [r[1:] for r in RULE], ids=[r[0] for r in RULE])
def test_the_longest_run_of_places_with_verdicts_counts(
    rows: list[Row], counted: int, waiting: int, pending: int
) -> None:
    current = folded(rows)
    assert int(current.table.trials[0]) == counted
    assert int(current.waiting_by_query()[0]) == waiting
    assert sum(fold.pending(current).values()) == pending
    assert int(current.spent()[0]) == counted + waiting


def test_what_waits_counts_once_the_gap_is_closed() -> None:
    current = folded([trial(1), trial(2, "incorrect")], [trial(0)])
    assert (int(current.table.trials[0]), int(current.table.correct[0])) == (3, 2)
    assert current.waiting.place.size == 0


def test_a_verdict_that_comes_later_counts_the_trial_and_those_behind_it() -> None:
    current = folded([trial(0, None), trial(1)])
    assert fold.pending(current) == {NAMES[0]: 1}
    assert int(folded([verdict(0)], start=current).table.trials[0]) == 2


def test_a_verdict_from_another_attempt_counts_in_the_attempt_of_its_trial() -> None:
    current = folded([trial(0, None), trial(1)])
    current = folded([verdict(0, attempt=NAMES[0]), trial(0, text=77)], start=current, name=NAMES[1])
    assert int(current.table.trials[0]) == 3
    assert current.live.counted[current.live.query == 0].tolist() == [2, 1, 0]


def test_a_verdict_that_two_attempts_brought_counts_once() -> None:
    current = folded([trial(0, None)])
    for name in NAMES[1:]:
        current = folded([verdict(0, attempt=NAMES[0])], start=current, name=name)
    assert int(current.table.trials[0]) == 1


def test_a_verdict_that_arrives_before_its_trial_counts_it_once() -> None:
    current = folded([verdict(0, attempt=NAMES[0])], name=NAMES[1])
    current = folded([trial(0, None)], start=current)
    assert int(current.table.trials[0]) == 1 and current.waiting.place.size == 0
    assert int(current.table.tokens[0]) == 10


def test_distinct_texts_are_counted_once_and_singles_are_those_seen_once() -> None:
    current = folded([trial(0, text=5), trial(1, text=5), trial(2, text=6), trial(3, "incorrect", text=7)])
    assert (int(current.table.correct[0]), int(current.table.distinct[0]), int(current.table.singles[0])) == (3, 2, 1)
    assert current.known(0) == ((6, 5), 1)
    again = folded([trial(4, text=6)], start=current)
    assert int(again.table.singles[0]) == 0 and int(again.table.distinct[0]) == 2


def test_a_text_is_another_one_in_another_query() -> None:
    current = folded([trial(0, text=5), trial(0, text=5, query=2)])
    assert current.table.distinct.tolist() == [1, 0, 1]
    assert [current.known(q)[0] for q in range(3)] == [(5,), (), (5,)]


def test_totals_add_up_what_samplers_wasted() -> None:
    arrivals = [
        Arrival(attempt=NAMES[0], sequence=0, tally=tally([trial(0)], Waste(aborted=2, held_seconds=1.5))),
        Arrival(attempt=NAMES[1], sequence=0, tally=tally([], Waste(aborted=1, wasted_tokens=30))),
    ]
    totals = fold.fold(begun(), arrivals).totals
    assert (totals.aborted, totals.wasted_tokens, totals.held_seconds, totals.tokens) == (3, 30, 1.5, 10)


def test_an_attempt_nobody_registered_is_refused() -> None:
    with pytest.raises(ValueError, match="not registered"):
        fold.fold(begun([]), [Arrival(attempt=NAMES[0], sequence=0, tally=tally([]))])


def test_a_trial_of_a_query_the_attempt_does_not_hold_is_refused() -> None:
    one = np.array([1])
    current = fold.register(BudgetState.empty(3, verifier="v"), NAMES[0], query=one, need=one, allowance=one)
    with pytest.raises(ValueError, match="no grant for query 0"):
        folded([trial(0)], start=current)


# Ends and seals


def test_sealing_makes_surplus_of_what_waits() -> None:
    current = fold.seal(folded([trial(0), trial(2), trial(3), void(4)]), [NAMES[0]])
    assert (int(current.table.trials[0]), int(current.table.surplus[0]), int(current.table.voids[0])) == (1, 2, 1)
    assert int(current.spent()[0]) == 3
    assert current.waiting.place.size == 0 and 0 not in current.live.attempt


def test_sealing_refuses_pending_trials() -> None:
    with pytest.raises(ValueError, match="pending"):
        fold.seal(folded([trial(0, None)]), [NAMES[0]])


def test_tallies_after_the_seal_are_reported_and_not_counted() -> None:
    sealed = fold.seal(folded([trial(0)]), [NAMES[0]])
    later = folded([trial(1)], start=sealed)
    assert later.totals.late == 1
    assert int(later.table.trials[0]) == 1 and int(later.totals.tokens) == 10


def test_a_verdict_for_a_sealed_attempt_changes_nothing() -> None:
    sealed = fold.seal(folded([trial(0)]), [NAMES[0]])
    later = folded([verdict(0, attempt=NAMES[0]), verdict(3, attempt=NAMES[0])], start=sealed, name=NAMES[1])
    assert int(later.table.trials[0]) == 1 and later.waiting.place.size == 0


def test_sealing_one_attempt_leaves_the_others_counting() -> None:
    current = folded([trial(1)], start=folded([trial(1)]), name=NAMES[1])
    current = fold.seal(current, [NAMES[0]])
    current = folded([trial(0, text=50)], start=current, name=NAMES[1])
    assert (int(current.table.trials[0]), int(current.table.surplus[0])) == (2, 1)


def test_registering_a_known_attempt_changes_nothing() -> None:
    current, one = folded([trial(0)]), np.array([0])
    assert fold.register(current, NAMES[0], query=one, need=one, allowance=one) is current


def test_an_attempt_ends_once() -> None:
    ended = fold.end(begun(), NAMES[0], segments=2)
    assert ended.held.tolist() == [Held.ENDED, Held.LIVE, Held.LIVE] and ended.segments.tolist() == [2, -1, -1]
    assert fold.end(ended, NAMES[0], segments=None, barren=True) is ended


def test_only_attempts_that_left_nothing_count_towards_setting_a_query_aside() -> None:
    current = fold.end(begun(), NAMES[0], segments=None, barren=True)
    assert current.table.failures.tolist() == [1, 1, 1]
    assert fold.end(current, NAMES[1], segments=0).table.failures.tolist() == [1, 1, 1]
    assert fold.end(current, NAMES[1], segments=None).table.failures.tolist() == [1, 1, 1]
    brought = folded([trial(0)], start=current, name=NAMES[2])
    assert fold.end(brought, NAMES[2], segments=1).table.failures.tolist() == [0, 0, 0]


def test_only_a_lost_attempt_is_swept() -> None:
    lost = fold.end(fold.end(begun(), NAMES[0], segments=None), NAMES[1], segments=1)
    assert fold.swept(lost, NAMES).held.tolist() == [Held.SWEPT, Held.ENDED, Held.LIVE]


# Earlier pools


def test_an_earlier_pool_of_the_same_kind_counts_towards_targets_and_pass_rates() -> None:
    query, text = np.array([0, 0, 2]), np.array([5, 6, 5], dtype=np.uint64)
    counts = np.array([10, 0, 4])
    current = fold.bring(begun(), query=query, text=text, trials=counts, correct=np.array([2, 0, 1]))
    assert current.table.distinct.tolist() == [2, 0, 1] and current.table.trials.tolist() == [10, 0, 4]
    assert current.spent().tolist() == [0, 0, 0]
    current = folded([trial(0, text=5), trial(1, text=9)], start=current)
    assert (int(current.table.distinct[0]), int(current.table.correct[0]), int(current.spent()[0])) == (3, 4, 2)
    assert int(current.live.found.sum()) == 1


def test_an_earlier_pool_of_another_kind_says_nothing_of_pass_rates() -> None:
    text = np.array([5], dtype=np.uint64)
    current = fold.bring(begun(), query=np.array([1]), text=text, trials=None, correct=None)
    assert current.table.distinct.tolist() == [0, 1, 0]
    assert not current.table.trials.any() and not current.table.correct.any()


# Any history, in any order


@dataclass
class History:
    """Tallies of each attempt in the order of writing."""

    written: dict[str, list[list[Row]]] = field(default_factory=dict)

    def arrivals(self) -> dict[str, list[Arrival]]:
        """As the planner fetches them."""
        return {
            name: [Arrival(attempt=name, sequence=n, tally=tally(rows)) for n, rows in enumerate(tallies)]
            for name, tallies in self.written.items()
        }


@st.composite
def histories(draw: st.DrawFn, *, agreed: bool = True) -> History:
    """Trials with gaps, void places, and pending ones that get their verdict later, from one attempt or two, which say
    the same if `agreed`."""
    names = NAMES[: draw(st.integers(1, 3))]
    lengths = {name: draw(st.integers(1, 4)) for name in names}
    written: dict[str, list[list[Row]]] = {name: [[] for _ in range(lengths[name])] for name in names}
    for at, name in enumerate(names):
        for query in range(QUERIES):
            for place in range(draw(st.integers(0, 6))):
                what = draw(st.sampled_from("gap void right wrong undecided own other both never".split()))
                text = draw(st.integers(1, 4))
                when = draw(st.integers(0, lengths[name] - 1))
                if what == "gap":
                    continue
                if what == "void":
                    written[name][when].append(void(place, query))
                    continue
                named = {"right": "correct", "wrong": "incorrect", "undecided": "undecided"}
                written[name][when].append(trial(place, named.get(what), query=query, text=text))
                late = draw(st.sampled_from(["correct", "incorrect"]))
                if what in ("own", "both"):
                    after = draw(st.integers(when, lengths[name] - 1))
                    written[name][after].append(verdict(place, late, query=query, text=text))
                others = names[at + 1 :]
                if not agreed:
                    late = draw(st.sampled_from(["correct", "incorrect"]))
                if what in ("other", "both") and others:
                    by = draw(st.sampled_from(others))
                    after = draw(st.integers(0, lengths[by] - 1))
                    written[by][after].append(verdict(place, late, query=query, text=text, attempt=name))
    for tallies in written.values():
        for rows in tallies:
            draw(st.randoms(use_true_random=False)).shuffle(rows)
    return History(written)


@dataclass
class Counted:
    """What a history comes to, by dictionaries and loops."""

    trials: Counter[int] = field(default_factory=Counter)
    correct: Counter[int] = field(default_factory=Counter)
    undecided: Counter[int] = field(default_factory=Counter)
    voids: Counter[int] = field(default_factory=Counter)
    waiting: Counter[int] = field(default_factory=Counter)
    tokens: Counter[int] = field(default_factory=Counter)
    texts: dict[int, Counter[int]] = field(default_factory=lambda: {q: Counter() for q in range(QUERIES)})
    pending: Counter[str] = field(default_factory=Counter)


def recount(history: History, passed: Collection[tuple[str, int, str, int, int]] = ()) -> Counted:
    """The counting rule, naively, without the verdicts that were passed over."""
    verdicts: dict[tuple[str, int, int], str] = {}
    trials: dict[tuple[str, int], dict[int, Row]] = {}
    for name, tallies in history.written.items():
        for sequence, row in ((sequence, row) for sequence, rows in enumerate(tallies) for row in rows):
            if (name, sequence, row.attempt or name, row.query, row.place) in passed and row.response is None:
                continue
            if row.response is None and row.finish != "error":
                verdicts[row.attempt or name, row.query, row.place] = str(row.verdict)
            else:
                trials.setdefault((name, row.query), {})[row.place] = row
    out = Counted()
    for (name, query), places in trials.items():
        counting = True
        for expected, (place, row) in enumerate(sorted(places.items())):
            ended = verdicts.get((name, query, place), row.verdict)
            if row.finish == "error":
                ended = "void"
            counting = counting and place == expected and ended is not None
            out.tokens[query] += row.tokens
            if ended is None:
                out.pending[name] += 1
            if ended == "void":
                out.voids[query] += counting
            elif counting:
                out.trials[query] += 1
                out.correct[query] += ended == "correct"
                out.undecided[query] += ended == "undecided"
                out.texts[query].update([row.text] if ended == "correct" else [])
            else:
                out.waiting[query] += 1
    return out


def assert_counts(current: BudgetState, expected: Counted) -> None:
    """The state says what the recount says."""
    table = current.table
    for name in ("trials", "correct", "undecided", "voids", "tokens"):
        counts = getattr(expected, name)
        assert getattr(table, name).tolist() == [counts[q] for q in range(QUERIES)], name
    assert current.waiting_by_query().tolist() == [expected.waiting[q] for q in range(QUERIES)]
    assert fold.pending(current) == {name: n for name, n in expected.pending.items() if n}
    for query, texts in expected.texts.items():
        singles = sorted(text for text, n in texts.items() if n == 1)
        several = sorted(text for text, n in texts.items() if n > 1)
        assert current.known(query) == ((*singles, *several), len(singles))
        assert (int(table.distinct[query]), int(table.singles[query])) == (len(texts), len(singles))
    assert int(current.live.found.sum()) == int(table.distinct.sum())
    assert int(current.live.counted.sum()) == int(table.trials.sum())


def settled(current: BudgetState) -> BudgetState:
    """Without what depends on the batches: how many folds there were, who was first with a text or a verdict."""
    return replace(
        current,
        totals=replace(current.totals, folds=0),
        live=replace(current.live, found=current.live.next * 0),
        passed=Passed.empty(),
    )


def passed_over(current: BudgetState) -> set[tuple[str, int, str, int, int]]:
    """Writer, its segment, and attempt, query and place of the trial."""
    columns = (getattr(current.passed, name).tolist() for name in Passed.__slots__)
    return {(current.attempts[w], s, current.attempts[a], q, p) for w, s, a, q, p in zip(*columns, strict=True)}


@given(histories())
def test_a_fold_counts_what_a_naive_recount_counts(history: History) -> None:
    arrivals = [a for some in history.arrivals().values() for a in some]
    assert_counts(fold.fold(begun(), arrivals), recount(history))


@given(histories(), st.data())
def test_order_batches_and_repetition_of_arrivals_change_nothing(history: History, data: st.DataObject) -> None:
    waiting = history.arrivals()
    every = [a for some in waiting.values() for a in some]
    current = begun()
    for _ in range(200):
        cursor = {name: int(current.cursor[row]) for name, row in current.attempt_index().items()}
        left = [a for a in every if a.sequence >= cursor[a.attempt]]
        if not left:
            break
        batch = data.draw(st.lists(st.sampled_from(every), max_size=4))
        # Whatever else comes, one that is next comes too, so that this ends.
        batch.append(next(a for a in left if a.sequence == cursor[a.attempt]))
        data.draw(st.randoms(use_true_random=False)).shuffle(batch)
        current = fold.fold(current, batch)
        if data.draw(st.booleans()):
            current = state.decode(state.encode(current))
    assert_counts(current, recount(history))
    same_state(settled(current), settled(fold.fold(begun(), every)))


@given(histories(agreed=False), st.data())
def test_of_two_verdicts_the_first_to_be_folded_counts_and_the_state_names_the_other(
    history: History, data: st.DataObject
) -> None:
    every = {name: list(some) for name, some in history.arrivals().items()}
    order = data.draw(st.permutations([name for name, some in every.items() for _ in some]))
    current = begun()
    for name in order:
        current = fold.fold(current, [every[name].pop(0)])
        if data.draw(st.booleans()):
            current = state.decode(state.encode(current))
    assert_counts(current, recount(history, passed_over(current)))
    given = Counter(
        (row.attempt or name, row.query, row.place)
        for name, tallies in history.written.items() for rows in tallies for row in rows
        if row.response is None and row.finish != "error"
    )  # fmt: skip
    assert Counter(key[2:] for key in passed_over(current)) == {key: n - 1 for key, n in given.items() if n > 1}


def test_a_verdict_on_a_trial_that_is_sealed_is_passed_over() -> None:
    sealed = fold.seal(folded([trial(0, None), verdict(0, "incorrect")]), [NAMES[0]])
    later = folded([verdict(0, attempt=NAMES[0])], start=sealed, name=NAMES[1])
    assert passed_over(later) == {(NAMES[1], 0, NAMES[0], 0, 0)} and not later.table.correct.any()


@given(histories())
def test_folding_again_changes_nothing(history: History) -> None:
    arrivals = [a for some in history.arrivals().values() for a in some]
    once = fold.fold(begun(), arrivals)
    same_state(settled(once), settled(fold.fold(once, arrivals)))


@given(histories())
def test_after_the_seal_every_trial_is_counted_or_surplus(history: History) -> None:
    arrivals = [a for some in history.arrivals().values() for a in some]
    current = fold.fold(begun(), arrivals)
    pending = fold.pending(current)
    expected, written = recount(history), Counter[int]()
    for tallies in history.written.values():
        written.update(row.query for rows in tallies for row in rows if row.response is not None)
    for name in NAMES:
        if name in pending:
            with pytest.raises(ValueError, match="pending"):
                fold.seal(current, [name])
        else:
            current = fold.seal(current, [name])
    spent = current.table.trials + current.table.surplus + current.waiting_by_query()
    assert spent.tolist() == current.spent().tolist() == [written[q] for q in range(QUERIES)]
    assert current.table.trials.tolist() == [expected.trials[q] for q in range(QUERIES)]
    assert bool(pending) or current.waiting.place.size == 0


@settings(max_examples=20)
@given(histories(), st.integers(0, 2))
@example(History({NAMES[0]: [[trial(1)], [trial(0)]]}), 0)
def test_late_tallies_change_no_count(history: History, which: int) -> None:
    arrivals = history.arrivals()
    name = list(arrivals)[which % len(arrivals)]
    first = [a for some in arrivals.values() for a in some if not (a.attempt == name and a.sequence > 0)]
    current = fold.fold(begun(), first)
    assume(name not in fold.pending(current))
    sealed = fold.seal(current, [name])
    late = [a for a in arrivals[name] if a.sequence > 0]
    after = fold.fold(sealed, late)
    assert (after.totals.late > 0) == bool(late)
    assert after.cursor.tolist() == sealed.cursor.tolist()
    assert after.spent().tolist() == sealed.spent().tolist()
    np.testing.assert_array_equal(after.table.trials, sealed.table.trials)
