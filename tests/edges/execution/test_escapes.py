"""A red team's table: no block gets out of the sandbox, with all layers and with those that a pod has."""

import json
import sys

import pytest

from .confined import run_as_nobody

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux can confine code; run it in a container")


@pytest.fixture(scope="module", params=["every layer", "a pod's layers"])
def escaped(request):
    """Names of the escapes that came through, with what they printed; and what confined them."""
    more = ["--like-a-pod"] if request.param == "a pod's layers" else []
    ran = run_as_nobody("-m", "tests.edges.execution.escapes", *more)
    assert ran.returncode == 0, ran.stderr[-3000:]
    return request.param, json.loads(ran.stdout)


def test_no_escape_comes_through_and_the_next_block_runs_as_ever(escaped):
    _, found = escaped
    assert found["escaped"] == []


def test_it_was_tried_with_the_layers_that_the_test_names(escaped):
    place, found = escaped
    layers = found["layers"]
    if not layers["landlock"]:
        pytest.skip("the kernel has no Landlock (5.13 and newer have it)")
    assert found["user"] != 0
    assert layers["seccomp"]
    if place == "a pod's layers":
        assert not layers["namespaces"]
