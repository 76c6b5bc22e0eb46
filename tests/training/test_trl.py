"""Training for real, on a CPU, with a random model of some thousand parameters."""

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.edges.store import open_store
from dart_k8s.errors import StoppedError
from tests.training import tiny
from tests.training.here import Here

TOLERANCE = 2e-5
"""Of a loss, between runs of the same data on as many processes: the order of sums in the all-reduce."""


@pytest.fixture(scope="module", autouse=True)
def _trainer() -> None:
    tiny.need_trainer()


def curve(report: Any) -> list[float]:
    return [loss for _, loss in report["loss"]]


def test_packed_rows_have_the_logits_of_rows_on_their_own(real_base: Path, tmp_path: Path) -> None:
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    from dart_k8s.edges.training.collating import Collator
    from dart_k8s.edges.training.rows import Rows

    lengths = [20, 31, 12, 40, 7]
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    tokens = np.random.default_rng(0).integers(3, 260, offsets[-1]).astype(np.int32)
    rows = Rows(tokens, np.ones(tokens.size, bool), offsets, np.array([3, 0, 2, 1, 4]), np.array([0, 2, 5]))
    for attention in ("sdpa", "eager"):
        model = AutoModelForCausalLM.from_pretrained(real_base, attn_implementation=attention).eval()
        for flat in (False, True):
            batch = Collator(rows=rows, flat=flat, logits_where_learnt=False)([{"pack": 0}, {"pack": 1}])
            del batch["labels"]
            with torch.no_grad():
                packed = model(**batch, use_cache=False).logits
            places = [(0, 0, 3), (0, 40, 0), (1, 0, 2), (1, 12, 1), (1, 43, 4)]
            for line, start, row in places:
                own = torch.from_numpy(tokens[offsets[row] : offsets[row + 1]].astype(np.int64))[None]
                with torch.no_grad():
                    alone = model(input_ids=own, use_cache=False).logits[0]
                at = (0, start + 60 * line) if flat else (line, start)
                found = packed[at[0], at[1] : at[1] + lengths[row]]
                torch.testing.assert_close(found, alone, atol=2e-5, rtol=1e-4)


def test_logits_where_learnt_give_the_same_loss_and_gradients(real_base: Path) -> None:
    import numpy as np
    import torch
    from transformers import AutoModelForCausalLM

    from dart_k8s.edges.training.collating import Collator
    from dart_k8s.edges.training.rows import Rows

    tokens = np.random.default_rng(0).integers(3, 260, 90).astype(np.int32)
    learnt = np.arange(90) % 5 > 1
    rows = Rows(tokens, learnt, np.array([0, 30, 90]), np.array([0, 1]), np.array([0, 1, 2]))
    found = []
    for where in (False, True):
        model = AutoModelForCausalLM.from_pretrained(real_base)
        batch = Collator(rows=rows, flat=False, logits_where_learnt=where)([{"pack": 0}, {"pack": 1}])
        loss = model(**batch, use_cache=False, num_items_in_batch=torch.tensor(50)).loss
        loss.backward()
        found.append([loss.detach(), *(p.grad for p in model.parameters() if p.grad is not None)])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)


def test_a_model_is_trained_saved_loaded_again_and_described(undisturbed_run: dict[str, Any]) -> None:
    losses, store = curve(undisturbed_run), open_store(str(undisturbed_run["out"]))
    assert losses[-1] < 0.6 * losses[0], "it learns these few sums"
    assert undisturbed_run["verified"]["largestDifference"] <= undisturbed_run["verified"]["tolerance"]
    keys = {entry.key.removeprefix("model/") for entry in store.list("model/")}
    assert {"model.safetensors", "config.json", "tokenizer.json", "dart.json", "README.md", "COMPLETE.json"} <= keys
    assert not [key for key in keys if key.endswith((".bin", ".pt"))], "no pickles"
    said = json.loads(store.get("model/dart.json").data)
    assert said["prompt"] == "Q: {query}\nA:"
    assert "no attention goes across rows" in store.get("model/README.md").data.decode()
    assert store.get("report/loss.png").data.startswith(b"\x89PNG")


def test_the_saved_model_is_asked_as_it_was_trained(undisturbed_run: dict[str, Any]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(undisturbed_run["out"] / "model")
    turns = [{"role": "user", "content": "What is 3 + 0?"}]
    asked = tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=False)
    assert asked == "<s>Q: What is 3 + 0?\nA:"
    assert tokenizer.pad_token_id not in (None, tokenizer.eos_token_id)


@pytest.mark.soak
async def test_one_process_and_accumulation_take_the_same_steps_as_two(
    undisturbed_run: dict[str, Any], real_base: Path, tmp_path: Path
) -> None:
    report = await Here(tmp_path, real_base).train(optimisation={"perProcess": 2, "attention": "eager"})
    assert curve(report) == pytest.approx(curve(undisturbed_run), abs=10 * TOLERANCE)


async def test_a_killed_rank_restarts_the_group_and_the_curve_is_that_of_an_undisturbed_run(
    undisturbed_run: dict[str, Any], real_base: Path, tmp_path: Path
) -> None:
    here = Here(tmp_path, real_base)
    killed: list[int] = []

    def tell(event: str, **facts: Any) -> None:
        here.told.append((event, facts))
        if event == "training-step" and facts["step"] == 6 and not killed:
            ranks = [pid for pid in children("dart_k8s.workers.train.rank", str(here.top)) if pid]
            killed.append(ranks[-1])
            os.kill(ranks[-1], signal.SIGKILL)

    here.tell = tell  # type: ignore[method-assign]
    report = await here.train(processesPerNode=2, checkpoints={"everySteps": 4})
    assert report["attempts"] == 2
    assert curve(report) == pytest.approx(curve(undisturbed_run), abs=TOLERANCE)
    assert here.steps()[-8:] == list(range(5, 13))


@pytest.mark.soak
async def test_told_to_stop_all_ranks_save_and_another_number_of_processes_goes_on(
    undisturbed_run: dict[str, Any], real_base: Path, tmp_path: Path
) -> None:
    here = Here(tmp_path, real_base)

    def tell(event: str, **facts: Any) -> None:
        here.told.append((event, facts))
        if event == "training-step" and facts["step"] == 3:
            here.stop.set()

    here.tell = tell  # type: ignore[method-assign]
    with pytest.raises(StoppedError):
        await here.train(processesPerNode=2)
    here.stop.clear()
    report = await here.train(processesPerNode=1)
    assert here.steps() == list(range(1, 13))
    assert curve(report) == pytest.approx(curve(undisturbed_run), abs=10 * TOLERANCE)


@pytest.mark.parametrize(("stage", "processes"), [(2, 1), pytest.param(3, 2, marks=pytest.mark.soak, id="3-2")])
async def test_zero_trains_through_deepspeeds_engine_as_ddp_does(
    stage: int, processes: int, undisturbed_run: dict[str, Any], real_base: Path, tmp_path: Path
) -> None:
    pytest.importorskip("deepspeed", reason="deepspeed is missing: `make install` brings it")
    report = await Here(tmp_path, real_base).train(deepspeed={"stage": stage}, processesPerNode=processes)
    assert (report["engine"], undisturbed_run["engine"]) == ("DeepSpeedEngine", "DistributedDataParallel")
    assert curve(report) == pytest.approx(curve(undisturbed_run), abs=10 * TOLERANCE)


def children(*words: str) -> list[int]:
    """Processes whose command line has all of these words, oldest first."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                command = (folder / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if all(any(word in part for part in command) for word in words) and "accelerate.yaml" not in str(command):
                found.append(int(folder.name))
    return sorted(found)
