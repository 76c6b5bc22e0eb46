"""What compaction asks of segment files before it reads their rows."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from dart_k8s.edges.store.base import Store
from dart_k8s.errors import NotFound, RunError
from dart_k8s.ledger import generations
from dart_k8s.ledger.keys import SEGMENTS, AttemptName, sequence_of
from dart_k8s.ledger.segments import SEGMENT_FORMATS

from .database import local_files


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


def rejudged(
    store: Store, files: Sequence[Path], names: Sequence[str], generation: Sequence[int], folder: Path
) -> list[Path]:
    """The files of segments with the verdicts that count: those of a later generation in new files in `folder`.

    RunError: a generation lacks a segment, or does not fit it.
    """
    later = [at for at, number in enumerate(generation) if number]
    keys = [_verdicts_key(names[at], generation[at]) for at in later]
    try:
        verdicts = local_files(store, keys, folder / "verdicts")
    except NotFound as error:
        raise RunError(
            f"Cannot read the verdicts of generation {max(generation)} in {store.uri}: {error.message}",
            remedy="Was something deleted under pool/generations? Restore it, or run `dart reverify FILE --again`.",
        ) from error
    made = list(files)
    (folder / "rejudged").mkdir()
    for at, path, key in zip(later, verdicts, keys, strict=True):
        table = pq.ParquetFile(files[at]).read()
        said, verifier = generations.read(path.read_bytes(), key=key, rows=table.num_rows)
        for name in generations.COLUMNS:
            table = table.set_column(table.column_names.index(name), table.schema.field(name), said[name])
        meta = json.loads(table.schema.metadata[b"dart"]) | {"verifier": verifier}
        made[at] = folder / "rejudged" / files[at].name
        pq.write_table(table.replace_schema_metadata({"dart": json.dumps(meta)}), made[at], compression="zstd")
    return made


def _verdicts_key(segment: str, generation: int) -> str:
    attempt = AttemptName.parse(segment.removeprefix(SEGMENTS).rpartition("/")[0])
    return generations.key_of(generation, attempt, sequence_of(segment))
