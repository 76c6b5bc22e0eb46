"""What must hold between the parts of a spec. Each check gives what is wrong, with values and the way out."""

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from .base import Problem
from .places import canonical, within

if TYPE_CHECKING:
    from .synthesis import SynthesisSpec


def check(spec: "SynthesisSpec") -> list[Problem]:
    """All that does not fit together, in the order of the declaration."""
    return [problem for part in (_sources, _engine, _spending, _places) for problem in part(spec)]


def _sources(spec: "SynthesisSpec") -> Iterator[Problem]:
    times = Counter(source.name for source in spec.queries)
    for index, source in enumerate(spec.queries):
        if times[source.name] > 1:
            times[source.name] = 0
            says = f"{source.name!r} names several sources; rename all but one"
            yield Problem(("queries", index, "name"), says)
        if source.target is not None:
            where = ("queries", index, "target")
            if spec.strategy.kind == "vanilla":
                says = f"vanilla has no targets ({source.target} given); remove it, or use strategy.kind: uniform"
                yield Problem(where, says)
            elif source.target > spec.budget.max_trials_per_query:
                yield Problem(where, _above("target", source.target, spec))


def _engine(spec: "SynthesisSpec") -> Iterator[Problem]:
    if spec.engine.kind == "vllm" and spec.model is None:
        yield Problem(("model",), "required by engine kind vllm; add model: {uri: hf://OWNER/MODEL or a folder}")
    template = spec.prompt.template
    if spec.engine.api == "completion" and (template == "chat" or spec.prompt.system is not None):
        given = "template chat" if template == "chat" else "a system message"
        says = f"completion takes one text, but {given} makes messages; use api: chat (or auto), or another template"
        yield Problem(("engine", "api"), says)
    if spec.engine.api == "chat" and template in ("deepseek-math", "alpaca"):
        says = (
            f"template {template} is a whole prompt, and the endpoint would wrap it in its chat template again; "
            "use template: chat, or api: completion (or auto)"
        )
        yield Problem(("engine", "api"), says)


def _above(what: str, value: int, spec: "SynthesisSpec") -> str:
    cap = spec.budget.max_trials_per_query
    return f"{value} is above budget.maxTrialsPerQuery ({cap}): no query could reach it; lower {what} or raise the cap"


def _spending(spec: "SynthesisSpec") -> Iterator[Problem]:
    strategy, budget = spec.strategy, spec.budget
    name = "trials" if strategy.kind == "vanilla" else "target"
    if strategy.scale > budget.max_trials_per_query:
        yield Problem(("strategy", name), _above(name, strategy.scale, spec))
    if strategy.kind == "prop2diff" and strategy.min_trials > budget.max_trials_per_query:
        yield Problem(("strategy", "minTrials"), _above("minTrials", strategy.min_trials, spec))
    if budget.total_trials is None:
        return
    if strategy.kind == "vanilla":
        says = (
            f"vanilla spends {strategy.trials} trials on each query whatever the total ({budget.total_trials} given); "
            "remove it and set strategy.trials to the total divided by the number of queries"
        )
        yield Problem(("budget", "totalTrials"), says)


def _places(spec: "SynthesisSpec") -> Iterator[Problem]:
    output = spec.output.uri
    inputs: list[tuple[str, str]] = []
    inputs += [(f"spec.queries[{i}].uri", source.uri) for i, source in enumerate(spec.queries) if source.uri]
    if spec.model:
        inputs.append(("spec.model.uri", spec.model.uri))
    if spec.strategy.difficulty:
        inputs.append(("spec.strategy.difficulty.uri", spec.strategy.difficulty.uri))
    against = spec.curation.decontaminate.against
    inputs += [(f"spec.curation.decontaminate.against[{i}]", uri) for i, uri in enumerate(against)]
    inputs += [(f"spec.pool.from[{i}]", uri) for i, uri in enumerate(spec.pool.from_)]
    for path, uri in inputs:
        if within(output, uri):
            relation = "is the same as" if canonical(output) == canonical(uri) else "lies inside"
            says = (
                f"{output} {relation} {path} ({uri}), and a run would write into its own input; choose another folder"
            )
            yield Problem(("output", "uri"), says)
    for index, uri in enumerate(spec.pool.from_):
        if within(uri, output) and canonical(uri) != canonical(output):
            yield Problem(("pool", "from", index), f"{uri} lies inside the output ({output}); choose another output")


__all__ = ["check"]
