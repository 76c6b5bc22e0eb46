"""One node's part of a Training, with a trainer that computes nothing: kills, stops, resumes, what is written when."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.api import load_any
from dart_k8s.edges.hub import ModelFolder
from dart_k8s.edges.store import Store, open_store
from dart_k8s.edges.training.base import Group
from dart_k8s.edges.training.scripted import ScriptedTrainer
from dart_k8s.errors import (
    AccessDenied,
    CheckpointUnusable,
    RestartsExhausted,
    SpecChanged,
    StoppedError,
    StoreUnavailable,
    TrainingFailed,
)
from dart_k8s.workers.train import record
from dart_k8s.workers.train.prepare import Prepared, PrepareTraining
from dart_k8s.workers.train.supervise import Supervisor
from tests.edges.hub.test_hub import FakeHub, hub
from tests.training import tiny

__all__ = ["hub"]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model as far as prepare looks into it."""
    folder = tmp_path_factory.mktemp("base")
    tiny.tokenizer().save_pretrained(folder)
    config = {"vocab_size": 264, "hidden_size": 32, "num_hidden_layers": 2, "max_position_embeddings": 256}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


class Here:
    """A Training's output and whoever supervises it."""

    def __init__(self, top: Path, base: Path) -> None:
        self.top, self.base = top, base
        self.data = tiny.rows(top / "rows.jsonl")
        self.store: Store = open_store(str(top / "out"))
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.stop = asyncio.Event()

    def tell(self, event: str, **facts: object) -> None:
        self.told.append((event, facts))

    def supervisor(self, *, restarts: int = 3, pause: float = 0.0, **spec: Any) -> Supervisor:
        document = load_any(tiny.declaration(self.top / "out", self.base, self.data, **spec), "a test")
        prepared: Prepared = PrepareTraining(cache=self.top / "cache").prepare(document)  # type: ignore[arg-type]
        return Supervisor(
            training=document,  # type: ignore[arg-type]
            prepared=prepared,
            store=self.store,
            trainer=ScriptedTrainer(pause=pause),
            group=Group(per_node=1),
            work=self.top / "work",
            bf16=False,
            tell=self.tell,
            stop=self.stop,
            restarts=restarts,
        )

    def crash_at(self, *steps: int) -> None:
        """Have the process killed at these steps, one in each attempt."""
        (self.top / "crash").write_text("\n".join(map(str, steps)))

    def progress(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.store.get("state/progress.json").data)
        return found

    def report(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.store.get("report/training.json").data)
        return found

    def steps(self) -> list[int]:
        return [int(facts["step"]) for event, facts in self.told if event == "training-step"]


@pytest.fixture
def here(tmp_path: Path, base: Path) -> Here:
    return Here(tmp_path, base)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, base: Path) -> list[list[float]]:
    """The loss curve that nothing disturbed."""
    here = Here(tmp_path_factory.mktemp("undisturbed"), base)
    asyncio.run(here.supervisor().run())
    curve: list[list[float]] = here.report()["loss"]
    return curve


async def test_a_training_ends_with_a_verified_model_and_says_so_last(
    here: Here, undisturbed: list[list[float]]
) -> None:
    await here.supervisor().run()
    mark = json.loads(here.store.get("model/COMPLETE.json").data)
    assert mark["verified"]["logits"] == 1
    assert {"config.json", "dart.json", "README.md"} <= set(mark["files"])
    progress = here.progress()
    assert (progress["phase"], progress["step"], progress["steps"]) == ("complete", 12, 12)
    assert len(json.dumps(progress)) < 4096
    assert here.report()["loss"] == undisturbed
    again = len(here.told)
    await here.supervisor().run()
    assert len(here.told) == again, "a complete Training is left as it is"


async def test_the_model_is_pushed_when_it_is_complete_and_again_only_if_that_failed(
    here: Here, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.endpoint)
    hub.fault = (500, "")
    with pytest.raises(StoreUnavailable, match="o/m"):
        await here.supervisor(push={"repository": "o/m"}).run()
    assert here.progress()["phase"] == "complete"
    hub.fault = None
    await here.supervisor(push={"repository": "o/m"}).run()
    assert here.steps() == list(range(1, 13)), "nothing was trained twice"
    lines = [json.loads(line) for line in hub.bodies["/api/models/o/m/commit/main"].splitlines()]
    files = {line["value"]["path"] for line in lines if line["key"] == "file"}
    assert {"config.json", "dart.json", "README.md"} <= files
    asked = len(hub.asked)
    await here.supervisor(push={"repository": "o/m"}).run()
    assert len(hub.asked) == asked


async def test_a_missing_token_is_said_before_anything_is_trained(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "none"))
    with pytest.raises(AccessDenied, match=r"o/m.*HF_TOKEN"):
        await here.supervisor(push={"repository": "o/m"}).run()
    assert here.steps() == []


async def test_a_killed_rank_costs_the_steps_since_the_last_checkpoint(
    here: Here, undisturbed: list[list[float]]
) -> None:
    supervisor = here.supervisor(checkpoints={"everySteps": 4})
    here.crash_at(6, 11)
    await supervisor.run()
    assert here.steps() == [1, 2, 3, 4, 5, 6, 5, 6, 7, 8, 9, 10, 11, 9, 10, 11, 12]
    assert here.report()["loss"] == undisturbed
    assert here.report()["attempts"] == 3


async def test_a_group_that_fails_too_often_is_given_up(here: Here) -> None:
    supervisor = here.supervisor(restarts=1)
    here.crash_at(1, 1)
    with pytest.raises(RestartsExhausted, match="after 1 restarts"):
        await supervisor.run()


async def test_in_a_pod_nothing_is_started_again(here: Here) -> None:
    supervisor = here.supervisor(restarts=0)
    here.crash_at(2)
    with pytest.raises(TrainingFailed, match="exit code -9"):
        await supervisor.run()


async def test_told_to_stop_it_saves_and_goes_on_when_run_again(here: Here, undisturbed: list[list[float]]) -> None:
    supervisor = here.supervisor(pause=0.05)

    def stepped(_: object, facts: Any) -> None:
        if facts["step"] == 3:
            here.stop.set()

    supervisor.stepped = stepped
    with pytest.raises(StoppedError):
        await supervisor.run()
    stopped_at = here.steps()[-1]
    assert 3 <= stopped_at < 12
    assert here.progress()["checkpoint"] == stopped_at
    here.stop.clear()
    await here.supervisor().run()
    assert here.steps() == list(range(1, 13))
    assert here.report()["loss"] == undisturbed


async def test_another_recipe_in_the_same_output_is_refused(here: Here) -> None:
    await here.supervisor().run()
    with pytest.raises(SpecChanged, match=r"optimisation\.epochs"):
        here.supervisor(optimisation={"epochs": 5})


async def test_a_checkpoint_of_another_recipe_is_refused_before_anything_runs(here: Here) -> None:
    supervisor = here.supervisor(checkpoints={"everySteps": 4})
    here.store.put(
        "checkpoints/00000004/COMPLETE.json",
        json.dumps({"version": 1, "step": 4, "processes": 1, "stage": 0, "digest": "x", "files": {}}).encode(),
    )
    with pytest.raises(CheckpointUnusable, match="another recipe"):
        await supervisor.run()
    assert here.steps() == []


def test_the_record_says_what_was_pinned_and_planned(here: Here) -> None:
    here.supervisor()
    found = record.need(here.store)
    assert found.model_revision.startswith("sha256:") and found.data_revision.startswith("sha256:")
    assert (found.plan.rows, found.plan.steps, found.plan.dropped_rows) == (48, 12, 0)
    assert isinstance(ModelFolder, type)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"data": {"uri": "ROWS", "fields": {"query": "problem"}}}, "no column 'problem'"),
        ({"prompt": {"template": "chat"}}, "no chat template"),
        ({"optimisation": {"length": 1024}}, "its context is 256"),
        ({"optimisation": {"batch": 64, "epochs": 1}}, "one step takes a batch of 64"),
        ({"optimisation": {"length": 16}}, "Nothing is left"),
        ({"data": {"uri": "ROWS", "rows": 500}}, "48 of its 48 rows fit"),
        ({"processesPerNode": 3, "optimisation": {"batch": 3, "perProcess": 3}}, "can't be divided"),
        ({"data": {"uri": "NONE"}}, "there is no file"),
    ],
)
def test_bad_input_is_refused_in_words_before_anything_is_loaded(
    spec: dict[str, Any], says: str, here: Here, replaced: Callable[[Any, Here], Any]
) -> None:
    from dart_k8s.errors import SpecError

    with pytest.raises(SpecError, match=says):
        here.supervisor(**replaced(spec, here))
    assert list(here.store.list("model/")) == []


@pytest.fixture
def replaced() -> Callable[[Any, Here], Any]:
    def replace(spec: Any, here: Here) -> Any:
        text = json.dumps(spec).replace("ROWS", str(here.data)).replace("NONE", str(here.top / "none.jsonl"))
        return json.loads(text)

    return replace
