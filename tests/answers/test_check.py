"""What users see of the verifier: verdicts on the corpus, on attacks, and the reading of references."""

import json
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.answers import Policy, check, check_reference, normalise_response, read_reference, text_hash
from dart_k8s.answers.decide import Question, decide
from dart_k8s.errors import UnreadableReference

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[1] / "docs" / "answers.md"


def lines(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (HERE / name).read_text(encoding="utf-8").splitlines()]


CASES = lines("cases.jsonl")
ATTACKS = lines("attacks.jsonl")


def label(case: dict[str, Any]) -> str:
    text = f"{case.get('rule', 'attack')}-{case.get('answer', case.get('response'))}-{case['reference']}"
    return text[:70].encode("unicode_escape").decode()


def response(case: dict[str, Any]) -> str:
    return str(case["response"]) if "response" in case else f"So we get $\\boxed{{{case['answer']}}}$."


@pytest.mark.parametrize("case", CASES, ids=label)
def test_the_corpus_gets_the_verdicts_that_it_says(case: dict[str, Any]) -> None:
    verdict = check(response(case), case["reference"], case.get("query"))
    assert verdict.verdict == case["verdict"], f"{case['why']}: {verdict}"


def test_ordinary_final_answers_get_the_verdict_that_a_reader_gives() -> None:
    wrong = []
    for row in lines("ordinary.jsonl"):
        verdict = check(response(row), row["reference"], row.get("query"))
        if verdict.verdict != row["verdict"]:
            wrong.append((row, verdict))
    assert wrong == []


def test_every_rule_of_the_document_has_cases_and_every_case_a_rule() -> None:
    table = {
        line.split("|")[1].strip()
        for line in DOCUMENT.read_text(encoding="utf-8").splitlines()
        if line.startswith("| ")
    }
    rules = {rule for rule in table if len(rule) == 1 and rule.isupper()}
    assert rules == {case["rule"] for case in CASES}


@pytest.mark.parametrize("case", ATTACKS, ids=label)
def test_attacks_are_never_correct_and_leave_nothing_behind(
    case: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for text in (response(case), f"#### {case['answer']}", f"The answer is {case['answer']}", case["answer"]):
        assert check(text, case["reference"]).verdict != case["not"]
    assert list(tmp_path.iterdir()) == []
    assert check("\\boxed{5}", "5").verdict == "correct"


@pytest.mark.parametrize("case", ATTACKS, ids=label)
def test_an_attack_as_the_reference_is_no_danger_either(case: dict[str, Any]) -> None:
    assert check("\\boxed{123456789123}", case["answer"]).verdict != "correct"
    check_reference(case["answer"])


def test_identical_text_is_correct_however_large_the_number() -> None:
    assert check("\\boxed{9^{9^{9^{9^9}}}}", "9^{9^{9^{9^9}}}").verdict == "correct"


def test_a_verdict_says_what_was_found_and_what_decided() -> None:
    verdict = check("so \\boxed{\\frac{1}{2}}", "0.5")
    assert (verdict.answer, verdict.tier) == (r"\frac{1}{2}", "number")
    assert "0.5" in verdict.reason
    cut = check("so \\boxed{\\frac{1}{2}", "0.5")
    assert (cut.verdict, cut.answer) == ("incorrect", None)
    assert "cut off" in cut.reason


def test_computer_algebra_is_asked_by_a_question_and_answered_by_a_fact() -> None:
    question = decide("\\boxed{\\int_0^1 x dx}", "1/2", policy=Policy())
    assert isinstance(question, Question)
    facts = {(question.left, question.right): True}
    told = decide("\\boxed{\\int_0^1 x dx}", "1/2", policy=Policy(), facts=facts)
    assert not isinstance(told, Question) and (told.verdict, told.tier) == ("correct", "symbolic")


POLICIES = [
    (Policy(relative=0.01), "3.16", "3.14", "correct", "within one percent of a decimal reference"),
    (Policy(relative=0.001), "3.16", "3.14", "incorrect", "not within a thousandth"),
    (Policy(absolute=0.05), "3.1", "3.14", "correct", "absolute"),
    (Policy(relative=0.01), r"\pi", "3.14", "correct", "an exact answer against a decimal reference"),
    (Policy(relative=0.01), "3.14", r"\pi", "incorrect", "the reference is exact"),
    (Policy(relative=0.01, exact_references_too=True), "3.14", r"\pi", "correct", "unless the caller says so"),
    (Policy(relative=0.01), "(3.16,1)", "(3.14,1)", "correct", "inside a tuple"),
    (Policy(relative=0.01), "316", "314", "incorrect", "an integer is no decimal"),
    (Policy(choices=True), "(b)", "B", "correct", "case and brackets of an option"),
    (Policy(choices=True), r"\textbf{(B)}\ 12", "B", "correct", "an option with its text"),
    (Policy(choices=True), "C", "B", "incorrect", "another option"),
    (
        Policy(absolute=1e34, exact_references_too=True),
        r"7.1\cdot 10^{35}",
        r"7\times 10^{35}",
        "correct",
        "on the bound",
    ),
    (Policy(absolute=0.1), "3.3", "3.2", "correct", "a tenth as it is written"),
    (Policy(absolute=0.1), "3.3001", "3.2", "incorrect", "beyond a tenth"),
    (Policy(truth=True), "Yes", "True", "correct", "yes for true"),
    (Policy(truth=True), r"\text{No, it diverges}", "False", "correct", "words behind it"),
    (Policy(truth=True), "yes", "False", "incorrect", "the other one"),
    (Policy(truth=True), "noon", "False", "incorrect", "a word that begins like it"),
    (Policy(unit=True), "35.8 m", "35.8", "correct", "a letter that is a unit"),
    (Policy(unit=True), r"7.57\ m/s^2", "7.57", "correct", "a compound unit"),
    (Policy(unit=True), "7 x", "7", "incorrect", "a letter that is none"),
    (Policy(unit=True), "7 m + 1", "7", "incorrect", "an expression"),
    (Policy(unit=True), "8 m", "7", "incorrect", "another number"),
    (Policy(unit=True), "7 m", "7 km", "incorrect", "a reference with a unit of its own"),
    (Policy(kind="list"), "2, 3", "[2, 3]", "correct", "a list in any brackets"),
    (Policy(kind="list"), "3, 2", "[2, 3]", "correct", "in any order"),
    (Policy(kind="list"), "120, 60", "60,120", "correct", "a comma that separates in a list"),
    (Policy(kind="tuple"), "3, 2", "[2, 3]", "incorrect", "a tuple in its order"),
    (Policy(kind="set"), "(3, 2)", r"\{2, 3\}", "correct", "a set in any brackets"),
]


@pytest.mark.parametrize(
    ("policy", "answer", "reference", "verdict", "why"), POLICIES, ids=[row[4] for row in POLICIES]
)
def test_a_policy_gives_what_the_caller_asks_for(
    policy: Policy, answer: str, reference: str, verdict: str, why: str
) -> None:
    assert check(f"\\boxed{{{answer}}}", reference, policy=policy).verdict == verdict


LENIENT = [
    ("Adding gives $x = 5$ and we stop", "5", "correct"),
    ("We add and get 7 in the end", "7", "correct"),
    ("First 3, then \\boxed{4", "4", "correct"),
    ("no number at all here, friends", "7", "incorrect"),
    ("\\boxed{4} although 5", "5", "incorrect"),
]


@pytest.mark.parametrize(("text", "reference", "verdict"), LENIENT)
def test_the_lenient_reading_takes_the_last_formula_or_number(text: str, reference: str, verdict: str) -> None:
    assert check(text, reference, policy=Policy(lenient=True)).verdict == verdict
    if verdict == "correct":
        assert check(text, reference).verdict == "incorrect"


REFERENCES = [
    ("72", "as-is", "72"),
    ("We get $\\boxed{\\frac{1}{2}}$.", "last-box", r"\frac{1}{2}"),
    ("\\boxed{1} and so \\boxed {2}", "last-box", "2"),
    ("a <<1+1=2>>2\n#### 1,080", "after-hashes", "1,080"),
]


@pytest.mark.parametrize(("text", "how", "answer"), REFERENCES)
def test_references_are_read_as_declared(text: str, how: Any, answer: str) -> None:
    assert read_reference(text, how) == answer


@pytest.mark.parametrize(
    ("text", "how", "looked"),
    [
        ("", "as-is", "any text"),
        ("x = 2", "last-box", "boxed"),
        ("\\boxed{2", "last-box", "not closed"),
        ("2", "after-hashes", "####"),
        ("####", "after-hashes", "####"),
        ("5", "first-box", "Unknown"),
    ],
)
def test_a_reference_that_is_not_there_is_refused_in_words(text: str, how: Any, looked: str) -> None:
    with pytest.raises(UnreadableReference, match=looked):
        read_reference(text, how)


@pytest.mark.parametrize(
    "reference", ["5", r"\frac12", "(1,2)", "north", r"x \geq 2", "5 \\\\", "$2$.", r"\begin{pmatrix}1\\2\end{pmatrix}"]
)
def test_a_usable_reference_passes(reference: str) -> None:
    assert check_reference(reference) is None


@pytest.mark.parametrize(
    "reference", ["", "$", "5 is wrong", r"\frac{1}{", "1 +", "the graph of the function is symmetric about the line"]
)
def test_a_useless_reference_is_described(reference: str) -> None:
    problem = check_reference(reference)
    assert problem is not None and problem.endswith(".")


def test_responses_are_the_same_text_up_to_unicode_composition_and_white_space() -> None:
    assert normalise_response("  a\u0301\n\tb ") == "\u00e1 b"
    assert text_hash("a\u0301  b\n") == text_hash("\u00e1 b")
    assert text_hash("a b") != text_hash("ab")
    assert 0 <= text_hash("\ud800") < 2**64
