"""Which responses become rows."""

import numpy as np
import pytest

from dart_k8s.api.curating import Curation, Filters, NearDuplicates
from dart_k8s.errors import DataError
from dart_k8s.ledger.segments import Row
from dart_k8s.workers.curate.bands import deciles
from dart_k8s.workers.curate.opened import open_pools
from dart_k8s.workers.curate.pool import PoolSource, Provenance
from dart_k8s.workers.curate.select import Rule, Selection, near_report, rule_for, select, texts

from .builders import pool_of, snapshot, trial


def chosen(
    rows: list[Row] | list[list[Row]],
    rule: Rule,
    curation: Curation | None = None,
    *,
    pass_rate: list[float] | None = None,
) -> tuple[list[tuple[int, int, int]], Selection]:
    """(query, pool, trial) of the chosen rows. Several lists of rows are several pools."""
    lists = rows if rows and isinstance(rows[0], list) else [rows]
    queries = snapshot(2)
    sources = [pool_of(list(one), queries, name=f"pool-{n}")[0] for n, one in enumerate(lists)]  # type: ignore[arg-type]
    rates = np.asarray(pass_rate or [0.5, 0.5])
    with open_pools(sources, queries["id"].to_pylist()) as opened:
        selection = select(opened, rule, curation or Curation(), rates, deciles(1 - rates))
        found = [(row["query"], row["pool"], row["trial"]) for table in texts(opened) for row in table.to_pylist()]
    return found, selection


def uniform(target: int) -> Rule:
    return rule_for("uniform", target=[target, target], trials=0, distinct=True)


def vanilla(trials: int, *, distinct: bool = True) -> Rule:
    return rule_for("vanilla", target=[0, 0], trials=trials, distinct=distinct)


MIXED = [trial(0, 0), trial(0, 1, "incorrect"), trial(0, 2), trial(0, 3, "undecided"), trial(0, 4), trial(1, 0)]


@pytest.mark.parametrize(
    ("rows", "rule", "expected"),
    [
        pytest.param(
            MIXED, uniform(2), [(0, 0, 0), (0, 0, 2), (1, 0, 0)], id="the first correct ones up to the target"
        ),
        pytest.param(MIXED, vanilla(3), [(0, 0, 0), (0, 0, 2), (1, 0, 0)], id="all correct among the first trials"),
        pytest.param(MIXED, vanilla(1), [(0, 0, 0), (1, 0, 0)], id="trials count, not correct ones"),
        pytest.param(
            [trial(0, 0, text="same"), trial(0, 1, text="same"), trial(0, 2, text="other")],
            uniform(2),
            [(0, 0, 0), (0, 0, 2)],
            id="equal texts of a query are one row",
        ),
        pytest.param(
            [trial(0, 0, text="same"), trial(1, 0, text="same")],
            uniform(2),
            [(0, 0, 0), (1, 0, 0)],
            id="equal texts of two queries are two rows",
        ),
        pytest.param(
            [trial(0, 0, text="same"), trial(0, 1, text="same")],
            vanilla(2, distinct=False),
            [(0, 0, 0), (0, 0, 1)],
            id="vanilla keeps equal texts when told so",
        ),
        pytest.param(
            [trial(0, 0), trial(0, 2), trial(0, 3)],
            uniform(3),
            [(0, 0, 0)],
            id="surplus is never taken",
        ),
        pytest.param(
            [[trial(0, 0, text="old")], [trial(0, 0, text="new"), trial(0, 1, text="old")]],
            uniform(3),
            [(0, 0, 0), (0, 1, 0)],
            id="earlier pools come first, and their texts count as seen",
        ),
        pytest.param(
            [[trial(0, 0, "incorrect")], [trial(0, 0), trial(0, 1)]],
            vanilla(2),
            [(0, 1, 0)],
            id="the first trials are counted over all pools",
        ),
    ],
)
def test_chosen_rows(rows: list[Row], rule: Rule, expected: list[tuple[int, int, int]]) -> None:
    assert chosen(rows, rule)[0] == expected


def test_short_queries_are_named_with_what_they_have() -> None:
    _, selection = chosen([trial(0, 0), trial(0, 1, "incorrect"), trial(0, 3), trial(1, 0), trial(1, 1)], uniform(2))
    (short,) = selection.short
    assert (short.query_id, short.target, short.rows, short.trials, short.surplus_correct) == ("math/0", 2, 1, 2, 1)


def test_vanilla_names_queries_with_fewer_trials_than_asked() -> None:
    _, selection = chosen([trial(0, 0), trial(0, 1, "incorrect"), trial(1, 0)], vanilla(2))
    assert [(short.query_id, short.trials) for short in selection.short] == [("math/1", 1)]


def test_equal_texts_left_out_are_counted() -> None:
    rows = [trial(0, place, text="same") for place in range(3)]
    assert chosen(rows, uniform(1))[1].duplicates == 2
    assert chosen(rows, vanilla(3, distinct=False))[1].duplicates == 0


def test_rows_of_queries_under_the_least_pass_rate_are_dropped_on_request() -> None:
    rows = [trial(0, 0), trial(1, 0)]
    found, selection = chosen(rows, uniform(1), Curation(min_pass_rate=0.005), pass_rate=[0.001, 0.5])
    assert found == [(1, 0, 0)]
    assert selection.too_rare == 1
    assert len(chosen(rows, uniform(1), pass_rate=[0.001, 0.5])[0]) == 2


def test_a_filtered_response_makes_room_for_the_next_one_and_is_counted_with_an_example() -> None:
    rows = [trial(0, 0, text="答案 答案 \\boxed{0}"), trial(0, 1, text="fine \\boxed{0}"), trial(1, 0)]
    found, selection = chosen(rows, uniform(1), Curation(filters=Filters(non_latin_share=0.1)), pass_rate=[0.2, 0.9])
    assert found == [(0, 0, 1), (1, 0, 0)]
    (loss,) = selection.losses
    assert loss.name == "nonLatinShare"
    assert loss.before.tolist() == [1, 2]
    assert loss.dropped.tolist() == [0, 1]
    assert loss.examples[0].text.startswith("答案")


LONG = "we add the first and the second number and then we write down the result of the sum in a box "


def test_near_duplicates_of_two_queries_go_when_asked_and_within_a_query_only_when_asked_again() -> None:
    rows = [
        trial(0, 0, text=LONG * 3 + "\\boxed{0}"),
        trial(0, 1, text=LONG * 3 + "done \\boxed{0}"),
        trial(1, 0, text=LONG * 3 + "so \\boxed{0}"),
    ]
    across = Curation(deduplicate="near", near=NearDuplicates(similarity=0.7))
    within = Curation(deduplicate="near", near=NearDuplicates(similarity=0.7, within_query=True))
    assert chosen(rows, uniform(2))[0] == [(0, 0, 0), (0, 0, 1), (1, 0, 0)]
    assert chosen(rows, uniform(2), across)[0] == [(0, 0, 0), (0, 0, 1)]
    found, selection = chosen(rows, uniform(2), within)
    assert found == [(0, 0, 0)]
    assert selection.losses[0].dropped.sum() == 2
    assert selection.losses[0].examples[0].like == "math/0, trial 0"


def test_the_cost_of_removing_near_duplicates_is_shown_without_removing_them() -> None:
    queries = snapshot(2)
    source, _ = pool_of([trial(q, 0, text=LONG * 3) for q in range(2)], queries)
    rates = np.asarray([0.9, 0.1])
    with open_pools([source], queries["id"].to_pylist()) as opened:
        select(opened, uniform(1), Curation(), rates, deciles(1 - rates))
        loss = near_report(opened, NearDuplicates(), deciles(1 - rates))
        assert loss.dropped.tolist() == [0, 1]
        assert sum(table.num_rows for table in texts(opened)) == 2


def test_trials_of_queries_that_the_snapshot_lacks_are_left_out() -> None:
    source, _ = pool_of([trial(0, 0), trial(1, 0)], snapshot(2))
    with open_pools([source], ["math/1", "new/0"]) as opened:
        assert opened.trials().tolist() == [1, 0]


def test_a_pool_that_is_not_whole_is_refused() -> None:
    source, _ = pool_of([trial(0, 0)], snapshot(1))
    source.store.delete("pool/query-info.parquet")
    with pytest.raises(DataError, match="query-info"), open_pools([source], ["math/0"]):
        pass


def test_an_object_that_is_no_pool_is_refused() -> None:
    source, _ = pool_of([trial(0, 0)], snapshot(1))
    wrong = PoolSource(
        name="wrong", store=source.store, provenance=Provenance(engine="", template="", sampling=""), prefix="wrong/"
    )
    source.store.put("wrong/query-info.parquet", source.store.get("pool/query-info.parquet").data)
    source.store.put("wrong/part-00000.parquet", source.store.get("pool/query-info.parquet").data)
    with pytest.raises(DataError, match="format is none"), open_pools([wrong], ["math/0"]):
        pass
