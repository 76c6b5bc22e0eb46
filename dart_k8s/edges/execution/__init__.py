"""Execution of Python blocks that a model wrote: one Protocol, the sandbox, and a scripted one that ships beside it."""

from dart_k8s.edges.execution.base import Block, BlockLimits, Execution, Executor, Outcome, Standing

__all__ = ["Block", "BlockLimits", "Execution", "Executor", "Outcome", "Standing"]
