"""DART on Kubernetes: difficulty-aware rejection tuning as a batch platform."""

__version__ = "0.1.0"
