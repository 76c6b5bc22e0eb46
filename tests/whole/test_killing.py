"""The operator is killed before and after every one of its writes, to Kubernetes and to the store."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from .killing import all_of, attempt, differences, points

if TYPE_CHECKING:
    from tests.s3_server import S3Server

    from .runs import Setting


@pytest.fixture(autouse=True)
def reachable(s3_environment: S3Server) -> None:
    """The test itself reads the store."""


MOST = int(os.environ.get("MOST", "60"))


def test_killed_at_every_write_a_run_ends_as_if_nothing_had_been(setting: Setting) -> None:
    reference = attempt(setting, None)
    assert reference.ended is not None, reference.wrong
    for wire, write in reference.writes:
        print(wire, *write)
    print(reference.seconds, reference.ended.deeds, reference.ended.rows, list(reference.ended.objects))
    chosen = points(reference, MOST)
    wrong = []
    for tried in all_of(setting, chosen, int(os.environ.get('SIDE', '8'))):
        found = differences(tried, reference.ended)
        print(f"{tried.point}: {tried.seconds:.1f} s, {'killed' if tried.reached else 'not reached'}, {tried.operators} operators", *found)
        wrong += [f"{tried.point}: {one}" for one in found]
    assert not wrong, "\n".join(wrong)
