"""The student's template: the same token ids in training and in sampling, what is learnt, what is refused."""

from pathlib import Path

import pytest

from dart_k8s.api.optimising import StudentPrompt
from dart_k8s.edges.training.tokenizing import StudentTokenizer
from dart_k8s.errors import SpecError
from dart_k8s.training import student
from tests.training import tiny

QUERY = 'What is 3 + 4?\n"Say" {{ it }} in \\boxed{}. Ünïcödé 数学'
PROMPTS = {
    "alpaca": StudentPrompt(),
    "deepseek-math": StudentPrompt(template="deepseek-math"),
    "inline": StudentPrompt(inline="One: {query}\nAgain: {query} '\"{% x %}\nA:"),
}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    top = tmp_path_factory.mktemp("tokenizers")
    made = {"bos": {"bos": True}, "plain": {"bos": False}, "chat": {"bos": True, "chat": True}}
    for name, tokens in made.items():
        tiny.tokenizer(**tokens).save_pretrained(top / name)
    return {name: top / name for name in made}


@pytest.mark.parametrize("prompt", PROMPTS)
@pytest.mark.parametrize("kind", ["bos", "plain"])
def test_training_and_sampling_send_the_same_ids(
    prompt: str, kind: str, folders: dict[str, Path], tmp_path: Path
) -> None:
    tokens = StudentTokenizer(folders[kind])
    template = student.template_of(PROMPTS[prompt])
    row = student.encode(template, tokens, QUERY, " It is 7.")
    prompted = row.ids[: row.learnt.index(True)]
    # By name: the rendered text, encoded as an engine encodes a prompt.
    assert prompted == tokens.encode(str(template.render(QUERY)), special=True)
    # By the saved model's chat template, as an engine encodes a conversation.
    tokens.save(tmp_path, chat_template=student.chat_template(template, tokens), pad=None)
    assert StudentTokenizer(tmp_path).encode(StudentTokenizer(tmp_path).chat(QUERY), special=False) == prompted


def test_a_chat_model_keeps_its_own_template(folders: dict[str, Path]) -> None:
    tokens = StudentTokenizer(folders["chat"])
    template = student.template_of(StudentPrompt(template="chat"))
    student.check(template, tokens, "m")
    row = student.encode(template, tokens, QUERY, "7.")
    text = f"<s>[user] {template.user.replace('{query}', QUERY)}\n[assistant] "
    assert row.ids[: row.learnt.index(True)] == tokens.encode(text, special=False)
    assert row.ids.count(tokens.bos) == 1
    assert student.chat_template(template, tokens) == tokens.chat_template


def test_the_response_and_the_end_are_learnt_and_the_prompt_is_not(folders: dict[str, Path]) -> None:
    tokens = StudentTokenizer(folders["bos"])
    row = student.encode(student.template_of(StudentPrompt()), tokens, QUERY, " So it is 7.")
    learnt = [number for number, is_learnt in zip(row.ids, row.learnt, strict=True) if is_learnt]
    assert learnt == [*tokens.encode(" So it is 7.", special=False), tokens.eos]
    assert row.ids.count(tokens.bos) == 1 and row.ids[0] == tokens.bos
    assert row.ids.count(tokens.eos) == 1


def test_tokens_that_touch_what_a_tool_wrote_are_not_learnt(folders: dict[str, Path]) -> None:
    tokens = StudentTokenizer(folders["plain"])
    response = "Code: ü```output\n数7\n``` so 7."
    start, end = response.index("```output"), response.index(" so 7.")
    row = student.encode(student.template_of(StudentPrompt()), tokens, "q", response, [(start, end)])
    learnt = [number for number, is_learnt in zip(row.ids, row.learnt, strict=True) if is_learnt]
    own = tokens.encode(response[:start], special=False) + tokens.encode(response[end:], special=False)
    assert learnt == [*own, tokens.eos]


def test_chat_on_a_base_model_is_refused_with_the_way_out(folders: dict[str, Path]) -> None:
    with pytest.raises(SpecError, match="no chat template") as error:
        student.check(student.template_of(StudentPrompt(template="chat")), StudentTokenizer(folders["bos"]), "hf://x/y")
    assert "alpaca" in error.value.remedy


@pytest.mark.parametrize(
    ("specials", "pad"),
    [
        (["<s>", "</s>", "<|finetune_right_pad_id|>"], "<|finetune_right_pad_id|>"),
        (["<s>", "</s>", "<|reserved_special_token_0|>"], "<|reserved_special_token_0|>"),
        (["<s>", "</s>", "<unk>"], "<unk>"),
        (["<s>", "</s>"], None),
    ],
)
def test_a_missing_pad_token_is_found_without_touching_the_end(specials: list[str], pad: str | None) -> None:
    assert student.pad_token(specials, "</s>", "<s>") == pad


def test_the_saved_tokenizer_pads_with_another_token_than_the_end(folders: dict[str, Path], tmp_path: Path) -> None:
    tokens = StudentTokenizer(folders["bos"])
    pad = student.pad_token(tokens.specials, *tokens.names)
    tokens.save(tmp_path, chat_template="", pad=pad)
    again = StudentTokenizer(tmp_path)
    assert again.pad is not None and again.pad != again.eos == tokens.eos
