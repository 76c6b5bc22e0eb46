"""Prompt templates."""

import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.api import TEMPLATES, Prompt, Turn, template
from dart_k8s.api.templates import EXAMPLE_SOLUTION

HOSTILE = "What is {0}, {query}, {x!r}, %s, ${HOME}, \\boxed{1}?"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_built_in_templates_look_like_this(name, golden):
    golden(f"{name}.txt", shown(template(Prompt(template=name))))


def test_the_tool_integrated_one_as_a_conversation_looks_like_this(golden):
    golden("tool-integrated-chat.txt", shown(template(Prompt(template="tool-integrated"), "chat")))


def shown(made):
    """A template with a problem in it, for eyes."""
    rendered = made.render("What is $1+1$?")
    text = rendered if isinstance(rendered, str) else "\n".join(f"[{turn.role}] {turn.content}" for turn in rendered)
    return f"{text}|\nstop: {list(made.stop)}\n"


def test_a_tool_integrated_prompt_with_a_system_message_is_a_conversation_with_that_message():
    rendered = template(Prompt(template="tool-integrated", system="Be brief.")).render("q")
    assert rendered[0] == Turn("system", "Be brief.")
    assert [turn.role for turn in rendered] == ["system", "user", "assistant", "user"]


def test_the_worked_example_says_what_its_code_prints():
    code = EXAMPLE_SOLUTION.partition("```python\n")[2].partition("```")[0]
    output = EXAMPLE_SOLUTION.partition("```output\n")[2].partition("```")[0]
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout == output


@given(st.text())
def test_a_problem_stands_in_the_prompt_exactly_as_it_is(query):
    for name in ("deepseek-math", "alpaca"):
        before, after = TEMPLATES[name].user.split("{query}")
        assert template(Prompt(template=name)).render(query) == before + query + after


def test_nothing_inside_a_problem_is_a_placeholder():
    assert template(Prompt(inline="<{query}|{x}|{{}}|%s>")).render(HOSTILE) == f"<{HOSTILE}|{{x}}|{{{{}}}}|%s>"


def test_an_inline_template_is_a_conversation_when_it_has_a_system_message_or_the_chat_end_is_asked():
    assert template(Prompt(inline="{query}!")).render("q") == "q!"
    assert template(Prompt(inline="{query}!"), "chat").render("q") == (Turn("user", "q!"),)
    assert template(Prompt(inline="{query}!", system="s")).render("q") == (Turn("system", "s"), Turn("user", "q!"))


def test_stops_of_the_user_join_those_of_the_template_once():
    assert template(Prompt(template="deepseek-math", stop=("User:", "###"))).stop == ("User:", "Assistant:", "###")
