"""CollegeMath: exercises of nine college textbooks, from MWPBench (Tang et al. 2024), its test split."""

from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Row, Source, text
from dart_k8s.benchmarks.shots import Example

TOPIC = "college_math."
"""How `data_topic` begins; MWPBench's file holds other benchmarks too."""


def _entry(row: Row) -> Entry | None:
    topic = text(row, "data_topic")
    if not topic.startswith(TOPIC):
        return None
    answer = text(row, "answer")
    return Entry(
        problem=text(row, "question"),
        references=(answer,),
        reference=answer,
        subject=topic.removeprefix(TOPIC),
    )


COLLEGE_MATH = Benchmark(
    name="college-math",
    title="CollegeMath",
    items=2818,
    source=Source(uris=("hf://di-zhang-fdu/College_Math_Test",), split="test", revision=None, items=2818),
    publisher=(
        "mathscale/MWPBench/data/full_test.json of github.com/microsoft/unilm: JSON Lines with question, answer and "
        "data_topic, of which those of college_math count"
    ),
    reader=_entry,
    fields=("question", "answer", "data_topic"),
    examples=(
        Example(
            "Simplify: $5 \\sqrt{12}-2 \\sqrt{27}$",
            "We take the squares out of the roots: $\\sqrt{12}=2\\sqrt3$ and $\\sqrt{27}=3\\sqrt3$. So the expression "
            "is $10\\sqrt3-6\\sqrt3=4\\sqrt3$.\nThe answer is $\\boxed{4\\sqrt{3}}$.",
        ),
        Example(
            "Solve the equation $A=\\frac{1}{2}(b+c) h$ for $c$.",
            "Multiplying by $2$ and dividing by $h$ gives $\\frac{2A}{h}=b+c$. We subtract $b$.\n"
            "The answer is $\\boxed{c=\\frac{2A}{h}-b}$.",
        ),
        Example(
            "Find the derivative of the function: $g(x)=x^{2} e^{3 x}$",
            "By the product rule $g'(x)=2x\\cdot e^{3x}+x^2\\cdot 3e^{3x}=(3x^2+2x)e^{3x}$.\n"
            "The answer is $\\boxed{(3x^2+2x)e^{3x}}$.",
        ),
        Example(
            "Compute the determinant of $\\left[\\begin{array}{ll}2 & 1 \\\\ 5 & 4\\end{array}\\right]$.",
            "It is the product of the main diagonal less that of the other one: $2\\cdot 4-1\\cdot 5=3$.\n"
            "The answer is $\\boxed{3}$.",
        ),
    ),
    rule="the rules for data sets",
)
