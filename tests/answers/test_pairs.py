"""Pairs that are equal, or different, by construction. `make fuzz` draws many more of them."""

import os
import random

import pytest

from dart_k8s.answers import check

from .pairs import FAMILIES, made
from .rewriting import broken, changed, places, rewritten

ROUNDS = 100 if os.environ.get("HYPOTHESIS_PROFILE") == "fuzz" else 2
SEEDS = random.SystemRandom().sample(range(10**6), 1) if ROUNDS > 2 else [0]
REFERENCES = (
    "18",
    "-7",
    "3.14",
    "1080",
    "12345678",
    "\\frac{3}{4}",
    "-\\frac{17}{6}",
    "$\\frac{1}{2}$",
    "2\\sqrt{3}",
    "\\frac{\\sqrt{5}-1}{2}",
    "4 \\pi^{2}-1",
    "$x^{2}+y^{2}=4$",
    "(3,-4)",
    "[2,5)",
    "(-\\infty, 2)\\cup(5,\\infty)",
    "1,2,5",
    "50\\%",
    "30^{\\circ}",
    "x=7",
    "y=2x+1",
    "$\\{1,2,3\\}$",
    "-3 \\leq x \\leq 5",
    "n^{2}-n+1",
    "2^{1009}",
    "\\binom{10}{4}",
    "north",
    "e^{-2}",
    "1+2 i",
    "$5$.",
    "6 \\\\",
)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", SEEDS)
def test_pairs_made_equal_are_correct_and_pairs_made_different_are_not(family: str, seed: int) -> None:
    wrong = []
    for pair in made(seed, rounds=ROUNDS, only=family):
        verdict = check(pair.response, pair.reference, pair.query)
        if (verdict.verdict == "correct") != pair.equal:
            wrong.append((pair, verdict))
    assert wrong == []


@pytest.mark.parametrize("reference", REFERENCES)
def test_a_reference_is_found_in_all_places_and_rewritings_and_not_when_changed(reference: str) -> None:
    draw = random.Random(reference)
    right = [text for _, text in places(reference)]
    right += [f"\\boxed{{{text}}}" for _, text in rewritten(reference, draw) if text]
    wrong = [f"\\boxed{{{text}}}" for _, text in changed(reference, draw)]
    wrong += [text for _, text in broken(reference)]
    assert [(text, check(text, reference)) for text in right if check(text, reference).verdict != "correct"] == []
    assert [(text, check(text, reference)) for text in wrong if check(text, reference).verdict == "correct"] == []
