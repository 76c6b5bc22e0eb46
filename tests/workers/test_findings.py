"""What a pod says when it ends: a reason by what went wrong and what it was doing, within what the kubelet keeps."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dart_k8s import errors
from dart_k8s.api import conditions
from dart_k8s.reconcile.findings import MOST_BYTES, REASONS, Doing, Finding, decode, encode, finding, reason_of

CASES: dict[str, tuple[BaseException, Doing, str]] = {
    "queries that lie nowhere": (errors.DataError("no"), Doing.QUERIES, "QueriesUnreadable"),
    "a bucket of queries without permission": (errors.AccessDenied("no"), Doing.QUERIES, "QueriesUnreadable"),
    "a bucket of queries that does not answer": (errors.StoreUnavailable("no"), Doing.QUERIES, "StoreUnavailable"),
    "references that no verifier can use": (errors.UnreadableReferences("no"), Doing.QUERIES, "ReferencesUnreadable"),
    "a model that the hub does not know": (errors.SpecError("no"), Doing.MODEL, "ModelUnavailable"),
    "a model that is not in the cache of a pod without a network": (
        errors.StoreUnavailable("no"),
        Doing.MODEL,
        "ModelUnavailable",
    ),
    "a verification pod that can reach the API server": (errors.NotIsolated("no"), Doing.STARTING, "NotIsolated"),
    "an output in no bucket": (errors.SpecError("no"), Doing.OUTPUT, "OutputNotWritable"),
    "an output without permission": (errors.AccessDenied("no"), Doing.OUTPUT, "StoreAccessDenied"),
    "an output of another run": (errors.OutputOwned("no"), Doing.OUTPUT, "OutputOwned"),
    "an output that holds something": (errors.OutputNotEmpty("no"), Doing.OUTPUT, "OutputNotEmpty"),
    "another declaration": (errors.SpecChanged("no"), Doing.OUTPUT, "SpecChanged"),
    "a store without conditional writes": (errors.StoreUnsuitable("no"), Doing.OUTPUT, "StoreUnsuitable"),
    "an endpoint that does not answer": (errors.EngineUnavailable("no"), Doing.ENGINE, "EngineUnreachable"),
    "an engine that died": (errors.EngineDead("no"), Doing.SAMPLING, "EngineFailed"),
    "a fault of ours": (KeyError("no"), Doing.SAMPLING, "InternalError"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_reason_follows_from_the_error_and_from_what_was_being_done(case: str) -> None:
    error, doing, reason = CASES[case]
    assert reason_of(error, doing) == reason


def _all(kind: type[errors.DartError]) -> list[type[errors.DartError]]:
    return [kind, *(found for child in kind.__subclasses__() for found in _all(child))]


@pytest.mark.parametrize("doing", Doing)
def test_every_error_of_a_user_or_a_store_has_a_reason_of_its_own(doing: Doing) -> None:
    for kind in [k for base in (errors.SpecError, errors.StoreError, errors.EngineError) for k in _all(base)]:
        assert reason_of(kind("no"), doing) in REASONS - {"InternalError", "Stopped"}


@given(st.text(max_size=9000), st.text(max_size=3000))
def test_a_message_of_any_length_fits_and_can_be_read_back(message: str, remedy: str) -> None:
    text = encode(Finding(reason="QueriesUnreadable", message=message, remedy=remedy, kind="DataError"))
    assert len(text.encode("utf-8", "replace")) <= MOST_BYTES
    found = decode(text)
    assert found is not None and found.reason == "QueriesUnreadable" and found.kind == "DataError"
    if len(json.dumps(message + remedy)) < 900:
        assert (found.message, found.remedy) == (message, remedy)


def test_every_reason_is_one_that_the_conditions_reference_explains() -> None:
    assert REASONS - {"Stopped"} <= set(conditions.REASONS)


def test_a_log_is_no_finding() -> None:
    assert decode("Traceback (most recent call last):") is None
    assert decode("") is None
    assert decode("[1]") is None and decode('{"event": "x"}') is None


def test_a_finding_keeps_the_way_out() -> None:
    found = finding(errors.DataError("Cannot read s3://b/q.jsonl.", remedy="Check its name."), Doing.QUERIES)
    assert found == Finding(
        reason="QueriesUnreadable", message="Cannot read s3://b/q.jsonl.", remedy="Check its name.", kind="DataError"
    )
