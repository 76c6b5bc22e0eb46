"""How an operator is set up: what its decisions and the objects it makes depend on besides the object itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


def _images() -> Mapping[str, str]:
    return {
        "worker": "dart-worker",
        "sampler": "dart-sampler",
        "verifier": "dart-verifier",
        "trainer": "dart-trainer",
    }


def _resources() -> Mapping[str, Mapping[str, Any]]:
    return {
        "prepare": {"requests": {"cpu": "1", "memory": "2Gi"}, "limits": {"memory": "8Gi"}},
        "sampler": {"requests": {"cpu": "4", "memory": "16Gi"}},
        "verifier": {"requests": {"cpu": "2", "memory": "2Gi"}, "limits": {"cpu": "2", "memory": "4Gi"}},
        "curate": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "8Gi"}},
        "trainer": {"requests": {"cpu": "4", "memory": "32Gi"}},
        "score": {"requests": {"cpu": "2", "memory": "4Gi"}, "limits": {"memory": "8Gi"}},
        "cleanup": {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """See the module. Times in seconds."""

    images: Mapping[str, str] = field(default_factory=_images)
    """By role: worker (prepare, curate, score, cleanup, samplers of engines elsewhere), sampler (vLLM), verifier,
    trainer (trainers, and prepare of a Training)."""
    pull_policy: str = "IfNotPresent"
    pull_secrets: tuple[str, ...] = ()
    """Names of Secrets in the namespace of a Synthesis."""
    service_account: str = ""
    """Of pods that reach the store, unless the Synthesis names one; empty: the namespace's default one."""
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=_resources)
    """By stage, where the Synthesis says nothing."""
    env: Mapping[str, str] = field(default_factory=dict)
    """More environment variables of all pods that reach the store: an S3 endpoint, a proxy. Never a secret."""
    store_secret: str = ""
    """Name of a Secret in the namespace of a Synthesis, whose keys become environment variables of pods that reach the
    store (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY), but for stages that bring a service account or such keys of their
    own. Empty: none."""
    ca_config_map: str = ""
    """Name of a ConfigMap in the namespace of a Synthesis with the certificates that pods that reach the store trust in
    place of their image's. Empty: none."""
    ca_key: str = "ca-certificates.crt"
    """Its key: all certificates in one file, as PEM."""
    cluster_domain: str = "cluster.local"
    allowed_outputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Namespace -> URI prefixes that outputs may have there; "*" stands for every namespace. Empty: none is allowed."""

    samplers_per_verifier: int = 4
    """A sampler of a 7B model writes 5 to 20 responses a second, a verifier with two cores judges over 100."""
    most_verifiers: int = 200
    quiet_seconds: float = 60.0
    """For how long a pod may wait for a node, an image or its readiness before that counts as something to look at."""
    stuck_seconds: float = 1800.0
    """For how long pods may be unable to start for a reason that waiting does not mend (no such image, no such Secret,
    a refused pod), with none at work, before the Synthesis fails."""
    verifier_seconds: float = 300.0
    """For how long no verification pod may be ready while samplers run before that counts as Degraded."""
    isolation_seconds: float = 20.0
    """for how long a network may take to begin enforcing the policy of a new verification pod: one that would run code
    and can still reach the API server or DNS then is refused."""
    retry_first: float = 10.0
    retry_most: float = 360.0
    """Between two Jobs of which the first failed: doubling from the first to the most. The Job controller's numbers."""
    cleanup_seconds: float = 900.0
    """For how long the deletion of an output is tried before the finalizer is taken off with a warning."""
    read_seconds: float = 15.0
    """Between two readings of how far a Training is; rank 0 says so every ten seconds."""
    native_gang: bool = False
    """Whether trainers get `spec.scheduling` of their Job with a gang policy, so that all nodes are scheduled or none.
    It takes the feature gate WorkloadWithJob, alpha in Kubernetes 1.37; without it the API server refuses the Job,
    and no discovery tells. With a queue name Kueue does it."""
    fold_first: float = 2.0
    fold_most: float = 60.0
    """Between two folds: a quarter of the time since something new was found, within these."""
    fold_rest: float = 10.0
    """And at least so many times the length of the last one: folding takes under a tenth of a child, however large the
    state."""


__all__ = ["Settings"]
