"""Rendered pods keep the restricted Pod Security Standard, whatever the user says."""

from typing import Any

import pytest

from dart_k8s.names import Stage
from dart_k8s.reconcile import ApplyDeclaration, ApplyVerifiers, CreateJob
from dart_k8s.render import objects
from tests.reconcile.builders import SETTINGS, facts

ACTIONS = [
    *(CreateJob(stage=stage, number=1, parallelism=1) for stage in Stage if stage is not Stage.VERIFIER),
    ApplyVerifiers(replicas=2),
]


def pods(**spec: Any) -> dict[str, dict[str, Any]]:
    """Pod specs by stage."""
    found = {}
    for action in ACTIONS:
        for made in objects(action, facts(spec=spec), SETTINGS):
            if "template" in made["spec"]:
                template = made["spec"]["template"]
                found[template["metadata"]["labels"]["dart-k8s.io/stage"]] = template["spec"]
    return found


@pytest.mark.parametrize("stage", list(Stage))
def test_every_pod_is_restricted(stage: Stage):
    spec = pods()[stage.value]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    for container in spec["containers"]:
        security = container["securityContext"]
        assert security["allowPrivilegeEscalation"] is False
        assert security["capabilities"] == {"drop": ["ALL"]}
        assert security["readOnlyRootFilesystem"] is True


def test_the_declaration_names_its_own_verifiers():
    [made] = objects(ApplyDeclaration(), facts(), SETTINGS)
    assert "url: http://math-verifier.team.svc.cluster.local:8080" in made["data"]["declaration.yaml"]


@pytest.mark.parametrize(("required", "allowed"), [(True, False), (False, True)])
def test_code_runs_in_a_pod_with_a_network_only_if_the_spec_allows_it(required: bool, allowed: bool):
    tools = {"prompt": {"template": "tool-integrated"}, "execution": {"requireNetworkIsolation": required}}
    command = pods(**tools)["verifier"]["containers"][0]["command"]
    assert "--execute" in command
    assert ("--allow-network" in command) is allowed
