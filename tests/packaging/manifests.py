"""manifests/install as the chart renders it: the same objects for those who use no Helm.

python -m tests.packaging.manifests    writes it (needs helm)
"""

import re
import subprocess
from pathlib import Path

from tests.tools import HELM

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/dart"
NAMESPACE = "dart-system"
HEAD = "# Made from charts/dart by `make manifests`; a test keeps it up to date.\n"
FILES = {
    "rbac.yaml": ("operator/serviceaccount.yaml", "operator/rbac.yaml"),
    "user-roles.yaml": ("userroles.yaml",),
    "settings.yaml": ("operator/settings.yaml",),
    "operator.yaml": (
        "operator/deployment.yaml",
        "operator/service.yaml",
        "operator/poddisruptionbudget.yaml",
        "operator/networkpolicy.yaml",
        "podspolicy.yaml",
    ),
}
"""File -> the chart's templates that it is made of."""
KUSTOMIZATION = f"""{HEAD}#
# For clusters with the Prometheus operator and Grafana's sidecar: kubectl apply -k manifests/monitoring
#
# The same as monitoring.*.enabled of the chart. What your Prometheus selects by goes on as `labels` of an overlay.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources:
"""
OFF = {"crds.yaml"}
"""Templates that are left out: the definitions are in manifests/crds."""
HELMS = re.compile(r"^ *(helm\.sh/chart: .*|app\.kubernetes\.io/managed-by: Helm)\n", re.MULTILINE)
"""Labels that would be untrue."""


def rendered(*settings: str) -> dict[str, list[str]]:
    """Documents of the chart, by template, hooks left out."""
    command = [str(HELM.need()), "template", "dart", str(CHART), "-n", NAMESPACE, "--no-hooks"]
    command += [part for setting in settings for part in ("--set", setting)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[str, list[str]] = {}
    for document in re.split(r"^---\n", text, flags=re.MULTILINE):
        match = re.match(r"# Source: dart/templates/(.*)\n", document)
        if match:
            body = HELMS.sub("", document[match.end() :]).strip("\n")
            found.setdefault(match[1], []).append(re.sub(r"[ \t]+$", "", body, flags=re.MULTILINE) + "\n")
    return found


def install() -> dict[str, str]:
    """Files of manifests/install that are made."""
    found = rendered()
    missing = set(found) - OFF - {template for templates in FILES.values() for template in templates}
    if missing:
        raise ValueError(f"{sorted(missing)} of the chart belong into no file of manifests/install; add them to FILES")
    return {
        name: HEAD + "---\n".join(document for template in templates for document in found[template])
        for name, templates in FILES.items()
    }


def monitoring() -> dict[str, str]:
    """Files of manifests/monitoring that are made."""
    kinds = ("serviceMonitor", "podMonitor", "rules", "dashboards")
    found = rendered(*(f"monitoring.{kind}.enabled=true" for kind in kinds))
    made = {
        f"{Path(template).stem}.yaml": HEAD + "---\n".join(documents)
        for template, documents in sorted(found.items())
        if template.startswith("monitoring/")
    }
    return {**made, "kustomization.yaml": KUSTOMIZATION + "".join(f"- {name}\n" for name in made)}


def main() -> None:
    """Write them."""
    for folder, files in (("install", install()), ("monitoring", monitoring())):
        for name, text in files.items():
            path = ROOT / "manifests" / folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
            print(path)


if __name__ == "__main__":
    main()
