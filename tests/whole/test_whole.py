"""From `kubectl apply` to a data set: real API server and controllers, real operator, real workers in the pods."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from dart_k8s.edges.store import Store, open_store
from dart_k8s.ledger.keys import RUN, TALLIES
from dart_k8s.names import STAGE, SYNTHESIS

from .runs import Run, check, problems, run

if TYPE_CHECKING:
    from tests.s3_server import S3Server

    from .runs import Setting

SLOW = {
    "engine": {
        "kind": "scripted", "slots": 2, "args": {"seconds_per_token": 0.03, "verifier": "exact"},
    },
    "strategy": {"kind": "uniform", "target": 6},
}  # fmt: skip
"""A run of some seconds, so that something can happen to it."""


@pytest.fixture(autouse=True)
def reachable(s3_environment: S3Server) -> None:
    """The test itself reads the store."""


def rows(store: Store) -> list[dict[str, Any]]:
    """Of the data set."""
    found: list[dict[str, Any]] = []
    for entry in store.list("dataset/"):
        if entry.key.endswith(".parquet"):
            found += pq.read_table(io.BytesIO(store.get(entry.key).data)).to_pylist()
    return found


def until(check: Callable[[], object], what: str, here: Run, seconds: float = 120.0) -> None:
    ends = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < ends, f"waited for {what}\n{here.told()}"
        time.sleep(0.1)


def results(here: Run) -> bool:
    """Whether something has been sampled: a status says so much later."""
    return any(True for _ in open_store(here.output).list(TALLIES))


def samplers(here: Run) -> list[str]:
    """Names of the sampler pods that run."""
    found = here.setting.plane.core.list_namespaced_pod(
        here.namespace, label_selector=f"{SYNTHESIS}={here.name},{STAGE}=sampler"
    )
    return [p.metadata.name for p in found.items if p.status.phase == "Running" and not p.metadata.deletion_timestamp]


def test_what_is_applied_becomes_a_data_set_and_what_is_deleted_leaves_nothing(setting: Setting) -> None:
    # With the real verifier, in verification pods that samplers find by their Service.
    real = {"kind": "scripted", "slots": 8, "args": {"seconds_per_token": 0.005}}
    with run(setting) as here:
        here.deploy()
        here.submit(engine=real, deletionPolicy="Delete")
        status = here.reach("Complete")
        store = open_store(here.output)
        counts = check(store)
        assert status["progress"]["accepted"] == counts["rows"] == len(rows(store)) == 12
        assert status["progress"]["trials"] == counts["trials"]
        assert {row["query"] for row in rows(store)} == {f"What is {n} + {n}?" for n in range(1, 5)}
        assert [e.key for e in store.list() if e.key.startswith(("report/", "dataset/README"))]
        here.setting.plane.call("DELETE", here.path)
        here.setting.plane.eventually(lambda: _gone(here), "the Synthesis to be gone", 120.0)
        assert [e.key for e in store.list()] == []
        until(lambda: [name for name in here.children() if here.name in name] == [], "the children to go", here)


def _gone(here: Run) -> bool:
    found = here.setting.plane.call("GET", here.path.rpartition("/")[0])["items"]
    return not found


def test_samplers_that_are_drained_deleted_and_killed_cost_no_result(setting: Setting) -> None:
    with run(setting) as here:
        setting.kubelet.pretended.add(here.namespace)
        here.deploy()
        here.submit(queries=8, **SLOW)
        until(lambda: results(here) and len(samplers(here)) == 2, "both samplers and a result", here)
        drained, deleted = samplers(here)
        path = f"/api/v1/namespaces/{here.namespace}/pods"
        about = {"name": drained, "namespace": here.namespace}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": about}
        setting.plane.call("POST", f"{path}/{drained}/eviction", eviction)
        until(lambda: drained not in samplers(here) and len(samplers(here)) == 2, "a replacement", here)
        setting.plane.call("DELETE", f"{path}/{deleted}")
        here.kill()
        status = here.reach("Complete")
        counts = check(open_store(here.output))
        assert counts["rows"] == status["progress"]["accepted"] == 48
        assert status["failures"] == 0


def test_a_run_is_suspended_resumed_and_given_a_higher_target(setting: Setting) -> None:
    with run(setting) as here:
        setting.kubelet.pretended.add(here.namespace)
        here.deploy()
        here.submit(queries=8, **SLOW)
        until(lambda: results(here), "a result", here)
        here.change(suspend=True)
        here.reach("Suspended")
        until(lambda: not samplers(here), "the samplers to go", here)
        here.change(suspend=False, strategy={"target": 8})
        status = here.reach("Complete")
        counts = check(open_store(here.output))
        assert status["progress"]["wanted"] == counts["rows"] == 64
        assert status["failures"] == 0
        # Complete, it can be given more: it is prepared and sampled again, and nothing is lost of what there was.
        here.change(strategy={"target": 9})
        until(lambda: here.phase != "Complete", "it to begin again", here)
        here.reach("Complete")
        more = check(open_store(here.output))
        assert more["rows"] == 72 and more["trials"] > counts["trials"]


def test_what_prepare_finds_is_in_the_status_and_mending_it_goes_on(setting: Setting) -> None:
    with run(setting) as here:
        setting.kubelet.pretended.add(here.namespace)
        here.deploy()
        here.submit(script={"queries.jsonl": "no JSON"})
        status = here.reach("Failed")
        failed = next(one for one in status["conditions"] if one["type"] == "Failed")
        assert failed["reason"] == "QueriesUnreadable" and "problems" in failed["message"]
        setting.plane.apply(problems(4), here.namespace)
        here.change(prepare={"deadlineSeconds": 900})
        until(lambda: here.phase == "Complete", "it to go on", here)
        assert open_store(here.output).head(RUN) is not None
