"""The warm interpreter that sessions are forked from.

It has loaded numpy, scipy and sympy, and holds nothing else: no environment, no blocks, no outputs, no descriptor of
the process that it works for but the socket on which it is told to fork and to kill. What a session finds in its
memory is therefore nobody's secret. Messages are JSON in datagrams of that socket, both ways; the pipes of a session
come along as descriptors and are closed here as soon as it runs.

    python -I -c ... SETTINGS                       its standard input is the socket
"""

import array
import ctypes
import errno
import gc
import json
import os
import select
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from dart_k8s.edges.execution import kernel, landlock, namespaces, seccomp, session
from dart_k8s.edges.execution.confine import Confinement, confine, first_user

__all__ = ["main"]

LIBRARIES = ("numpy", "scipy", "sympy", "mpmath", "gmpy2")
"""Packages that a session can import besides the standard library, as far as they are installed."""
WARM = (
    "cmath collections dataclasses datetime decimal fractions functools heapq itertools json math operator random re "
    "statistics string time typing unittest numpy.linalg scipy.integrate scipy.linalg scipy.optimize scipy.special "
    "scipy.stats sympy mpmath"
).split()
"""Modules loaded beforehand: what blocks of mathematics import."""
SYSTEM = ("/lib64", "/usr/lib64", "/usr/local/lib", "/lib/{machine}-linux-gnu", "/usr/lib/{machine}-linux-gnu")
"""Where shared libraries lie that an extension module of the standard library may still pull in."""
DEVICES = ("/dev/null", "/dev/urandom")
MESSAGE = 4096


def main(settings: dict[str, Any]) -> NoReturn:
    """Serve until the socket is closed. `settings`: memory, file_bytes, scratch_bytes, cpu_seconds, scratch, without
    (layers to leave out)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    channel = socket.socket(fileno=os.dup(0))
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for stream in (1, 2):
        os.dup2(0, stream)
    how = _prepare(settings)
    Zygote(channel, how).serve()


def _prepare(settings: dict[str, Any]) -> Confinement:
    packages = _load()
    # What this was started with names folders of this machine.
    sys.argv[:], sys.orig_argv[:] = [""], [""]
    without = set(settings["without"])
    system = (path.format(machine=os.uname().machine) for path in SYSTEM)
    read = [*packages, *_standard_library(), *(path for path in system if Path(path).exists())]
    base = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    inside = "namespaces" not in without and _survives(lambda: namespaces.enter(read, DEVICES))
    if inside:
        namespaces.enter(read, DEVICES)
        _become_init()
    version = 0 if "landlock" in without else landlock.abi()
    users = "user" not in without and os.geteuid() == 0 and _survives(lambda: _as_user(packages))
    # Objects made so far are never looked at by the collector, so a session does not copy their pages.
    gc.collect()
    gc.freeze()
    return Confinement(
        read=read,
        devices=DEVICES,
        landlock=version,
        seccomp="seccomp" not in without and seccomp.available(),
        namespaces=inside,
        users=users,
        base=base,
        memory=settings["memory"],
        file_bytes=settings["file_bytes"],
        scratch_bytes=settings["scratch_bytes"],
        cpu_seconds=settings["cpu_seconds"],
        scratch=settings["scratch"],
    )


def _load() -> list[str]:
    """Import what sessions need; where the packages lie. Afterwards nothing else can be imported from beside them."""
    import importlib
    import importlib.util

    for name in WARM:
        with suppress(ImportError):
            importlib.import_module(name)
    found = []
    for name in LIBRARIES:
        module = sys.modules.get(name)
        if module is not None and module.__file__:
            place = Path(module.__file__).resolve()
            place = place.parent if place.name.startswith("__init__") else place
            found.append(str(place))
            found += [str(beside) for beside in place.parent.glob(f"{name}.libs")]
    # SymPy imports much of itself at first use.
    import sympy

    x = sympy.Symbol("x")
    sympy.solve(x**2 - 2, x)
    sympy.integrate(sympy.sin(x) * x, x)
    sympy.simplify(sympy.sin(x) ** 2 + sympy.cos(x) ** 2)
    return found


def _standard_library() -> list[str]:
    import sysconfig

    paths = {str(Path(sysconfig.get_path(name)).resolve()) for name in ("stdlib", "platstdlib")}
    paths |= {entry for entry in sys.path if entry.endswith((".zip", "lib-dynload"))}
    kept = sorted(str(Path(path).resolve()) for path in paths if Path(path).exists())
    sys.path[:] = [path for path in kept if Path(path).name != "site-packages"]
    return kept


def _survives(attempt: Any) -> bool:
    """Whether a child gets through an attempt that cannot be taken back."""
    child = os.fork()
    if child == 0:
        try:
            attempt()
        except OSError:
            os._exit(1)
        os._exit(0)
    return os.waitpid(child, 0)[1] == 0


def _as_user(packages: Sequence[str]) -> None:
    user = first_user(0)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    for path in (*packages, os.__file__):
        os.close(os.open(path, os.O_RDONLY))


def _become_init() -> None:
    """Fork the first process of the new PID namespace. When it ends, and it ends with the zygote, the kernel kills
    everything in there."""
    parent = os.getpid()
    ready, mine = os.pipe()
    if os.fork() == 0:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        os.write(mine, b"1")
        os.closerange(0, 256)
        while True:
            signal.pause()
    os.close(mine)
    os.read(ready, 1)
    os.close(ready)
    if os.getpid() != parent:
        os._exit(1)


class Zygote:
    """Forks sessions and kills them when told to."""

    def __init__(self, channel: socket.socket, how: Confinement) -> None:
        self.channel = channel
        self.how = how
        self.sessions: dict[int, int] = {}
        """Process by session."""

    def serve(self) -> NoReturn:
        """Answer messages until the other end is closed; then kill what is left."""
        waker, wake = os.pipe()
        os.set_blocking(wake, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        how = self.how
        if how.scratch and not how.namespaces:
            # What a zygote left behind that was killed.
            for left in Path(how.scratch).glob("[0-9]*"):
                shutil.rmtree(left, ignore_errors=True)
        self._say(
            ready=os.getpid(),
            layers={
                "namespaces": how.namespaces,
                "landlock": how.landlock,
                "seccomp": how.seccomp,
                "user": how.users,
                "scratch": how.namespaces or bool(how.scratch),
            },
        )
        poll = select.poll()
        poll.register(self.channel, select.POLLIN)
        poll.register(waker, select.POLLIN)
        while True:
            poll.poll()
            with suppress(BlockingIOError):
                os.read(waker, 512)
            self._reap()
            if not self._hear():
                for number, process in self.sessions.items():
                    os.kill(process, signal.SIGKILL)
                    os.waitpid(process, 0)
                    self._remove(number)
                os._exit(0)

    def _hear(self) -> bool:
        """Do what one message asks, if there is one; False once the other end is gone."""
        try:
            data, control, _, _ = self.channel.recvmsg(
                MESSAGE, socket.CMSG_SPACE(3 * array.array("i").itemsize), socket.MSG_DONTWAIT
            )
        except BlockingIOError:
            return True
        except OSError as error:
            return error.errno == errno.EINTR
        if not data:
            return False
        descriptors = [int(d) for _, _, payload in control for d in array.array("i", payload)]
        message = json.loads(data)
        number = int(message["session"])
        if message["do"] == "fork":
            self._fork(number, int(message["seed"]), int(message["memory"]), descriptors)
        elif number in self.sessions:
            signals = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "go": signal.SIGCONT}
            os.kill(self.sessions[number], signals[message["do"]])
        for descriptor in descriptors:
            os.close(descriptor)
        return True

    def _fork(self, number: int, seed: int, memory: int, descriptors: Sequence[int]) -> None:
        parent = os.getpid()
        how = replace(self.how, memory=min(memory, self.how.memory))
        try:
            process = os.fork()
        except OSError as error:
            self._say(ended=number, why=f"no process could be forked: {error.strerror}")
            return
        if process == 0:
            try:
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                try:
                    confine(how, number, descriptors, parent)
                except Exception as error:
                    # Said on its own pipe: the reader sees a session that ended before it began.
                    os.write(1, f"The session could not be confined: {type(error).__name__}: {error}".encode())
                else:
                    session.serve(seed)
            finally:
                os._exit(70)
        self.sessions[number] = process
        self._say(forked=number, process=process)

    def _reap(self) -> None:
        while True:
            try:
                process, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if process == 0:
                return
            for number, known in list(self.sessions.items()):
                if known == process:
                    del self.sessions[number]
                    self._remove(number)
                    self._say(ended=number, why=_ended(status))

    def _remove(self, number: int) -> None:
        if self.how.scratch and not self.how.namespaces:
            shutil.rmtree(Path(self.how.scratch, str(number)), ignore_errors=True)

    def _say(self, **message: object) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):
            self.channel.send(json.dumps(message).encode())


def _ended(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    with suppress(ValueError):
        return signal.Signals(-code).name
    return f"signal {-code}"


if ctypes.sizeof(ctypes.c_void_p) != 8:
    raise ImportError("a zygote needs a 64-bit machine")
