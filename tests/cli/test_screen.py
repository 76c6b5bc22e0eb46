"""What a user sees while a run goes on."""

import io

import pytest
from rich.console import Console

from dart_k8s.cli import screen
from dart_k8s.cli.screen import Screen
from dart_k8s.ledger.state import BudgetState


@pytest.fixture(autouse=True)
def every_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(screen, "PLAIN_SECONDS", 0.0)


def shown(*events: dict[str, object]) -> str:
    """The last line after these reports of a sampler's progress."""
    out = io.StringIO()
    with Screen(Console(file=out, width=200)) as seen:
        for facts in events:
            seen.tell("progress", sampler=0, tokens=0, running=1, slots=8, **facts)
        seen.state("run", BudgetState.empty(3, verifier="exact-1"), 0.0)
    return out.getvalue().splitlines()[-1]


def test_an_endpoint_that_refuses_requests_is_named_while_they_are_repeated() -> None:
    line = shown({"retries": 0, "trouble": ""}, {"retries": 4, "trouble": "429: slow\n down"})
    assert line.endswith("requests are being repeated (429: slow down)")


def test_nothing_is_said_of_an_endpoint_that_answers() -> None:
    assert "repeated" not in shown({"retries": 0, "trouble": ""}, {"retries": 0, "trouble": ""})
