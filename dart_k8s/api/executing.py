"""How code of a tool-integrated response is run."""

from typing import Annotated

from pydantic import Field

from .base import LARGEST, AtLeastOne, Part, Positive


class Execution(Part):
    """How code of a tool-integrated response is run: prompt.template tool-integrated."""

    max_executions: AtLeastOne = 8
    """Blocks of Python run in one response. One that asks for more ends there and counts as incorrect."""
    seconds: Positive = 10.0
    """Longest time for one block."""
    memory_mib: Annotated[int, Field(ge=64, le=LARGEST)] = 512
    """Memory of one response's interpreter on top of the libraries, in MiB of address space."""
    output_characters: Annotated[int, Field(ge=100, le=100_000)] = 3000
    """Of a block's output: two thirds are kept of its start, one third of its end, in bytes of UTF-8."""
    processes: AtLeastOne | None = None
    """Blocks run at once on one machine. Default: one a core."""
    sessions: AtLeastOne = 64
    """Interpreters kept for responses that may go on. What makes room is run again when it is needed: it costs time."""
    require_network_isolation: bool = True
    """Run no code in verification pods that can reach the API server or DNS, where NetworkPolicy is not enforced. Code
    has no sockets either way. In a cluster only."""
    unconfined: bool = False
    """Run code although this machine can't confine it. Code of a model then has the rights of the process that runs it.
    Only where there is nothing to lose."""


__all__ = ["Execution"]
