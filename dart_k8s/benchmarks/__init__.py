"""Benchmarks that a model is scored on: where they are, what rows mean, how a problem is put, what counts as right.

    BENCHMARKS["gsm8k"]                 one of the paper's six
    own("mine", fields, "as-is")        a file of the user's
    read(benchmark, rows, where="...")  raw rows -> items, or what is wrong with them
    choose(items, 100)                  the same 100 every time
    body(item.query, examples, template)  with worked examples before it
    judge(item, response, "strict")     the verdict

Nothing here opens a file: rows come from `dart_k8s.workers.benchmarks`.
"""

from dart_k8s.benchmarks.benchmark import Benchmark, Entry, Source
from dart_k8s.benchmarks.college_math import COLLEGE_MATH
from dart_k8s.benchmarks.competition_math import MATH
from dart_k8s.benchmarks.deepmind_mathematics import DEEPMIND_MATHEMATICS
from dart_k8s.benchmarks.gsm8k import GSM8K
from dart_k8s.benchmarks.item import Item
from dart_k8s.benchmarks.olympiadbench import OLYMPIADBENCH
from dart_k8s.benchmarks.own import own
from dart_k8s.benchmarks.policies import POLICIES, Name, asked, judge
from dart_k8s.benchmarks.reading import choose, prompts, read
from dart_k8s.benchmarks.shots import Example, body, stops
from dart_k8s.benchmarks.theoremqa import THEOREMQA

BENCHMARKS = {
    benchmark.name: benchmark
    for benchmark in (MATH, GSM8K, COLLEGE_MATH, DEEPMIND_MATHEMATICS, OLYMPIADBENCH, THEOREMQA)
}
"""The paper's six by the names that declarations use."""

__all__ = [
    "BENCHMARKS",
    "POLICIES",
    "Benchmark",
    "Entry",
    "Example",
    "Item",
    "Name",
    "Source",
    "asked",
    "body",
    "choose",
    "judge",
    "own",
    "prompts",
    "read",
    "stops",
]
