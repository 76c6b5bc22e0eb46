"""The process between a pool and the child that computes.

A keeper runs no computer algebra itself, so it always answers: it forks a worker (SymPy already loaded, so that a new
one takes milliseconds), passes one question at a time, and kills the worker with SIGKILL at the deadline or when it
breaks. It ends with its parent: end of file on its input. The worker ends with the keeper: the kernel kills it
(PR_SET_PDEATHSIG), and a timer of the kernel's (ITIMER_REAL, default action) would end it soon after the deadline in
any case. Lines of JSON in both directions; nothing is pickled.
"""

import contextlib
import ctypes
import json
import os
import resource
import select
import signal
import sys
import time
from typing import Any, NoReturn

from dart_k8s.answers import tree

_PR_SET_PDEATHSIG = 1
_GRACE_SECONDS = 1.0


def main(arguments: list[str]) -> NoReturn:
    """Serve questions from standard input until it ends. Arguments: memory in bytes."""
    memory = int(arguments[0])
    # A terminal's Ctrl-C reaches the whole group; the parent decides when this process ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Loaded and warmed up once, shared by all workers: SymPy imports much of itself at first use.
    from dart_k8s.answers import codec, symbolic

    k = tree.Symbol("k")
    for name in ("sum", "integral"):
        symbolic.equal(tree.Big(name, k, "k", tree.ZERO, tree.Symbol("n")), k)
    codec.decode(codec.encode(k))

    questions = os.fdopen(os.dup(0), "rb", buffering=0)
    replies = os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    _write(replies, {"ready": os.getpid()})
    worker: Worker | None = None
    buffer = b""
    while True:
        line, buffer = _line(questions.fileno(), buffer)
        if line is None:
            if worker:
                worker.kill()
            os._exit(0)
        request = json.loads(line)
        if worker is None:
            worker = Worker(memory, [questions.fileno(), replies])
        reply = worker.ask(line, float(request["deadline"]), questions.fileno())
        if reply is None:
            os._exit(0)
        if not reply.get("alive"):
            worker.kill()
            worker = None
        _write(replies, reply)


def _write(target: int, message: dict[str, Any]) -> None:
    data = json.dumps(message).encode() + b"\n"
    try:
        while data:
            data = data[os.write(target, data) :]
    except BrokenPipeError:
        os._exit(0)


def _line(source: int, buffer: bytes) -> tuple[bytes | None, bytes]:
    while b"\n" not in buffer:
        data = os.read(source, 1 << 16)
        if not data:
            return None, b""
        buffer += data
    line, _, rest = buffer.partition(b"\n")
    return line, rest


class Worker:
    """A forked child that answers questions until one breaks it."""

    def __init__(self, memory: int, close: list[int]) -> None:
        to_child, from_parent = os.pipe()
        from_child, to_parent = os.pipe()
        parent = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            for descriptor in (*close, from_parent, from_child):
                os.close(descriptor)
            _work(parent, memory, to_child, to_parent)
        os.close(to_child)
        os.close(to_parent)
        self.questions, self.answers = from_parent, from_child
        self.buffer = b""

    def ask(self, line: bytes, deadline: float, parent: int) -> dict[str, Any] | None:
        """The reply to one question, a reason why there is none, or None if the parent is gone."""
        end = time.monotonic() + deadline
        try:
            os.write(self.questions, line + b"\n")
        except BrokenPipeError:
            return {"alive": False, "failed": "died"}
        while True:
            left = end - time.monotonic()
            if left <= 0:
                return {"alive": False, "failed": "deadline"}
            ready, _, _ = select.select([self.answers, parent], [], [], left)
            if parent in ready:
                # One question at a time: anything here is the end of the file, or a parent that breaks the rules.
                self.kill()
                return None
            if self.answers in ready:
                data = os.read(self.answers, 1 << 16)
                if not data:
                    return {"alive": False, "failed": "died"}
                self.buffer += data
                if b"\n" in self.buffer:
                    answer, _, self.buffer = self.buffer.partition(b"\n")
                    reply: dict[str, Any] = json.loads(answer)
                    return reply

    def kill(self) -> None:
        """SIGKILL, and no zombie left."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.questions)
        os.close(self.answers)


def _work(parent: int, memory: int, questions: int, answers: int) -> NoReturn:
    # Elsewhere than on Linux there is no prctl: then the timer below ends this process.
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    sys.setrecursionlimit(3000)
    from dart_k8s.answers import codec, symbolic

    buffer = b""
    while True:
        line, buffer = _line(questions, buffer)
        if line is None:
            os._exit(0)
        request = json.loads(line)
        signal.setitimer(signal.ITIMER_REAL, float(request["deadline"]) + _GRACE_SECONDS)
        reply: dict[str, Any]
        try:
            reply = {
                "alive": True,
                "equal": symbolic.equal(codec.decode(request["left"]), codec.decode(request["right"])),
            }
        except MemoryError:
            reply = {"alive": False, "failed": "memory"}
        except RecursionError:
            reply = {"alive": False, "failed": "depth"}
        except Exception as error:
            reply = {"alive": True, "failed": f"error {type(error).__name__}"}
        signal.setitimer(signal.ITIMER_REAL, 0)
        _write(answers, reply)
