"""vLLM in this process's care: one AsyncLLM, its engine core and workers in processes of their own.

Imports vLLM only when it starts, because that takes seconds and decides on the platform by the environment.
"""

import asyncio
import contextlib
import dataclasses
import logging
import multiprocessing
import os
import re
import tempfile
import threading
from collections import OrderedDict
from collections.abc import Mapping
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dart_k8s.edges.engine.base import Completion, EngineCounters, EngineInfo, Finish, Prompt, Request
from dart_k8s.edges.engine.cpu import cpu_cache_gib, cpu_dtype, cpu_flags
from dart_k8s.edges.engine.tether import Tether, write_to
from dart_k8s.edges.engine.thread import in_thread
from dart_k8s.edges.engine.vllm_arguments import engine_arguments, vllm_version
from dart_k8s.errors import DartError, EngineDead, EngineError, EngineRequestError, EngineUnavailable

if TYPE_CHECKING:
    from vllm.outputs import RequestOutput
    from vllm.sampling_params import SamplingParams
    from vllm.v1.engine.async_llm import AsyncLLM

__all__ = ["VllmEngine"]

DEFAULT_SLOTS = 256
"""vLLM's own default of max_num_seqs on most GPUs."""
CPU_SLOTS = 32
"""On a CPU the tokens per second hardly grow beyond this many, and each response takes longer."""
KEPT_PROMPTS = 4096
"""Tokenised prompts kept: a query's many requests share one."""
CLOSE_SECONDS = 10.0
LOG_TAIL = 200_000
"""Bytes of the log that are searched for the cause of a failure."""


class VllmEngine:
    """One vLLM engine on this machine's accelerators, or on its CPU."""

    def __init__(
        self,
        model: str | Path,
        *,
        revision: str | None = None,
        dtype: str = "auto",
        max_model_len: int | None = None,
        slots: int | None = None,
        enable_prefix_caching: bool = True,
        seed: int = 0,
        args: Mapping[str, Any] | None = None,
        log: Path | None = None,
        measured: bool = False,
    ) -> None:
        """`model` is a folder (or a name that vLLM can resolve). `args` are further engine arguments of vLLM, in
        snake_case or camelCase; they go before this class's own defaults. `log` gets vLLM's output (default: a
        temporary file, kept only when the engine fails). `measured`: count steps, and put vLLM's own metrics into
        prometheus_client's default registry.
        """
        self.slots = slots or DEFAULT_SLOTS
        self.counters = EngineCounters()
        self._slots_given = slots
        self._model = str(model)
        self._revision = revision
        self._dtype = dtype
        self._max_model_len = max_model_len
        self._prefix_caching = enable_prefix_caching
        self._seed = seed
        self._args = dict(args or {})
        self._measured = measured
        self._log = str(log) if log else ""
        self._log_is_ours = log is None
        self._llm: AsyncLLM | None = None
        self._tokenizer: Any = None
        self._dead: str | None = None
        self._failed: str | None = None
        self._running: set[asyncio.Task[RequestOutput]] = set()
        self._numbers = count()
        self._prompts: OrderedDict[Prompt, list[int]] = OrderedDict()
        self._parameters: dict[tuple[object, ...], SamplingParams] = {}

    # Starting and closing

    async def start(self) -> EngineInfo:
        if self._log_is_ours:
            handle, self._log = tempfile.mkstemp(prefix="vllm-", suffix=".log")
            os.close(handle)
        else:
            Path(self._log).parent.mkdir(parents=True, exist_ok=True)
        abandoned = threading.Event()

        def load() -> "AsyncLLM":
            loaded = self._load()
            if abandoned.is_set():
                loaded.shutdown(timeout=0)
            return loaded

        try:
            llm: AsyncLLM = await in_thread(load, "vllm-load")
        except asyncio.CancelledError:
            abandoned.set()
            _kill_cores()
            raise
        except DartError:
            raise
        except Exception as error:
            raise EngineError(
                f"vLLM could not load {self._model}: {self._cause(error)}",
                remedy=f"Its whole log is in {self._log}.",
            ) from error
        self._llm = llm
        self._tokenizer = llm.get_tokenizer()
        config = llm.vllm_config
        self.slots = config.scheduler_config.max_num_seqs
        return EngineInfo(
            kind="vllm",
            model=self._model,
            revision=self._revision,
            version=vllm_version(),
            dtype=str(config.model_config.dtype).removeprefix("torch."),
            context=config.model_config.max_model_len,
            slots=self.slots,
            extra={"seed": str(self._seed), "device": str(config.device_config.device_type), "log": self._log},
        )

    def _load(self) -> "AsyncLLM":
        """Blocking; in a thread of its own."""
        # Read by vLLM when it is imported. Logging: its own set-up writes to the terminal, ours to the log.
        os.environ.setdefault("VLLM_CONFIGURE_LOGGING", "0")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        os.environ.setdefault("VLLM_WORKER_MULTIPROC_METHOD", "spawn")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        loggers = ("vllm",)
        write_to(self._log, loggers)
        try:
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.platforms import current_platform
            from vllm.v1.engine.async_llm import AsyncLLM
        except ImportError as error:
            raise EngineError(
                f"vLLM can't be imported: {error}.",
                remedy="Install dart-k8s[sampler] (GPU) or dart-k8s[sampler-cpu], or use engine.kind: openai.",
            ) from error
        arguments: dict[str, Any] = {
            "model": self._model,
            "dtype": self._dtype,
            "max_num_seqs": self._slots_given or DEFAULT_SLOTS,
            "enable_prefix_caching": self._prefix_caching,
            "disable_log_stats": True,
        }
        if self._max_model_len is not None:
            arguments["max_model_len"] = self._max_model_len
        if current_platform.is_cpu():
            if self._dtype == "auto":
                arguments["dtype"] = cpu_dtype(cpu_flags())
            arguments["max_num_seqs"] = self._slots_given or CPU_SLOTS
            # Compiling takes minutes on a CPU and gains little.
            arguments["enforce_eager"] = True
            # Prefixes are cached in whole blocks: vLLM's 128 would compute most of a short prompt again each time.
            arguments["block_size"] = 32
            os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", str(cpu_cache_gib()))
        arguments |= engine_arguments(self._args, {field.name for field in dataclasses.fields(AsyncEngineArgs)})
        arguments |= {
            "seed": self._seed,
            "revision": self._revision,
            "additional_config": Tether(self._log, loggers),
        }
        preloaded = os.environ.get("LD_PRELOAD")
        try:
            # One logger of our own makes vLLM add the one for Prometheus.
            loggers_of_steps: list[Any] = [partial(_StepCounter, self.counters)] if self._measured else []
            return AsyncLLM.from_engine_args(AsyncEngineArgs(**arguments), stat_loggers=loggers_of_steps or None)
        finally:
            # On a CPU vLLM sets LD_PRELOAD for its workers; other children of this process have no use for it.
            if preloaded is None:
                os.environ.pop("LD_PRELOAD", None)
            else:
                os.environ["LD_PRELOAD"] = preloaded

    def _cause(self, error: BaseException) -> str:
        """The line that tells most: the engine core's own error, which its parent knows only as a failure to start."""
        listed = getattr(error, "errors", None)
        if callable(listed):
            # Of pydantic, which checks the arguments: the sentences without its frame around them.
            return " ".join(str(one.get("msg", "")).removeprefix("Value error, ").splitlines()[0] for one in listed())
        text = str(error).strip() or type(error).__name__
        if "core" not in text.lower():
            return f"{type(error).__name__}: {text.splitlines()[0]}"
        return self._last_error() or text.splitlines()[0]

    def _last_error(self) -> str | None:
        """What ends the first traceback in the log: later ones are consequences of it."""
        with contextlib.suppress(OSError), Path(self._log).open("rb") as file:
            file.seek(max(0, Path(self._log).stat().st_size - LOG_TAIL))
            _, _, tracebacks = file.read().decode("utf-8", "replace").partition("Traceback (most recent call last)")
            for line in tracebacks.splitlines():
                found = re.search(r"^(?:\S.*\] |\S.*: )?(?:\w+\.)*(\w*(?:Error|Exception)): (\S.*)", line)
                if found:
                    return f"{found[1]}: {found[2].strip()}"
        return None

    async def close(self) -> None:
        llm, self._llm = self._llm, None
        if llm is None:
            return
        self._dead = self._dead or "The engine was closed."
        for task in self._running:
            task.cancel()
        await in_thread(partial(llm.shutdown, timeout=CLOSE_SECONDS), "vllm-close")
        # Its __del__ would shut down once more when the interpreter has already taken the modules apart.
        setattr(llm, "shutdown", _nothing)  # noqa: B010 - mypy forbids assigning to a method
        if self._log_is_ours and self._failed is None:
            with contextlib.suppress(OSError):
                Path(self._log).unlink()

    # Requests

    async def generate(self, request: Request) -> Completion:
        self.counters.requests += 1
        llm = self._alive()
        ids = self._tokens(request.prompt, request.prefix)
        # vLLM aborts by name; the number keeps two requests of one name apart.
        name = f"{request.name}#{next(self._numbers)}"
        task = asyncio.create_task(self._output(llm, ids, self._sampling(request), name))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            output = await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise EngineDead(self._dead or "The engine was closed.") from None
            self.counters.aborted += 1
            self.counters.wasted_tokens += await _abort(llm, name, task)
            raise
        except Exception as error:
            raise self._translated(request, error) from error
        result = output.outputs[0]
        if result.finish_reason not in ("stop", "length"):
            raise EngineUnavailable(f"vLLM ended request {request.name} with {result.finish_reason!r}.")
        tokens = len(result.token_ids)
        self.counters.tokens += tokens
        self.counters.prompt_tokens += len(ids)
        finish: Finish = "stop" if result.finish_reason == "stop" else "length"
        stop = result.stop_reason if isinstance(result.stop_reason, str) else None
        return Completion(text=result.text, tokens=tokens, prompt_tokens=len(ids), finish=finish, stop=stop)

    async def _output(
        self, llm: "AsyncLLM", ids: list[int], parameters: "SamplingParams", name: str
    ) -> "RequestOutput":
        from vllm.inputs.engine import tokens_input

        last = None
        async for output in llm.generate(tokens_input(ids), parameters, name):
            last = output
        if last is None:
            raise EngineUnavailable(f"vLLM gave no output for request {name}.")
        return last

    def _sampling(self, request: Request) -> "SamplingParams":
        key = (request.max_tokens, request.temperature, request.top_p, request.stop, request.seed)
        found = self._parameters.get(key)
        if found is not None:
            return found
        from vllm.sampling_params import RequestOutputKind, SamplingParams

        try:
            made = SamplingParams(
                max_tokens=request.max_tokens,
                temperature=request.temperature,
                top_p=request.top_p,
                stop=list(request.stop),
                seed=request.seed,
                output_kind=RequestOutputKind.FINAL_ONLY,
            )
        except (ValueError, TypeError) as error:
            raise EngineRequestError(f"vLLM refuses the sampling of request {request.name}: {error}.") from error
        # vLLM copies them for each request. With a seed each they are all different: nothing to keep.
        if request.seed is None:
            self._parameters[key] = made
        return made

    def _translated(self, request: Request, error: Exception) -> EngineError:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError

        if isinstance(error, EngineError):
            return error
        if isinstance(error, EngineDeadError):
            why = self._last_error() or "its processes are gone"
            self._failed = self._dead = f"vLLM died: {why}. Its log is in {self._log}."
            return EngineDead(self._failed, remedy="Start the engine again.")
        if isinstance(error, VLLMClientError | ValueError):
            return EngineRequestError(f"vLLM refuses request {request.name}: {error}")
        cause = error.__cause__ or error
        return EngineUnavailable(f"vLLM failed on request {request.name}: {type(cause).__name__}: {cause}")

    def _alive(self) -> "AsyncLLM":
        if self._llm is None or self._dead is not None:
            raise EngineDead(self._dead or "The engine has not been started.")
        return self._llm

    # Tokens

    async def count_tokens(self, prompt: Prompt) -> int | None:
        return len(self._tokens(prompt))

    def _tokens(self, prompt: Prompt, prefix: str = "") -> list[int]:
        """A prompt's token ids: text gets what the tokenizer adds, a beginning-of-sequence token never twice. With a
        `prefix` those of both in one, as they would stand in one text."""
        found = None if prefix else self._prompts.get(prompt)
        if found is not None:
            self._prompts.move_to_end(prompt)
            return found
        self._alive()
        tokenizer = self._tokenizer
        if isinstance(prompt, str):
            begin = tokenizer.bos_token
            text = prompt.removeprefix(begin) if begin else prompt
            ids = list(tokenizer.encode(text + prefix, add_special_tokens=True))
            if text != prompt and (not ids or ids[0] != tokenizer.bos_token_id):
                ids.insert(0, tokenizer.bos_token_id)
        else:
            if not tokenizer.chat_template:
                raise EngineError(
                    f"The model {self._model} has no chat template, but the prompt is a chat.",
                    remedy="Use a text template (prompt.template: alpaca, deepseek-math, or inline).",
                )
            messages = [{"role": message.role, "content": message.content} for message in prompt]
            try:
                text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            except Exception as error:
                raise EngineError(f"The chat template of {self._model} fails on this prompt: {error}.") from error
            # A chat template writes its own special tokens, and opens the message that a prefix belongs to.
            ids = list(tokenizer.encode(text + prefix, add_special_tokens=False))
        if prefix:
            return ids
        self._prompts[prompt] = ids
        if len(self._prompts) > KEPT_PROMPTS:
            self._prompts.popitem(last=False)
        return ids


class _StepCounter:
    """What vLLM tells after each step of the engine."""

    def __init__(self, counters: EngineCounters, vllm_config: object, engine_index: int = 0) -> None:
        self._counters = counters

    def record(self, *_: object, **__: object) -> None:
        self._counters.steps += 1

    def log_engine_initialized(self) -> None: ...

    def log(self) -> None: ...

    def record_sleep_state(self, *_: object, **__: object) -> None: ...


def _nothing(**_: object) -> None:
    """In place of a shutdown that has been done."""


async def _abort(llm: "AsyncLLM", name: str, task: "asyncio.Task[RequestOutput]") -> int:
    """Stop a request in the engine; the tokens that it had generated."""
    with contextlib.suppress(Exception):
        await llm.abort(name)
    # The engine answers an abort with what it has; a request it did not know yet is dropped instead.
    await asyncio.wait({task}, timeout=0.1)
    if not task.done():
        task.cancel()
        await asyncio.wait({task})
    if task.cancelled() or task.exception() is not None:
        return 0
    return len(task.result().outputs[0].token_ids)


def _kill_cores() -> None:
    """End engine processes whose start was called off: vLLM has no handle on them yet."""
    for child in multiprocessing.active_children():
        if child.name.startswith("EngineCore"):
            child.kill()


logging.getLogger("vllm").addHandler(logging.NullHandler())
