"""The Syntheses that an Evaluation makes, as they are applied."""

from typing import Any

from dart_k8s.api import Synthesis, to_dict


def manifest_spec(one: Synthesis, suspend: bool) -> dict[str, Any]:
    """The spec of a pass, suspended or not."""
    spec: dict[str, Any] = {**to_dict(one)["spec"], "suspend": suspend}
    return {name: value for name, value in spec.items() if value is not None}


__all__ = ["manifest_spec"]
