"""Names that more than one room must spell alike: API group, labels, annotations, stages, and the names of children."""

from enum import StrEnum

GROUP = "dart-k8s.io"
VERSION = "v1alpha1"
OPERATOR = "dart-operator"
"""Field manager of everything the operator applies, and `app.kubernetes.io/managed-by` of its children."""

MANAGED_BY = "app.kubernetes.io/managed-by"
SYNTHESIS = f"{GROUP}/synthesis"
"""Label of every child: the name of its Synthesis."""
STAGE = f"{GROUP}/stage"
"""Label of every child: what it is for."""
NUMBER = f"{GROUP}/number"
"""Label of Jobs and their pods: which Job of its stage, from 1."""
DIGEST = f"{GROUP}/digest"
"""Annotation of applied children: a digest of what was asked for. Equal digests need no write."""
GENERATION = f"{GROUP}/generation"
"""Annotation of Jobs: metadata.generation of the Synthesis that they were created for."""
ASKED = f"{GROUP}/parallelism"
"""Annotation of Jobs: pods asked for when it was created; a queue may have admitted fewer."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""Kueue's label: the LocalQueue that a Job waits in."""
FINALIZER = f"{GROUP}/output"
"""Finalizer of a Synthesis whose output is deleted with it."""

CONTAINER = "dart"
"""The container that does the work; exit codes in Job policies are its."""

DECLARATION = "/etc/dart/declaration.yaml"
"""Where pods find their declaration."""
QUERIES = "/etc/dart/queries"
"""Where the prepare pod finds ConfigMaps with queries: QUERIES/NAME/KEY."""
UID = "DART_UID"
"""Variable of pods: uid of their Synthesis, which prepare writes into the output's owner."""
TERMINATION_LOG = "DART_TERMINATION_LOG"
"""Variable of pods: file of the termination message; by default Kubernetes' own, /dev/termination-log."""
CACHE = "DART_CACHE"
"""Variable of pods: folder of the model cache."""
HEALTH_PORT = 8081
"""Of samplers: STARTUP_PATH, LIVE_PATH, /metrics."""
STARTUP_PATH = "/startup"
"""Answers 200 once the engine has its model."""
LIVE_PATH = "/live"
"""Answers 200 unless the engine has made no step for long, with responses on their way."""
VERIFIER_PORT = 8080
"""Of verification pods: /healthz, /readyz, /metrics, and what they serve."""

LONGEST_NAME = 40
"""Of a Synthesis: the names of its Jobs' pods must fit into a label of 63 characters."""


class Stage(StrEnum):
    """What a child of a Synthesis is for."""

    PREPARE = "prepare"
    SAMPLER = "sampler"
    VERIFIER = "verifier"
    CURATE = "curate"
    CLEANUP = "cleanup"


def job_name(synthesis: str, stage: Stage, number: int) -> str:
    """Name of a stage's Job: the same for the same number, so that creating it twice makes one."""
    return f"{synthesis}-{stage.value}-{number}"


def declaration_name(synthesis: str) -> str:
    """Name of the ConfigMap with the declaration that pods read."""
    return f"{synthesis}-declaration"


def verifier_name(synthesis: str) -> str:
    """Name of the verification pods' Deployment, headless Service and NetworkPolicy."""
    return f"{synthesis}-verifier"
