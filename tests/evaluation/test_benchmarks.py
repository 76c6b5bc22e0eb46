"""Benchmarks: from the rows of their publishers to problems, prompts and verdicts."""

import dataclasses

import pytest

from dart_k8s.api.generation import Prompt
from dart_k8s.api.sources import Fields
from dart_k8s.api.templates import TEMPLATES, template
from dart_k8s.benchmarks import BENCHMARKS, POLICIES, body, choose, judge, own, prompts, read, stops
from dart_k8s.errors import DataError
from tests.evaluation import rows


def one(name, **given):
    """The item that one row of a benchmark makes."""
    benchmark = dataclasses.replace(BENCHMARKS[name], items=None)
    return read(benchmark, [rows.MAKERS[name](4, **given)], where="made")[0]


def verdict(item, response, policy="strict"):
    return judge(item, response, policy).verdict


def test_the_six_of_the_paper_are_there_with_their_counts():
    counts = {name: benchmark.items for name, benchmark in BENCHMARKS.items()}
    assert counts == {
        "math": 5000,
        "gsm8k": 1319,
        "college-math": 2818,
        "deepmind-mathematics": 1000,
        "olympiadbench-oe": 675,
        "theoremqa": 800,
    }
    assert BENCHMARKS["theoremqa"].pictures == 53


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_a_whole_set_is_read_and_one_row_less_is_refused(name):
    benchmark = BENCHMARKS[name]
    made = rows.whole(name, benchmark.items)
    items = read(benchmark, made, where="FILE")
    assert len({item.id for item in items}) == len(items) == benchmark.items
    with pytest.raises(DataError, match=rf"FILE as benchmark {name}: it has {len(made) - 1} items, not {len(made)}"):
        read(benchmark, made[:-1], where="FILE")


@pytest.mark.parametrize(
    ("name", "given", "reference", "subject", "level"),
    [
        ("math", {}, "5", "Prealgebra", "Level 2"),
        ("gsm8k", {"answer": "So it is.\n#### 1,280"}, "1,280", None, None),
        ("college-math", {}, "$5 x$", "algebra", None),
        ("deepmind-mathematics", {}, "4.5", None, None),
        ("deepmind-mathematics", {"answer": "[3, 5]"}, "3, 5", None, None),
        ("olympiadbench-oe", {}, "$4$", "Algebra", None),
        ("theoremqa", {}, "4", "Math", None),
        ("theoremqa", {"Answer": 0.25, "Answer_type": "float"}, "0.25", "Math", None),
        ("theoremqa", {"Answer": [1, 0.25], "Answer_type": "list of float"}, "(1, 0.25)", "Math", None),
        ("theoremqa", {"Answer": True, "Answer_type": "bool"}, "True", "Math", None),
        ("theoremqa", {"Answer": "(b)", "Answer_type": "option"}, "(b)", "Math", None),
        # As the hub's copy has them: text.
        ("theoremqa", {"Answer": "[0, 5]", "Answer_type": "list of integer"}, "(0, 5)", "Math", None),
        ("theoremqa", {"Answer": "False", "Answer_type": "bool"}, "False", "Math", None),
    ],
)
def test_a_row_gives_its_reference_subject_and_level(name, given, reference, subject, level):
    item = one(name, **given)
    assert (item.reference, item.subject, item.level) == (reference, subject, level)


@pytest.mark.parametrize(
    ("name", "given", "complaint"),
    [
        ("math", {"solution": "It is 5."}, "its field 'solution' has no reference: .*closed, filled"),
        ("math", {"problem": None}, "its field 'problem' is null, not text"),
        ("gsm8k", {"answer": "5"}, "its field 'answer' has no reference: .*####"),
        ("gsm8k", {"question": "  "}, "its field 'question' is empty"),
        ("college-math", {"answer": 5}, "its field 'answer' is a number, not text"),
        ("deepmind-mathematics", {"answer": ["5"]}, "its field 'answer' is a list, not text"),
        ("olympiadbench-oe", {"final_answer": "5"}, "its field 'final_answer' is '5', not a list of texts"),
        ("olympiadbench-oe", {"answer_type": "Proof"}, "its field 'answer_type' is 'Proof': known are"),
        ("olympiadbench-oe", {"error": "small"}, "its field 'error' is 'small', not a number in text or null"),
        ("olympiadbench-oe", {"is_multiple_answer": "no"}, "its field 'is_multiple_answer' is text, not a truth value"),
        ("theoremqa", {"Answer_type": "matrix"}, "its field 'Answer_type' is 'matrix': known are integer"),
        ("theoremqa", {"Answer": "many"}, r"its field 'Answer' is text \('many'\), not of Answer_type 'integer'"),
        ("theoremqa", {"Answer": True}, "its field 'Answer' is a truth value"),
    ],
)
def test_a_row_of_another_form_is_named_with_its_field(name, given, complaint):
    with pytest.raises(DataError, match=rf"(?s)FILE as benchmark {name}: 1 of 2 rows.*row 2: {complaint}.*Its form is"):
        read(BENCHMARKS[name], [rows.MAKERS[name](), rows.MAKERS[name](1, **given)], where="FILE")


def test_a_row_without_a_field_is_told_the_fields_it_has():
    with pytest.raises(DataError, match=r"row 1: it has no field 'problem' \(it has 'question', 'answer'\)"):
        read(BENCHMARKS["math"], [rows.gsm8k()], where="FILE")


def test_other_benchmarks_in_the_file_of_college_math_do_not_count():
    benchmark = dataclasses.replace(BENCHMARKS["college-math"], items=1)
    other = rows.college_math(7, data_topic="gsm8k", data_source="gsm8k")
    assert [item.number for item in read(benchmark, [other, rows.college_math()], where="FILE")] == [0]
    with pytest.raises(DataError, match="it has 1 rows, none of them an item of it"):
        read(benchmark, [other], where="FILE")


def test_another_number_of_pictures_is_refused():
    made = rows.whole("theoremqa", 800)
    made[0]["Picture"] = None
    with pytest.raises(DataError, match="52 of its items have a picture, not 53"):
        read(BENCHMARKS["theoremqa"], made, where="FILE")


def test_the_same_text_twice_makes_two_items_and_one_prompt():
    benchmark = dataclasses.replace(BENCHMARKS["gsm8k"], items=3)
    items = read(benchmark, [rows.gsm8k(1), rows.gsm8k(2), rows.gsm8k(1, answer="#### 9")], where="FILE")
    assert items[2].id == items[0].id + "-2"
    assert [[item.number for item in members] for members in prompts(items).values()] == [[0, 2], [1]]


def test_a_part_is_the_same_whatever_the_order_of_rows_and_part_of_any_larger_one():
    benchmark = dataclasses.replace(BENCHMARKS["gsm8k"], items=50)
    made = rows.whole("gsm8k", 50)
    items = read(benchmark, made, where="FILE")
    turned = read(benchmark, made[::-1], where="FILE")
    ten, twenty = ({item.id for item in choose(items, count)} for count in (10, 20))
    assert len(ten) == 10 and ten < twenty and ten == {item.id for item in choose(turned, 10)}
    assert choose(items, None) == items
    with pytest.raises(DataError, match="Cannot take 51 items of benchmark gsm8k: it has 50"):
        choose(items, 51)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({}, "The answer of The problem should be a numerical value. "),
        ({"answer_type": "Expression"}, "The answer of The problem should be an expression. "),
        ({"answer_type": "Tuple"}, "competition. Please calculate"),
        (
            {"is_multiple_answer": True, "final_answer": ["1,2"]},
            "The problem has multiple answers, each of them should be a numerical value. ",
        ),
        ({"is_multiple_answer": True}, "\\boxed{multiple answers connected with commas}."),
        (
            {"is_multiple_answer": True, "answer_type": "Numerical,Expression"},
            "with the answers in order being a numerical value, an expression. ",
        ),
        ({"unit": "km"}, '\\boxed{answer}(unit)." and give the result explicitly, note that the unit'),
    ],
)
def test_olympiadbench_asks_by_answer_type_number_of_answers_and_unit(given, told):
    item = one("olympiadbench-oe", **given)
    assert told in item.query
    assert item.query.endswith("\n" + item.problem) and item.problem not in told


@pytest.mark.parametrize(
    ("name", "given", "right", "wrong"),
    [
        ("math", {}, "5.0", "4"),
        ("deepmind-mathematics", {"answer": "[3, 5]"}, "5, 3", "3, 5, 7"),
        ("deepmind-mathematics", {"answer": "[3]"}, "3", "[3, 5]"),
        ("olympiadbench-oe", {"final_answer": ["$2$,$-1$"], "is_multiple_answer": True}, "-1, 2", "2"),
        (
            "olympiadbench-oe",
            {"final_answer": ["$(1,8), (2,7)$"], "is_multiple_answer": True, "answer_type": "Tuple"},
            "(2,7), (1,8)",
            "(7,2), (1,8)",
        ),
        ("olympiadbench-oe", {"final_answer": ["$(2,4)$"], "answer_type": "Tuple"}, "2, 4", "(4, 2)"),
        ("olympiadbench-oe", {"final_answer": ["$[-1,2]$"], "answer_type": "Interval"}, "-1 \\le x \\le 2", "(-1,2)"),
        ("olympiadbench-oe", {"final_answer": ["4.2"], "error": "1e-1", "unit": "%"}, "4.25", "4.4"),
        ("olympiadbench-oe", {"final_answer": ["4.2"]}, "4.20", "4.25"),
        ("theoremqa", {"Answer": 1.5, "Answer_type": "float"}, "\\frac{14.8}{10}", "1.4"),
        ("theoremqa", {"Answer": 150}, "150", "149"),
        ("theoremqa", {"Answer": 7.03, "Answer_type": "float"}, "7 eV", "7 x"),
        ("theoremqa", {"Answer": 35.8, "Answer_type": "float"}, "35.794 m/s^2", "35.794 (m + s)"),
        ("olympiadbench-oe", {"final_answer": ["45"], "unit": "minute"}, "45 min", "46 min"),
        ("theoremqa", {"Answer": [1, 0.25], "Answer_type": "list of float"}, "[1, 0.249]", "[0.25, 1]"),
        ("theoremqa", {"Answer": [0, 5], "Answer_type": "list of integer"}, "(0, 5)", "[0, 4]"),
        ("theoremqa", {"Answer": "(b)", "Answer_type": "option"}, "B) both", "(c)"),
        ("theoremqa", {"Answer": True, "Answer_type": "bool"}, "\\text{True}", "False"),
        ("theoremqa", {"Answer": False, "Answer_type": "bool"}, "\\text{No}", "yes"),
        ("theoremqa", {"Answer": False, "Answer_type": "bool"}, "No, it diverges", "yes"),
    ],
)
def test_answers_are_compared_by_the_rule_of_their_benchmark(name, given, right, wrong):
    item = one(name, **given)
    for policy in POLICIES:
        assert verdict(item, f"So we get \\boxed{{{right}}}.", policy) == "correct"
        assert verdict(item, f"So we get \\boxed{{{wrong}}}.", policy) == "incorrect"


def test_only_lenient_takes_a_number_that_is_not_marked():
    item = one("gsm8k")
    response = "He had 4 pens and got one more.\nNow there are 5 of them."
    assert [verdict(item, response, policy) for policy in POLICIES] == ["incorrect", "correct"]
    cut = "He had 4 pens.\nNow there are $\\boxed{5"
    assert [verdict(item, cut, policy) for policy in POLICIES] == ["incorrect", "correct"]


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_worked_examples_are_enough_for_a_base_model_and_mark_their_answers(name):
    benchmark = BENCHMARKS[name]
    assert len(benchmark.examples) == benchmark.base_shots == (5 if name == "theoremqa" else 4)
    for example in benchmark.examples:
        assert judge(one(name), example.solution, "strict").tier != "extract"


def test_examples_repeat_a_template_of_one_text_and_end_where_the_model_goes_on():
    alpaca = TEMPLATES["alpaca"]
    shown = alpaca.render(body("LAST", BENCHMARKS["gsm8k"].examples[:2], alpaca))
    assert isinstance(shown, str)
    assert shown.count("### Instruction:") == shown.count("### Response:") == 3
    assert shown.endswith("### Instruction:\nLAST\n\n### Response:")
    assert "### Response: There are 15 * 8" in shown


def test_a_bare_template_and_a_conversation_get_examples_under_headings():
    examples = BENCHMARKS["math"].examples[:2]
    bare = template(Prompt(inline="{query}"))
    assert body("LAST", examples, bare).endswith("Problem:\nLAST\n\nSolution:")
    chat = body("LAST", examples, TEMPLATES["chat"])
    assert chat.endswith("Problem:\nLAST") and chat.count("Problem:") == 3
    assert stops(2, bare) == stops(2, TEMPLATES["chat"]) == ("\nProblem:",)


def test_without_examples_the_prompt_is_the_query_and_nothing_more_stops_it():
    for known in TEMPLATES.values():
        assert body("LAST", (), known) == "LAST" and stops(0, known) == ()


def test_a_file_of_the_user_is_read_by_fields_and_form():
    mine = own("mine", Fields(query="q", answer="a", id="key", subject="kind"), "last-box")
    made = [{"q": "1+1?", "a": "It is \\boxed{2}.", "key": 7, "kind": "sums"}]
    item = read(mine, made, where="FILE")[0]
    assert (item.id, item.problem, item.query, item.reference, item.subject) == ("7", "1+1?", "1+1?", "2", "sums")
    with pytest.raises(DataError, match="row 1: its field 'a' is no reference"):
        read(mine, [{"q": "1+1?", "a": "2"}], where="FILE")
    with pytest.raises(DataError, match=r"row 1: its field 'a' is null, not text or a number"):
        read(mine, [{"q": "1+1?", "a": None}], where="FILE")


def test_a_reference_that_the_verifier_cannot_read_is_told_and_stays():
    item = one("college-math", answer="the set of all those points that do not lie on any of the given lines")
    assert item.unreadable is not None
    assert verdict(item, f"The answer is: {item.reference}") == "correct"
