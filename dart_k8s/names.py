"""Names that more than one room must spell alike: API group, labels, annotations, stages, and the names of children."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

GROUP = "dart-k8s.io"
VERSION = "v1alpha1"
OPERATOR = "dart-operator"
"""Field manager of everything the operator applies, and `app.kubernetes.io/managed-by` of its children."""

MANAGED_BY = "app.kubernetes.io/managed-by"
SYNTHESIS = f"{GROUP}/synthesis"
"""Label of every child of a Synthesis: its name."""
TRAINING = f"{GROUP}/training"
"""Label of every child of a Training: its name."""
EVALUATION = f"{GROUP}/evaluation"
"""Label of every child of an Evaluation, the Syntheses that it makes among them: its name."""
STAGE = f"{GROUP}/stage"
"""Label of every child: what it is for."""
NUMBER = f"{GROUP}/number"
"""Label of Jobs and their pods: which Job of its stage, from 1."""
DIGEST = f"{GROUP}/digest"
"""Annotation of applied children: a digest of what was asked for. Equal digests need no write."""
GENERATION = f"{GROUP}/generation"
"""Annotation of Jobs: metadata.generation of the object that they were created for."""
ASKED = f"{GROUP}/parallelism"
"""Annotation of Jobs: pods asked for when it was created; a queue may have admitted fewer."""
QUEUE = "kueue.x-k8s.io/queue-name"
"""Kueue's label: the LocalQueue that a Job waits in."""
FINALIZER = f"{GROUP}/output"
"""Finalizer of an object whose output is deleted with it."""

CONTAINER = "dart"
"""The container that does the work; exit codes in Job policies are its."""

DECLARATION = "/etc/dart/declaration.yaml"
"""Where pods find their declaration."""
QUERIES = "/etc/dart/queries"
"""Where the prepare pod finds ConfigMaps with queries: QUERIES/NAME/KEY."""
UID = "DART_UID"
"""Variable of pods: uid of their object, which prepare writes into the output's owner."""
TERMINATION_LOG = "DART_TERMINATION_LOG"
"""Variable of pods: file of the termination message; by default Kubernetes' own, /dev/termination-log."""
CACHE = "DART_CACHE"
"""Variable of pods: folder of the model cache."""
NODES = "DART_NODES"
"""Variable of trainers: pods of the group."""
RENDEZVOUS = "DART_RENDEZVOUS"
"""Variable of trainers: host of node 0."""
RENDEZVOUS_PORT = "DART_RENDEZVOUS_PORT"
ATTEMPT = "DART_ATTEMPT"
"""Variable of trainers: number of their Job, from 1."""
TRAINER_PORT = 29500
"""Where node 0 is reached: torch.distributed's own default."""
HEALTH_PORT = 8081
"""Of samplers and trainers: STARTUP_PATH, LIVE_PATH, /metrics."""
STARTUP_PATH = "/startup"
"""Answers 200 once the engine has its model."""
LIVE_PATH = "/live"
"""Answers 200 unless the engine has made no step for long, with responses on their way."""
VERIFIER_PORT = 8080
"""Of verification pods: /healthz, /readyz, /metrics, and what they serve."""

LONGEST_NAME = 40
"""Of an object of this group: the names of its Jobs' pods must fit into a label of 63 characters."""

Kind = Literal["Synthesis", "Training", "Evaluation"]
"""Kinds of this group that the operator carries out."""
LABELS: Mapping[Kind, str] = {"Synthesis": SYNTHESIS, "Training": TRAINING, "Evaluation": EVALUATION}
"""Kind -> the label of its children, which holds its name."""


class Stage(StrEnum):
    """What a child is for."""

    PREPARE = "prepare"
    SAMPLER = "sampler"
    VERIFIER = "verifier"
    CURATE = "curate"
    TRAINER = "trainer"
    SCORE = "score"
    CLEANUP = "cleanup"


STAGES: Mapping[Kind, tuple[Stage, ...]] = {
    "Synthesis": (Stage.PREPARE, Stage.SAMPLER, Stage.VERIFIER, Stage.CURATE, Stage.CLEANUP),
    "Training": (Stage.PREPARE, Stage.TRAINER, Stage.CLEANUP),
    "Evaluation": (Stage.PREPARE, Stage.SCORE, Stage.CLEANUP),
}
"""Kind -> stages that its children have; samplers of an Evaluation are those of the Syntheses that it makes."""


def jobs_name(name: str, stage: Stage, kind: Kind = "Synthesis") -> str:
    """What the names of a stage's Jobs begin with. Objects of two kinds may have one name, their Jobs may not."""
    between = "" if kind == "Synthesis" or stage is Stage.TRAINER else f"-{kind.lower()}"
    return f"{name}{between}-{stage.value}"


def job_name(name: str, stage: Stage, number: int, kind: Kind = "Synthesis") -> str:
    """Name of a stage's Job: the same for the same number, so that creating it twice makes one."""
    return f"{jobs_name(name, stage, kind)}-{number}"


def declaration_name(name: str, kind: Kind = "Synthesis") -> str:
    """Name of the ConfigMap with the declaration that pods read."""
    return f"{name}-declaration" if kind == "Synthesis" else f"{name}-{kind.lower()}-declaration"


def verifier_name(synthesis: str) -> str:
    """Name of the verification pods' Deployment, headless Service and NetworkPolicy."""
    return f"{synthesis}-verifier"


def trainers_name(training: str) -> str:
    """Name of the trainers' headless Service and NetworkPolicy."""
    return f"{training}-trainers"
