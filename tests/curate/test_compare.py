"""Strategies side by side."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.workers.curate.bands import deciles, levels
from dart_k8s.workers.curate.compare import Run, compare, cut

RATES = np.linspace(0.95, 0.05, 20)
VANILLA = Run(name="vanilla", trials=np.full(20, 10), rows=np.rint(10 * RATES).astype(np.int64))
PROP2DIFF = Run(name="prop2diff", trials=np.arange(1, 21), rows=np.arange(1, 21))


def test_bands_go_from_easy_to_hard_and_add_up_to_the_total() -> None:
    found = compare(RATES, [VANILLA, PROP2DIFF])
    assert [line.band for line in found.lines][::9] == ["1 (easiest)", "10 (hardest)"]
    assert all(line.queries == 2 for line in found.lines)
    for number, run in enumerate((VANILLA, PROP2DIFF)):
        assert sum(line.cells[number].rows for line in found.lines) == run.rows.sum() == found.total.cells[number].rows
        assert found.total.cells[number].trials == run.trials.sum()


def test_the_larger_set_is_cut_to_the_size_of_the_smaller() -> None:
    found = compare(RATES, [VANILLA, PROP2DIFF])
    assert found.equal_size == VANILLA.rows.sum()
    assert [cell.equal_rows for cell in found.total.cells] == [found.equal_size] * 2
    assert (found.equal[0] == VANILLA.rows).all()
    assert (found.equal[1] <= PROP2DIFF.rows).all()


def test_queries_without_any_row_are_counted_by_band() -> None:
    run = Run(name="vanilla", trials=np.full(20, 10), rows=np.where(RATES < 0.2, 0, 3))
    found = compare(RATES, [run])
    assert [line.cells[0].without_row for line in found.lines] == [0, 0, 0, 0, 0, 0, 0, 0, 2, 2]


def test_rows_are_flat_and_end_with_the_total() -> None:
    rows = compare(RATES, [VANILLA, PROP2DIFF]).rows()
    assert len(rows) == 11
    assert rows[-1]["decile"] == "all"
    assert rows[-1]["prop2diff rows"] == 210


def test_levels_are_bands_too() -> None:
    found = compare(RATES, [VANILLA], bands=levels([str(q % 2 + 1) for q in range(20)]))
    assert (found.kind, [line.band for line in found.lines]) == ("level", ["1", "2"])


def test_sets_of_other_size_are_not_called_like_for_like() -> None:
    assert len(compare(RATES, [VANILLA, VANILLA]).cautions) == 0
    cautions = compare(RATES, [VANILLA, PROP2DIFF]).cautions
    assert cautions == ("Not like for like: rows differ by 52 % (vanilla 100, prop2diff 210).",) or len(cautions) == 2


@given(
    counts=st.lists(st.integers(0, 9), min_size=1, max_size=40),
    share=st.floats(0, 1),
    seed=st.integers(0, 5),
)
def test_a_cut_keeps_the_share_of_every_band_to_within_a_row(counts: list[int], share: float, seed: int) -> None:
    queries = np.repeat(np.arange(len(counts)), counts)
    bands = deciles(np.linspace(0, 1, len(counts)))
    size = int(share * queries.size)
    kept = cut(queries, size, bands, seed=seed)
    assert kept.size == size
    assert (np.diff(kept) > 0).all()
    assert (kept == cut(queries, size, bands, seed=seed)).all()
    for band in range(len(bands.labels)):
        before, after = ((bands.index[rows] == band).sum() for rows in (queries, queries[kept]))
        assert abs(after - before * size / max(1, queries.size)) < 1 + 1e-9


def test_another_seed_makes_another_choice() -> None:
    queries = np.repeat(np.arange(20), 20)
    bands = deciles(1 - RATES)
    assert (cut(queries, 100, bands, seed=0) != cut(queries, 100, bands, seed=1)).any()


def test_deciles_are_of_equal_size_and_leave_out_what_is_unknown() -> None:
    bands = deciles([0.5] * 25 + [np.nan])
    assert sorted(set(bands.sizes().tolist())) == [2, 3]
    assert bands.index[-1] == -1
    assert bands.mean(np.arange(26.0))[0] == pytest.approx(1.0)
    assert deciles([0.1, 0.9]).labels == ("1 (easiest)", "2 (hardest)")
