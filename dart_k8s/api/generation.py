"""How responses are made: the model, the engine that runs it, the prompt, and how tokens are drawn."""

from typing import Annotated, Literal, get_args
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from .base import AtLeastOne, Free, Listed, LongText, NotNegative, Part, Problem, Text, refuse
from .places import Place

EXAMPLES = {"baseUrl": "http://localhost:8000/v1", "model": "NAME-AT-THE-ENDPOINT", "script": "FILE"}
"""What a missing field of an engine looks like."""
PLACEHOLDER = "{query}"
"""The only text of a template that is replaced."""


class Model(Part):
    """The model that writes the responses: the teacher."""

    uri: Place
    """A folder in transformers' format: a path, file://, s3://bucket/prefix or hf://owner/model."""
    revision: Text | None = None
    """Commit, tag or branch of a hub model. Default: the newest, pinned when the run is prepared."""
    trust_remote_code: bool = False
    """Run Python code that the model's folder brings along. Only for models whose code you have read."""


def _endpoint(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an endpoint is http:// or https:// with a host, like http://localhost:8000/v1")
    if "@" in parts.netloc:
        raise ValueError("it holds credentials; leave them out and name the key's variable in engine.apiKeyEnv")
    return url


class Engine(Part):
    """What runs the model."""

    kind: Literal["vllm", "openai", "scripted"] = "vllm"
    """vllm: in the sampler's own process. openai: any endpoint that speaks OpenAI's API. scripted: answers by a
    script with known pass rates, for tests and rehearsals."""
    base_url: Annotated[str, Field(max_length=2048), AfterValidator(_endpoint)] | None = None
    """openai: where the endpoint is, like http://localhost:8000/v1."""
    model: Text | None = None
    """openai: the model's name at the endpoint."""
    script: Place | None = None
    """scripted: the script file."""
    concurrency: AtLeastOne = 64
    """openai: most requests at once from one sampler. A vLLM server takes 256 and more; paid services limit it."""
    api: Literal["auto", "completion", "chat"] = "auto"
    """Which end of the engine gets the prompt. auto: chat if the template makes messages, else completion."""
    api_key_env: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=256)] | None = None
    """openai: the environment variable that holds the key. Default: OPENAI_API_KEY if set, else no key is sent."""
    slots: AtLeastOne | None = None
    """Responses generated at once by one sampler. Default: what the engine says it can use."""
    args: Free = Field(default_factory=dict)
    """Passed to the engine as they are: for vllm its engine arguments (tensor_parallel_size: 2), for openai more fields
    of the request's body."""

    @model_validator(mode="after")
    def _complete(self) -> "Engine":
        found = []
        needed = {"openai": ("base_url", "model"), "scripted": ("script",), "vllm": ()}[self.kind]
        names = {"base_url": "baseUrl", "model": "model", "script": "script"}
        for field, name in names.items():
            given = getattr(self, field) is not None
            if field in needed and not given:
                found.append(Problem((name,), f"required by engine kind {self.kind}; add {name}: {EXAMPLES[name]}"))
            elif given and field not in needed:
                way = "name the model in spec.model.uri" if name == "model" else f"remove {name} or change engine.kind"
                found.append(Problem((name,), f"not used by engine kind {self.kind}; {way}"))
        refuse(found)
        return self


class Prompt(Part):
    """How a problem is put to the model. Data sets hold the bare problem, never this prompt."""

    template: Literal["deepseek-math", "alpaca", "chat", "tool-integrated"] | None = None
    """A built-in template. deepseek-math: as DeepSeekMath's instruct and RL models were trained. alpaca: as DART-Math's
    students are trained. chat: the model's own chat template. tool-integrated: with code that is run while the response
    is written, with a worked example; one text, or a conversation if engine.api is chat. This or inline."""
    inline: LongText | None = None
    """A template of your own; `{query}` in it is replaced by the problem, all else stays as it is. This or template."""
    system: LongText | None = None
    """System message; makes an inline or tool-integrated template a conversation. Not for deepseek-math and alpaca."""
    stop: Annotated[tuple[Text, ...], Listed, Field(max_length=32)] = ()
    """Texts that end a response and are cut off; added to the built-in template's own."""

    @model_validator(mode="after")
    def _one_template(self) -> "Prompt":
        found = []
        if (self.template is None) == (self.inline is None):
            said = "both template and inline are" if self.template else "neither template nor inline is"
            names = " | ".join(get_args(get_args(Prompt.model_fields["template"].annotation)[0]))
            found.append(Problem((), f"{said} given; give one: template: {names}, or inline: TEXT"))
        if self.inline is not None and PLACEHOLDER not in self.inline:
            says = f"the placeholder {PLACEHOLDER} is missing, so every query would get the same prompt; add it"
            found.append(Problem(("inline",), says))
        if self.system is not None and self.template in ("deepseek-math", "alpaca"):
            says = f"template {self.template} has no system message; remove it or use template: chat"
            found.append(Problem(("system",), says))
        refuse(found)
        return self


class Sampling(Part):
    """How tokens are drawn. The defaults are DART-Math's (Tong et al. 2024, section 4.1)."""

    temperature: Annotated[float, Field(ge=0.0, le=10.0)] = 1.6
    """Softmax temperature. 0 is greedy: all trials of a query are then the same."""
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    """Nucleus: draw among the likeliest tokens that together have this probability."""
    max_tokens: AtLeastOne = 2048
    """Longest response, in tokens. One that is cut off here counts as incorrect."""
    seed: NotNegative = 0
    """Makes trials distinct between runs, not repeatable: an engine's output depends on its batch."""
    seeding: Literal["engine", "request"] = "engine"
    """engine: one seed per engine start, quicker. request: one per trial, for endpoints that repeat themselves."""


__all__ = ["PLACEHOLDER", "Engine", "Model", "Prompt", "Sampling"]
