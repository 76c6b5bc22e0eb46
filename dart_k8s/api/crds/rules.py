"""Rules in CEL: what the models check between fields, said by the API server when an object is applied.

A rule looks at what the user wrote. With a recipe the rest comes from there, so nothing follows from a field's absence.
"""

from typing import NamedTuple

from dart_k8s.api.pods import RESERVED, SECRET
from dart_k8s.names import LONGEST_NAME


class Rule(NamedTuple):
    """One rule of the API server."""

    path: str
    """Where it stands: "" is the object, "spec.queries[]" each item of a list."""
    rule: str
    """CEL; true if all is well."""
    message: str
    """What a user reads else."""


def _refused(path: str, field: str, when: str, message: str) -> Rule:
    """A field that makes no sense in some cases."""
    return Rule(path, f"!has(self.{field}) || !({when})", message)


OBJECT = [
    Rule(
        "",
        f"self.metadata.name.size() <= {LONGEST_NAME}",
        f"metadata.name must have at most {LONGEST_NAME} characters: names of Jobs and pods are made of it",
    ),
    Rule(
        "",
        "self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        "metadata.name must be lower-case letters, digits and dashes, without dots: names of Services are made of it",
    ),
]
"""Rules of every kind."""


def _place(path: str, field: str, *, schemes: str) -> list[Rule]:
    """What a URI must be like in a cluster."""
    at = f"self.{field}"
    given = "" if field == "uri" else f"!has({at}) || "
    return [
        Rule(
            path,
            f"{given}{at}.matches('^({schemes})://[^/]') || {at}.matches('^(file://)?/[^/]')",
            f"{field} must be one of {schemes.replace('|', '://, ')}:// or an absolute path: "
            "pods do not start in your folder",
        ),
        Rule(
            path,
            f"{given}!{at}.matches('^[a-zA-Z0-9]+://[^/]*@')",
            f"{field} holds credentials; leave them out, the pods' service account has them",
        ),
    ]


def pod_rules(path: str) -> list[Rule]:
    """Rules of pod settings."""
    return [
        Rule(
            f"{path}.env[]",
            f"!has(self.value) || self.value == '' || !self.name.matches('(?i){SECRET}')",
            "a secret in clear; put it into a Secret and write valueFrom: {secretKeyRef: {name: SECRET, key: KEY}}",
        ),
        Rule(
            f"{path}.env[]",
            f"!self.name.startsWith('{RESERVED}')",
            f"names that start with {RESERVED} are the platform's own; choose another one",
        ),
        Rule(
            f"{path}.env[]",
            "!(has(self.value) && has(self.valueFrom))",
            "value and valueFrom are both given; remove one of them",
        ),
        Rule(
            f"{path}.volumes[]",
            "!has(self.hostPath)",
            "hostPath is a folder of the node, which the restricted Pod Security Standard forbids; use a claim, an "
            "image or an emptyDir",
        ),
    ]


def budget_rules() -> list[Rule]:
    """What strategy and budget ask of each other."""
    cap = "(has(self.budget) && has(self.budget.maxTrialsPerQuery) ? self.budget.maxTrialsPerQuery : 8192)"
    above = "above budget.maxTrialsPerQuery: no query could reach it; lower it or raise the cap"
    made = [
        Rule(
            "spec",
            f"!has(self.strategy) || !has(self.strategy.{field}) || self.strategy.{field} <= {cap}",
            f"strategy.{field} is {above}",
        )
        for field in ("target", "trials")
    ]
    return [
        *made,
        Rule(
            "spec",
            f"!has(self.strategy) || self.strategy.kind != 'prop2diff' || !has(self.strategy.minTrials) || "
            f"self.strategy.minTrials <= {cap}",
            f"strategy.minTrials is {above}",
        ),
        Rule(
            "spec",
            f"!has(self.queries) || self.queries.all(q, !has(q.target) || q.target <= {cap})",
            f"a target in queries is {above}",
        ),
        Rule(
            "spec",
            "!(has(self.strategy) && self.strategy.kind == 'vanilla' && has(self.queries)) || "
            "self.queries.all(q, !has(q.target))",
            "vanilla has no targets; remove target from queries, or use strategy.kind: uniform",
        ),
        Rule(
            "spec",
            "!(has(self.strategy) && self.strategy.kind == 'vanilla' && has(self.budget)) || "
            "!has(self.budget.totalTrials)",
            "vanilla spends strategy.trials on each query whatever the total; remove budget.totalTrials and set "
            "strategy.trials",
        ),
    ]


SYNTHESIS = [
    *OBJECT,
    Rule("spec", "has(self.recipe) || has(self.queries)", "queries is required: problems with reference answers"),
    Rule("spec", "has(self.recipe) || has(self.prompt)", "prompt is required: add prompt: {template: NAME}"),
    Rule("spec", "has(self.recipe) || has(self.strategy)", "strategy is required: vanilla, uniform or prop2diff"),
    Rule(
        "spec",
        "has(self.recipe) || has(self.model) || (has(self.engine) && has(self.engine.kind) && "
        "self.engine.kind != 'vllm')",
        "model is required by engine kind vllm; add model: {uri: hf://OWNER/MODEL}",
    ),
    *budget_rules(),
    Rule(
        "spec",
        "!(has(self.engine) && has(self.engine.api) && self.engine.api == 'completion' && has(self.prompt)) || "
        "!(has(self.prompt.system) || (has(self.prompt.template) && self.prompt.template == 'chat'))",
        "engine.api completion takes one text, but template chat or a system message makes messages; use api: chat "
        "(or auto), or another template",
    ),
    Rule(
        "spec",
        "!(has(self.engine) && has(self.engine.api) && self.engine.api == 'chat' && has(self.prompt)) || "
        "!has(self.prompt.template) || !(self.prompt.template in ['deepseek-math', 'alpaca'])",
        "this template is a whole prompt, and engine.api chat would wrap it in a chat template again; use template: "
        "chat, or api: completion (or auto)",
    ),
    Rule(
        "spec",
        "self.deletionPolicy == 'Retain' || self.output.uri.matches('^s3://[^/]+/+[^/]') || "
        "self.output.uri.matches('^(file://)?/+[^/]+/+[^/]')",
        "deletionPolicy Delete needs an output.uri with a folder of its own: nothing deletes a whole bucket",
    ),
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
    *_place("spec.queries[]", "uri", schemes="s3|hf"),
    *_place("spec.model", "uri", schemes="s3|hf"),
    *_place("spec.output", "uri", schemes="s3"),
    Rule(
        "spec.engine",
        "!has(self.kind) || self.kind != 'openai' || (has(self.baseUrl) && has(self.model))",
        "engine kind openai needs baseUrl and model",
    ),
    Rule(
        "spec.engine",
        "!has(self.kind) || self.kind != 'scripted' || has(self.script)",
        "engine kind scripted needs script",
    ),
    _refused(
        "spec.engine",
        "baseUrl",
        "!has(self.kind) || self.kind != 'openai'",
        "baseUrl belongs to engine kind openai; remove it or change engine.kind",
    ),
    _refused(
        "spec.engine",
        "model",
        "!has(self.kind) || self.kind != 'openai'",
        "engine.model belongs to engine kind openai; name the model in spec.model.uri",
    ),
    _refused(
        "spec.engine",
        "script",
        "!has(self.kind) || self.kind != 'scripted'",
        "script belongs to engine kind scripted; remove it or change engine.kind",
    ),
    Rule(
        "spec.engine",
        "!has(self.baseUrl) || (self.baseUrl.matches('^https?://[^/]') && !self.baseUrl.matches('^https?://[^/]*@'))",
        "baseUrl is http:// or https:// with a host and without credentials, like http://vllm:8000/v1",
    ),
    Rule(
        "spec.prompt",
        "has(self.template) != has(self.inline)",
        "give exactly one of template and inline",
    ),
    Rule(
        "spec.prompt",
        "!has(self.inline) || self.inline.contains('{query}')",
        "the placeholder {query} is missing from inline, so every query would get the same prompt; add it",
    ),
    Rule(
        "spec.prompt",
        "!has(self.system) || !has(self.template) || !(self.template in ['deepseek-math', 'alpaca'])",
        "this template has no system message; remove system or use template: chat",
    ),
    _refused(
        "spec.strategy",
        "target",
        "self.kind == 'vanilla'",
        "vanilla spends trials, it has no target; use trials, or kind: uniform",
    ),
    _refused(
        "spec.strategy",
        "trials",
        "self.kind != 'vanilla'",
        "trials belongs to vanilla; use target, or budget.maxTrialsPerQuery for a cap",
    ),
    _refused(
        "spec.strategy",
        "difficulty",
        "self.kind != 'prop2diff'",
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
    Rule(
        "spec.modelCache",
        "(self.kind == 'claim') == has(self.claim)",
        "claim goes with kind: claim, and kind: claim needs it",
    ),
    Rule(
        "spec.modelCache",
        "(self.kind == 'image') == has(self.image)",
        "image goes with kind: image, and kind: image needs it",
    ),
    Rule(
        "spec.modelCache",
        "!has(self.size) || self.kind == 'ephemeral'",
        "size belongs to kind: ephemeral",
    ),
    Rule(
        "spec.modelCache",
        "!has(self.path) || (self.kind != 'ephemeral' && !self.path.matches('(^|/)[.][.](/|$)'))",
        "path is a folder inside the claim or image, without ..",
    ),
    *pod_rules("spec.samplers"),
    *pod_rules("spec.verifiers"),
    *pod_rules("spec.prepare"),
    *pod_rules("spec.curate"),
    Rule(
        "spec",
        "oldSelf.suspend || (has(self.queueName) == has(oldSelf.queueName) && "
        "(!has(self.queueName) || self.queueName == oldSelf.queueName))",
        "queueName can only change while the object is suspended; set suspend: true first",
    ),
]
"""Rules of a Synthesis; those of what may not change are added to them."""


__all__ = ["OBJECT", "SYNTHESIS", "Rule", "budget_rules", "pod_rules"]
