"""What the Prometheus operator would scrape by the chart's monitors, and with which labels."""

import re
from pathlib import Path
from typing import Any

import yaml

__all__ = ["honours_labels", "pod_targets", "selector"]

FOLDER = Path(__file__).parents[2] / "manifests" / "monitoring"
META = "__meta_kubernetes_pod_label_"
POD_MONITOR: dict[str, Any] = yaml.safe_load((FOLDER / "podmonitor.yaml").read_text())["spec"]
SERVICE_MONITOR: dict[str, Any] = yaml.safe_load((FOLDER / "servicemonitor.yaml").read_text())["spec"]


def selector() -> str:
    """Of the pods that are scraped, as kubectl takes it."""
    chosen = POD_MONITOR["selector"]
    parts = [f"{label}={value}" for label, value in chosen.get("matchLabels", {}).items()]
    for one in chosen.get("matchExpressions", ()):
        assert one["operator"] == "In"
        parts.append(f"{one['key']} in ({','.join(one['values'])})")
    return ",".join(parts)


def pod_targets(pods: list[dict[str, Any]]) -> dict[tuple[str, int], dict[str, str]]:
    """Address and port -> labels, of those pods that run."""
    found = {}
    for pod in pods:
        about, address = pod["metadata"], pod["status"].get("podIP")
        if not address or pod["status"]["phase"] != "Running":
            continue
        ports = {port.get("name"): port["containerPort"] for port in pod["spec"]["containers"][0].get("ports") or ()}
        known = {META + re.sub(r"[^a-zA-Z0-9_]", "_", name): value for name, value in about["labels"].items()}
        for end in POD_MONITOR["podMetricsEndpoints"]:
            if end["port"] not in ports:
                continue
            labels = {"namespace": about["namespace"], "pod": about["name"]}
            for rule in end.get("relabelings", ()):
                labels[rule["targetLabel"]] = "".join(known.get(source, "") for source in rule["sourceLabels"])
            found[address, ports[end["port"]]] = labels
    return found


def honours_labels() -> bool:
    """Whether the operator's own labels win over those of its pod."""
    return all(end.get("honorLabels", False) for end in SERVICE_MONITOR["endpoints"])
