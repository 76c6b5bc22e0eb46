"""Rules of a Training in CEL."""

from .rules import LIFECYCLE, MODEL_CACHE, OBJECT, Rule, place_rules, pod_rules

BATCH = (
    "(has(self.optimisation) && has(self.optimisation.batch) ? self.optimisation.batch : "
    "has(self.recipe) && self.recipe == 'tiny' ? 8 : 64)"
)
AT_ONCE = (
    "(self.nodes * (has(self.processesPerNode) ? self.processesPerNode : 1) * "
    "(has(self.optimisation) && has(self.optimisation.perProcess) ? self.optimisation.perProcess : 1))"
)

OFFLOAD = "(has(self.deepspeed) && has(self.deepspeed.offload))"
STAGE = "(has(self.deepspeed.stage) ? self.deepspeed.stage : has(self.recipe) && self.recipe == 'dart-math' ? 3 : 0)"


def _while_suspended(field: str) -> Rule:
    return Rule(
        "spec",
        f"oldSelf.suspend || (has(self.{field}) == has(oldSelf.{field}) && "
        f"(!has(self.{field}) || self.{field} == oldSelf.{field}))",
        f"{field} can only change while the Training is suspended: set suspend: true first, it goes on from its "
        "newest checkpoint",
    )


TRAINING = [
    *OBJECT,
    Rule(
        "spec",
        "(has(self.model) && has(self.model.uri)) || (has(self.recipe) && self.recipe == 'tiny')",
        "model is required: add model: {uri: hf://OWNER/MODEL}, the base model",
    ),
    Rule(
        "spec",
        f"{BATCH} % {AT_ONCE} == 0",
        "optimisation.batch can't be divided by nodes x processesPerNode x optimisation.perProcess; change one of them",
    ),
    Rule(
        "spec",
        f"!{OFFLOAD} || self.deepspeed.offload != 'all' || {STAGE} == 3",
        "deepspeed.offload all needs stage 3; use optimizer, or stage: 3",
    ),
    Rule(
        "spec",
        f"!{OFFLOAD} || self.deepspeed.offload != 'optimizer' || {STAGE} > 0",
        "deepspeed.offload optimizer needs stage 1 or more; use none, or stage: 2",
    ),
    Rule("spec.data", "has(self.uri) != has(self.fromSynthesis)", "give exactly one of uri and fromSynthesis"),
    Rule(
        "spec.data",
        "!(has(self.split) || has(self.revision)) || (has(self.uri) && self.uri.startsWith('hf://'))",
        "split and revision belong to hub data sets (hf://OWNER/NAME)",
    ),
    *place_rules("spec.data", "uri", schemes="s3|hf", always=False),
    *place_rules("spec.model", "uri", schemes="s3|hf", always=False),
    *place_rules("spec.output", "uri", schemes="s3"),
    Rule("spec.prompt", "!(has(self.template) && has(self.inline))", "template and inline are both given; remove one"),
    Rule(
        "spec.prompt",
        "!has(self.inline) || self.inline.contains('{query}')",
        "the placeholder {query} is missing from inline, so the student would never see a problem; add it",
    ),
    *pod_rules("spec.trainers"),
    *pod_rules("spec.prepare"),
    *MODEL_CACHE,
    *LIFECYCLE,
    _while_suspended("nodes"),
    _while_suspended("processesPerNode"),
]

__all__ = ["TRAINING"]
