"""The entry point of pods; see the package. Exit codes are a contract (errors.py)."""

import os
import signal
import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Do one errand; the exit code."""
    import argparse
    from functools import partial
    from pathlib import Path

    from dart_k8s import names
    from dart_k8s.reconcile.findings import Doing

    from .errand import Errand, carry_out, ended, read_declaration, say

    parser = argparse.ArgumentParser(prog="pod", description=__doc__)
    parser.add_argument("errand", choices=("prepare", "sample", "curate", "train", "score", "cleanup"))
    parser.add_argument("--declaration", type=Path, default=Path(names.DECLARATION))
    parser.add_argument(
        "--cache", type=Path, default=Path(os.environ.get(names.CACHE, "/var/cache/dart")), help="folder for models"
    )
    parser.add_argument("--offline", action="store_true", help="never ask a hub: the model is in the cache")
    parser.add_argument("--queries", type=Path, default=Path(names.QUERIES), help="folder of ConfigMaps: NAME/KEY")
    parser.add_argument("--uid", default=os.environ.get(names.UID), help="uid of the object")
    parser.add_argument("--health-port", type=int, default=names.HEALTH_PORT, help="0: any that is free")
    parser.add_argument("--log", type=Path, help="file for the engine's own log")
    options = parser.parse_args(arguments)
    try:
        errand = Errand(document=read_declaration(options.declaration), tell=say)
    except Exception as error:
        return ended(error, Doing.STARTING, say)
    if errand.document.kind == "Training" and options.errand in ("prepare", "train"):
        from . import train as training

        told = partial(training.prepare, uid=options.uid)
        if options.errand == "train":
            told = partial(training.train, port=options.health_port)
        return carry_out(errand, partial(told, cache=options.cache, offline=options.offline))
    if errand.document.kind == "Evaluation" and options.errand in ("prepare", "score"):
        from . import evaluation

        if options.errand == "score":
            return carry_out(errand, evaluation.score_passes)
        return carry_out(
            errand, partial(evaluation.prepare, cache=options.cache, offline=options.offline, uid=options.uid)
        )
    if options.errand == "sample":
        from .sample import sample

        return carry_out(
            errand,
            partial(sample, cache=options.cache, offline=options.offline, port=options.health_port, log=options.log),
        )
    from .errands import cleanup, curate, prepare

    if options.errand == "prepare":
        return carry_out(
            errand,
            partial(prepare, cache=options.cache, configmaps=options.queries, offline=options.offline, uid=options.uid),
        )
    return carry_out(errand, curate if options.errand == "curate" else partial(cleanup, uid=options.uid))


if __name__ == "__main__":
    # A container's first process is deaf to SIGTERM unless it says otherwise, and imports take seconds. 75 is
    # errors.EXIT_STOPPED.
    signal.signal(signal.SIGTERM, lambda *_: os._exit(75))
    _code = main()
    sys.stdout.flush()
    # Not sys.exit: threads of native libraries may outlive the interpreter and abort it.
    os._exit(_code)
