"""Whole runs in simulated time: of planner and samplers alone (`World`), and of an operator on a cluster (`runs`)."""

from .world import World, sequential_bound

__all__ = ["World", "sequential_bound"]
