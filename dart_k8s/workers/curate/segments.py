"""What compaction asks of segment files before it reads their rows."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.errors import RunError
from dart_k8s.ledger.segments import SEGMENT_FORMATS


def verifier_of(files: Sequence[Path], names: Sequence[str]) -> str:
    """The one verifier version of all segments, empty without any.

    RunError: a file is not a segment that this program reads, or versions are mixed. `names` are their keys.
    """
    found: dict[str, str] = {}
    for path, name in zip(files, names, strict=True):
        try:
            meta = json.loads((pq.read_schema(path).metadata or {})[b"dart"])
            form, version = meta["format"], str(meta["verifier"])
        except (pa.ArrowException, OSError, KeyError, ValueError) as error:
            raise RunError(
                f"Cannot read '{name}' ({path.stat().st_size} bytes) as a segment: {error}.",
                remedy="The object was damaged; restore it, or leave its run out.",
            ) from error
        if form not in SEGMENT_FORMATS:
            raise RunError(
                f"Cannot read '{name}': its format is {form}, this program reads {' and '.join(SEGMENT_FORMATS)}.",
                remedy="Use the newer program that wrote it.",
            )
        found.setdefault(version, name)
    if len(found) > 1:
        listed = ", ".join(f"{version} in '{name}'" for version, name in sorted(found.items()))
        raise RunError(
            f"Cannot compact verdicts of {len(found)} verifier versions into one pool: {listed}.",
            remedy="Curate with the program that began the run; another verifier needs another output.",
        )
    return next(iter(found), "")
