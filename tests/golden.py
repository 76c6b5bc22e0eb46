"""Golden files: texts that people read, kept beside the tests. `make golden` writes them anew, review is by eye."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare a text with the file of that name in the folder `golden` beside the test."""

    def compare(name: str, text: str) -> None:
        path = Path(request.path).parent / "golden" / name
        if os.environ.get("DART_GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        expected = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text == expected, f"{path.name} differs; if that is meant, run `make golden` and review the difference"

    return compare


def same_or_written(path: Path, text: str) -> None:
    """Compare a page with what the code says; `make golden` writes it anew."""
    if os.environ.get("DART_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    page = path.read_text(encoding="utf-8") if path.exists() else ""
    assert page == text, "run `make golden` and review the difference"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """`make golden` picks tests by the word golden: those that use the fixture, too."""
    for item in items:
        if "golden" in getattr(item, "fixturenames", ()):
            item.extra_keyword_matches.add("golden")
