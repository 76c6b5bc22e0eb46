"""`dart push` to a small hub on loopback, spoken to by the real client."""

import json
from pathlib import Path

import pytest

from dart_k8s.edges.store import open_store
from dart_k8s.errors import RunError, SpecError
from tests.cli.calling import dart
from tests.cli.conftest import FinishedRun
from tests.edges.hub.test_hub import FakeHub, hub

__all__ = ["hub"]


@pytest.fixture
def token(monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of a variable with a token."""
    monkeypatch.setenv("HUB_TOKEN", "hf_secret")
    return "HUB_TOKEN"


def pushed(hub: FakeHub) -> list[str]:
    """Paths of the files of the one commit."""
    lines = [json.loads(line) for line in hub.bodies["/api/datasets/o/set/commit/main"].splitlines()]
    return sorted(line["value"]["path"] for line in lines if line["key"] == "file")


def test_a_finished_data_set_goes_to_the_hub_with_its_card_and_figures(
    hub: FakeHub, finished: FinishedRun, token: str
) -> None:
    said = dart("push", finished.output, "o/set", "--token-env", token, "--endpoint", hub.endpoint)
    assert said.strip() == f"{hub.endpoint}/datasets/o/set"
    files = pushed(hub)
    assert "README.md" in files and "figures/rows-per-query.png" in files
    assert any(file.startswith("train-") and file.endswith(".parquet") for file in files)
    made = json.loads(hub.bodies["/api/repos/create"])
    assert made.get("private") is True or made.get("visibility") == "private"


def test_a_declaration_stands_for_its_output_and_public_is_asked_for(
    hub: FakeHub, finished: FinishedRun, token: str
) -> None:
    dart("push", finished.file, "o/set", "--public", "--token-env", token, "--endpoint", hub.endpoint)
    made = json.loads(hub.bodies["/api/repos/create"])
    assert made.get("private") is not True and made.get("visibility") != "private"


def test_a_data_set_in_an_object_store_is_fetched_first(hub: FakeHub, finished: FinishedRun, token: str) -> None:
    store = open_store("memory://pushing/run")
    for path in (finished.output / "dataset").rglob("*"):
        if path.is_file():
            store.put(path.relative_to(finished.output).as_posix(), path.read_bytes())
    dart("push", "memory://pushing/run", "o/set", "--token-env", token, "--endpoint", hub.endpoint)
    assert "README.md" in pushed(hub)


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ([], SpecError, "there is no data set"),
        (["dataset/train-00000-of-00001.parquet"], RunError, r"not whole.*dart curate"),
        (["dataset/README.md"], RunError, "no rows"),
    ],
)
def test_what_is_not_whole_is_not_published(
    hub: FakeHub, tmp_path: Path, files: list[str], error: type[Exception], words: str
) -> None:
    for name in files:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    with pytest.raises(error, match=words):
        dart("push", tmp_path, "o/set", "--endpoint", hub.endpoint)
    assert hub.asked == []


def test_a_missing_token_is_said_before_anything_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("NO_TOKEN_HERE", raising=False)
    with pytest.raises(SpecError, match=r"NO_TOKEN_HERE.*export"):
        dart("push", tmp_path, "o/set", "--token-env", "NO_TOKEN_HERE")
