"""Where a Synthesis stands, in words."""

import pytest

from dart_k8s.cli.cluster.standing import COLUMNS, lines, row, summary
from dart_k8s.cli.cluster.words import age, instant, one_line, plain

from .objects import NOW, ago, condition, synthesis

PROGRESS = {
    "summary": "63%", "queries": 64, "open": 23, "covered": 60, "trials": 10234, "correct": 4100, "accepted": 3800,
    "wanted": 6144, "expectedTrials": 16200, "stopped": {"target": 39, "hopeless": 0, "setAside": 2}, "pending": 12,
}  # fmt: skip
SAMPLING = {
    "phase": "Sampling",
    "message": "3 of 4 samplers are at work.",
    "observedGeneration": 1,
    "progress": PROGRESS,
    "samplers": {"replicas": 4, "ready": 3},
    "verifiers": {"replicas": 1, "ready": 1},
    "usage": {"tokens": 5000, "wastedTokens": 70, "gpuSecondsHeld": 7200.0, "gpuSecondsGenerating": 5400.0},
    "estimatedFinish": ago(-7800),
    "failures": 1,
    "conditions": [
        condition("Degraded", "OutOfMemory", "Pod hard-sampler-1-x was killed."),
        condition("Ready", "Accepted"),
    ],
}


def test_a_run_under_way_says_how_far_it_is_and_what_needs_a_look():
    assert lines(synthesis(status=SAMPLING), NOW) == [
        "a/hard (uniform): Sampling, 63%, about 130m to go",
        "  3 of 4 samplers are at work.",
        "  10234 of about 16200 trials, 4100 correct, 3800 of 6144 accepted, 23 of 64 queries open, 60 covered",
        "  queries stopped: 39 target, 2 set aside; 12 pending",
        "  samplers 3/4 ready, verifiers 1/1 ready, 1 failure since the last result",
        "  5000 tokens (70 more wasted), 2.0 GPU-hours held, 75% of them generating",
        "  Degraded for 10m (OutOfMemory): Pod hard-sampler-1-x was killed.",
    ]


def test_a_row_has_a_cell_for_every_column():
    cells = dict(zip(COLUMNS, row(synthesis(status=SAMPLING), NOW), strict=True))
    assert cells == {
        "NAME": "hard", "PHASE": "Sampling", "PROGRESS": "63%", "TRIALS": "10234", "ACCEPTED": "3800/6144",
        "SAMPLERS": "3/4", "TO GO": "130m", "AGE": "60m", "MESSAGE": "3 of 4 samplers are at work.",
    }  # fmt: skip


def test_without_an_operator_it_says_that_nobody_has_seen_it():
    assert row(synthesis(), NOW)[-1] == "(not seen by an operator yet)"
    assert lines(synthesis(), NOW)[1].strip() == "(not seen by an operator yet)"


def test_a_finished_one_says_where_its_rows_are():
    status = {"phase": "Complete", "rows": 590, "output": "s3://bucket/runs/hard", "estimatedFinish": ago(-60)}
    assert lines(synthesis(status=status), NOW) == [
        "a/hard (uniform): Complete",
        "  590 rows in s3://bucket/runs/hard/dataset/",
    ]


def test_a_change_that_no_operator_has_seen_is_told():
    status = {"phase": "Sampling", "observedGeneration": 2}
    assert "not been seen" in lines(synthesis(status=status, about={"generation": 3}), NOW)[-1]


def test_a_deletion_is_its_phase():
    assert "Deleting" in summary(synthesis(status=SAMPLING, about={"deletionTimestamp": ago(5)}), NOW)


def test_a_line_of_a_log_says_what_changed():
    assert summary(synthesis(status=SAMPLING), NOW) == (
        "hard: Sampling, 63%, 10234 trials, 3800 accepted, 23 of 64 queries open, about 130m to go. "
        "3 of 4 samplers are at work."
    )


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"), (0, "0s"), (119, "119s"), (120, "2m"), (150, "2m30s"), (601, "10m"), (10799, "179m"),
        (10800, "3h"), (12000, "3h20m"), (40000, "11h"), (200000, "2d7h"), (864000, "10d"),
    ],
)  # fmt: skip
def test_ages_are_as_kubectl_shows_them(seconds: float, shown: str):
    assert age(seconds) == shown


def test_times_without_a_zone_are_utc_and_nonsense_is_none():
    assert instant("2027-01-15T08:00:00Z") == instant("2027-01-15T08:00:00") == NOW
    assert instant(None) is instant("soon") is None


def test_no_escape_sequence_of_a_message_reaches_a_terminal():
    assert "\x1b" not in plain("\x1b[2J\x9b31mred") and plain("a\tb\n") == "a\tb\n"
    assert one_line("a\n b\x07", 0) == "a b\N{REPLACEMENT CHARACTER}"
    assert one_line("x" * 70, 60) == "x" * 57 + "..."
