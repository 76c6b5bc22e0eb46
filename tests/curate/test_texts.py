"""Filters, contamination and repetition: texts in, findings out."""

import pytest

from dart_k8s.api.curating import Filters
from dart_k8s.workers.curate.decontaminate import Item, contaminated
from dart_k8s.workers.curate.filters import active, non_latin_share, repetition, text_after_box
from dart_k8s.workers.curate.repeated import Repetitions

STORY = (
    "Tom has three baskets with seven red apples each and his sister takes five of them before lunch so how many "
    "apples does Tom have left when the day is over and all his friends have gone home"
)


def items(*texts: str) -> list[Item]:
    return [Item(benchmark="gsm8k", id=str(number), text=text) for number, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("query", "benchmark", "kind"),
    [
        pytest.param("What is 3+5?", "what is  $3 + 5$", "exact", id="same text but for layout"),
        pytest.param("What is 3+5?", "What is 3-5?", None, id="another sign"),
        pytest.param("What is 3.5 + 1?", "What is 3.4 + 1?", None, id="another number"),
        pytest.param("Ｆｉｎｄ ｘ", "find x", "exact", id="wide letters"),
        pytest.param(STORY, "Hello. " + STORY, "13-gram", id="a longer text around it"),
        pytest.param(STORY, STORY.replace("seven", "eight").replace("five", "two"), "13-gram", id="a common ending"),
        pytest.param(" ".join(STORY.split()[:12]), STORY, None, id="twelve words in common"),
        pytest.param(" ".join(STORY.split()[:13]), STORY, "13-gram", id="thirteen words in common"),
        pytest.param("???", "!!!", None, id="no words at all"),
    ],
)
def test_contamination(query: str, benchmark: str, kind: str | None) -> None:
    pairs = contaminated([("q", query)], items("something else entirely", benchmark))
    assert [(pair.kind, pair.item_id) for pair in pairs] == ([] if kind is None else [(kind, "1")])


def test_a_query_is_paired_with_the_item_that_shares_most() -> None:
    half = " ".join(STORY.split()[:20])
    (pair,) = contaminated([("q", STORY + " really")], items(half, STORY))
    assert pair.item_id == "1"
    assert 0.9 < pair.share < 1
    assert pair.shared.startswith("tom has three baskets")


@pytest.mark.parametrize("offset", range(20))
def test_thirty_words_of_a_benchmark_are_found_wherever_they_stand(offset: int) -> None:
    words = STORY.split()
    finder = Repetitions(items(STORY))
    lead = " ".join(f"w{n}" for n in range(offset))
    assert finder.find("q", 0, f"{lead} {' '.join(words[3:33])} and then") is not None
    assert finder.find("q", 0, f"{lead} {' '.join(words[3:32])} XX then") is None


def test_a_repetition_says_how_long_it_is_and_what_it_repeats() -> None:
    found = Repetitions(items("short", STORY)).find("math/1", 4, f"Let us see: {STORY}. So 16.")
    assert found is not None
    assert (found.query_id, found.trial, found.item_id, found.words) == ("math/1", 4, "1", len(STORY.split()))


@pytest.mark.parametrize(
    ("text", "share"),
    [("plain", 0.0), ("αβγ and ℝ", 0.0), ("café", 0.0), ("答案 ab", 0.5), ("ответ", 1.0), ("12 + 3", 0.0), ("", 0.0)],
)
def test_share_of_other_scripts(text: str, share: float) -> None:
    assert non_latin_share(text) == pytest.approx(share)


def test_repetition_is_the_share_of_runs_that_stood_before() -> None:
    assert repetition("a b c") == 0.0
    assert repetition(" ".join(str(n) for n in range(50))) == 0.0
    assert repetition("one two three four " * 30) > 0.9


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("so $\\boxed{3}$.", 0),
        ("\\boxed{\\frac{1}{2}} is it", 5),
        ("\\boxed{1} then \\boxed{2}", 0),
        ("no box at all", 0),
        ("\\boxed{never closed", 0),
    ],
)
def test_text_after_the_box(text: str, after: int) -> None:
    assert text_after_box(text) == after


def test_filters_are_off_unless_set() -> None:
    assert active(Filters()) == {}
    filters = active(Filters(min_tokens=2, max_tokens=5, repetition=0.5, text_after_box=0))
    assert {name for name, faulty in filters.items() if faulty("\\boxed{1} tail", 9)} == {"maxTokens", "textAfterBox"}
