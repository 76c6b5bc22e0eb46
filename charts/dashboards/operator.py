"""Is the operator well, and does it keep up?"""

from .panels import Board, Choice, Lines, Number, Q, quantiles, rate

HERE = 'namespace=~"$operator"'
OURS = 'and on (namespace, pod) dart_build_info{namespace=~"$operator"}'
"""Of all processes, operators."""

BOARD = Board(
    title="DART / Operator",
    says="Whether the operator is well and keeps up: leader, watches, queue, requests to the API server, folds.",
    variables=(Choice("operator", "Operator's namespace", "label_values(dart_leader, namespace)"),),
    rows={
        "Now": (
            Number(
                title="Leaders", says="1 for each installation. 0: nothing is carried out.",
                queries=[Q(f"sum(dart_leader{{{HERE}}}) or vector(0)")],
            ),
            Number(
                title="Replicas", says="Operators that answer, standing by or not.",
                queries=[Q(f"count(dart_build_info{{{HERE}}}) or vector(0)")],
            ),
            Number(
                title="Oldest watch", says="Time since the API server last said anything of a kind; 75 s at most.",
                queries=[Q(f"max(dart_watch_age_seconds{{{HERE}}})")], unit="s", bad=(120, 300),
            ),
            Number(
                title="Due and waiting", says="Resources in the queue. It should go back to 0 all the time.",
                queries=[Q(f"sum(dart_workqueue_depth{{{HERE}}})")], bad=(100,),
            ),
            Number(
                title="Failed reconciles", says="In the last hour.",
                queries=[Q(f'sum(increase(dart_reconcile_total{{{HERE},result="failed"}}[1h])) or vector(0)')],
                decimals=0, bad=(1, 60),
            ),
            Number(
                title="Lease changed hands", says="Grows with each failover and each update.",
                queries=[Q(f"max(dart_lease_transitions{{{HERE}}})")],
            ),
        ),
        "Reconciling": (
            Lines(
                title="Reconciles", says="By how they ended. failed is tried again after growing pauses.",
                queries=[Q(rate("dart_reconcile_total", "result", HERE), "{{result}}")], unit="ops", stacked=True,
            ),
            Lines(
                title="Length of a reconcile", says="Mostly requests to the API server.",
                queries=quantiles("dart_reconcile_duration_seconds", HERE, 0.5, 0.99), unit="s",
            ),
            Lines(
                title="Wait in the queue", says="How late the operator is. Seconds for long: raise workers or qps.",
                queries=quantiles("dart_workqueue_queue_duration_seconds", HERE, 0.5, 0.99), unit="s",
            ),
            Lines(
                title="Queue", says="Resources that are due, and those that workers have.",
                queries=[
                    Q(f"sum(dart_workqueue_depth{{{HERE}}})", "due"),
                    Q(f"sum(dart_workqueue_working{{{HERE}}})", "worked at"),
                ],
            ),
            Lines(
                title="Tried again", says="Resources put back after a failure.",
                queries=[Q(f"sum(rate(dart_workqueue_retries_total{{{HERE}}}[$__rate_interval])) or vector(0)")],
                unit="ops",
            ),
            Lines(
                title="Syntheses by phase", says="Of all namespaces that this operator watches.",
                queries=[Q("count by (phase) (dart_synthesis_phase)", "{{phase}}")], stacked=True,
            ),
        ),
        "API server": (
            Lines(
                title="Requests by status",
                says="409 is ordinary; 403: a right is missing; 429 and 5xx are trouble.",
                queries=[Q(rate("dart_api_requests_total", "code", HERE), "{{code}}")], unit="reqps", stacked=True,
            ),
            Lines(
                title="Time to answer", says="99th percentile by verb.",
                queries=quantiles("dart_api_request_duration_seconds", HERE, 0.99, by="verb"), unit="s",
            ),
            Lines(
                title="Waiting for the client's own limit",
                says="Seconds a second that requests waited for qps and burst. More than a little: raise them.",
                queries=[Q(f"sum(rate(dart_api_throttling_seconds_sum{{{HERE}}}[$__rate_interval])) or vector(0)")],
                unit="s",
            ),
            Lines(
                title="Age of watches", says="By kind. They come back within 75 s by themselves.",
                queries=[Q(f"max by (kind) (dart_watch_age_seconds{{{HERE}}})", "{{kind}}")], unit="s",
            ),
            Lines(
                title="Objects known", says="By kind.",
                queries=[Q(f"max by (kind) (dart_cached_objects{{{HERE}}})", "{{kind}}")],
            ),
            Lines(
                title="Syntheses without series", says="More than have series of their own; they run all the same.",
                queries=[Q(f"max(dart_objects_without_series{{{HERE}}})")],
            ),
        ),
        "Folds and process": (
            Lines(
                title="Folds", says="Results taken over and planned from. Those not done: by whose fault.",
                queries=[Q(rate("dart_folds_total", "result", HERE), "{{result}}")], unit="ops", stacked=True,
            ),
            Lines(
                title="Length of a fold", says="Grows with queries, and with the distance to the store.",
                queries=quantiles("dart_fold_duration_seconds", HERE, 0.5, 0.99), unit="s",
            ),
            Lines(
                title="Memory", says="Of the operator's own process; folding children are counted by the pod's limit.",
                queries=[Q(f"process_resident_memory_bytes {OURS}", "{{pod}}")], unit="bytes",
            ),
            Lines(
                title="Processor time", says="Of the operator's own process, in cores.",
                queries=[Q(f"rate(process_cpu_seconds_total[$__rate_interval]) {OURS}", "{{pod}}")],
            ),
        ),
    },
)  # fmt: skip
