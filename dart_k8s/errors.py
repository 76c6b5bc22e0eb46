"""What can go wrong, by whose fault it is.

    DartError
    ├── SpecError                  the declaration or the command line (the user's to mend)
    │   ├── DataError              the queries or a data set do not hold what the declaration says
    │   │   ├── UnreadableReferences   all that is wrong with the queries is their reference answers
    │   │   └── NothingToTrainOn       a data set without the columns, or with too few rows
    │   ├── UnreadableReference    a reference answer that no verifier could use
    │   ├── OutputOwned            the output is somebody else's
    │   ├── OutputNotEmpty         the output holds what no run wrote
    │   ├── SpecChanged            a run can't go on under this declaration
    │   ├── CheckpointUnusable     a checkpoint of another recipe, or for another number of processes
    │   └── NotIsolated            code of a model may not run where a network can be reached
    ├── StoreError                 the object store or the disk
    │   ├── NotFound               no object under that key
    │   ├── Conflict               a conditional write lost against another writer
    │   ├── AccessDenied           credentials missing, wrong, or not allowed to
    │   ├── StoreFull              no space or quota left
    │   ├── StoreUnsuitable        it does not keep conditional writes apart
    │   └── StoreUnavailable       no answer, or a server error: worth trying again
    ├── EngineError                the model or its endpoint
    │   ├── EngineRequestError     this one request can't be served; others can
    │   ├── EngineUnavailable      no answer after all retries: worth trying again
    │   ├── EngineNotReady         it did not load its model in time
    │   ├── EngineStalled          it makes no step although it has work
    │   └── EngineDead             the engine is gone: the process has to start again
    ├── VerifierError              the verifier itself, never an answer
    ├── ExecutionError             the sandbox itself, never a block of code
    ├── ClusterError               the Kubernetes API server
    │   ├── ObjectNotFound         no such object (or kind)
    │   ├── ObjectExists           one of that name is there
    │   ├── ObjectConflict         a write or delete lost against another writer
    │   ├── ObjectRefused          invalid, or over a quota: repeating it unchanged is pointless
    │   ├── Forbidden              not allowed to
    │   ├── Expired                a version or page token is too old: list anew
    │   └── ClusterUnavailable     no answer, throttled or a server error: worth trying again
    ├── RunError                   the run's own state: another owner, a newer format, work set aside
    │   ├── TrainingFailed         a rank ended with an error; the group starts again from a checkpoint
    │   ├── RestartsExhausted      that happened too often
    │   └── RendezvousTimeout      not all nodes reached rank 0 in time
    └── StoppedError               nobody's fault: the user asked to stop

Every message says what was tried on which object, with the values; `remedy` says the way out.
"""

from typing import ClassVar

EXIT_CLOSED = 0
"""The synthesis is closed: read from the state, nothing left to do. In a queued Job also: no shard is left to take."""
EXIT_FAILED = 1
"""Something broke; running the same command again may go on."""
EXIT_SPEC = 64
"""Bad configuration (EX_USAGE): running again without a change is pointless."""
EXIT_STORE = 74
"""The store or the disk failed (EX_IOERR)."""
EXIT_STOPPED = 75
"""Stopped on request (EX_TEMPFAIL): running the same command again goes on."""


class DartError(Exception):
    """Base of all errors that this package raises on purpose."""

    exit_code: ClassVar[int] = EXIT_FAILED

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".rstrip()


class SpecError(DartError):
    """The declaration or the command line is at fault."""

    exit_code = EXIT_SPEC


class DataError(SpecError):
    """Queries or a data set do not hold what the declaration says."""


class UnreadableReferences(DataError):
    """The queries are there, but references among them can't be used."""


class NothingToTrainOn(DataError):
    """The data set lacks the columns, or has too few rows."""


class UnreadableReference(SpecError):
    """No usable reference answer where the declaration says there is one."""


class OutputOwned(SpecError):
    """The output belongs to another run."""


class OutputNotEmpty(SpecError):
    """The output holds objects that no run of ours wrote."""


class SpecChanged(SpecError):
    """The declaration differs from the one that the output was begun with where it may not."""


class CheckpointUnusable(SpecError):
    """A checkpoint is of another recipe, or can't be continued on this number of processes."""


class NotIsolated(SpecError):
    """A place that would run code of a model can reach a network that it must not reach."""


class StoreError(DartError):
    """The object store or the disk is at fault."""

    exit_code = EXIT_STORE


class NotFound(StoreError):
    """No object under that key."""


class Conflict(StoreError):
    """A conditional write lost against another writer."""


class AccessDenied(StoreError):
    """Credentials are missing, wrong, or not allowed to do this."""


class StoreFull(StoreError):
    """No space or quota left."""


class StoreUnsuitable(StoreError):
    """It does not keep conditional writes apart, so it can't carry a run."""


class StoreUnavailable(StoreError):
    """No answer or a server error: worth trying again."""


class EngineError(DartError):
    """The model or its endpoint is at fault."""


class EngineRequestError(EngineError):
    """This one request can't be served; others can."""


class EngineUnavailable(EngineError):
    """No answer after all retries: worth trying again."""


class EngineNotReady(EngineError):
    """It did not load its model in time."""


class EngineStalled(EngineError):
    """It makes no step although it has work."""


class EngineDead(EngineError):
    """The engine is gone: its process has to start again."""


class VerifierError(DartError):
    """The verifier itself failed; says nothing about an answer."""


class ExecutionError(DartError):
    """What runs code of a model failed, or can't be had here; says nothing about the code."""


class ClusterError(DartError):
    """The Kubernetes API server, or what was asked of it, is at fault."""


class ObjectNotFound(ClusterError):
    """No such object, or no such kind."""


class ObjectExists(ClusterError):
    """An object of that name is there."""


class ObjectConflict(ClusterError):
    """A write or delete lost against another writer."""


class ObjectRefused(ClusterError):
    """Invalid, or over a quota: repeating it unchanged is pointless."""


class Forbidden(ClusterError):
    """Not allowed to, by the cluster's rules of access."""


class Expired(ClusterError):
    """A version or a page's token is too old: list anew."""


class ClusterUnavailable(ClusterError):
    """No answer, throttled, or a server error: worth trying again."""

    def __init__(self, message: str, *, remedy: str = "", retry_after: float = 0.0) -> None:
        super().__init__(message, remedy=remedy)
        self.retry_after = retry_after
        """Seconds that the server asks to wait; 0: not said."""


class RunError(DartError):
    """The run's own state stands in the way: another owner, a newer format, work set aside."""


class TrainingFailed(RunError):
    """A rank ended with an error; the group can start again from a checkpoint."""


class RestartsExhausted(RunError):
    """A Training failed by its own fault more often than it may."""


class RendezvousTimeout(RunError):
    """Not all nodes of a Training reached rank 0 in time."""


class StoppedError(DartError):
    """The user asked to stop; the same command goes on."""

    exit_code = EXIT_STOPPED

    def __init__(self, message: str = "Stopped on request.", *, remedy: str = "Run the same command to go on.") -> None:
        super().__init__(message, remedy=remedy)
