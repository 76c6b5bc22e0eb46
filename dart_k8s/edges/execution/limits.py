"""What one block and one sandbox may use."""

from dataclasses import dataclass, replace

from dart_k8s.edges.execution.base import BlockLimits

__all__ = ["DEFAULT_LIMITS", "Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds of a sandbox. Times in seconds of wall-clock, sizes in bytes."""

    seconds: float = 10.0
    """For one block. It has one thread, so this bounds its processor time too."""
    grace: float = 1.0
    """After that: a block that ignores the interruption is killed."""
    start_seconds: float = 20.0
    """For a session to be forked and confined, on a busy machine."""
    replay_seconds: float = 40.0
    """For running all earlier blocks again."""
    memory: int = 512 << 20
    """Address space of a session on top of the loaded libraries."""
    head_bytes: int = 2_000
    tail_bytes: int = 1_000
    """Of a block's output, what is kept from its start and from its end."""
    output_bytes: int = 1 << 20
    """A block that prints more is stopped."""
    file_bytes: int = 4 << 20
    """Largest file."""
    held_bytes: int = 64 << 20
    """Memory of its own with which a session may wait for its next block; one with more makes room at once."""
    scratch_bytes: int = 16 << 20
    """Scratch of a session, where namespaces allow one of its own."""
    processes: int = 1
    """Blocks that run at once."""
    sessions: int = 32
    """Sessions held, running or not. The least recently used one makes room; it costs a replay when it comes back."""
    cpu_seconds: int = 200
    """Processor time of a session, its last resort: a held session is stopped, so it can't use any."""

    def within(self, asked: BlockLimits | None) -> "Limits":
        """These limits where a request asks for less; what it asks for beyond them counts for nothing."""
        if asked is None:
            return self
        kept = self.head_bytes + self.tail_bytes
        head = min(asked.head_bytes, kept)
        return replace(
            self,
            seconds=min(asked.seconds, self.seconds),
            memory=min(asked.memory, self.memory),
            head_bytes=head,
            tail_bytes=min(asked.tail_bytes, kept - head),
        )


DEFAULT_LIMITS = Limits()
