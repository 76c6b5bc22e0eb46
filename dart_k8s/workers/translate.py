"""From a declaration to what the workers take."""

import os
from dataclasses import replace
from pathlib import Path

from dart_k8s.api import Synthesis, Turn, template
from dart_k8s.budget.strategies import Goal, Kind
from dart_k8s.edges.engine.base import Engine, Message, Prompt
from dart_k8s.edges.engine.script import read_scripts
from dart_k8s.edges.execution.base import BlockLimits, Executor
from dart_k8s.edges.execution.limits import Limits as ExecutionLimits
from dart_k8s.edges.execution.sandbox import Sandbox
from dart_k8s.errors import SpecError

from .access import Tell, silent
from .planner import PlannerSettings
from .responding import PlainResponder, Responder, ToolResponder
from .responding.path import STOPS
from .responding.service import ServiceExecutor
from .sample import SamplerSettings
from .verification import LateVerifier, PoolVerifier, ServiceVerifier, Verifier

SCRIPTED_ARGUMENTS = {"seconds_per_token", "verifier"}
"""What `engine.args` may hold for the scripted engine; verifier: exact compares texts, in place of the real one."""


def goal_of(synthesis: Synthesis) -> Goal:
    """Strategy, caps and stops of a declaration."""
    spec = synthesis.spec
    kind = Kind(spec.strategy.kind)
    cap = spec.budget.max_trials_per_query
    # Under a fixed total, precision would be paid for with the targets of harder queries.
    precision = spec.strategy.precision if kind is Kind.PROP2DIFF and spec.budget.total_trials is None else 0.0
    return Goal(
        kind=kind,
        scale=spec.strategy.scale,
        min_trials=min(spec.strategy.min_trials, cap) if kind is Kind.PROP2DIFF else 0,
        precision=precision,
        cap=cap,
        hopeless_probability=spec.budget.hopeless_probability,
        hopeless_after=spec.budget.hopeless_after,
        hopeless_floor=spec.budget.hopeless_floor,
        total=spec.budget.total_trials,
    )


def planner_settings(synthesis: Synthesis) -> PlannerSettings:
    """How its planner works."""
    sharding = synthesis.spec.sharding
    return PlannerSettings(
        samplers=max(1, synthesis.spec.samplers.replicas),
        shard_seconds=sharding.seconds,
        shard_trials=sharding.trials,
    )


def sampler_settings(synthesis: Synthesis) -> SamplerSettings:
    """How its samplers work."""
    spec = synthesis.spec
    return SamplerSettings(
        max_tokens=spec.sampling.max_tokens,
        temperature=spec.sampling.temperature,
        top_p=spec.sampling.top_p,
        stop=_stop(synthesis),
        seed=spec.sampling.seed if spec.sampling.seeding == "request" else None,
        flush_seconds=spec.flush.seconds,
        flush_bytes=int(spec.flush.mebibytes * (1 << 20)),
        idle_timeout=spec.samplers.idle_timeout,
        most_pending=spec.verification.max_pending,
    )


def _stop(synthesis: Synthesis) -> tuple[str, ...]:
    used = template(synthesis.spec.prompt, synthesis.spec.engine.api)
    return (*STOPS, *used.stop) if used.tools else used.stop


def prompt_of(synthesis: Synthesis, query: str) -> Prompt:
    """The prompt that a query gets."""
    rendered = template(synthesis.spec.prompt, synthesis.spec.engine.api).render(query)
    return rendered if isinstance(rendered, str) else tuple(_message(turn) for turn in rendered)


def _message(turn: Turn) -> Message:
    return Message(role=turn.role, content=turn.content)


def engine_of(
    synthesis: Synthesis, *, model: Path | None, seed: int, log: Path | None = None, measured: bool = False
) -> Engine:
    """The engine that a declaration asks for, not started. `model` is the resolved folder (vllm). `measured`: metrics
    of the engine itself, where it has any, go to the process's registry.

    SpecError: the engine's package is not installed, or its script can't be read.
    """
    spec = synthesis.spec.engine
    try:
        if spec.kind == "scripted":
            from dart_k8s.edges.engine.scripted import ScriptedEngine

            unknown = sorted(set(spec.args) - SCRIPTED_ARGUMENTS)
            if unknown:
                raise SpecError(
                    f"The scripted engine has no argument {unknown[0]!r} (spec.engine.args).",
                    remedy=f"It has: {', '.join(sorted(SCRIPTED_ARGUMENTS))}.",
                )
            script = spec.script or ""
            seconds = spec.args.get("seconds_per_token", 0.0)
            return ScriptedEngine(
                read_scripts(Path(script.removeprefix("file://"))),
                slots=spec.slots or 64,
                seed=seed,
                seconds_per_token=float(seconds) if isinstance(seconds, (int, float)) else 0.0,
            )
        if spec.kind == "openai":
            from dart_k8s.edges.engine.openai import OpenaiEngine

            return OpenaiEngine(
                spec.base_url or "",
                model=spec.model,
                slots=spec.slots or spec.concurrency,
                chat=template(synthesis.spec.prompt, spec.api).chat,
                api_key=os.environ.get(spec.api_key_env or "OPENAI_API_KEY"),
                extra_body=dict(spec.args),
                seed=seed,
            )
        from dart_k8s.edges.engine.vllm import VllmEngine
    except ImportError as error:
        raise SpecError(
            f"Cannot make the engine '{spec.kind}' of Synthesis '{synthesis.metadata.name}': "
            f"the package '{error.name}' is not installed.",
            remedy="Install dart-k8s[sampler] (GPU) or dart-k8s[sampler-cpu]; for openai, dart-k8s[worker].",
        ) from error
    if model is None:
        raise SpecError(f"Synthesis '{synthesis.metadata.name}' has no model folder for vllm.")
    return VllmEngine(
        model,
        slots=spec.slots,
        seed=seed,
        args={**spec.args, **_trust(synthesis)},
        log=log,
        measured=measured,
    )


def _trust(synthesis: Synthesis) -> dict[str, bool]:
    model = synthesis.spec.model
    return {"trust_remote_code": True} if model is not None and model.trust_remote_code else {}


def verifier_of(synthesis: Synthesis) -> Verifier:
    """The verifier of a declaration's responses: the service that it names, else children on this machine."""
    spec = synthesis.spec.verifiers
    if synthesis.spec.engine.kind == "scripted" and synthesis.spec.engine.args.get("verifier") == "exact":
        return LateVerifier(delay=0.0)
    if spec.url is not None:
        return ServiceVerifier(spec.url, lenient=synthesis.spec.verification.policy == "lenient")
    return PoolVerifier(
        processes=spec.processes or os.cpu_count() or 1,
        deadline=spec.deadline_seconds,
        memory_mib=spec.memory_mib,
        lenient=synthesis.spec.verification.policy == "lenient",
    )


def executor_of(synthesis: Synthesis) -> Executor | None:
    """What runs the code of a declaration's responses, not started; None if its template has none."""
    spec = synthesis.spec
    if not template(spec.prompt, spec.engine.api).tools:
        return None
    execution = spec.execution
    third = execution.output_characters // 3
    limits = BlockLimits(
        seconds=execution.seconds,
        memory=execution.memory_mib << 20,
        head_bytes=execution.output_characters - third,
        tail_bytes=third,
    )
    if spec.verifiers.url is not None:
        return ServiceExecutor(spec.verifiers.url, limits=limits)
    processes = execution.processes or max(1, (os.cpu_count() or 1) // max(1, spec.samplers.replicas))
    return Sandbox(
        ExecutionLimits(
            seconds=limits.seconds,
            replay_seconds=4 * limits.seconds,
            memory=limits.memory,
            head_bytes=limits.head_bytes,
            tail_bytes=limits.tail_bytes,
            processes=processes,
            sessions=max(processes, execution.sessions),
            cpu_seconds=int(execution.seconds * 2 * (execution.max_executions + 1)) + 1,
        ),
        unconfined=execution.unconfined,
    )


def responder_of(synthesis: Synthesis, engine: Engine, executor: Executor | None, tell: Tell = silent) -> Responder:
    """What makes a declaration's responses; `executor` is what `executor_of` gave, started."""
    if executor is None:
        return PlainResponder(engine)
    return ToolResponder(engine, executor, executions=synthesis.spec.execution.max_executions, tell=tell)


def with_interval(settings: PlannerSettings, seconds: float) -> PlannerSettings:
    """The same with another shortest time between two folds."""
    return replace(settings, interval=seconds)
