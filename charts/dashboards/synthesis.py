"""How far a Synthesis is, what it costs, and what is wasted."""

from .panels import Bars, Board, Choice, Lines, Number, Q, Typed

OF = 'namespace=~"$namespace",name=~"$synthesis"'
"""Series of Syntheses, which the operator has."""
PODS = 'namespace=~"$namespace",synthesis=~"$synthesis"'
"""Series of their pods."""
RANGE = "[$__rate_interval]"
PER_SYNTHESIS = "sum by (namespace, name)"
PER_PODS = "sum by (namespace, synthesis)"
NAMED, NAMED_PODS = "{{namespace}}/{{name}}", "{{namespace}}/{{synthesis}}"
SPENT = f"sum(dart_synthesis_tokens{{{OF}}}) + sum(dart_synthesis_wasted_tokens{{{OF}}})"


def _sum(name: str) -> str:
    return f"sum(dart_synthesis_{name}{{{OF}}})"


def _by_difficulty(name: str) -> str:
    return f"sum by (difficulty) (dart_synthesis_difficulty_{name}{{{OF}}})"


def _pods(name: str) -> str:
    return f"sum(dart_sampler_{name}{{{PODS}}})"


BOARD = Board(
    title="DART / Synthesis",
    says="How far syntheses are against what is to be expected, by difficulty; what they cost, and what is wasted.",
    variables=(
        Choice("namespace", "Namespace", "label_values(dart_synthesis_phase, namespace)"),
        Choice("synthesis", "Synthesis", 'label_values(dart_synthesis_phase{namespace=~"$namespace"}, name)'),
        Typed("gpu_price", "Price of a GPU hour", "2"),
    ),
    rows={
        "Now": (
            Number(
                title="Phase", says="kubectl dart explain says why.", text="name",
                queries=[Q(f"dart_synthesis_phase{{{OF}}}", "{{name}}: {{phase}}")],
            ),
            Number(
                title="Rows", says="Of those wanted.", unit="percentunit",
                queries=[Q(f"{_sum('accepted')} / {_sum('wanted')}")],
            ),
            Number(
                title="Trials to come",
                says="As the posterior expects; hopeless queries will not bring all their rows.",
                queries=[Q(_sum("remaining_trials"))], decimals=0,
            ),
            Number(
                title="Beyond the bound",
                says="Share of the trials after a query's last needed one, or behind a gap. The aim is 1 %.",
                queries=[Q(f"{_sum('overhead_trials')} / clamp_min({_sum('trials')}, 1)")], unit="percentunit",
                bad=(0.05, 0.2),
            ),
            Number(
                title="GPU hours", says="Held so far.", unit="h", queries=[Q(f"{_sum('gpu_held_seconds')} / 3600")],
            ),
            Number(
                title="Cost", says="GPU hours held, at the price above.", unit="currencyUSD",
                queries=[Q(f"{_sum('gpu_held_seconds')} / 3600 * $gpu_price")],
            ),
        ),
        "Progress": (
            Lines(
                title="Trials", says="Spent, against the sequential bound (each query stopped at its last needed one), "
                "and the whole that is expected.",
                queries=[
                    Q(_sum("trials"), "spent"),
                    Q(f"{_sum('trials')} - {_sum('overhead_trials')}", "bound"),
                    Q(f"{_sum('trials')} + {_sum('remaining_trials')}", "expected in all"),
                ],
            ),
            Lines(
                title="Rows", says="What a data set would have now, and what is wanted.",
                queries=[Q(_sum("accepted"), "accepted"), Q(_sum("wanted"), "wanted")],
            ),
            Lines(
                title="Queries", says="Open ones take trials; covered ones have a correct response.",
                queries=[
                    Q(_sum("queries"), "all"), Q(_sum("covered_queries"), "covered"), Q(_sum("open_queries"), "open"),
                ],
            ),
            Lines(
                title="Trials a second", says="Over the folds of the last minutes, by Synthesis.",
                queries=[
                    Q(f"{PER_SYNTHESIS} (deriv(dart_synthesis_trials{{{OF}}}{RANGE}))", NAMED)
                ],
            ),
            Lines(
                title="Tokens a second", says="Of finished responses, by Synthesis.",
                queries=[
                    Q(
                        f"{PER_PODS} (rate(dart_sampler_tokens_total{{{PODS}}}{RANGE}))",
                        NAMED_PODS,
                    )
                ],
            ),
            Lines(
                title="Correct", says="Share of the trials so far, by Synthesis. It falls while hard queries remain.",
                queries=[
                    Q(
                        f"{PER_SYNTHESIS} (dart_synthesis_correct{{{OF}}}) / "
                        f"{PER_SYNTHESIS} (dart_synthesis_trials{{{OF}}})",
                        NAMED,
                    )
                ],
                unit="percentunit", most=1.0,
            ),
        ),
        "By difficulty (fail rate, easiest first)": (
            Bars(
                title="Rows for a trial", says="Accepted rows by trials spent: what a trial brings.",
                queries=[Q(f"{_by_difficulty('accepted')} / ({_by_difficulty('trials')} > 0)", "{{difficulty}}")],
                unit="percentunit", most=1.0, width=6,
            ),
            Bars(
                title="Rows of those wanted", says="Accepted by wanted.",
                queries=[Q(f"{_by_difficulty('accepted')} / ({_by_difficulty('wanted')} > 0)", "{{difficulty}}")],
                unit="percentunit", most=1.0, width=6,
            ),
            Bars(
                title="Trials", says="Where they go.", width=6,
                queries=[Q(_by_difficulty("trials"), "{{difficulty}}")],
            ),
            Bars(
                title="Queries", says="Estimated from their trials: without any, all are like the average.", width=6,
                queries=[Q(_by_difficulty("queries"), "{{difficulty}}")],
            ),
        ),
        "Cost and waste": (
            Lines(
                title="GPUs held and generating",
                says="The gap is paid for and does nothing: loading, waiting, the tail.",
                queries=[
                    Q(f"sum(deriv(dart_synthesis_gpu_held_seconds{{{OF}}}{RANGE}))", "held"),
                    Q(f"sum(deriv(dart_synthesis_gpu_generating_seconds{{{OF}}}{RANGE}))", "generating"),
                ],
            ),
            Lines(
                title="Engines generate", says="Share of the time that engines are held, weighted by slots in use.",
                queries=[
                    Q(
                        f"{PER_PODS} (rate(dart_sampler_engine_generating_seconds_total{{{PODS}}}{RANGE}))"
                        f" / {PER_PODS} (rate(dart_sampler_engine_held_seconds_total{{{PODS}}}{RANGE}))",
                        NAMED_PODS,
                    )
                ],
                unit="percentunit", most=1.0,
            ),
            Lines(
                title="Cost",
                says="Of GPU hours at the price above: all, and what did not generate.", unit="currencyUSD",
                queries=[
                    Q(f"{_sum('gpu_held_seconds')} / 3600 * $gpu_price", "held"),
                    Q(
                        f"({_sum('gpu_held_seconds')} - {_sum('gpu_generating_seconds')}) / 3600 * $gpu_price",
                        "not generating",
                    ),
                ],
            ),
            Lines(
                title="Tokens wasted",
                says="Share that belongs to aborted responses: those of queries that had enough.",
                queries=[Q(f"{_sum('wasted_tokens')} / clamp_min({SPENT}, 1)")], unit="percentunit", most=1.0,
            ),
            Lines(
                title="Trials that don't count",
                says="Surplus (behind a gap), beyond the bound, without a verdict yet.",
                queries=[
                    Q(_sum("surplus_trials"), "surplus"), Q(_sum("overhead_trials"), "beyond the bound"),
                    Q(_sum("pending"), "pending"), Q(_sum("undecided"), "undecided"),
                ],
            ),
            Lines(
                title="Rows for a GPU hour", says="By Synthesis, so far.",
                queries=[
                    Q(
                        f"{PER_SYNTHESIS} (dart_synthesis_accepted{{{OF}}}) / ({PER_SYNTHESIS} "
                        f"(dart_synthesis_gpu_held_seconds{{{OF}}} > 0) / 3600)",
                        NAMED,
                    )
                ],
            ),
        ),
        "Samplers": (
            Lines(
                title="Pods", says="Samplers that wait or run, and those whose engine has its model.",
                queries=[
                    Q(_sum("samplers"), "samplers"), Q(_sum("samplers_ready"), "ready"),
                    Q(_sum("live_claims"), "shards worked at"), Q(_sum("unclaimed_shards"), "shards to take"),
                ],
            ),
            Lines(
                title="Slots", says="Responses in the engines, and how many fit.",
                queries=[Q(_pods("slots"), "slots"), Q(_pods("running"), "in use")],
            ),
            Lines(
                title="Responses on their way",
                says="They wait for a verdict, or to be written. New trials pause at 20,000.",
                queries=[Q(_pods("unsettled"), "unsettled"), Q(_pods("verifying"), "of them at the verifier")],
            ),
            Lines(
                title="Failures", says="Samplers that failed since the last result; requests that engines repeated.",
                queries=[
                    Q(_sum("sampler_failures"), "samplers failed"),
                    Q(f"sum(increase(dart_sampler_engine_retries_total{{{PODS}}}{RANGE}))", "requests repeated"),
                    Q(_sum("shards_set_aside"), "shards set aside"),
                ],
            ),
            Lines(
                title="Object store", says="Requests of samplers by operation.", unit="reqps",
                queries=[
                    Q(f"sum by (operation) (rate(dart_sampler_store_requests_total{{{PODS}}}{RANGE}))", "{{operation}}")
                ],
            ),
            Lines(
                title="Cut off", says="Calls that wait for the store; samplers whose verifier gives no verdicts.",
                queries=[Q(_pods("store_waiting"), "store"), Q(_pods("verifier_unavailable"), "verifier")],
            ),
        ),
    },
)  # fmt: skip
