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


def refused(path: str, field: str, when: str, message: str) -> Rule:
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


def place_rules(path: str, field: str, *, schemes: str, always: bool = True) -> list[Rule]:
    """What a URI must be like in a cluster; without a field the path is the URI itself."""
    at = f"self.{field}" if field else "self"
    given = "" if always else f"!has({at}) || "
    known = "|".join("hf://[^/ ]+/" if scheme == "hf" else f"{scheme}://" for scheme in schemes.split("|"))
    name = field or path.removesuffix("[]").rsplit(".", 1)[-1]
    return [
        Rule(
            path,
            f"{given}{at}.matches('^({known}|(file://)?/)[^/ ](.*[^ ])?$')",
            f"{name} must be {schemes.replace('|', '://, ')}:// or an absolute path: pods do not start in your folder",
        ),
        Rule(
            path,
            f"{given}!{at}.matches('^[a-zA-Z0-9]+://[^/]*@')",
            f"{name} holds credentials; leave them out, the pods' service account has them",
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


ENGINE = [
    *place_rules("spec.engine", "script", schemes="s3|hf", always=False),
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
    refused(
        "spec.engine",
        "baseUrl",
        "!has(self.kind) || self.kind != 'openai'",
        "baseUrl belongs to engine kind openai; remove it or change engine.kind",
    ),
    refused(
        "spec.engine",
        "model",
        "!has(self.kind) || self.kind != 'openai'",
        "engine.model belongs to engine kind openai; name the model in spec.model.uri",
    ),
    refused(
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
]
"""Rules of `engine`."""


def prompt_rules(otherwise: str = "''") -> list[Rule]:
    """Rules of `prompt`, and of what it and the engine ask of each other. `otherwise` is CEL for the template in force
    where the user names none."""
    template = f"(has(self.prompt) && has(self.prompt.template) ? self.prompt.template : {otherwise})"
    system = "(has(self.prompt) && has(self.prompt.system))"
    whole = f"{template} in ['deepseek-math', 'alpaca']"
    return [
        Rule(
            "spec.prompt",
            "!has(self.inline) || self.inline.contains('{query}')",
            "the placeholder {query} is missing from inline, so every query would get the same prompt; add it",
        ),
        Rule("spec.prompt", "!(has(self.template) && has(self.inline))", "give exactly one of template and inline"),
        Rule(
            "spec",
            f"!has(self.prompt) || has(self.prompt.inline) || {template} != ''",
            "prompt: give exactly one of template and inline",
        ),
        Rule(
            "spec",
            f"!({system} && {whole})",
            "this template has no system message; remove prompt.system or use template: chat",
        ),
        Rule(
            "spec",
            f"!(has(self.engine) && has(self.engine.api) && self.engine.api == 'completion') || "
            f"!({system} || {template} == 'chat')",
            "engine.api completion takes one text, but template chat or a system message makes messages; use api: chat "
            "(or auto), or another template",
        ),
        Rule(
            "spec",
            f"!(has(self.engine) && has(self.engine.api) && self.engine.api == 'chat' && {whole})",
            "this template is a whole prompt, and engine.api chat would wrap it in a chat template again; use "
            "template: chat, or api: completion (or auto)",
        ),
    ]


MODEL_CACHE = [
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
]
"""Rules of `modelCache`."""

LIFECYCLE = [
    Rule(
        "spec",
        "self.deletionPolicy == 'Retain' || self.output.uri.matches('^s3://[^/]+/+[^/]') || "
        "self.output.uri.matches('^(file://)?/+[^/]+/+[^/]')",
        "deletionPolicy Delete needs an output.uri with a folder of its own: nothing deletes a whole bucket",
    ),
    Rule(
        "spec",
        "oldSelf.suspend || (has(self.queueName) == has(oldSelf.queueName) && "
        "(!has(self.queueName) || self.queueName == oldSelf.queueName))",
        "queueName can only change while the object is suspended; set suspend: true first",
    ),
]
"""Rules of what becomes of an object."""

__all__ = [
    "ENGINE",
    "LIFECYCLE",
    "MODEL_CACHE",
    "OBJECT",
    "Rule",
    "place_rules",
    "pod_rules",
    "prompt_rules",
    "refused",
]
