"""Training a model on packed rows: the one importer of accelerate, deepspeed and trl, and a fake that ships."""

from dart_k8s.edges.training.base import Group, Job, Trainer

__all__ = ["Group", "Job", "Trainer"]
