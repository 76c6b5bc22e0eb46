"""What makes each alert fire, and beside it what must not: promtool's unit tests, in short.

The series of a case are there for two installations or Syntheses, one in trouble and one that is well, so that each
case shows both. Values are promtool's: `0+5x60` are 0, 5, 10, ..., one a minute.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One alert."""

    series: dict[str, str]
    """Series -> values."""
    labels: dict[str, str]
    """Of the one alert that fires, besides its severity."""
    summary: str
    at: str
    """When it fires."""
    before: str = "0m"
    """When it does not yet."""


IN = 'namespace="bad"'
WELL = 'namespace="well"'
ONE, OTHER = 'namespace="ns",name="bad"', 'namespace="ns",name="well"'
PODS, OTHERS = 'namespace="ns",synthesis="bad"', 'namespace="ns",synthesis="well"'
NAMED = {"namespace": "ns", "name": "bad"}
NAMED_PODS = {"namespace": "ns", "synthesis": "bad"}


def _sampling(*of: str) -> dict[str, str]:
    return {f'dart_synthesis_phase{{{one},phase="Sampling"}}': "1x120" for one in of}


CASES: dict[str, Case] = {
    "DartOperatorDown": Case(
        series={f"dart_build_info{{{IN}}}": "1x10 _x60", f"dart_build_info{{{WELL}}}": "1x120"},
        labels={"namespace": "bad"}, before="12m", at="30m",
        summary="No operator of DART answers in namespace bad.",
    ),
    "DartNoLeader": Case(
        series={
            f'dart_leader{{{IN},pod="a"}}': "1 1 0x30", f'dart_leader{{{IN},pod="b"}}': "0x30",
            f'dart_leader{{{WELL},pod="a"}}': "1x30", f'dart_leader{{{WELL},pod="b"}}': "0x30",
        },
        labels={"namespace": "bad"}, before="3m", at="10m",
        summary="Operators run in bad, but none of them leads.",
    ),
    "DartTwoLeaders": Case(
        series={
            f'dart_leader{{{IN},pod="a"}}': "1x30", f'dart_leader{{{IN},pod="b"}}': "0 0 1x30",
            f'dart_leader{{{WELL},pod="a"}}': "1x30", f'dart_leader{{{WELL},pod="b"}}': "0x30",
        },
        labels={"namespace": "bad"}, before="3m", at="10m", summary="2 operators in bad say that they lead.",
    ),
    "DartReconcilesFail": Case(
        series={
            f'dart_reconcile_total{{{IN},result="done"}}': "0+60x60",
            f'dart_reconcile_total{{{IN},result="failed"}}': "0+20x60",
            f'dart_reconcile_total{{{WELL},result="done"}}': "0+60x60",
            f'dart_reconcile_total{{{WELL},result="failed"}}': "0+1x60",
        },
        labels={"namespace": "bad"}, before="10m", at="40m",
        summary="25% of the reconciles of the operator in bad fail.",
    ),
    "DartWatchStale": Case(
        series={
            f'dart_watch_age_seconds{{{IN},pod="a",kind="pods"}}': "0+60x20",
            f'dart_watch_age_seconds{{{IN},pod="a",kind="jobs"}}': "70x20",
        },
        labels={"namespace": "bad", "pod": "a", "kind": "pods"}, before="5m", at="10m",
        summary="Operator a has heard nothing of pods for 10m 0s.",
    ),
    "DartQueueNotDrained": Case(
        series={
            f"dart_workqueue_depth{{{IN}}}": "0 5+1x40",
            f"dart_workqueue_depth{{{WELL}}}": "9 9 9 9 9 9 0 9 9 9 9 9 9 9 0 9 9 9 9 9 9 9 9 9 0 9 9 9 9 9 9 9 0 9x9",
        },
        labels={"namespace": "bad"}, before="10m", at="30m",
        summary="The queue of the operator in bad was never empty in 15 minutes (20 at least).",
    ),
    "DartFoldsFail": Case(
        series={
            f'dart_folds_total{{{IN},result="store"}}': "0+1x60", f'dart_folds_total{{{IN},result="user"}}': "0+1x60",
            f'dart_folds_total{{{WELL},result="done"}}': "0+30x60",
            f'dart_folds_total{{{WELL},result="store"}}': "0x60",
        },
        labels={"namespace": "bad", "result": "store"}, before="3m", at="30m",
        summary="15 folds failed in 15 minutes, by fault of the store.",
    ),
    "DartApiServerErrors": Case(
        series={
            f'dart_api_requests_total{{{IN},code="200",verb="get"}}': "0+60x60",
            f'dart_api_requests_total{{{IN},code="503",verb="get"}}': "0+10x60",
            f'dart_api_requests_total{{{IN},code="error",verb="get"}}': "0+10x60",
            f'dart_api_requests_total{{{WELL},code="200",verb="get"}}': "0+60x60",
            f'dart_api_requests_total{{{WELL},code="409",verb="get"}}': "0+30x60",
        },
        labels={"namespace": "bad"}, before="5m", at="30m",
        summary="25% of the operator's requests get no good answer from the API server.",
    ),
    "DartRequestsForbidden": Case(
        series={
            f'dart_api_requests_total{{{IN},code="403",verb="create"}}': "0+1x60",
            f'dart_api_requests_total{{{WELL},code="403",verb="create"}}': "0 1 1x58",
        },
        labels={"namespace": "bad", "verb": "create"}, before="10m", at="45m",
        summary="The API server forbids the operator to create (15 times in 15 minutes).",
    ),
    "DartSynthesisFailed": Case(
        series={
            f'dart_synthesis_phase{{{ONE},phase="Sampling"}}': "1x10 _x20",
            f'dart_synthesis_phase{{{ONE},phase="Failed"}}': "_x10 1x30",
            f'dart_synthesis_phase{{{OTHER},phase="Complete"}}': "1x60",
        },
        labels=NAMED, before="10m", at="20m", summary="Synthesis ns/bad was given up.",
    ),
    "DartSynthesisDegraded": Case(
        series={
            f'dart_synthesis_condition{{{ONE},condition="Degraded",status="True",reason="Unschedulable"}}': "1x60",
            f'dart_synthesis_condition{{{OTHER},condition="Degraded",status="False",reason="AllWell"}}': "1x60",
        },
        labels={**NAMED, "reason": "Unschedulable"}, before="10m", at="20m",
        summary="Synthesis ns/bad is degraded, Unschedulable.",
    ),
    "DartSynthesisStalled": Case(
        series={
            **_sampling(ONE, OTHER), 'dart_synthesis_phase{namespace="ns",name="done",phase="Complete"}': "1x120",
            # The operator that says so changed meanwhile.
            f'dart_synthesis_trials{{{ONE},pod="a"}}': "0+9x10 90x20 _x60",
            f'dart_synthesis_trials{{{ONE},pod="b"}}': "_x31 90x60",
            f'dart_synthesis_trials{{{OTHER},pod="a"}}': "0+9x100",
            'dart_synthesis_trials{namespace="ns",name="done",pod="a"}': "90x100",
        },
        labels=NAMED, before="38m", at="50m",
        summary="Synthesis ns/bad samples, and had no new result for half an hour.",
    ),
    "DartEngineNotReady": Case(
        series={
            **_sampling(ONE, OTHER),
            f"dart_synthesis_samplers{{{ONE}}}": "4x60", f"dart_synthesis_samplers_ready{{{ONE}}}": "0x60",
            f"dart_synthesis_samplers{{{OTHER}}}": "4x60", f"dart_synthesis_samplers_ready{{{OTHER}}}": "0x20 1x40",
        },
        labels=NAMED, before="25m", at="40m", summary="None of the 4 samplers of ns/bad has its model loaded.",
    ),
    "DartSamplersFail": Case(
        series={
            f"dart_synthesis_sampler_failures{{{ONE}}}": "0 1 2 3x20",
            f"dart_synthesis_sampler_failures{{{OTHER}}}": "0 1 0 1 0 1x20",
        },
        labels=NAMED, before="5m", at="10m", summary="3 samplers of ns/bad failed since its last result.",
    ),
    "DartShardsSetAside": Case(
        series={
            f"dart_synthesis_shards_set_aside{{{ONE}}}": "0x5 2x20",
            f"dart_synthesis_shards_set_aside{{{OTHER}}}": "0x30",
        },
        labels=NAMED, before="5m", at="10m", summary="2 shards of ns/bad were set aside.",
    ),
    "DartGpuIdle": Case(
        series={
            f"dart_sampler_engine_held_seconds_total{{{PODS}}}": "0+60x60",
            f"dart_sampler_engine_generating_seconds_total{{{PODS}}}": "0+12x60",
            f"dart_sampler_engine_held_seconds_total{{{OTHERS}}}": "0+60x60",
            f"dart_sampler_engine_generating_seconds_total{{{OTHERS}}}": "0+57x60",
        },
        labels=NAMED_PODS, before="10m", at="40m", summary="Engines of ns/bad generate 20% of the time.",
    ),
    "DartPendingGrows": Case(
        series={
            f"dart_synthesis_pending{{{ONE}}}": "0+100x60", f"dart_synthesis_pending{{{OTHER}}}": "5000-20x60",
        },
        labels=NAMED, before="35m", at="60m", summary="6000 trials of ns/bad wait for a verdict, ever more.",
    ),
    "DartSamplersPause": Case(
        series={f"dart_sampler_unsettled{{{PODS}}}": "15000x20", f"dart_sampler_unsettled{{{OTHERS}}}": "900x20"},
        labels=NAMED_PODS, before="3m", at="10m",
        summary="A sampler of ns/bad holds 15000 responses that are not settled.",
    ),
    "DartStoreUnavailable": Case(
        series={
            f"dart_sampler_store_waiting{{{PODS}}}": "0 0 3x20",
            f"dart_sampler_store_waiting{{{OTHERS}}}": "0 1 0x20",
        },
        labels=NAMED_PODS, before="3m", at="10m", summary="Samplers of ns/bad can't reach their object store.",
    ),
    "DartTrialsBeyondBound": Case(
        series={
            f"dart_synthesis_overhead_trials{{{ONE}}}": "40000x60", f"dart_synthesis_trials{{{ONE}}}": "400000x60",
            # Of a small run it says nothing.
            f"dart_synthesis_overhead_trials{{{OTHER}}}": "40x60", f"dart_synthesis_trials{{{OTHER}}}": "400x60",
        },
        labels=NAMED, before="20m", at="40m", summary="10% of the trials of ns/bad were not needed.",
    ),
    "DartVerifierUnavailable": Case(
        series={
            f"dart_sampler_verifier_unavailable{{{PODS}}}": "1x20",
            f"dart_sampler_verifier_unavailable{{{OTHERS}}}": "0x20",
        },
        labels=NAMED_PODS, before="3m", at="10m", summary="Samplers of ns/bad get no verdicts.",
    ),
    "DartVerifiersNotReady": Case(
        series={
            f"dart_synthesis_verifiers{{{ONE}}}": "2x30", f"dart_synthesis_verifiers_ready{{{ONE}}}": "0x30",
            f"dart_synthesis_verifiers{{{OTHER}}}": "0x30", f"dart_synthesis_verifiers_ready{{{OTHER}}}": "0x30",
        },
        labels=NAMED, before="5m", at="20m", summary="None of the 2 verification pods of ns/bad is ready.",
    ),
    "DartVerifierQueueFull": Case(
        series={
            f'dart_verifier_queue_items{{{PODS},endpoint="verify"}}': "4000x30",
            f'dart_verifier_queue_capacity_items{{{PODS},endpoint="verify"}}': "4096x30",
            f'dart_verifier_queue_items{{{OTHERS},endpoint="verify"}}': "400x30",
            f'dart_verifier_queue_capacity_items{{{OTHERS},endpoint="verify"}}': "4096x30",
        },
        labels={**NAMED_PODS, "endpoint": "verify"}, before="5m", at="20m",
        summary="A verifier of ns/bad has its queue 97.66% full.",
    ),
    "DartVerdictsUndecided": Case(
        series={
            f'dart_verifier_verdicts_total{{{PODS},verdict="correct"}}': "0+95x120",
            f'dart_verifier_verdicts_total{{{PODS},verdict="undecided"}}': "0+5x120",
            f'dart_verifier_verdicts_total{{{OTHERS},verdict="correct"}}': "0+95x120",
            f'dart_verifier_verdicts_total{{{OTHERS},verdict="undecided"}}': "0x120",
        },
        labels=NAMED_PODS, before="20m", at="80m", summary="5% of the verdicts of ns/bad are undecided.",
    ),
    "DartNetworkNotIsolated": Case(
        series={
            f'dart_verifier_network_isolated{{{PODS},pod="a"}}': "1x20",
            f'dart_verifier_network_isolated{{{PODS},pod="b"}}': "0x20",
            f'dart_verifier_network_isolated{{{OTHERS},pod="a"}}': "1x20",
        },
        labels=NAMED_PODS, before="3m", at="10m", summary="Verification pods of ns/bad reach the API server or DNS.",
    ),
    "DartSandboxBroken": Case(
        series={
            f'dart_verifier_sandbox_promise{{{PODS},promise="network"}}': "0x20",
            f'dart_verifier_sandbox_promise{{{PODS},promise="files"}}': "1x20",
            f'dart_verifier_sandbox_promise{{{OTHERS},promise="network"}}': "1x20",
        },
        labels={**NAMED_PODS, "promise": "network"}, before="0m", at="10m",
        summary="Code of models in ns/bad is not confined, network.",
    ),
}  # fmt: skip


def unit_tests(rule_file: str, rules: list[dict[str, Any]]) -> dict[str, Any]:
    """promtool's document for the rules of one file."""
    tests = []
    for rule in rules:
        case = CASES[rule["alert"]]
        fires = {
            "exp_labels": {**case.labels, **rule["labels"]},
            "exp_annotations": {**rule["annotations"], "summary": case.summary},
        }
        checks: list[dict[str, Any]] = [
            {"eval_time": case.before, "alertname": rule["alert"], "exp_alerts": []},
            {"eval_time": case.at, "alertname": rule["alert"], "exp_alerts": [fires]},
        ]
        tests.append(
            {
                "name": rule["alert"],
                "interval": "1m",
                "input_series": [{"series": series, "values": values} for series, values in case.series.items()],
                "alert_rule_test": checks,
            }
        )
    return {"rule_files": [rule_file], "evaluation_interval": "1m", "tests": tests}
