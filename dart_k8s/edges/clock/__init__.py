"""The clock: an event loop's own time. Code here never reads a wall clock to decide; it asks the loop."""

from dart_k8s.edges.clock.virtual import VirtualLoop, run_virtual

__all__ = ["VirtualLoop", "run_virtual"]
