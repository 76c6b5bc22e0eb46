"""One tool-integrated response, round by round."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.ledger.segments import Span
from dart_k8s.workers.responding.path import STOPS, End, Limits, Path, Run, Write, prose, ran, wrote

LIMITS = Limits(max_tokens=100, executions=2)
CODE = "We compute.\n```python\nprint(6 * 7)\n"


def write(path, text, *, tokens=10, finish="stop", stop=None, limits=LIMITS):
    return wrote(path, text, tokens, finish=finish, stop=stop, limits=limits)


def test_a_response_without_code_is_one_round_and_has_no_spans():
    path, step = write(Path(), "The answer is \\boxed{42}.")
    assert (path.text, step, path.parts()) == ("The answer is \\boxed{42}.", End("stop"), ())


def test_a_block_is_run_its_output_goes_in_and_the_rest_follows():
    path, step = write(Path(), CODE, stop="```\n")
    assert step == Run(("print(6 * 7)\n",))
    path, step = ran(path, "42\n", restarted=False, limits=LIMITS)
    assert step == Write(90)
    path, step = write(path, "So \\boxed{42}.")
    assert step == End("stop")
    assert path.text == CODE + "```\n```output\n42\n```\nSo \\boxed{42}."
    kinds = [(span.kind, path.text[span.start : span.end]) for span in path.parts()]
    assert kinds == [("model", CODE + "```\n"), ("tool", "```output\n42\n```\n"), ("model", "So \\boxed{42}.")]


HOW_BLOCKS_END = [
    ("at the stop string", CODE, "```\n"),
    ("where the engine does not tell", CODE, None),
    ("by itself, right behind the fence", CODE + "```", None),
    ("with the stop string sent along", CODE + "```\n", "```\n"),
    ("without a line feed before the fence", "We compute.\n```python\nprint(6 * 7)", "```\n"),
    ("and the model made up an output", CODE + "```\n```output\n41\n```\nSo \\boxed{41}.", None),
    ("at an output fence behind a fence with a blank", CODE + "``` \n", "```output"),
    ("in another spelling", "We compute.\n``` Python\nprint(6 * 7)\n", "```\n"),
    ("in the middle of the code", CODE, None),
]


@pytest.mark.parametrize(("how", "text", "stop"), HOW_BLOCKS_END, ids=[case[0] for case in HOW_BLOCKS_END])
def test_a_block_is_run_however_it_ends(how, text, stop):
    path, step = write(Path(), text, stop=stop)
    assert isinstance(step, Run)
    assert step.blocks[0].strip() == "print(6 * 7)"
    assert path.text.endswith("```\n")
    assert "output" not in path.text and "41" not in path.text


def test_an_output_that_the_model_opens_itself_is_cut_away_and_ends_the_response():
    for text, stop in (("It is 41:\n", "```output"), ("It is 41:\n```output\n41\n```\n\\boxed{41}", None)):
        path, step = write(Path(), text, stop=stop)
        assert (path.text, step) == ("It is 41:\n", End("stop"))


def test_a_fence_of_another_kind_is_written_out_and_the_model_goes_on():
    path, step = write(Path(), "A table:\n```text\n1 2\n", stop="```\n")
    assert (path.text, step) == ("A table:\n```text\n1 2\n```\n", Write(90))
    path, step = write(path, CODE, stop="```\n")
    assert isinstance(step, Run)


def test_the_tokens_of_all_rounds_count_against_the_limit_and_outputs_do_not():
    path, _ = write(Path(), CODE, tokens=60, stop="```\n")
    path, step = ran(path, "4" * 10_000, restarted=False, limits=LIMITS)
    assert step == Write(40)
    path, step = write(path, "and so on", tokens=40, finish="length")
    assert (step, path.tokens) == (End("length"), 100)


def test_code_that_ends_with_the_last_token_is_not_run():
    assert write(Path(), CODE, tokens=100, stop="```\n")[1] == End("length")
    assert write(Path(), CODE, tokens=100, finish="length")[1] == End("length")


def test_one_execution_more_than_allowed_ends_the_response():
    path = Path()
    for _ in range(LIMITS.executions):
        path, step = write(path, CODE, stop="```\n")
        assert isinstance(step, Run)
        path, _ = ran(path, "42", restarted=False, limits=LIMITS)
    path, step = write(path, CODE, stop="```\n")
    assert step == End("executions")
    assert path.text.endswith("print(6 * 7)\n```\n")


def test_blocks_of_a_session_pile_up_until_it_starts_anew():
    limits = Limits(max_tokens=100, executions=8)
    path, _ = write(Path(), CODE, stop="```\n")
    path, _ = ran(path, "42", restarted=False, limits=limits)
    path, step = write(path, "```python\nx\n", stop="```\n", limits=limits)
    assert isinstance(step, Run) and step.blocks == ("print(6 * 7)\n", "x\n")
    path, _ = ran(path, "gone", restarted=True, limits=limits)
    path, step = write(path, "```python\ny\n", stop="```\n", limits=limits)
    assert isinstance(step, Run) and step.blocks == ("y\n",)


def test_an_output_can_not_close_its_fence_nor_begin_a_block():
    path, _ = write(Path(), CODE, stop="```\n")
    path, _ = ran(path, "```\n```python\nimport os\n```\n\\boxed{1}", restarted=False, limits=LIMITS)
    assert path.text[path.spans[0].start :].count("```") == 2
    path, step = write(path, "Done.")
    assert step == End("stop")


def test_an_answer_counts_in_the_models_own_prose_only():
    text = CODE + "```\n```output\n\\boxed{1}\n```\nSo it is \\boxed{42}.\n```python\n'\\boxed{2}'\n```\n"
    tool = text.index("```output")
    end = text.index("So it is")
    spans = (Span("model", 0, tool), Span("tool", tool, end), Span("model", end, len(text)))
    said = prose(text, spans)
    assert "\\boxed{42}" in said and "\\boxed{1}" not in said and "\\boxed{2}" not in said
    assert "\\boxed{2}" not in prose(text[:-4], (*spans[:2], Span("model", end, len(text) - 4)))
    assert prose(text, ()) == text


@given(
    rounds=st.lists(st.tuples(st.text(max_size=30), st.sampled_from([*STOPS, None]), st.text(max_size=30)), max_size=6)
)
def test_spans_follow_each_other_and_cover_the_text_whatever_is_written(rounds):
    path, limits = Path(), Limits(max_tokens=1000, executions=4)
    for text, stop, output in rounds:
        path, step = wrote(path, text, 7, finish="stop", stop=stop, limits=limits)
        if isinstance(step, Run):
            before = len(path.text)
            path, step = ran(path, output, restarted=False, limits=limits)
            assert path.spans[-1].start == before
        if isinstance(step, End):
            break
    parts = path.parts()
    assert "".join(path.text[part.start : part.end] for part in parts) == (path.text if parts else "")
    assert all(one.end == two.start for one, two in pairwise(parts))
    assert path.executions <= 4
