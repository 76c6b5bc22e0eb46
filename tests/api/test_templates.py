"""Prompt templates."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.api import TEMPLATES, Prompt, Turn, template

HOSTILE = "What is {0}, {query}, {x!r}, %s, ${HOME}, \\boxed{1}?"


@pytest.mark.parametrize("name", sorted(TEMPLATES))
def test_the_built_in_templates_look_like_this(name, golden):
    made = template(Prompt(template=name))
    rendered = made.render("What is $1+1$?")
    shown = rendered if isinstance(rendered, str) else "\n".join(f"[{turn.role}] {turn.content}" for turn in rendered)
    golden(f"{name}.txt", f"{shown}|\nstop: {list(made.stop)}\n")


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
