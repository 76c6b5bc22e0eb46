"""Kinds of object that this software deals with, and where their APIs are."""

from dart_k8s.edges.cluster.base import Resource
from dart_k8s.names import GROUP, VERSION

SYNTHESES = Resource(GROUP, VERSION, "Synthesis", "syntheses")
TRAININGS = Resource(GROUP, VERSION, "Training", "trainings")
EVALUATIONS = Resource(GROUP, VERSION, "Evaluation", "evaluations")
JOBS = Resource("batch", "v1", "Job", "jobs")
PODS = Resource("", "v1", "Pod", "pods")
DEPLOYMENTS = Resource("apps", "v1", "Deployment", "deployments")
SERVICES = Resource("", "v1", "Service", "services")
CONFIG_MAPS = Resource("", "v1", "ConfigMap", "configmaps")
NETWORK_POLICIES = Resource("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies")
EVENTS = Resource("", "v1", "Event", "events")
LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases")

RESOURCES = {
    (resource.api_version, resource.kind): resource
    for resource in (
        SYNTHESES, TRAININGS, EVALUATIONS,
        JOBS, PODS, DEPLOYMENTS, SERVICES, CONFIG_MAPS, NETWORK_POLICIES, EVENTS, LEASES,
    )
}  # fmt: skip
"""By what an object says of itself: apiVersion and kind."""
