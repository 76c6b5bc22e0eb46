"""The installed platform does what was applied, with real pods in a namespace that enforces `restricted`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .platform import Release
    from .runs import Run


def test_what_is_applied_ends_as_a_data_set(release: Release, run: Run) -> None:
    run.submit()
    run.whole(queries=4, target=3)
