"""Published scores of DART-Math's models and the ones beside them, to stand beside `lenient`.

Tong et al., "DART-Math: Difficulty-Aware Rejection Tuning for Mathematical Problem-Solving" (NeurIPS 2024, arXiv
2407.13690), as its authors print them in the README of github.com/hkust-nlp/dart-math and in the cards of the models
at huggingface.co/hkust-nlp. Greedy, in percent, in the order of `BENCHMARKS`. The vanilla rows (VRT) stand in
the paper's Table 2 only and are not here. Averages are computed from the six numbers.
"""

from dataclasses import dataclass

BENCHMARKS = ("math", "gsm8k", "college-math", "deepmind-mathematics", "olympiadbench-oe", "theoremqa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One row of the table."""

    name: str
    model: str
    """Repository of the model at the hub; empty where there is none."""
    base: str
    """Repository of its base model."""
    scores: tuple[float, ...]
    """Percent, in the order of `BENCHMARKS`."""

    def of(self, benchmark: str) -> float | None:
        """Its score on a benchmark, in percent."""
        return self.scores[BENCHMARKS.index(benchmark)] if benchmark in BENCHMARKS else None

    @property
    def average(self) -> float:
        """Over all six, in percent."""
        return sum(self.scores) / len(self.scores)


LLAMA_70B = "meta-llama/Meta-Llama-3-70B"
LLAMA_8B = "meta-llama/Meta-Llama-3-8B"
DSMATH = "deepseek-ai/deepseek-math-7b-base"
MISTRAL = "mistralai/Mistral-7B-v0.1"


def _row(name: str, model: str, base: str, *scores: float) -> Published:
    return Published(name=name, model=model, base=base, scores=scores)


TABLE = (
    _row("Llama-3-70B-MetaMath", "", LLAMA_70B, 44.9, 88.0, 31.9, 53.2, 11.6, 21.9),
    _row("DART-Math-Llama-3-70B (Uniform)", "hkust-nlp/dart-math-llama3-70b-uniform", LLAMA_70B,
         54.9, 90.4, 38.5, 64.1, 19.1, 27.4),
    _row("DART-Math-Llama-3-70B (Prop2Diff)", "hkust-nlp/dart-math-llama3-70b-prop2diff", LLAMA_70B,
         56.1, 89.6, 37.9, 64.1, 20.0, 28.2),
    _row("DeepSeekMath-7B-MetaMath", "", DSMATH, 43.7, 81.8, 33.7, 53.0, 13.6, 23.2),
    _row("DeepSeekMath-7B-RL", "deepseek-ai/deepseek-math-7b-rl", DSMATH, 53.1, 88.4, 41.3, 58.3, 18.7, 35.9),
    _row("DART-Math-DSMath-7B (Uniform)", "hkust-nlp/dart-math-dsmath-7b-uniform", DSMATH,
         52.9, 88.2, 40.1, 60.2, 21.3, 32.5),
    _row("DART-Math-DSMath-7B (Prop2Diff)", "hkust-nlp/dart-math-dsmath-7b-prop2diff", DSMATH,
         53.6, 86.8, 40.7, 61.6, 21.7, 32.2),
    _row("Mistral-7B-MetaMath", "", MISTRAL, 29.8, 76.5, 19.3, 28.0, 5.9, 14.0),
    _row("DART-Math-Mistral-7B (Uniform)", "hkust-nlp/dart-math-mistral-7b-uniform", MISTRAL,
         43.5, 82.6, 26.9, 42.0, 13.2, 16.4),
    _row("DART-Math-Mistral-7B (Prop2Diff)", "hkust-nlp/dart-math-mistral-7b-prop2diff", MISTRAL,
         45.5, 81.1, 29.4, 45.1, 14.7, 17.0),
    _row("Llama-3-8B-MetaMath", "", LLAMA_8B, 32.5, 77.3, 20.6, 35.0, 5.5, 13.8),
    _row("DART-Math-Llama-3-8B (Uniform)", "hkust-nlp/dart-math-llama3-8b-uniform", LLAMA_8B,
         45.3, 82.5, 27.1, 48.2, 13.6, 15.4),
    _row("DART-Math-Llama-3-8B (Prop2Diff)", "hkust-nlp/dart-math-llama3-8b-prop2diff", LLAMA_8B,
         46.6, 81.1, 28.8, 48.0, 14.5, 19.4),
)  # fmt: skip
"""As printed; rounded by their authors."""


def published(model: str, base: str = "") -> tuple[Published, ...]:
    """The rows that stand beside a model: the model itself, by its address at the hub, else those of its base model."""
    name = _hub_name(model)
    itself = tuple(row for row in TABLE if row.model and row.model.lower() == name)
    if itself:
        return itself
    return tuple(row for row in TABLE if base and row.base.lower() == _hub_name(base))


def _hub_name(uri: str) -> str:
    return uri.removeprefix("hf://").strip("/").lower()


__all__ = ["BENCHMARKS", "TABLE", "Published", "published"]
