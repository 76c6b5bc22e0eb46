"""One process of a group. Events go to standard output as JSON lines, everything else that libraries say beside them.

python -m dart_k8s.workers.train.rank JOB [--scripted SECONDS]
python -m dart_k8s.workers.train.rank --verify MODEL [--scripted SECONDS]
"""

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

from dart_k8s.edges.training.base import Job, Trainer
from dart_k8s.edges.training.real import TrlTrainer
from dart_k8s.edges.training.scripted import ScriptedTrainer
from dart_k8s.errors import EXIT_FAILED, DartError
from dart_k8s.workers.orphan import die_with_parent


def say(event: str, **facts: object) -> None:
    """One line, in one write: ranks share the pipe."""
    os.write(1, (json.dumps({"event": event, **facts}, default=str) + "\n").encode())


def main(arguments: Sequence[str] | None = None) -> int:
    """Do a job or verify a model; the exit code."""
    parser = argparse.ArgumentParser(prog="rank", description=__doc__)
    parser.add_argument("job", type=Path, nargs="?")
    parser.add_argument("--verify", type=Path)
    parser.add_argument("--scripted", type=float)
    options = parser.parse_args(arguments)
    trainer: Trainer = TrlTrainer() if options.scripted is None else ScriptedTrainer(pause=options.scripted)
    try:
        if options.verify is not None:
            say("verified", **trainer.verify(options.verify))
        else:
            trainer.train(Job.read(options.job), say)
    except DartError as error:
        say("error", kind=type(error).__name__, message=error.message, remedy=error.remedy, rank=_rank())
        return error.exit_code
    except Exception as error:
        traceback.print_exc()
        say("error", kind=type(error).__name__, message=f"{type(error).__name__}: {error}", remedy="", rank=_rank())
        return EXIT_FAILED
    return 0


def _rank() -> int:
    return int(os.environ.get("RANK", "0"))


if __name__ == "__main__":
    die_with_parent()
    _code = main()
    sys.stdout.flush()
    sys.stderr.flush()
    # Not sys.exit: threads of native libraries may outlive the interpreter and abort it.
    os._exit(_code)
