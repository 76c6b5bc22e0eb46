"""Do verifiers keep up, and what do they say?"""

from .panels import Board, Choice, Lines, Number, Q, quantiles, rate

PODS = 'namespace=~"$namespace",synthesis=~"$synthesis"'
HOUR = f"sum(increase(dart_verifier_verdicts_total{{{PODS}}}[1h]))"
"""Verdicts in the last hour."""
RANGE = "[$__rate_interval]"
OURS = "and on (namespace, pod) dart_verifier_build_info"
"""Of all processes, verifiers."""

BOARD = Board(
    title="DART / Verification",
    says="Whether verification pods keep up with samplers, how long an answer takes, and what the verdicts are.",
    variables=(
        Choice("namespace", "Namespace", "label_values(dart_verifier_ready, namespace)"),
        Choice("synthesis", "Synthesis", 'label_values(dart_verifier_ready{namespace=~"$namespace"}, synthesis)'),
    ),
    rows={
        "Now": (
            Number(
                title="Ready pods", says="That take work.",
                queries=[Q(f"sum(dart_verifier_ready{{{PODS}}}) or vector(0)")],
            ),
            Number(
                title="Fullest queue", says="At 1 requests are refused with 429, and samplers ask another pod.",
                unit="percentunit", bad=(0.5, 0.9),
                queries=[Q(f"max(dart_verifier_queue_items{{{PODS}}} / dart_verifier_queue_capacity_items{{{PODS}}})")],
            ),
            Number(
                title="Correct", says="Share of the verdicts in the last hour.", unit="percentunit",
                queries=[
                    Q(f'sum(increase(dart_verifier_verdicts_total{{{PODS},verdict="correct"}}[1h])) / {HOUR}')
                ],
            ),
            Number(
                title="Undecided", says="Share of the verdicts in the last hour: the verifier hit its own limit.",
                unit="percentunit", bad=(0.001, 0.01),
                queries=[
                    Q(
                        f'(sum(increase(dart_verifier_verdicts_total{{{PODS},verdict="undecided"}}[1h])) or vector(0))'
                        f" / {HOUR}"
                    )
                ],
            ),
            Number(
                title="Reach a network",
                says="Pods that reach the API server or DNS: no NetworkPolicy is enforced there.",
                queries=[Q(f"count(dart_verifier_network_isolated{{{PODS}}} == 0) or vector(0)")], bad=(1,),
            ),
            Number(
                title="Promises broken", says="Of the sandbox for code, tried when a pod starts.",
                queries=[Q(f"count(dart_verifier_sandbox_promise{{{PODS}}} == 0) or vector(0)")], bad=(1,),
            ),
        ),
        "Work": (
            Lines(
                title="Verdicts", says="By what they say.", unit="ops", stacked=True,
                queries=[Q(rate("dart_verifier_verdicts_total", "verdict", PODS), "{{verdict}}")],
            ),
            Lines(
                title="Who decided", says="Verdicts by tier: symbolic is dear, the others cost next to nothing.",
                unit="ops", stacked=True,
                queries=[Q(rate("dart_verifier_verdicts_total", "tier", PODS), "{{tier}}")],
            ),
            Lines(
                title="Requests by status", says="429: full. 499: the sampler had gone. 503: draining.", unit="reqps",
                stacked=True, queries=[Q(rate("dart_verifier_requests_total", "code", PODS), "{{code}}")],
            ),
            Lines(
                title="Time to answer",
                says="From a request's head to its reply, with the wait in the queue.", unit="s",
                queries=quantiles("dart_verifier_request_seconds", PODS, 0.5, 0.9, 0.99),
            ),
            Lines(
                title="Responses in a request", says="Samplers send together what has come together.",
                queries=[
                    Q(
                        f"sum(rate(dart_verifier_request_items_sum{{{PODS}}}{RANGE})) / "
                        f"sum(rate(dart_verifier_request_items_count{{{PODS}}}{RANGE}))",
                        "mean",
                    )
                ],
            ),
            Lines(
                title="Queue", says="Responses in hand, and how many fit.",
                queries=[
                    Q(f"sum by (endpoint) (dart_verifier_queue_items{{{PODS}}})", "{{endpoint}}"),
                    Q(f"sum by (endpoint) (dart_verifier_queue_capacity_items{{{PODS}}})", "{{endpoint}} at most"),
                ],
            ),
        ),
        "Processes": (
            Lines(
                title="Processes that take work", says="Checkers, and where code is run, sessions' parents.",
                queries=[Q(f"sum by (endpoint) (dart_verifier_children{{{PODS}}})", "{{endpoint}}")],
            ),
            Lines(
                title="Processes killed", says="At a limit of time or memory: that is what they are for.",
                queries=[
                    Q(f"sum by (child) (increase(dart_verifier_child_kills_total{{{PODS}}}{RANGE}))", "{{child}}")
                ],
            ),
            Lines(
                title="Processor time", says="Of the servers themselves, in cores; checkers come on top.",
                queries=[Q(f"sum(rate(process_cpu_seconds_total{{{PODS}}}{RANGE}) {OURS})", "cores")],
            ),
        ),
        "Code (tool-integrated syntheses)": (
            Lines(
                title="Blocks run", says="By how they ended. An error is the response's own.", unit="ops", stacked=True,
                queries=[Q(f'{rate("dart_verifier_executions_total", "outcome", PODS)} or vector(0)', "{{outcome}}")],
            ),
            Lines(
                title="Time of a block", says="With earlier ones that had to be run again.", unit="s",
                queries=[
                    Q(f"{one.expr} or vector(0)", one.legend)
                    for one in quantiles("dart_verifier_execution_seconds", PODS, 0.5, 0.99)
                ],
            ),
            Lines(
                title="Sessions", says="Held; made to leave for others; blocks run again for that.",
                queries=[
                    Q(f"sum(dart_verifier_sessions{{{PODS}}}) or vector(0)", "held"),
                    Q(
                        f"sum(increase(dart_verifier_evicted_sessions_total{{{PODS}}}{RANGE})) or vector(0)",
                        "evicted",
                    ),
                    Q(
                        f"sum(increase(dart_verifier_replayed_blocks_total{{{PODS}}}{RANGE})) or vector(0)",
                        "run again",
                    ),
                ],
            ),
        ),
    },
)  # fmt: skip
