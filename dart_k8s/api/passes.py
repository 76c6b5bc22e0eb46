"""The passes of an Evaluation as Syntheses: what samples its responses is what samples a data set's.

    NAME-greedy    one trial a prompt at temperature 0
    NAME-trials    n trials a prompt

Their queries are the prompts that the Evaluation's prepare has written. No data set is made of them: their pools hold
all responses, and scoring reads these under each benchmark's own policy.
"""

from typing import Final

from .curating import Curation, Decontaminate, Output
from .evaluation import Evaluation
from .generation import Model, Prompt, Sampling
from .metadata import Metadata
from .running import Verification
from .sources import Fields, QuerySource
from .spending import Budget, Strategy
from .synthesis import Synthesis, SynthesisSpec

GREEDY: Final = "greedy"
TRIALS: Final = "trials"
PASS: Final = "dart-k8s.io/pass-of"
"""Label of a pass: the name of its Evaluation."""
ITEMS: Final = "state/items.parquet"
"""Under an Evaluation's output: the prompts, one row each."""
SOURCE: Final = "items"
"""Name of the passes' source of queries: the first part of their ids."""


def passes(
    evaluation: Evaluation, *, prompt: Prompt, model: str | None = None, revision: str | None = None
) -> list[Synthesis]:
    """The passes that an Evaluation asks for, the greedy one first.

    `prompt` is the template in force with all texts that end a response; `model` and `revision` are the model's as
    resolved: a Training's result, a pinned commit. Default: as declared. The same arguments give equal declarations.
    """
    spec = evaluation.spec
    found = []
    if spec.decoding.greedy:
        sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=spec.decoding.max_tokens)
        found.append(_pass(evaluation, GREEDY, sampling, 1, prompt, model, revision))
    if spec.trials is not None:
        sampling = Sampling(
            temperature=spec.trials.temperature,
            top_p=spec.trials.top_p,
            max_tokens=spec.decoding.max_tokens,
            seed=spec.trials.seed,
        )
        found.append(_pass(evaluation, TRIALS, sampling, spec.trials.count, prompt, model, revision))
    return found


def is_pass(synthesis: Synthesis) -> bool:
    """Whether it is the pass of an Evaluation: then no data set is made of its pool. By its places, and not by its
    label: a pod's declaration has none."""
    spec = synthesis.spec
    parent, passes_, _ = spec.output.uri.rstrip("/").rpartition("/passes/")
    return bool(passes_) and [source.uri for source in spec.queries] == [f"{parent}/{ITEMS}"]


def pass_output(output: str, name: str) -> str:
    """Where a pass of an Evaluation with this output goes."""
    return f"{output.rstrip('/')}/passes/{name}"


def _pass(
    evaluation: Evaluation,
    name: str,
    sampling: Sampling,
    trials: int,
    prompt: Prompt,
    model: str | None,
    revision: str | None,
) -> Synthesis:
    spec, meta = evaluation.spec, evaluation.metadata
    output = spec.output.uri.rstrip("/")
    budget = Budget() if trials <= Budget().max_trials_per_query else Budget(max_trials_per_query=trials)
    return Synthesis(
        metadata=Metadata(
            name=f"{meta.name}-{name}", namespace=meta.namespace, labels={**meta.labels, PASS: meta.name}
        ),
        spec=SynthesisSpec(
            queries=(
                QuerySource(
                    name=SOURCE,
                    uri=f"{output}/{ITEMS}",
                    fields=Fields(query="prompt", answer="answer", id="id", subject="benchmark"),
                ),
            ),
            model=_model(evaluation, model, revision),
            engine=spec.engine,
            prompt=prompt,
            sampling=sampling,
            strategy=Strategy(kind="vanilla", trials=trials),
            budget=budget,
            samplers=spec.samplers,
            verifiers=spec.verifiers,
            verification=Verification(),
            execution=spec.execution,
            curation=Curation(deduplicate="none", decontaminate=Decontaminate(mode="off")),
            output=Output(uri=pass_output(output, name)),
            model_cache=spec.model_cache,
            prepare=spec.prepare,
            suspend=spec.suspend,
            deletion_policy=spec.deletion_policy,
            queue_name=spec.queue_name,
        ),
    )


def _model(evaluation: Evaluation, uri: str | None, revision: str | None) -> Model | None:
    declared = evaluation.spec.model
    if declared is None:
        return None
    place = uri or declared.uri
    # A Training's result that is not resolved yet: engines that need no folder do without.
    if place is None:
        return None
    return Model(uri=place, revision=revision or declared.revision, trust_remote_code=declared.trust_remote_code)


__all__ = ["GREEDY", "ITEMS", "PASS", "SOURCE", "TRIALS", "is_pass", "pass_output", "passes"]
