"""What runs inside a session: blocks of Python from a model, one after the other, as in a notebook.

This is the one place of the project that executes text, and it does so in a process made for nothing else: see
`confine`. Nothing here can be relied on once the first block has run, for a block may change anything in its process;
whatever leaves it is a claim of the block's own, and the reader outside treats it so.
"""

import ast
import builtins
import json
import linecache
import os
import signal
import sys
import traceback
import types
import warnings
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, cast

__all__ = ["IN", "OUT", "STARTED", "serve"]

IN, OUT = 3, 4
"""Descriptors of a session: blocks come in, ends of blocks go out. 1 and 2 are what blocks print."""
STARTED = -1
"""In place of a block's number: the session is confined and waits for its first."""
MOST_LINES, MOST_CHARACTERS = 12, 1500
"""Of a traceback: its end says what happened."""


class BlockTimeout(BaseException):
    """The block's time is up. Not an Exception, so that a block's own handler does not swallow it."""


def serve(seed: int) -> NoReturn:
    """Run blocks until the end of the input. `seed` makes the session's random numbers the same when it is replayed."""
    _seed(seed)
    scope: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    main = types.ModuleType("__main__")
    main.__dict__.update(scope)
    sys.modules["__main__"] = main
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    # Where a library's file lies is nobody's business.
    setattr(warnings, "showwarning", _warn)  # noqa: B010 - mypy forbids assigning to a function
    # Confined, and nothing has been run yet.
    _write({"number": STARTED, "outcome": "done"})
    while (request := _read()) is not None:
        outcome = _run(str(request["code"]), int(request["number"]), float(request["seconds"]), main.__dict__)
        for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
            with suppress(BaseException):
                getattr(stream, "flush", None)()  # type: ignore[misc]  # whatever a block has made of it
        _write({"number": request["number"], "outcome": outcome})
    os._exit(0)


def _run(code: str, number: int, seconds: float, scope: dict[str, Any]) -> str:
    """Run one block and show the value of a trailing expression; how it ended."""
    name = f"<block {number + 1}>"
    # So that a traceback can show the block's lines.
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    outcome = "done"
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        try:
            for part in _parts(code, name):
                exec(part, scope)  # noqa: S102 - the purpose of this process
        except BlockTimeout:
            signal.setitimer(signal.ITIMER_REAL, 0)
            outcome = "timeout"
        except BaseException as error:
            outcome = "error"
            sys.stdout.flush()
            print(explain(error), file=sys.stderr)
        signal.setitimer(signal.ITIMER_REAL, 0)
    except BlockTimeout:
        outcome = "timeout"
    except BaseException as error:
        # Its own text could not be made.
        outcome = "error"
        with suppress(BaseException):
            print(type(error).__name__, file=sys.stderr)
    return outcome


def _parts(code: str, name: str) -> Iterator[types.CodeType]:
    """The block's code; a trailing expression apart, in the mode of an interactive line, which shows its value."""
    # Not ast.parse: its own frame would stand in the traceback of a syntax error.
    tree = cast(ast.Module, compile(code, name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True))
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    yield compile(tree, name, "exec", dont_inherit=True)
    if last is not None:
        yield compile(ast.Interactive([last]), name, "single", dont_inherit=True)


def explain(error: BaseException) -> str:
    """The last lines of a traceback, without this program's frames and without paths of this machine."""
    found = traceback.TracebackException.from_exception(error)
    part: traceback.TracebackException | None = found
    while part is not None:
        kept = [frame for frame in part.stack if frame.filename != __file__]
        for frame in kept:
            frame.filename = _short(frame.filename)
        part.stack[:] = kept
        part = part.__cause__ or part.__context__
    lines = "".join(found.format()).rstrip("\n").splitlines()
    if len(lines) > MOST_LINES:
        lines = [lines[0], "  ...", *lines[-(MOST_LINES - 2) :]]
    return "\n".join(lines)[-MOST_CHARACTERS:]


def _short(path: str) -> str:
    for mark in ("/site-packages/", "/lib-dynload/", f"/python{sys.version_info.major}.{sys.version_info.minor}/"):
        _, found, inner = path.rpartition(mark)
        if found:
            return inner
    return path if path.startswith("<") else Path(path).name


def _warn(message: Warning | str, category: type[Warning], *_: object, **__: object) -> None:
    print(f"{category.__name__}: {message}", file=sys.stderr)


def _time_is_up(*_: object) -> None:
    raise BlockTimeout


def _seed(seed: int) -> None:
    import random

    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed)


def _read() -> dict[str, Any] | None:
    head = _exactly(4)
    body = _exactly(int.from_bytes(head, "big")) if head else None
    return json.loads(body) if body else None


def _exactly(size: int) -> bytes | None:
    data = b""
    while len(data) < size:
        more = os.read(IN, size - len(data))
        if not more:
            return None
        data += more
    return data


def _write(message: dict[str, Any]) -> None:
    data = json.dumps(message).encode()
    data = len(data).to_bytes(4, "big") + data
    while data:
        data = data[os.write(OUT, data) :]
