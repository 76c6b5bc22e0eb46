"""Where every object of a run lies under its output. Fixed widths, so that names sort in the order of writing."""

from dataclasses import dataclass

RUN = "state/run.json"
"""The declaration this output was started with, and what prepare pinned; written once, immutable part compared
later."""
QUERIES = "state/queries.parquet"
"""The snapshot of the queries; nothing reads the sources after it."""
BUDGET = "state/budget"
"""The budget state: one object, written only by compare-and-swap."""
PLANNER = "state/planner"
"""The claim on the planner's role."""
CURATOR = "state/curator"
"""The claim on the curator's role: two at once would take each other's half-written pool for their own."""
OWNER = "state/owner.json"
"""Who runs this output."""
LOGS = "state/logs/"
"""What pods said, for whoever asks when they are gone."""
PLANS = "state/plans/"
CLAIMS = "state/claims/"
TALLIES = "state/tallies/"
SEGMENTS = "pool/segments/"
POOL = "pool/"
DATASET = "dataset/"
REPORT = "report/"


@dataclass(frozen=True, slots=True, order=True)
class PlanName:
    """A plan's number and the epoch of the planner that made it."""

    number: int
    epoch: int

    def __str__(self) -> str:
        return f"{self.number:06d}-{self.epoch:06d}"

    @classmethod
    def parse(cls, text: str) -> "PlanName":
        """Read `str(plan)` back; ValueError for anything else."""
        number, _, epoch = text.partition("-")
        return cls(int(number), int(epoch))

    @property
    def key(self) -> str:
        """The plan's object."""
        return f"{PLANS}{self}"

    @property
    def claims(self) -> str:
        """Prefix of the claims on this plan's shards."""
        return f"{CLAIMS}{self}/"


@dataclass(frozen=True, slots=True, order=True)
class ShardName:
    """A shard of a plan."""

    plan: PlanName
    shard: int

    def __str__(self) -> str:
        return f"{self.plan}/{self.shard:05d}"

    @classmethod
    def parse(cls, text: str) -> "ShardName":
        """Read `str(shard)` back; ValueError for anything else."""
        plan, _, shard = text.partition("/")
        return cls(PlanName.parse(plan), int(shard))

    @property
    def claim(self) -> str:
        """The claim object."""
        return f"{CLAIMS}{self}"


@dataclass(frozen=True, slots=True, order=True)
class AttemptName:
    """One holding of a shard, first or takeover; its trials are named by it."""

    shard: ShardName
    attempt: int

    def __str__(self) -> str:
        return f"{self.shard}/{self.attempt:03d}"

    @classmethod
    def parse(cls, text: str) -> "AttemptName":
        """Read `str(attempt)` back; ValueError for anything else."""
        shard, _, attempt = text.rpartition("/")
        return cls(ShardName.parse(shard), int(attempt))

    @property
    def tallies(self) -> str:
        """Prefix of this attempt's tallies."""
        return f"{TALLIES}{self}/"

    @property
    def segments(self) -> str:
        """Prefix of this attempt's segments."""
        return f"{SEGMENTS}{self}/"

    def tally(self, sequence: int) -> str:
        """Tally number `sequence`, from 0."""
        return f"{self.tallies}{sequence:06d}"

    def segment(self, sequence: int) -> str:
        """Segment number `sequence`, from 0."""
        return f"{self.segments}{sequence:06d}.parquet"


def sequence_of(key: str) -> int:
    """The sequence number at the end of a tally's or segment's key."""
    return int(key.rpartition("/")[2].partition(".")[0])
