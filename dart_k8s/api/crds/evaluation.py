"""Rules of an Evaluation in CEL."""

from dart_k8s.api.benchmarks import BUILT_IN
from dart_k8s.names import LONGEST_NAME

from .rules import ENGINE, LIFECYCLE, MODEL_CACHE, OBJECT, Rule, place_rules, pod_rules, prompt_rules

KNOWN = "[" + ", ".join(f"'{name}'" for name in BUILT_IN) + "]"

LONGEST = LONGEST_NAME - len("-greedy")
"""Characters of a name: those of its Syntheses are made of it."""

EVALUATION = [
    *OBJECT,
    Rule(
        "",
        f"self.metadata.name.size() <= {LONGEST}",
        f"metadata.name must have at most {LONGEST} characters: the names of its Syntheses are made of it",
    ),
    Rule(
        "spec",
        "has(self.model) || (has(self.engine) && self.engine.kind != 'vllm')",
        "model is required by engine kind vllm; add model: {uri: hf://OWNER/MODEL} or model: {fromTraining: NAME}",
    ),
    Rule(
        "spec",
        "!has(self.decoding) || self.decoding.greedy || has(self.trials)",
        "neither the greedy pass nor trials: nothing would be done; add trials: {count: 100, temperature: 1}",
    ),
    *ENGINE,
    *prompt_rules(),
    Rule("spec.model", "has(self.uri) != has(self.fromTraining)", "give exactly one of uri and fromTraining"),
    Rule(
        "spec.model",
        "!has(self.revision) || (has(self.uri) && self.uri.startsWith('hf://'))",
        "revision belongs to hub models (hf://OWNER/NAME)",
    ),
    *place_rules("spec.model", "uri", schemes="s3|hf", always=False),
    *place_rules("spec.output", "uri", schemes="s3"),
    *place_rules("spec.benchmarks[]", "uri", schemes="s3|hf", always=False),
    Rule(
        "spec.benchmarks",
        "self.all(a, self.exists_one(b, a.name == b.name))",
        "two benchmarks have the same name; rename one of them",
    ),
    Rule(
        "spec.benchmarks[]",
        f"has(self.uri) || self.name in {KNOWN}",
        f"no benchmark that this version knows; known: {', '.join(BUILT_IN)}; for a file of yours add uri",
    ),
    Rule(
        "spec.benchmarks[]",
        f"!(has(self.fields) || has(self.reference)) || !(self.name in {KNOWN})",
        "this benchmark knows its own fields and reference; remove them, or give your file another name",
    ),
    Rule(
        "spec.benchmarks[]",
        "!has(self.revision) || !has(self.uri) || self.uri.startsWith('hf://')",
        "revision belongs to the hub (hf://OWNER/NAME); remove it",
    ),
    Rule(
        "spec.trials",
        "!has(self.majorityAt) || self.majorityAt.all(k, k <= self.count)",
        "a k in majorityAt is above count: no estimate without so many trials; raise count",
    ),
    Rule(
        "spec.trials",
        "!has(self.passAt) || self.passAt.all(k, k <= self.count)",
        "a k in passAt is above count: no estimate without so many trials; raise count",
    ),
    *pod_rules("spec.samplers"),
    *pod_rules("spec.verifiers"),
    *pod_rules("spec.prepare"),
    *MODEL_CACHE,
    *LIFECYCLE,
]

__all__ = ["EVALUATION"]
