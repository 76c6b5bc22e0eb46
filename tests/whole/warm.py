"""The warm process: `python -m tests.whole.warm SOCKET`. It forks programs that find their imports done.

A request is one packet: {"module", "argv", "env", "log", "tag", "network"}, with three descriptors for standard input,
output and error unless `log` names a file. The answers are {"pid"} and, when it ended, {"code"} (negative: a signal).
Who closes its connection has its program killed. {"tagged": TAG} is answered by {"pids"}.

What runs is the program's own `__main__`; only what a container would bring is put in place: its environment, its
session, an address of its own in 127.0.0.0/8, and names of services.
"""

import contextlib
import gc
import importlib
import json
import os
import random
import selectors
import signal
import socket
import sys
import traceback
from pathlib import Path
from typing import Any

IMPORTED = (
    "argparse", "botocore.httpsession", "botocore.parsers", "botocore.retryhandler", "botocore.signers",
    "dart_k8s.cli.operator", "dart_k8s.edges.engine.scripted", "dart_k8s.edges.metrics.prometheus",
    "dart_k8s.edges.store.s3", "dart_k8s.edges.verification.http", "dart_k8s.operator.main", "dart_k8s.workers.finish",
    "dart_k8s.workers.folding.folds", "dart_k8s.workers.outlook", "dart_k8s.workers.pod.errand",
    "dart_k8s.workers.pod.errands", "dart_k8s.workers.pod.sample", "dart_k8s.workers.verifier.serve", "duckdb",
    "encodings.idna", "matplotlib.pyplot", "pandas", "PIL.JpegImagePlugin", "pyarrow.compute", "pyarrow.dataset",
    "pyarrow.parquet", "pyarrow.substrait", "rich.console", "typer",
)  # fmt: skip
"""What would be imported first in the programs that run."""
PACKET = 1 << 18


def answer(connection: socket.socket, **fields: Any) -> None:
    with contextlib.suppress(OSError):
        connection.send(json.dumps(fields).encode())


class Warm:
    """The server; one thread, so that forking is safe."""

    def __init__(self, path: str) -> None:
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener.bind(path)
        self._listener.listen(256)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._running: dict[int, tuple[socket.socket, str]] = {}
        """pid -> who asked for it, and its tag."""

    def serve(self) -> None:
        here, there = socket.socketpair()
        here.setblocking(False)
        there.setblocking(False)
        signal.set_wakeup_fd(there.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(here, selectors.EVENT_READ, lambda _: here.recv(4096))
        self._selector.register(sys.stdin, selectors.EVENT_READ, lambda _: self._end())
        while True:
            for key, _ in self._selector.select():
                key.data(key.fileobj)
            self._reap()

    def _end(self) -> None:
        for pid in self._running:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        os._exit(0)

    def _accept(self, _: Any) -> None:
        connection, _ = self._listener.accept()
        self._selector.register(connection, selectors.EVENT_READ, self._hear)

    def _hear(self, connection: socket.socket) -> None:
        try:
            data, fds, _, _ = socket.recv_fds(connection, PACKET, 3)
        except OSError:
            data, fds = b"", []
        if not data:
            self._gone(connection)
            return
        request = json.loads(data)
        if "tagged" in request:
            answer(connection, pids=[pid for pid, (_, tag) in self._running.items() if tag == request["tagged"]])
            return
        pid = os.fork()
        if pid == 0:
            self._become(request, fds)
        for one in fds:
            os.close(one)
        self._running[pid] = (connection, request["tag"])
        answer(connection, pid=pid)

    def _gone(self, connection: socket.socket) -> None:
        for pid, (asked, _) in self._running.items():
            if asked is connection:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._selector.unregister(connection)
        connection.close()

    def _reap(self) -> None:
        while self._running:
            pid, status, used = os.wait4(-1, os.WNOHANG)
            if not pid:
                return
            connection, tag = self._running.pop(pid)
            print(f"{tag} {pid}: {used.ru_utime + used.ru_stime:.2f} s", file=sys.stderr, flush=True)
            answer(connection, code=os.waitstatus_to_exitcode(status))

    def _become(self, request: dict[str, Any], fds: list[int]) -> None:
        code = 1
        try:
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            if request.get("log"):
                fds = [
                    os.open(os.devnull, os.O_RDONLY),
                    os.open(request["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
                ]
                fds.append(fds[1])
            for target, source in enumerate(fds):
                os.dup2(source, target)
            # Nothing of the server's may stay open in it: who asked would never hear of its end.
            os.closerange(3, 4096)
            os.environ.clear()
            os.environ.update(request["env"])
            random.seed()
            settle(request.get("network"))
            sys.argv = [request["module"], *request["argv"]]
            code = run(request["module"])
        except BaseException:
            traceback.print_exc()
        finally:
            with contextlib.suppress(BaseException):
                sys.stdout.flush()
                sys.stderr.flush()
            os._exit(code)


def run(module: str) -> int:
    """A module as `python -m` does it; its exit code."""
    import runpy

    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        if end.code is None:
            return 0
        if isinstance(end.code, int):
            return end.code
        print(end.code, file=sys.stderr)
        return 1
    return 0


def settle(network: dict[str, str] | None) -> None:
    """An address of its own: what listens on all addresses listens there. Names of services, as files of addresses."""
    if not network:
        return
    own, names = network["address"], Path(network["names"])
    bind, look_up = socket.socket.bind, socket.getaddrinfo

    def bound(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and address[0] in ("", "0.0.0.0"):
            address = (own, *address[1:])
        bind(self, address)

    def found(host: Any, port: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(host, str) and host.endswith(".svc.cluster.local"):
            try:
                addresses = (names / host).read_text().split()
            except OSError:
                addresses = []
            if not addresses:
                raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
            return [entry for one in addresses for entry in look_up(one, port, *rest, **more)]
        return look_up(host, port, *rest, **more)

    socket.socket.bind = bound  # type: ignore[method-assign]
    socket.getaddrinfo = found


def main() -> None:
    for name in IMPORTED:
        importlib.import_module(name)
    from dart_k8s.edges.store import open_store

    # Reads boto3's description of S3, which takes longer than most pods run.
    open_store("s3://bucket/prefix")
    gc.collect()
    gc.freeze()
    warm = Warm(sys.argv[1])
    print("warm", flush=True)
    warm.serve()


if __name__ == "__main__":
    main()
