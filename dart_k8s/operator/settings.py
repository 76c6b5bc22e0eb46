"""How an operator is set up: a YAML file, and flags that override it. Only allowed outputs have no default."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml
from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from dart_k8s.errors import SpecError
from dart_k8s.reconcile import Settings

from .lease import LeaseTimes

__all__ = ["Folding", "OperatorSettings", "load"]

LARGEST_FILE = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Folding:
    """Child processes that fold."""

    processes: int = 2
    memory_mib: int = 2048
    """Data that one may have: states of two million queries take some 300 MiB."""
    deadline: float = 300.0
    """Seconds; one that takes longer is killed."""
    command: tuple[str, ...] = ()
    """Another program that folds; empty: this one's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSettings:
    """See the module. Times in seconds. In the file names are written as the API's: logLevel."""

    __pydantic_config__ = ConfigDict(extra="forbid", alias_generator=to_camel)

    namespaces: tuple[str, ...] = ()
    """Watched, each with rights of its own; none: all, which takes a ClusterRole."""
    workers: int = 8
    """Reconciles at a time. Mostly they wait for the API server: where a busy one answers after 200 ms, four workers
    bring five resources a second to their first Job."""
    qps: float = 100.0
    burst: int = 200
    """Requests to the API server: so many a second, and at once. A resource takes four to its first Job, and about
    twelve to its samplers."""
    lease_namespace: str = ""
    """Empty: the pod's own, else the first of `namespaces`, else default."""
    lease_name: str = "dart-operator"
    lease: LeaseTimes = field(default_factory=LeaseTimes)
    folding: Folding = field(default_factory=Folding)
    health_host: str = ""
    """Of /healthz, /readyz and /metrics; empty: all addresses."""
    health_port: int = 8080
    kubeconfig: str = ""
    context: str = ""
    """Empty: the pod's service account, else as kubectl finds its cluster."""
    silence_seconds: float = 75.0
    """A watch without a word for so long is cut; the server sends a bookmark each minute."""
    stop_seconds: float = 20.0
    """After SIGTERM for reconciles and folds under way."""
    log_level: str = "info"
    decisions: Settings = field(default_factory=Settings)
    """Images, allowed outputs, defaults of pods, deadlines."""

    def __post_init__(self) -> None:
        for name in ("workers", "burst"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, not {getattr(self, name)}")
        if self.silence_seconds <= 60 and self.silence_seconds != 0:
            raise ValueError(f"silenceSeconds must be over 60, the time between bookmarks, not {self.silence_seconds}")
        if self.log_level not in {"debug", "info", "warning", "error"}:
            raise ValueError(f"logLevel must be debug, info, warning or error, not {self.log_level!r}")


_READER: TypeAdapter[OperatorSettings] = TypeAdapter(OperatorSettings)


def load(path: Path | None, flags: Mapping[str, Any]) -> OperatorSettings:
    """The settings of a file (None: the defaults), with the flags that were given (None: not). Raises SpecError."""
    found = _read(path) if path is not None else {}
    try:
        settings = _READER.validate_python(found, strict=False)
        return replace(settings, **{name: value for name, value in flags.items() if value is not None})
    except (ValidationError, ValueError) as error:
        where = str(path) if path is not None else "the operator's settings"
        raise SpecError(f"Cannot use {where}: {_words(error)}", remedy="docs/operator.md has all settings.") from error


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise SpecError(f"{path} is larger than {LARGEST_FILE} bytes.", remedy="Give the operator's settings.")
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpecError(f"Cannot read the operator's settings in {path}: {error}", remedy="Mend the file.") from error
    if not isinstance(found, dict):
        raise SpecError(f"{path} holds no mapping of settings.", remedy="docs/operator.md has an example.")
    return found


def _words(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
