"""Rules of a Synthesis in CEL; those of what may not change are added to them."""

from dart_k8s.api.spending import DEFAULT_TARGET, DEFAULT_TRIALS

from .rules import ENGINE, LIFECYCLE, MODEL_CACHE, OBJECT, Rule, place_rules, pod_rules, prompt_rules, refused

TEMPLATE = "(has(self.recipe) && !(has(self.prompt) && has(self.prompt.inline)) ? 'deepseek-math' : '')"
"""The template where the user names none: the recipe's."""
KIND = "(has(self.strategy.kind) ? self.strategy.kind : 'prop2diff')"
"""The strategy in force, if there is one: the user's, or the recipe's."""
CAP = "(has(self.budget) && has(self.budget.maxTrialsPerQuery) ? self.budget.maxTrialsPerQuery : 8192)"
TOTAL = "(has(self.budget) && has(self.budget.totalTrials))"
TARGET = (
    "(has(self.strategy.target) ? self.strategy.target : "
    f"{TOTAL} && !(has(self.recipe) && {KIND} == 'prop2diff') ? 0 : "
    f"{KIND} == 'uniform' ? {DEFAULT_TARGET['uniform']} : {DEFAULT_TARGET['prop2diff']})"
)
"""The target in force: with a total and none given it is the cap itself."""
ABOVE = "above budget.maxTrialsPerQuery: no query could reach it; lower it or raise the cap"

BUDGET = [
    Rule(
        "spec",
        f"!has(self.strategy) || {KIND} == 'vanilla' || {TARGET} <= {CAP}",
        f"strategy.target (by default 40 for uniform, 192 for prop2diff) is {ABOVE}",
    ),
    Rule(
        "spec",
        f"!has(self.strategy) || {KIND} != 'vanilla' || "
        f"(has(self.strategy.trials) ? self.strategy.trials : {DEFAULT_TRIALS}) <= {CAP}",
        f"strategy.trials (by default {DEFAULT_TRIALS}) is {ABOVE}",
    ),
    Rule(
        "spec",
        f"!has(self.strategy) || {KIND} != 'prop2diff' || "
        f"(has(self.strategy.minTrials) ? self.strategy.minTrials : 32) <= {CAP}",
        f"strategy.minTrials (by default 32) is {ABOVE}",
    ),
    Rule(
        "spec",
        f"has(self.strategy) || {DEFAULT_TARGET['prop2diff']} <= {CAP}",
        f"the recipe's strategy.target (192) is {ABOVE}",
    ),
    Rule(
        "spec",
        f"!has(self.queries) || self.queries.all(q, !has(q.target) || q.target <= {CAP})",
        f"a target in queries is {ABOVE}",
    ),
    Rule(
        "spec",
        f"!(has(self.strategy) && {KIND} == 'vanilla' && has(self.queries)) || self.queries.all(q, !has(q.target))",
        "vanilla has no targets; remove target from queries, or use strategy.kind: uniform",
    ),
    Rule(
        "spec",
        f"!(has(self.strategy) && {KIND} == 'vanilla' && {TOTAL})",
        "vanilla spends strategy.trials on each query whatever the total; remove budget.totalTrials and set "
        "strategy.trials",
    ),
]
"""What strategy and budget ask of each other."""

SYNTHESIS = [
    *OBJECT,
    Rule("spec", "has(self.recipe) || has(self.queries)", "queries is required: problems with reference answers"),
    Rule("spec", "has(self.recipe) || has(self.prompt)", "prompt is required: add prompt: {template: NAME}"),
    Rule(
        "spec",
        "has(self.recipe) || (has(self.strategy) && has(self.strategy.kind))",
        "strategy.kind is required: vanilla, uniform or prop2diff",
    ),
    Rule(
        "spec",
        "has(self.recipe) || (has(self.model) && has(self.model.uri)) || (has(self.engine) && has(self.engine.kind) && "
        "self.engine.kind != 'vllm')",
        "model is required by engine kind vllm; add model: {uri: hf://OWNER/MODEL}",
    ),
    Rule(
        "spec", "has(self.recipe) || !has(self.model) || has(self.model.uri)", "model.uri is required: hf://OWNER/MODEL"
    ),
    *BUDGET,
    *ENGINE,
    *prompt_rules(TEMPLATE),
    Rule(
        "spec",
        "!has(self.queries) || self.queries.all(q, !has(q.uri) || q.uri != self.output.uri)",
        "output.uri is also a source of queries, and a run would write into its own input; choose another folder",
    ),
    Rule(
        "spec.queries",
        "self.all(a, self.exists_one(b, a.name == b.name))",
        "two sources have the same name; rename one of them",
    ),
    Rule(
        "spec.queries[]",
        "has(self.uri) != has(self.configMap)",
        "give exactly one of uri and configMap",
    ),
    Rule(
        "spec.queries[]",
        "!(has(self.split) || has(self.subset) || has(self.revision)) || (has(self.uri) && self.uri.startsWith('hf://'))",
        "split, subset and revision belong to hub data sets (hf://OWNER/NAME)",
    ),
    *place_rules("spec.queries[]", "uri", schemes="s3|hf", always=False),
    *place_rules("spec.strategy.difficulty", "uri", schemes="s3|hf"),
    *place_rules("spec.curation.decontaminate.against[]", "", schemes="s3|hf"),
    *place_rules("spec.pool.from[]", "", schemes="s3"),
    *place_rules("spec.model", "uri", schemes="s3|hf", always=False),
    *place_rules("spec.output", "uri", schemes="s3"),
    refused(
        "spec.strategy",
        "target",
        "has(self.kind) && self.kind == 'vanilla'",
        "vanilla spends trials, it has no target; use trials, or kind: uniform",
    ),
    refused(
        "spec.strategy",
        "trials",
        "!has(self.kind) || self.kind != 'vanilla'",
        "trials belongs to vanilla; use target, or budget.maxTrialsPerQuery for a cap",
    ),
    refused(
        "spec.strategy",
        "difficulty",
        "has(self.kind) && self.kind != 'prop2diff'",
        "only prop2diff looks at difficulty; remove it or use kind: prop2diff",
    ),
    Rule(
        "spec.claims",
        "self.ttlSeconds > 2.0 * self.heartbeatSeconds",
        "ttlSeconds must be more than twice heartbeatSeconds: a holder stops starting trials at half of it; raise "
        "ttlSeconds",
    ),
    Rule(
        "spec.curation.decontaminate",
        "!has(self.mode) || self.mode != 'exclude' || (has(self.against) && self.against.size() > 0)",
        "mode exclude needs benchmark files to compare with; list them in against, or use mode: 'off'",
    ),
    Rule(
        "spec.curation.filters",
        "!has(self.minTokens) || !has(self.maxTokens) || self.minTokens <= self.maxTokens",
        "minTokens is above maxTokens; nothing would be left",
    ),
    *pod_rules("spec.samplers"),
    *pod_rules("spec.verifiers"),
    *pod_rules("spec.prepare"),
    *pod_rules("spec.curate"),
    *MODEL_CACHE,
    *LIFECYCLE,
]
"""Rules of a Synthesis; those of what may not change are added to them."""

__all__ = ["SYNTHESIS"]
