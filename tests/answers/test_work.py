"""All work of one comparison is charged to one account: many members don't make many times the bound of one."""

from collections.abc import Callable

import pytest

from dart_k8s.answers import Policy
from dart_k8s.answers.compare import Comparison
from dart_k8s.answers.exact import integer_root
from dart_k8s.answers.limits import STEPS, LimitReached
from dart_k8s.answers.read import Problem, read


def charged(answer: str, reference: str) -> tuple[float, bool | None]:
    """The steps of a comparison, and whether the two are equal; None if it was refused."""
    comparison = Comparison(Policy(), "", {})
    left, right = read(answer), read(reference)
    assert not isinstance(left, Problem) and not isinstance(right, Problem)
    try:
        equal = comparison.same(left, right)
    except LimitReached:
        return STEPS - comparison.work.left, None
    return STEPS - comparison.work.left, equal


def union(member: Callable[[int], str], count: int) -> str:
    return "\\cup".join(member(k) for k in range(1, count))


def listed(member: Callable[[int], str], *, backwards: bool = False) -> str:
    return "\\{" + ",".join(member(k) for k in (range(59, 0, -1) if backwards else range(1, 60))) + "\\}"


UNIONS = [
    (lambda k: rf"[{k},\sqrt{{{k * k + 1}}}]", "[1,60]", False),
    (lambda k: rf"[{k}\pi,\frac{{{22 * k}}}{{7}}]", "[1,60]", False),
    (lambda k: rf"[{k},\sqrt{{{k * k + 1}}}+\sqrt{{{k}}}+\sqrt{{{k + 1}}}]", "[1,60]", False),
    (
        lambda k: rf"[\sqrt{{{k + 1}+2\sqrt{{{k}}}}},1+\sqrt{{{k + 1}+2\sqrt{{{k}}}}}]",
        union(lambda k: rf"[1+\sqrt{{{k}}},2+\sqrt{{{k}}}]", 31),
        True,
    ),
]


@pytest.mark.parametrize(("member", "reference", "equal"), UNIONS)
def test_unions_of_many_intervals_take_a_small_part_of_the_bound(
    member: Callable[[int], str], reference: str, equal: bool
) -> None:
    steps, found = charged(union(member, 31), reference)
    assert found == equal
    assert steps < STEPS / 4


def test_points_beside_an_interval_are_put_in_order_for_less_than_the_bound() -> None:
    points = listed(lambda k: rf"\sqrt{{{k}}}+\sqrt{{{k + 2}}}+\sqrt{{{k + 3}}}")
    turned = listed(lambda k: rf"\sqrt{{{k + 3}}}+\sqrt{{{k + 2}}}+\sqrt{{{k}}}", backwards=True)
    steps, found = charged(points + "\\cup(0,1)", turned + "\\cup(0,1)")
    assert found is True
    assert steps < STEPS / 4


MANY = [
    lambda k: rf"\sin(x+{k})+\sin(y+{k})+\cos(z)",
    lambda k: rf"\sqrt{{x^2+{k}}}+\sqrt{{y}}",
    lambda k: rf"x^{{{k}}}+x^2+3x+{k}-y+2z+5w",
    lambda k: rf"\frac{{3^{{20000}}}}{{7^{{10000}}}}+{k}",
    lambda k: rf"\binom{{2500}}{{1200}}\cdot2^{{9000}}+{k}",
    lambda k: rf"2500!+{k}",
]


@pytest.mark.parametrize("member", MANY)
def test_the_pairs_of_a_long_list_share_one_bound(member: Callable[[int], str]) -> None:
    one, equal = charged(member(1), member(2))
    assert equal is False
    many, equal = charged(listed(member), listed(member, backwards=True).replace("+", "+ ").replace("}+ 59", "}+59+0"))
    assert equal is not False
    # What passes the bound is refused, by no more than the work that was charged last.
    assert many < STEPS + 20 * one + STEPS / 20


def test_a_denested_chain_is_still_read() -> None:
    chain = "x=" + "=".join(rf"\sqrt{{{k + 1}+2\sqrt{{{k}}}}}-\sqrt{{{k}}}" for k in range(2, 60))
    assert charged(chain, "1")[1] is True


@pytest.mark.parametrize("index", [2, 3, 5, 64, 1000])
def test_roots_of_large_integers_are_exact(index: int) -> None:
    whole = 3 ** (20_000 // index) + 2
    assert integer_root(whole**index, index) == whole
    assert integer_root(whole**index + 1, index) is None
    assert integer_root(whole**index - 1, index) is None
