"""Pod settings as users write them: Kubernetes' own names, checked as far as they could do harm."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, Field, JsonValue, WithJsonSchema, model_validator

from .base import Free, Listed, Part, Problem, refuse

OBJECT_NAME = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
"""A DNS subdomain (RFC 1123), as Kubernetes asks of names of objects."""
QUANTITY = r"^[0-9]{1,12}(\.[0-9]{1,6})?(m|k|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei)?$"
"""A positive amount as Kubernetes writes it: 500m, 8Gi."""
SECRET = r"(^|_)(TOKEN|SECRET|PASSWORD|PASSWD|API_?KEY|ACCESS_KEY|SECRET_KEY|PRIVATE_KEY)$"
"""Names of variables that hold secrets. Not TOKENIZERS_PARALLELISM, not AWS_WEB_IDENTITY_TOKEN_FILE."""
RESERVED = "DART_"
"""Start of the names of variables that the platform sets itself."""

ObjectName = Annotated[str, Field(pattern=OBJECT_NAME, max_length=253)]
Quantity = Annotated[str, Field(pattern=QUANTITY, max_length=24)]
OPEN = "x-kubernetes-preserve-unknown-fields"
"""Marks, in the schema of the CRD, mappings whose fields are Kubernetes' own and are checked by a dry run."""


def _keyed(key: str) -> Any:
    """A validator: the mapping names itself, under `key`."""

    def check(value: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if not isinstance(value.get(key), str) or not value[key]:
            raise ValueError(f"needs a {key}, as in Kubernetes")
        return value

    return AfterValidator(check)


def _open(key: str, says: str, pattern: str | None = None, longest: int = 253, **properties: Any) -> WithJsonSchema:
    """The schema of a mapping that is Kubernetes' own but for its key."""
    named = {"type": "string", "minLength": 1, "maxLength": longest, "description": says}
    if pattern:
        named["pattern"] = pattern
    return WithJsonSchema({"type": "object", OPEN: True, "properties": {key: named, **properties}, "required": [key]})


HOST_PATH = {
    "type": "object",
    OPEN: True,
    "description": "Refused: a folder of the node. The restricted Pod Security Standard forbids it.",
}
Setting: TypeAlias = Annotated[dict[str, JsonValue], Field(max_length=64)]
Volume = Annotated[
    dict[str, JsonValue], _keyed("name"), _open("name", "Name of the volume.", OBJECT_NAME, 63, hostPath=HOST_PATH)
]
Mount = Annotated[dict[str, JsonValue], _keyed("mountPath"), _open("mountPath", "Folder in the container.", None, 1024)]
PullSecret = Annotated[dict[str, JsonValue], _keyed("name"), _open("name", "Name of the Secret.", OBJECT_NAME)]
LabelKey = Annotated[str, Field(min_length=1, max_length=317)]
LabelValue = Annotated[str, Field(max_length=63)]
Labels = Annotated[dict[LabelKey, LabelValue], Field(max_length=64)]
Annotations = Annotated[dict[LabelKey, Annotated[str, Field(max_length=16_384)]], Field(max_length=64)]


def keyed(by: str) -> dict[str, Any]:
    """Marks a list, in the schema of the CRD, as a mapping by one field of its items: no two may share it."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [by]}


class EnvVar(Part):
    """An environment variable."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.-]*$", max_length=256)]
    """Name of the variable. Names that start with DART_ are the platform's own."""
    value: Annotated[str, Field(max_length=8192)] | None = None
    """Its value. Never a secret: everybody who may read this object reads it."""
    value_from: Setting | None = None
    """Where its value comes from, as in a pod: secretKeyRef, configMapKeyRef, fieldRef."""

    @model_validator(mode="after")
    def _no_secret(self) -> "EnvVar":
        found = []
        if self.name.startswith(RESERVED):
            found.append(Problem(("name",), f"{self.name} is the platform's own; choose a name without {RESERVED}"))
        if self.value is not None and self.value_from is not None:
            found.append(Problem((), f"{self.name} has both value and valueFrom; remove one of them"))
        if self.value and re.search(SECRET, self.name.upper()):
            says = (
                f"{self.name} holds a secret in clear; put it into a Secret and write valueFrom: "
                "{secretKeyRef: {name: SECRET, key: KEY}}"
            )
            found.append(Problem(("value",), says))
        refuse(found)
        return self


class PodSettings(Part):
    """Settings of pods, by Kubernetes' names. On one machine they are accepted and mean nothing."""

    image: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """Container image. Default: the release's own."""
    image_pull_policy: Literal["Always", "IfNotPresent", "Never"] | None = None
    """When the image is pulled."""
    image_pull_secrets: Annotated[
        tuple[PullSecret, ...], Listed, Field(max_length=16, json_schema_extra=keyed("name"))
    ] = ()
    """Secrets to pull the image with, by name."""
    resources: Free = Field(default_factory=dict)
    """Resource requests and limits of the container."""
    node_selector: Labels = Field(default_factory=dict)
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Setting, ...], Listed, Field(max_length=64)] = ()
    """Taints of nodes that are no obstacle."""
    affinity: Setting = Field(default_factory=dict)
    """Rules on which nodes, and beside which pods."""
    priority_class_name: ObjectName | None = None
    """Priority of the pods among all pods."""
    runtime_class_name: ObjectName | None = None
    """Container runtime: nvidia, gvisor."""
    service_account_name: ObjectName | None = None
    """Service account: whose cloud role reads and writes the store. Default: the namespace's default one, or the
    chart's."""
    labels: Labels = Field(default_factory=dict)
    """More labels of the pods."""
    annotations: Annotations = Field(default_factory=dict)
    """More annotations of the pods."""
    env: Annotated[tuple[EnvVar, ...], Listed, Field(max_length=64, json_schema_extra=keyed("name"))] = ()
    """More environment variables of the container."""
    env_from: Annotated[tuple[Setting, ...], Listed, Field(max_length=16)] = ()
    """ConfigMaps and Secrets whose keys become environment variables."""
    volumes: Annotated[tuple[Volume, ...], Listed, Field(max_length=32, json_schema_extra=keyed("name"))] = ()
    """More volumes of the pods. No hostPath."""
    volume_mounts: Annotated[tuple[Mount, ...], Listed, Field(max_length=32, json_schema_extra=keyed("mountPath"))] = ()
    """Where volumes appear in the container."""
    pod: Free = Field(default_factory=dict)
    """More fields of the pod's spec (topologySpreadConstraints, dnsConfig, ...), merged in; what the platform sets for
    security stays."""

    @model_validator(mode="after")
    def _harmless(self) -> "PodSettings":
        refuse(list(_harms(self)))
        return self


def _harms(pod: PodSettings) -> Iterator[Problem]:
    for index, volume in enumerate(pod.volumes):
        if "hostPath" in volume:
            says = (
                f"volume {volume['name']} is a folder of the node, which the restricted Pod Security Standard forbids"
            )
            yield Problem(("volumes", index, "hostPath"), f"{says}; use a claim, an image or an emptyDir")
    for field, items, key in (
        ("env", [variable.name for variable in pod.env], "name"),
        ("imagePullSecrets", [str(item["name"]) for item in pod.image_pull_secrets], "name"),
        ("volumes", [str(item["name"]) for item in pod.volumes], "name"),
        ("volumeMounts", [str(item["mountPath"]) for item in pod.volume_mounts], "mountPath"),
    ):
        for index, item in enumerate(items):
            if item in items[:index]:
                yield Problem((field, index, key), f"{item!r} is given twice; remove one of the two")


__all__ = ["EnvVar", "ObjectName", "PodSettings", "Quantity", "keyed"]
