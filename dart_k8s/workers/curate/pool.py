"""The sealed pool: every response of a run with its verdict, in Parquet.

pool/part-00000.parquet ...   one row per trial, sorted by query and trial
pool/query-info.parquet       one row per query, in dart-math's columns; written last, so its presence says "whole"
"""

from dataclasses import dataclass
from typing import NamedTuple

import pyarrow as pa

from dart_k8s.edges.store.base import Store
from dart_k8s.errors import DataError
from dart_k8s.ledger import keys
from dart_k8s.ledger.segments import SPANS

POOL_FORMAT = "dart-k8s.io/pool/v2"
"""v2: spans of tool-integrated responses."""
POOL_FORMATS = ("dart-k8s.io/pool/v1", POOL_FORMAT)
"""Those that are read."""
QUERY_INFO = "query-info.parquet"

ROWS_PER_GROUP = 8192
"""Rows of a row group: 10 MB of common responses, 70 MB of the longest, so a reader's memory stays small."""
ROWS_PER_PART = 131072
"""Rows of a part: about 50 MB compressed."""

POOL_SCHEMA = pa.schema(
    [
        pa.field("query_id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("trial", pa.int32()),
        pa.field("response", pa.string()),
        pa.field("verdict", pa.string()),
        pa.field("why", pa.string()),
        pa.field("answer", pa.string()),
        pa.field("tier", pa.string()),
        pa.field("tokens", pa.int32()),
        pa.field("prompt_tokens", pa.int32()),
        pa.field("finish_reason", pa.string()),
        pa.field("surplus", pa.bool_()),
        pa.field("claim", pa.string()),
        pa.field("place", pa.int32()),
        pa.field("query_number", pa.int32()),
        pa.field("response_hash", pa.uint64()),
        pa.field("spans", SPANS),
    ]
)
"""`trial`: dense index per query, counted trials first. `why`: the verdict's reason. `surplus`: finished out of launch
order, in no count. `response_hash`: hash of the normalised response; equal texts are equal responses.
`spans`: who wrote which part of a response in which code was run (model | tool; code points), else null."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SealedAttempt:
    """What the sealed state counts of one attempt."""

    name: str
    """PLAN/SHARD/ATTEMPT."""
    order: int
    """Launch order of the claims."""
    segments: int
    """The first so many segments count; later objects do not."""
    generation: int = 0
    """Which generation its verdicts are of; 0: those in its segments."""
    passed: tuple["PassedOver", ...] = ()
    """Verdicts in its segments that do not count."""


class PassedOver(NamedTuple):
    """A verdict that the state passed over, for the trial had one from another segment."""

    sequence: int
    """Segment that has the verdict."""
    attempt: str
    """Of the trial."""
    query: int
    place: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How the responses of a pool were made."""

    engine: str
    """Engine and model with its revision."""
    template: str
    sampling: str
    """Sampling parameters as JSON."""
    verifier: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PoolSource:
    """A sealed pool to select from."""

    name: str
    """Short name, in every row taken from it."""
    store: Store
    provenance: Provenance
    prefix: str = keys.POOL

    def parts(self) -> list[str]:
        """Keys of the pool's parts; DataError if the pool is not there or not whole."""
        if self.store.head(self.prefix + QUERY_INFO) is None:
            raise DataError(
                f"Cannot read the pool '{self.name}' at {self.store.uri}/{self.prefix}: no {QUERY_INFO} is there.",
                remedy="A pool is whole when its run has completed; let the run end, or check the URI.",
            )
        return [entry.key for entry in self.store.list(self.prefix + "part-")]
