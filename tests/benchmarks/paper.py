"""The paper's setting without its data: python -m tests.benchmarks.paper FOLDER

Writes for `dart forecast`: 14,973 queries, which are only counted, a declaration on them with the recipe dart-math, and
for each population (`populations`) what 100 trials of every query would show, as a query-info file for --like.
"""

import json
import sys
from pathlib import Path

import numpy as np

from .populations import FULL, NAMES, population

TRIALS = 100
"""Of each query, as in a pilot: the forecast knows pass rates as well as these tell them, and no better."""
DECLARATION = """\
apiVersion: dart-k8s.io/v1alpha1
kind: Synthesis
metadata: {{name: {strategy}}}
spec:
  recipe: dart-math
  queries: [{{name: sums, uri: {folder}/queries.jsonl}}]
  strategy: {{kind: {strategy}{more}}}
  output: {{uri: {folder}/{strategy}}}
"""


def write(folder: Path) -> None:
    """All of it."""
    folder.mkdir(parents=True, exist_ok=True)
    sums = [{"query": f"What is {n} + {n}?", "answer": str(2 * n)} for n in range(FULL)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in sums), encoding="utf-8")
    for name in NAMES:
        correct = np.random.default_rng(0).binomial(TRIALS, population(name, FULL))
        rows = [{"tot_n_samples": TRIALS, "tot_n_corrects": int(count)} for count in correct]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    for strategy, more in (("prop2diff", ", target: 192"), ("uniform", ", target: 40"), ("vanilla", ", trials: 52")):
        text = DECLARATION.format(strategy=strategy, more=more, folder=folder)
        (folder / f"{strategy}.yaml").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    write(Path(sys.argv[1]))
