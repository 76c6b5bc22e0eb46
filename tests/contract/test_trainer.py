"""What every trainer promises (edges/training/base.py), of the scripted one and of TRL's."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dart_k8s.edges.training.base import Job, Trainer
from dart_k8s.edges.training.real import TrlTrainer
from dart_k8s.edges.training.rows import Rows
from dart_k8s.edges.training.scripted import ScriptedTrainer
from dart_k8s.errors import TrainingFailed
from tests.training import tiny

STEPS, BATCH, ROWS = 6, 2, 4
TOLERANCE = 1e-5


class Told(list[tuple[str, dict[str, Any]]]):
    """What a rank said."""

    def tell(self, event: str, **facts: object) -> None:
        self.append((event, dict(facts)))

    @property
    def names(self) -> list[str]:
        return [event for event, _ in self]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [facts for name, facts in self if name == event]


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.model(tmp_path_factory.mktemp("base"))


@pytest.fixture(params=["scripted", "trl"])
def trainer(request: pytest.FixtureRequest) -> Trainer:
    if request.param == "scripted":
        return ScriptedTrainer()
    tiny.need_trainer()
    return TrlTrainer()


@pytest.fixture
def job(request: pytest.FixtureRequest, tmp_path: Path, trainer: Trainer) -> Job:
    model = str(request.getfixturevalue("base")) if isinstance(trainer, TrlTrainer) else "none"
    data = tmp_path / "data"
    data.mkdir()
    tokens = np.random.default_rng(0).integers(3, 260, 24 * ROWS).astype(np.int32)
    offsets = np.arange(0, tokens.size + 1, 24)
    packs = STEPS * BATCH
    Rows(tokens, np.arange(tokens.size) % 24 > 8, offsets, np.arange(packs) % ROWS, np.arange(packs + 1)).save(data)
    return Job(
        model=model, tokenizer=model, data=str(data), work=str(tmp_path / "work"), stop=str(tmp_path / "stop"),
        steps=STEPS, warmup_steps=1, at_once=BATCH, accumulation=1, learning_rate=0.01, schedule="cosine",
        weight_decay=0.0, clipping=1.0, seed=0, precision="fp32",
    )  # fmt: skip


def run(trainer: Trainer, job: Job) -> Told:
    Path(job.work).mkdir(exist_ok=True)
    told = Told()
    trainer.train(job, told.tell)
    return told


def test_every_step_is_told_in_order_and_the_model_last(trainer: Trainer, job: Job) -> None:
    told = run(trainer, job)
    assert told.names == ["loaded", *["step"] * STEPS, "saved"]
    assert [facts["step"] for facts in told.of("step")] == list(range(1, STEPS + 1))
    assert all(facts["tokens"] == BATCH * 24 and facts["loss"] > 0 for facts in told.of("step"))
    assert told.of("saved")[0]["folder"] == str(Path(job.work) / "model")
    assert trainer.verify(Path(job.work) / "model")["logits"]


def test_a_model_that_is_not_what_was_trained_is_refused(trainer: Trainer, job: Job) -> None:
    run(trainer, job)
    expected = Path(job.work) / "expected.json"
    fields = json.loads(expected.read_text())
    if "weight" in fields:
        fields["weight"] += 1.0
    else:
        fields["logits"][0] += 1.0
    expected.write_text(json.dumps(fields))
    with pytest.raises(TrainingFailed):
        trainer.verify(Path(job.work) / "model")


def test_told_to_stop_it_saves_and_a_later_one_goes_on_as_if_nothing_had_been(
    trainer: Trainer, job: Job, tmp_path: Path
) -> None:
    undisturbed = run(trainer, replace(job, work=str(tmp_path / "undisturbed"))).of("step")
    Path(job.stop).touch()
    stopped = run(trainer, job)
    assert stopped.names == ["loaded", "step", "checkpoint", "stopped"]
    assert stopped.of("stopped") == [{"step": 1}]
    folder = stopped.of("checkpoint")[0]["folder"]
    Path(job.stop).unlink()
    went_on = run(trainer, replace(job, resume=folder))
    assert [facts["step"] for facts in went_on.of("step")] == list(range(2, STEPS + 1))
    for one, other in zip(went_on.of("step"), undisturbed[1:], strict=True):
        assert one["loss"] == pytest.approx(other["loss"], rel=TOLERANCE)


def test_checkpoints_come_by_steps_and_none_after_the_last(trainer: Trainer, job: Job) -> None:
    told = run(trainer, replace(job, every_steps=2))
    assert [facts["step"] for facts in told.of("checkpoint")] == [2, 4]
    assert told.names[-1] == "saved"
