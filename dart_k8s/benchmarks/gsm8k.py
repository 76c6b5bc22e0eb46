"""GSM8K: word problems of primary school (Cobbe et al. 2021), its test split."""

from dart_k8s.answers import read_reference
from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Fault, Row, Source, text
from dart_k8s.benchmarks.shots import Example
from dart_k8s.errors import UnreadableReference


def _entry(row: Row) -> Entry:
    try:
        answer = read_reference(text(row, "answer"), "after-hashes")
    except UnreadableReference as error:
        raise Fault(f"its field 'answer' has no reference: {error.message}") from error
    return Entry(problem=text(row, "question"), references=(answer,), reference=answer)


GSM8K = Benchmark(
    name="gsm8k",
    title="GSM8K",
    items=1319,
    source=Source(
        uris=("hf://openai/gsm8k/main",),
        split="test",
        revision="e53f048856ff4f594e959d75785d2c2d37b678ee",
        items=1319,
    ),
    publisher="test.jsonl of github.com/openai/grade-school-math: rows with question and answer, which ends in #### N",
    reader=_entry,
    fields=("question", "answer"),
    examples=(
        Example(
            "A baker puts 8 rolls on each of 15 trays. She keeps 12 rolls for her family and packs the others into "
            "bags of 6. How many bags does she fill?",
            "There are 15 * 8 = 120 rolls. Without those for her family 120 - 12 = 108 are left. They fill 108 / 6 = "
            "18 bags.\nThe answer is 18.",
        ),
        Example(
            "Tom reads 14 pages on each weekday, and twice as many on Saturday and on Sunday. How many pages does he "
            "read in three weeks?",
            "On the five weekdays he reads 5 * 14 = 70 pages. On each of the two other days he reads 2 * 14 = 28, "
            "together 56. A week has 70 + 56 = 126 pages, and three weeks 3 * 126 = 378.\nThe answer is 378.",
        ),
        Example(
            "A ticket for the ferry costs $3 for an adult and half of that for a child. How many dollars do 2 adults "
            "and 4 children pay together?",
            "The adults pay 2 * 3 = 6 dollars. A child pays 3 / 2 = 1.5 dollars, so four pay 4 * 1.5 = 6. Together "
            "that is 6 + 6 = 12.\nThe answer is 12.",
        ),
        Example(
            "Mia has 45 marbles. She gives a third of them to her brother and then buys 8 more. How many has she got "
            "now?",
            "She gives away 45 / 3 = 15 marbles and keeps 45 - 15 = 30. With 8 more she has 30 + 8 = 38.\n"
            "The answer is 38.",
        ),
    ),
    rule="the rules for data sets; the reference stands behind ####",
)
