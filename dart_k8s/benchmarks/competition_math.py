"""MATH: competition problems in seven subjects and five levels (Hendrycks et al. 2021), its test split."""

from dart_k8s.answers import read_reference
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row, Source, label, text
from dart_k8s.benchmarks.shots import Example
from dart_k8s.errors import UnreadableReference

SUBJECTS = (
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
)


def _entry(row: Row) -> Entry:
    try:
        answer = read_reference(text(row, "solution"), "last-box")
    except UnreadableReference as error:
        raise Fault(f"its field 'solution' has no reference: {error.message}") from error
    return Entry(
        problem=text(row, "problem"),
        references=(answer,),
        reference=answer,
        subject=label(row, "type"),
        level=label(row, "level"),
    )


MATH = Benchmark(
    name="math",
    title="MATH",
    items=5000,
    source=Source(
        uris=tuple(f"hf://EleutherAI/hendrycks_math/{subject}" for subject in SUBJECTS),
        split="test",
        revision="21a5633873b6a120296cce3e2df9d5550074f4a3",
        items=5000,
    ),
    publisher=(
        "the test set of github.com/hendrycks/math: rows with problem, level, type and solution, or its folders with "
        "one such object in each file"
    ),
    reader=_entry,
    fields=("problem", "solution"),
    one_object_files=True,
    examples=(
        Example(
            "How many of the whole numbers from $1$ to $60$ leave the remainder $2$ when divided by $7$?",
            "Such a number is $7k+2$ with a whole number $k\\ge 0$. From $7k+2\\le 60$ we get $k\\le 8$, so $k$ is "
            "one of $0,1,\\ldots,8$, which are $9$ values.\nThe answer is $\\boxed{9}$.",
        ),
        Example(
            "Simplify $\\dfrac{x^2-9}{x^2+5x+6}$, where $x\\ne -2$ and $x\\ne -3$.",
            "The numerator is $(x-3)(x+3)$ and the denominator $(x+2)(x+3)$. We cancel $x+3$.\n"
            "The answer is $\\boxed{\\frac{x-3}{x+2}}$.",
        ),
        Example(
            "The legs of a right triangle are $20$ and $21$. What is the radius of its inscribed circle?",
            "The hypotenuse is $\\sqrt{400+441}=29$. In a right triangle the radius is half of the sum of the legs "
            "less the hypotenuse: $\\frac{20+21-29}{2}=6$.\nThe answer is $\\boxed{6}$.",
        ),
        Example(
            "Two fair coins and a fair die are thrown. What is the probability that both coins show heads and the die "
            "shows more than $4$? Give a fraction.",
            "Both coins show heads with probability $\\frac14$, the die shows $5$ or $6$ with probability $\\frac13$, "
            "and they do not depend on each other: $\\frac14\\cdot\\frac13=\\frac1{12}$.\n"
            "The answer is $\\boxed{\\frac{1}{12}}$.",
        ),
    ),
    rule="the rules for data sets; the reference is the last box of the solution",
)
