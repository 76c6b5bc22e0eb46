"""The process of `dart`: stopped from its first moment, errors in words, exit codes as in errors.py.

What takes time to import is imported late, so that a signal in the first second finds its handler.
"""

import errno
import os
import signal
import sys
from types import FrameType
from typing import NoReturn

from dart_k8s.errors import EXIT_SPEC, EXIT_STORE, DartError, SpecError, StoppedError, StoreFull

MISUSED = 2
"""What the command line library exits with when it does not know a verb or an option."""
INTERRUPTED = 130
"""What the command line library makes of a KeyboardInterrupt."""
SHOW_CURSOR = b"\x1b[?25h"
"""Progress hides it."""


def main() -> None:
    """Run the command line; errors of ours become a message and their exit code."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _interrupt)
    try:
        _app()
    except DartError as error:
        _leave(error)
    except ModuleNotFoundError as error:
        if (error.name or "dart_k8s").partition(".")[0] == "dart_k8s":
            raise
        words = f"This needs the package '{error.name}', which is not installed."
        extra = "[kubectl]." if error.name == "kubernetes" else "[local] (one machine) or dart-k8s[worker]."
        _leave(SpecError(words, remedy=f"Install dart-k8s{extra}"))
    except OSError as error:
        # What is no object of a store: the terminal's output, a file for the time being.
        if error.errno != errno.ENOSPC:
            raise
        what = error.filename or "the output of this command, or a temporary file"
        _leave(StoreFull(f"Cannot write {what}: {error.strerror}.", remedy="Free some space and run it again."))


def called_by_kubectl(program: str) -> bool:
    """Whether it runs as the plug-in of kubectl, where NAME always means an object in the cluster."""
    return os.path.basename(program).startswith("kubectl-dart")  # noqa: PTH119 (pathlib takes time to import)


def entry() -> NoReturn:
    """The process: `main`, and out at once when it is over.

    Everything is written and closed by then, but threads of native libraries (Arrow's, DuckDB's) may outlive the
    interpreter and abort it: one run in some forty ended in "terminate called without an active exception".
    """
    code: object = 0
    # Until a verb has handlers of its own, and in verbs that have none, SIGTERM is what Ctrl-C is.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        main()
    except SystemExit as end:
        code = end.code
    if code == INTERRUPTED:
        error = StoppedError()
        print(error, file=sys.stderr)
        code = error.exit_code
    if code == MISUSED:
        code = EXIT_SPEC
    if isinstance(code, str):
        print(code, file=sys.stderr)
    for stream in (sys.stdout, sys.stderr):
        try:
            # None where the caller closed it.
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or EXIT_STORE
    os._exit(code if isinstance(code, int) else int(code is not None))


def _interrupt(_: int, frame: FrameType | None) -> NoReturn:
    """As Python does it, but not through a module that is being imported: an extension in C may swallow an exception
    and fail with another one."""
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            _leave_at_once()
        frame = frame.f_back
    raise KeyboardInterrupt


def _leave_at_once() -> NoReturn:
    if sys.stdout is not None and sys.stdout.isatty():
        os.write(1, SHOW_CURSOR)
    error = StoppedError()
    os.write(2, f"{error}\n".encode())
    os._exit(error.exit_code)


def _app() -> None:
    if sys.argv[1:2] == ["operator"] and not called_by_kubectl(sys.argv[0]):
        # It runs for ever, in as little memory as possible: it does without what other verbs import.
        from .operator import app

        app(prog_name="dart")
    from .verbs import app as dart
    from .verbs import kubectl

    app, name = (kubectl, "kubectl dart") if called_by_kubectl(sys.argv[0]) else (dart, "dart")
    app(prog_name=name)


def _leave(error: DartError) -> NoReturn:
    from rich.console import Console
    from rich.markup import escape

    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(f"[bold red]error:[/] {escape(error.message)}")
    if error.remedy:
        console.print(f"[bold]way out:[/] {escape(error.remedy)}")
    sys.exit(error.exit_code)


if __name__ == "__main__":
    entry()
