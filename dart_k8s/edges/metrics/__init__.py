"""Measurements for whoever operates this: counters, gauges and histograms in the Prometheus text format."""

from dart_k8s.edges.metrics.base import OTHER, Metric, Metrics
from dart_k8s.edges.metrics.memory import MemoryMetrics

__all__ = ["OTHER", "MemoryMetrics", "Metric", "Metrics"]
