"""Conditions: every type and reason, what it means, and the way out; docs/reference/conditions.md is made of it."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, get_args

ConditionType = Literal[
    "Ready",
    "Prepared",
    "EngineReady",
    "Progressing",
    "Suspended",
    "Degraded",
    "NetworkIsolation",
    "Complete",
    "Failed",
]

TYPES: Mapping[ConditionType, str] = MappingProxyType(
    {
        "Ready": "The object is accepted and nothing stands in its way; what it waits for is the reason.",
        "Prepared": "Queries, model and output are checked, and the snapshot is written.",
        "EngineReady": "At least one engine has loaded its model and answers.",
        "Progressing": "Results come in.",
        "Suspended": "Suspended by the user or by a queue.",
        "Degraded": "It goes on, but something needs a look.",
        "NetworkIsolation": "Verification pods can reach nothing: the cluster enforces NetworkPolicy.",
        "Complete": "Done: the output is whole.",
        "Failed": "Given up: it takes a change to go on.",
    }
)
"""What each type says when its status is True."""


class Reason(NamedTuple):
    """Why a condition has its status."""

    types: tuple[ConditionType, ...]
    """Conditions that it may stand in."""
    status: Literal["True", "False", "Unknown"]
    """What the condition has with it; Degraded and Failed are True with every reason but AllWell and NotFailed."""
    meaning: str
    remedy: str
    """The way out; empty if there is nothing to do."""


def _why(types: str, status: Literal["True", "False", "Unknown"], meaning: str, remedy: str = "") -> Reason:
    known: dict[str, ConditionType] = {name: name for name in get_args(ConditionType)}
    return Reason(tuple(known[name] for name in types.split()), status, meaning, remedy)


ANYWHERE = "Ready Prepared EngineReady Progressing Degraded Failed"
"""Where the reason of what goes wrong in a pod may stand: what it keeps from being so."""

REASONS: Mapping[str, Reason] = MappingProxyType(
    {
        # How it goes when all is well.
        "Accepted": _why("Ready", "True", "The object was read and its output is its own."),
        "Pending": _why(
            "Prepared EngineReady Progressing Complete NetworkIsolation",
            "Unknown",
            "Not there yet: earlier steps come first.",
        ),
        "Preparing": _why("Prepared", "False", "The prepare pod checks data, model and output."),
        "SnapshotWritten": _why(
            "Prepared", "True", "What it starts from is read, checked and fixed; nothing reads the sources any more."
        ),
        "EngineLoading": _why(
            "EngineReady", "False", "Samplers load the model.", "Wait: 30 minutes at most by default."
        ),
        "EngineAnswers": _why("EngineReady", "True", "Samplers have loaded the model."),
        "NoSamplersWanted": _why(
            "EngineReady Progressing", "False", "spec.samplers.replicas is 0.", "Raise spec.samplers.replicas."
        ),
        "Sampling": _why("Progressing", "True", "Samplers write results."),
        "Sealing": _why("Progressing", "True", "No query is open; late and pending results are waited for."),
        "Curating": _why("Progressing", "True", "The data set is being written."),
        "Training": _why("Progressing", "True", "All nodes train."),
        "Scoring": _why("Progressing", "True", "Responses are all there; scores are computed."),
        "Finished": _why("Complete", "True", "The output is whole."),
        "AlreadyFinished": _why("Progressing EngineReady", "False", "There is nothing left to do."),
        "AllWell": _why("Degraded", "False", "Nothing needs a look."),
        "NotFailed": _why("Failed", "False", "It has not failed."),
        "Isolated": _why("NetworkIsolation", "True", "Verification pods reached neither the API server nor DNS."),
        "Resumed": _why("Suspended", "False", "It may run."),
        # What it waits for.
        "WaitingForReference": _why(
            "Ready Progressing",
            "False",
            "It needs another object that is not Complete yet, or does not exist.",
            "Apply the object that the message names, or wait for it.",
        ),
        "WaitingForQuota": _why(
            "Progressing EngineReady",
            "False",
            "Kueue has not admitted the Job yet.",
            "Look at the Workload: kubectl get workloads. Lower the resources, or wait.",
        ),
        "Unschedulable": _why(
            ANYWHERE,
            "False",
            "No node takes the pods.",
            "Look at the scheduler's words in the message: too few GPUs, a taint without a toleration, a selector.",
        ),
        "Paused": _why("Progressing", "False", "Nothing runs while it is suspended.", "See the condition Suspended."),
        "WaitingForCleanup": _why(
            "Progressing Prepared Ready", "False", "An earlier Job's pods are still ending.", "Wait."
        ),
        "SuspendedByUser": _why("Suspended", "True", "spec.suspend is true.", "Set spec.suspend to false."),
        "SuspendedByQueue": _why("Suspended", "True", "Kueue took the quota back.", "Wait, or look at the Workload."),
        # What the declaration has wrong: found with data or credentials at hand.
        "OutputNotAllowed": _why(
            ANYWHERE,
            "False",
            "The namespace may not use this URI.",
            "Use a prefix that the message lists, or have the chart's allowed prefixes changed.",
        ),
        "OutputOwned": _why(
            ANYWHERE,
            "False",
            "Another live object runs into this output.",
            "Choose another output.uri, or delete the other object.",
        ),
        "SpecChanged": _why(
            ANYWHERE,
            "False",
            "The output was begun with a different spec, in a field that may not change.",
            "Go back to the old value, or choose another output.uri.",
        ),
        "StoreUnsuitable": _why(
            ANYWHERE,
            "False",
            "The object store does not keep conditional writes apart, so two writers could overwrite each other.",
            "Use a store that does: AWS S3, MinIO, SeaweedFS, Ceph, R2.",
        ),
        "StoreAccessDenied": _why(
            ANYWHERE,
            "False",
            "Credentials are missing, wrong, or not allowed to do this.",
            "Give the service account a role that may read and write below output.uri.",
        ),
        "StoreUnavailable": _why(
            ANYWHERE, "False", "The object store does not answer.", "Nothing is lost; it is asked again."
        ),
        "QueriesUnreadable": _why(
            ANYWHERE,
            "False",
            "A source, or references in it, can't be read.",
            "The message names source, row and field. Mend them, or set onInvalid: exclude.",
        ),
        "ReferencesUnreadable": _why(
            ANYWHERE,
            "False",
            "References of queries can't be read as answers.",
            "The message names source and row. Mend them, set reference: last-box, or onInvalid: exclude.",
        ),
        "OutputNotEmpty": _why(
            ANYWHERE,
            "False",
            "The output holds objects that no run wrote.",
            "Choose an empty folder: nothing of yours is ever mixed or overwritten.",
        ),
        "OutputNotWritable": _why(
            ANYWHERE,
            "False",
            "The output can't be written.",
            "Check that the bucket exists and what the service account may do.",
        ),
        "StoreFull": _why(
            ANYWHERE,
            "False",
            "The object store or a disk has no space or quota left.",
            "Free some; nothing written is lost.",
        ),
        "StoreFailed": _why(
            ANYWHERE,
            "False",
            "The object store refuses a request.",
            "The message is its own.",
        ),
        "RunUnreadable": _why(
            ANYWHERE,
            "False",
            "What the output holds was written by a newer version, or is damaged.",
            "Update the operator's and the pods' images, or choose another output.uri.",
        ),
        "ModelUnavailable": _why(
            ANYWHERE,
            "False",
            "The model can't be fetched or is no model.",
            "Check model.uri and model.revision, and the access to the hub.",
        ),
        "BadConfiguration": _why(
            ANYWHERE,
            "False",
            "A pod ended with exit code 64: trying again is pointless.",
            "The message is the pod's own; change the spec.",
        ),
        "PodMisconfigured": _why(
            ANYWHERE,
            "False",
            "A pod can't be started as it is declared: a Secret, a ConfigMap or a volume that is not there.",
            "The message is the kubelet's; create what is missing, or change the pod settings.",
        ),
        "PodRefused": _why(
            ANYWHERE,
            "False",
            "The API server refuses the pods as they are declared.",
            "The message is the API server's; change the pod settings, the quota or the namespace's security level.",
        ),
        # What goes wrong while it runs.
        "PrepareDeadlineExceeded": _why(
            ANYWHERE,
            "False",
            "The prepare pod took longer than spec.prepare.deadlineSeconds.",
            "Raise it, or fill the model cache beforehand.",
        ),
        "ScoreDeadlineExceeded": _why(
            ANYWHERE,
            "False",
            "Scoring an Evaluation took longer than six hours.",
            "Look at its log; give spec.prepare.resources more processors and memory, then change the spec.",
        ),
        "CurateDeadlineExceeded": _why(
            "Complete Progressing Failed",
            "False",
            "The curate pod took longer than spec.curate.deadlineSeconds.",
            "Raise it, or give the pod more memory and processors.",
        ),
        "ImagePullFailed": _why(
            ANYWHERE,
            "False",
            "An image can't be pulled.",
            "Check the image's name, the registry and imagePullSecrets.",
        ),
        "EngineNotReady": _why(
            ANYWHERE,
            "False",
            "An engine did not load its model within spec.samplers.startupDeadlineSeconds.",
            "Look at the sampler's log; a large model needs a larger deadline, or a cache.",
        ),
        "EngineStalled": _why(
            ANYWHERE,
            "False",
            "An engine made no step although responses were on their way; its pod was started again.",
            "Look at the sampler's log, and at the GPU.",
        ),
        "EngineUnreachable": _why(
            ANYWHERE,
            "False",
            "The endpoint of the engine does not answer.",
            "Check engine.baseUrl, and whether the namespace's network policies let samplers reach it.",
        ),
        "EngineFailed": _why(
            ANYWHERE,
            "False",
            "The engine does not start or refuses the requests.",
            "The message is its own; check engine.args, the model and the GPU's memory.",
        ),
        "CodeNotConfined": _why(
            ANYWHERE,
            "False",
            "Code of responses can't be confined where it would run.",
            "See docs/security.md for what a node must offer.",
        ),
        "OutOfMemory": _why(
            ANYWHERE,
            "False",
            "A pod needed more memory than its limit.",
            "Raise resources.limits.memory, or lower engine.slots.",
        ),
        "SamplerCrashed": _why(ANYWHERE, "False", "Samplers end with an error.", "Look at the log: kubectl dart logs."),
        "PodCrashed": _why(
            ANYWHERE,
            "False",
            "A pod other than a sampler ended with an error.",
            "Look at its log; it is tried again.",
        ),
        "TooManyFailures": _why(
            ANYWHERE,
            "False",
            "spec.samplers.maxFailures samplers failed in a row without a new result.",
            "Look at the message and the log, mend the cause, and raise maxFailures or apply the object again.",
        ),
        "ShardsSetAside": _why(
            "Degraded",
            "True",
            "Shards ended their samplers again and again; their queries are left as they are.",
            "kubectl dart status --queries lists them.",
        ),
        "VerifiersUnavailable": _why(
            ANYWHERE,
            "False",
            "Verification pods don't answer; responses are kept as pending.",
            "Look at the verifier's Deployment.",
        ),
        "TooManyPending": _why(
            "Progressing Degraded",
            "False",
            "More responses than verification.maxPending wait for a verdict; no new trials start.",
            "Raise verifiers.replicas.",
        ),
        "NotIsolated": _why(
            "NetworkIsolation Progressing Degraded Failed",
            "False",
            "A verification pod reached the API server or DNS: NetworkPolicy is not enforced.",
            "Use a network plug-in that enforces it, or set execution.requireNetworkIsolation: false.",
        ),
        "RendezvousTimeout": _why(
            ANYWHERE,
            "False",
            "Nodes of a Training did not reach rank 0 within trainers.rendezvousDeadlineSeconds.",
            "Look whether all pods run, and whether the network lets them talk to each other.",
        ),
        "RestartsExhausted": _why(
            "Progressing Failed",
            "False",
            "A Training failed more than trainers.maxRestarts times by its own fault.",
            "Look at the log of the node that the message names, mend the cause, and raise trainers.maxRestarts, or "
            "suspend and resume.",
        ),
        "CheckpointUnusable": _why(
            ANYWHERE,
            "False",
            "A checkpoint is of another recipe, or can't be continued on this number of nodes.",
            "Go back to the old numbers, or choose another output.uri.",
        ),
        "NothingToTrainOn": _why(
            ANYWHERE,
            "False",
            "The data set lacks the columns, or has too few rows.",
            "The message names them.",
        ),
        "DeletionIncomplete": _why(
            "Degraded", "True", "Not all of the output could be deleted in time.", "The message names what remains."
        ),
        "InternalError": _why(
            ANYWHERE,
            "Unknown",
            "The program itself failed: the operator on this object, or one of its pods.",
            "It is tried again; please report the message with the operator's log.",
        ),
    }
)
"""Every reason by name."""


def status_of(condition: ConditionType, reason: str) -> Literal["True", "False", "Unknown"]:
    """The status that a condition has with a reason. Raises KeyError for a reason that is not in `REASONS`, and
    ValueError for one that can't stand in this condition."""
    why = REASONS[reason]
    if condition not in why.types:
        raise ValueError(f"{reason} is no reason of {condition}; it is one of {', '.join(why.types)}")
    if condition in ("Degraded", "Failed") and reason not in ("AllWell", "NotFailed"):
        return "True"
    return why.status


def page() -> str:
    """The reference of conditions as Markdown."""
    lines = [
        "# Conditions",
        "",
        "Made from the code by `make golden`; a test keeps it up to date.",
        "",
        "`kubectl get synthesis NAME -o yaml` shows them under `status.conditions`.",
        "",
        "| type | what it says when it is True |",
        "| --- | --- |",
        *(f"| `{name}` | {says} |" for name, says in TYPES.items()),
    ]
    for name in TYPES:
        lines += ["", f"## {name}", "", "| reason | status | meaning | what to do |", "| --- | --- | --- | --- |"]
        for reason, why in REASONS.items():
            if name in why.types:
                lines.append(f"| `{reason}` | {status_of(name, reason)} | {why.meaning} | {why.remedy} |")
    return "\n".join(lines) + "\n"


__all__ = ["REASONS", "TYPES", "ConditionType", "Reason", "page", "status_of"]
