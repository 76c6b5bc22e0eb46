"""Several nodes of a Training: they find each other, or who is missing is named; and they train as one machine does."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.api import load_any
from dart_k8s.edges.store import open_store
from dart_k8s.edges.training.base import Group
from dart_k8s.edges.training.launching import free_port
from dart_k8s.edges.training.real import TrlTrainer
from dart_k8s.errors import RendezvousTimeout
from dart_k8s.workers.train.prepare import PrepareTraining
from dart_k8s.workers.train.rendezvous import meet
from dart_k8s.workers.train.supervise import Supervisor
from tests.training import tiny


async def test_nodes_go_on_when_all_are_there_whoever_comes_first():
    for order in ((0, 1, 2), (2, 1, 0)):
        port = free_port()
        group = [
            asyncio.create_task(meet(node=node, nodes=3, host="127.0.0.1", port=port, seconds=30.0)) for node in order
        ]
        await asyncio.gather(*group)


async def test_whoever_only_connects_is_no_node():
    port = free_port()
    first = asyncio.create_task(meet(node=0, nodes=2, host="127.0.0.1", port=port, seconds=30.0))
    for said in (b"", b"GET / HTTP/1.1\r\n", b"dart-node 7\n", b"dart-node x\n"):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                break
            except OSError:
                await asyncio.sleep(0)
        writer.write(said)
        writer.close()
    assert not first.done()
    await asyncio.gather(first, meet(node=1, nodes=2, host="127.0.0.1", port=port, seconds=30.0))


async def test_a_node_that_is_missing_is_named_on_both_sides():
    port = free_port()
    with pytest.raises(RendezvousTimeout, match=rf"Node 1 did not reach rank 0 at 127\.0\.0\.1:{port} within 0\.3 s"):
        await meet(node=1, nodes=3, host="127.0.0.1", port=port, seconds=0.3)
    late = asyncio.create_task(meet(node=1, nodes=3, host="127.0.0.1", port=port, seconds=0.5))
    with pytest.raises(RendezvousTimeout, match=r"Nodes (1, )?2 of 3 did not reach rank 0"):
        await meet(node=0, nodes=3, host="127.0.0.1", port=port, seconds=0.5)
    with pytest.raises(RendezvousTimeout):
        await late


class Nodes:
    """Two nodes that share the store, each with a disk of its own."""

    def __init__(self, top: Path, base: Path) -> None:
        self.top = top
        declared = tiny.declaration(top / "out", base, tiny.rows(top / "rows.jsonl"), nodes=2)
        self.training: Any = load_any(declared | {"metadata": {"name": "nodes"}}, "a test")
        self.store = open_store(str(top / "out"))
        self.prepared = PrepareTraining(cache=top / "cache", offline=True).prepare(self.training)

    async def run(self) -> Any:
        port = free_port()
        both = [
            Supervisor(
                training=self.training,
                prepared=self.prepared,
                store=self.store,
                trainer=TrlTrainer(),
                group=Group(nodes=2, node=node, per_node=1, host="127.0.0.1", port=port),
                work=self.top / f"node-{node}",
                bf16=False,
                stop=asyncio.Event(),
            )
            for node in (0, 1)
        ]
        await asyncio.gather(*(one.run() for one in both))
        return json.loads(self.store.get("report/training.json").data)


async def test_two_nodes_train_as_two_processes_of_one_do(
    undisturbed_run: dict[str, Any], real_base: Path, tmp_path: Path
) -> None:
    report = await Nodes(tmp_path, real_base).run()
    assert report["processes"] == 2
    assert report["loss"] == [pytest.approx(point, abs=2e-5) for point in undisturbed_run["loss"]]
