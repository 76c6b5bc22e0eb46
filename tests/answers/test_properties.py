"""Invariants of the verifier on generated answers."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from dart_k8s.answers import Verdict, check, check_reference, find_answer, normal_answer, normalise_response, text_hash
from dart_k8s.answers.codec import decode, encode
from dart_k8s.answers.read import Problem, read

rationals = st.fractions(max_denominator=10**6)
MATHEMATICS = st.lists(
    st.sampled_from(
        [
            *"0123456789xyzabe+-*/^_(){}[]|,.;:!'=<>%$&~ ",
            "\\frac",
            "\\sqrt",
            "\\text{cm}",
            "\\pi",
            "\\{",
            "\\}",
            "\\cup",
            "\\infty",
            "\\le",
            "\\begin{pmatrix}",
            "\\end{pmatrix}",
            "\\\\",
            "\\sin",
            "\\log",
            "\\pm",
            "\\boxed{",
            "}",
            "####",
            "answer is",
            "\\left",
            "\\right",
            "½",
            "²",
            "√",
            "≤",
            "°",
            "\\sum_{k=1}^{n}",
            "\\int",
            "dx",
            "and",
            "or",
            "apples",
            "\\$",
            "\\%",
            "\\circ",
            "\\overline",
            "\\choose",
            "\\lfloor",
            "\\mathbb{R}",
            "\\in",
            "mod",
            "\\ldots",
        ]
    ),
    max_size=25,
).map("".join)


def rendered(value: Fraction) -> st.SearchStrategy[str]:
    """Ways to write a rational number."""
    top, bottom = value.numerator, value.denominator
    sign, size = ("-" if top < 0 else ""), abs(top)
    forms = [
        f"{top}/{bottom}",
        rf"\frac{{{top}}}{{{bottom}}}",
        rf"{sign}\dfrac{{{size}}}{{{bottom}}}",
        rf"\frac{{{3 * top}}}{{{3 * bottom}}}",
        rf"$\left({top}/{bottom}\right)$",
        rf"x = \frac{{{top}}}{{{bottom}}}",
        rf"{top} \div {bottom}",
        rf"{top}\cdot {bottom}^{{-1}}",
        rf"\text{{The answer is }} {top}/{bottom}.",
    ]
    if bottom == 1:
        forms += [
            f"{top}",
            f"{top}.",
            f"{top}.0",
            f"{top:,}",
            f"~{top}",
            rf"{top}\text{{ apples}}",
        ]
    if size > bottom > 1:
        forms.append(rf"{sign}{size // bottom}\frac{{{size % bottom}}}{{{bottom}}}")
    return st.sampled_from(forms)


def verdict(answer: str, reference: str) -> str:
    return check(f"\\boxed{{{answer}}}", reference).verdict


@given(rationals.flatmap(lambda value: st.tuples(rendered(value), rendered(value))))
def test_all_ways_to_write_a_rational_are_equal(pair: tuple[str, str]) -> None:
    assert verdict(*pair) == "correct"


@given(
    st.tuples(rationals, rationals)
    .filter(lambda two: two[0] != two[1])
    .flatmap(lambda two: st.tuples(rendered(two[0]), rendered(two[1])))
)
def test_distinct_rationals_are_never_equal(pair: tuple[str, str]) -> None:
    assert verdict(*pair) == "incorrect"


@given(st.integers(min_value=0, max_value=10**12), st.integers(min_value=1, max_value=300))
def test_neighbours_are_told_apart_at_any_size(number: int, power: int) -> None:
    large = number * 10**power
    assert verdict(f"{large}", f"{large + 1}") == "incorrect"
    assert verdict(f"{large}", rf"{number}\cdot 10^{{{power}}}") == "correct"
    assert verdict(rf"{number + 1}\cdot 10^{{-{power}}}", rf"{number}\cdot 10^{{-{power}}}") == "incorrect"


@given(st.integers(2, 400), st.integers(2, 400))
def test_radicals_are_equal_exactly_if_their_squares_are(first: int, second: int) -> None:
    assert (verdict(rf"\sqrt{{{first}}}", rf"\sqrt{{{second}}}") == "correct") == (first == second)
    assert verdict(rf"\frac{{{first}}}{{\sqrt{{{first}}}}}", rf"\sqrt{{{first}}}") == "correct"
    assert (
        verdict(rf"(\sqrt{{{first}}}+\sqrt{{{second}}})^2", rf"{first + second}+2\sqrt{{{first * second}}}")
        == "correct"
    )


@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=7, unique=True).flatmap(
        lambda items: st.tuples(st.just(items), st.permutations(items))
    )
)
def test_order_counts_in_tuples_and_not_in_lists_and_sets(two: tuple[list[int], list[int]]) -> None:
    first, second = (", ".join(map(str, items)) for items in two)
    assert verdict(first, second) == "correct"
    assert verdict(rf"\{{{first}\}}", rf"\{{{second}\}}") == "correct"
    assert (verdict(f"({first})", f"({second})") == "correct") == (two[0] == two[1])


@given(st.text(max_size=200) | MATHEMATICS)
def test_nothing_raises_on_any_text(text: str) -> None:
    assert isinstance(check(text, "5"), Verdict)
    assert isinstance(check("\\boxed{5}", text), Verdict)
    check_reference(text)
    find_answer(text, lenient=True)
    assert normalise_response(normalise_response(text)) == normalise_response(text)
    assert text_hash(text) == text_hash(normalise_response(text))


@given(MATHEMATICS.filter(lambda text: "boxed" not in text))
def test_what_can_be_read_is_equal_to_itself_and_survives_the_wire(text: str) -> None:
    node = read(text)
    if isinstance(node, Problem):
        return
    assert decode(encode(node)) == node
    assert (
        check(f"\\boxed{{{normal_answer(text)}}}", text).verdict in ("correct", "undecided")
        or "{" in text
        or "}" in text
    )


@given(MATHEMATICS, MATHEMATICS)
def test_the_comparison_is_symmetric(first: str, second: str) -> None:
    if isinstance(read(first), Problem) or isinstance(read(second), Problem) or "boxed" in first + second:
        return
    there, back = verdict(first, second), verdict(second, first)
    balanced = all(text.count("{") == text.count("}") for text in (first, second))
    assert (
        there == back
        or not balanced
        or "undecided" in (there, back)
        or "####" in first + second
        or "answer" in first + second
    )
