"""What the verification server promises to those who talk to it. The server is real, so are its children."""

import asyncio
import json
import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from dart_k8s.answers import VERSION

from .serving import WAIT, Server, item, server, slow

httpx = pytest.importorskip("httpx", reason="pip install dart-k8s[worker]")


@pytest.fixture(scope="module")
def served() -> Iterator[Server]:
    with server(
        "--processes", "2", "--linger", "0", "--log-level", "debug", environment={"AWS_SECRET_ACCESS_KEY": "hidden"}
    ) as made:
        yield made


def post(server: Server, body: Any, **options: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return httpx.post(f"{server.url}/v1/verify", content=data, timeout=WAIT, **options)


def metrics(server: Server) -> dict[str, float]:
    return read(httpx.get(f"{server.url}/metrics").text)


def read(text: str) -> dict[str, float]:
    lines = text.splitlines()
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}


# Verdicts


def test_verdicts_come_in_the_order_of_the_items_with_what_decided(served: Server) -> None:
    items = [
        item(r"so \boxed{\int_0^1 x^2 dx}", r"\frac13"),
        item(r"\boxed{5}", "5"),
        item(r"\boxed{5}", "6"),
        item("I give up.\nSorry.", "6"),
    ]
    reply = post(served, {"format": 1, "rules": VERSION, "items": items})
    assert reply.status_code == 200
    body = reply.json()
    assert (body["format"], body["rules"]) == (1, VERSION)
    assert [(one["verdict"], one["tier"]) for one in body["verdicts"]] == [
        ("correct", "symbolic"),
        ("correct", "text"),
        ("incorrect", "number"),
        ("incorrect", "extract"),
    ]
    assert [one["answer"] for one in body["verdicts"]] == [r"\int_0^1 x^2 dx", "5", "5", None]
    assert all(one["reason"] for one in body["verdicts"])


def test_the_policy_of_a_request_is_followed(served: Server) -> None:
    unmarked = item("First 2.\nThen we get 5 of them.\nThanks.", "5")
    assert post(served, {"items": [unmarked]}).json()["verdicts"][0]["verdict"] == "incorrect"
    lenient = post(served, {"items": [unmarked], "policy": {"lenient": True}})
    assert lenient.json()["verdicts"][0]["verdict"] == "correct"


def test_a_query_is_used(served: Server) -> None:
    asked = item(r"\boxed{0.5}", "50") | {"query": "What percent of them?"}
    without = item(r"\boxed{0.5}", "50")
    verdicts = post(served, {"items": [asked, without, asked | {"query": None}]}).json()["verdicts"]
    assert verdicts[1] == verdicts[2]


def test_any_text_is_judged(served: Server) -> None:
    texts = ["", "\x00", "\ud800 \\boxed{5}", "\\boxed{" * 5000, "9" * 100_000, "\\boxed{" + "(" * 3000 + "}"]
    reply = post(served, {"items": [item(text, "5") for text in texts]})
    assert reply.status_code == 200
    assert [one["verdict"] for one in reply.json()["verdicts"]][2] == "correct"


# Refusals in words


MALFORMED: list[tuple[Any, str]] = [
    (b"", "not JSON"),
    (b"{", "not JSON at line 1"),
    (b"\xff", "not UTF-8"),
    (b"[" * 100_000, "too deep|not JSON"),
    (b"9" * 10_000, "too many digits"),
    ([], "a list of 0, not an object"),
    ({"items": []}, "at least one item"),
    ({}, "at least one item"),
    ({"items": "5"}, "items is a string"),
    ({"items": [5]}, r"items\[0\] is a number"),
    ({"items": [item("5", "5"), {"response": "5"}]}, r"items\[1\].reference is missing"),
    ({"items": [item("5", "5") | {"query": 5}]}, r"items\[0\].query is a number"),
    ({"items": [item("5", "5") | {"ref": "5"}]}, "has a field 'ref'"),
    ({"items": [item("5", "5")], "format": 2}, "format 2; this server reads 1 to 1"),
    ({"items": [item("5", "5")], "format": True}, "format True"),
    ({"items": [item("5", "5")], "policies": {}}, "has a field 'policies'"),
    ({"items": [item("5", "5")], "policy": {"lax": True}}, "policy has a field 'lax'"),
    ({"items": [item("5", "5")], "policy": {"relative": "0.1"}}, "policy.relative"),
    ({"items": [item("5", "5")], "policy": {"relative": -1}}, "policy.relative"),
    (b'{"items": [{"response": "5", "reference": "5"}], "policy": {"relative": NaN}}', "policy.relative"),
    ({"items": [item("5", "5")], "policy": {"relative": 10**400}}, "policy.relative"),
    ({"items": [item("5", "5")], "policy": {"kind": "heap"}}, "policy.kind"),
]


@pytest.mark.parametrize(("body", "words"), MALFORMED, ids=range(len(MALFORMED)))
def test_malformed_input_is_refused_in_words(served: Server, body: Any, words: str) -> None:
    reply = post(served, body)
    assert reply.status_code == 400
    error = reply.json()["error"]
    assert error["code"] == "malformed"
    assert re.search(words, error["message"])
    assert len(error["message"]) < 300


def test_other_rules_are_refused_in_words(served: Server) -> None:
    reply = post(served, {"rules": "0", "items": [item("5", "5")]})
    assert reply.status_code == 409
    assert "rules 0; this verifier (dart-k8s" in reply.json()["error"]["message"]
    assert "same release" in reply.json()["error"]["remedy"]


def test_what_is_too_large_is_refused_and_the_connection_lives(served: Server) -> None:
    with httpx.Client(base_url=served.url, timeout=WAIT) as client:
        large = client.post("/v1/verify", content=b" " * (17 << 20))
        many = client.post("/v1/verify", json={"items": [item("5", "5")] * 1025})
        assert [large.status_code, many.status_code] == [413, 413]
        assert "more than 16777216" in large.json()["error"]["message"]
        assert "more than 1024" in many.json()["error"]["message"]
        assert client.post("/v1/verify", json={"items": [item("5", "5")]}).status_code == 200


def test_a_body_of_unknown_length_is_refused(served: Server) -> None:
    reply = httpx.post(f"{served.url}/v1/verify", content=iter([b"{}"]))
    assert reply.status_code == 411


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 404), ("POST", "/v1/nothing", 404), ("GET", "/v1/verify", 405)]
)
def test_other_paths_and_methods_are_refused_in_words(served: Server, method: str, path: str, status: int) -> None:
    reply = httpx.request(method, served.url + path)
    assert reply.status_code == status
    assert "/v1/verify" in reply.json()["error"]["message"]


# What an operator sees


def test_it_says_what_it_is(served: Server) -> None:
    about = httpx.get(f"{served.url}/v1/about").json()
    assert about["rules"] == VERSION
    assert about["limits"]["verify"]["queue"] == 4096
    assert httpx.get(f"{served.url}/healthz").status_code == 200
    assert httpx.get(f"{served.url}/readyz").json() == {"ready": True, "reason": ""}


def test_metrics_count_requests_and_verdicts(served: Server) -> None:
    before = metrics(served)
    post(served, {"items": [item(r"\boxed{5}", "5"), item(r"\boxed{4}", "5")]})
    post(served, b"{")
    after = metrics(served)

    def grown(name: str) -> float:
        return after[name] - before.get(name, 0.0)

    assert grown('dart_verifier_requests_total{code="200",endpoint="verify"}') == 1
    assert grown('dart_verifier_requests_total{code="400",endpoint="verify"}') == 1
    assert grown('dart_verifier_verdicts_total{tier="text",verdict="correct"}') == 1
    assert grown('dart_verifier_verdicts_total{tier="number",verdict="incorrect"}') == 1
    assert grown('dart_verifier_request_seconds_count{endpoint="verify"}') == 2
    assert after['dart_verifier_queue_capacity_items{endpoint="verify"}'] == 4096
    assert after['dart_verifier_queue_items{endpoint="verify"}'] == 0
    assert any(f'rules="{VERSION}"' in name for name in after if name.startswith("dart_verifier_build_info"))


def test_nothing_from_a_request_is_in_metrics_or_log(served: Server) -> None:
    secret = "zyxwvut"
    post(served, {"items": [item(rf"\boxed{{{secret}}}", secret)], "policy": {"lenient": False}})
    httpx.post(f"{served.url}/v1/{secret}")
    # In the order of the log: this request's line comes after theirs.
    post(served, b"{")
    served.wait_for("request", sum(line["event"] == "request" for line in served.log))
    assert secret not in httpx.get(f"{served.url}/metrics").text
    assert secret not in json.dumps(served.log)


def test_no_child_has_the_environment_of_the_server(served: Server) -> None:
    family = served.family()
    assert len(family) >= 4
    for pid in family:
        assert b"AWS_SECRET_ACCESS_KEY" not in Path(f"/proc/{pid}/environ").read_bytes()


# What can die


async def test_children_killed_under_load_cost_no_answer() -> None:
    with server("--processes", "2", "--linger", "0") as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=WAIT) as client:
            right = [item(rf"\boxed{{{n}}}", str(n)) for n in range(200)]
            right += [item(rf"\boxed{{\int_0^1 {n} x dx}}", rf"\frac{{{n}}}{{2}}") for n in range(1, 40)]
            wrong = [item(rf"\boxed{{{n}}}", str(n + 1)) for n in range(200)]
            expected = ["correct"] * len(right) + ["incorrect"] * len(wrong)
            finished = asyncio.Event()

            async def load() -> list[list[str]]:
                found = []
                while not finished.is_set():
                    reply = await client.post("/v1/verify", json={"items": [*right, *wrong]})
                    assert reply.status_code == 200, reply.text
                    found.append([one["verdict"] for one in reply.json()["verdicts"]])
                return found

            loads = [asyncio.create_task(load()) for _ in range(4)]
            # Every kind of child, again and again, each time when new ones are at work.
            for killed in (2, 4):
                for pid in served.family():
                    with suppress(ProcessLookupError):
                        os.kill(pid, signal.SIGKILL)
                await until_whole(client, killed)
            finished.set()
            for verdicts in [one for done in loads for one in await done]:
                differ = {(a, b) for a, b in zip(verdicts, expected, strict=True) if a not in (b, "undecided")}
                assert differ == set()
            async with asyncio.timeout(WAIT):
                while not (await client.get("/readyz")).json()["ready"]:
                    await asyncio.sleep(0.02)
            again = (await client.post("/v1/verify", json={"items": [*right, *wrong]})).json()["verdicts"]
            assert [one["verdict"] for one in again] == expected
        assert served.stop() == 0


async def until_whole(client: Any, killed: int) -> None:
    """Wait until so many checkers have been lost and two are at work again."""
    async with asyncio.timeout(WAIT):
        while True:
            now = read((await client.get("/metrics")).text)
            lost = now['dart_verifier_child_kills_total{child="checker"}']
            if lost >= killed and now['dart_verifier_children{endpoint="verify"}'] == 2:
                return
            await asyncio.sleep(0.02)


async def test_a_full_queue_says_when_to_come_back_and_a_stop_finishes_what_is_in_hand() -> None:
    with server("--processes", "1", "--queue", "2", "--linger", "0") as served:
        async with httpx.AsyncClient(base_url=served.url, timeout=WAIT) as client:
            first = asyncio.create_task(client.post("/v1/verify", json={"items": [slow(1), slow(2)]}))
            await until_queued(client, 2)
            refused = await client.post("/v1/verify", json={"items": [item(r"\boxed{5}", "5")]})
            assert refused.status_code == 429
            assert 1 <= int(refused.headers["retry-after"]) <= 30
            assert "2 of 2 places" in refused.json()["error"]["message"]
            assert (await client.get("/healthz")).status_code == 200
            served.process.send_signal(signal.SIGTERM)
            served.wait_for("draining")
            late = await client.post("/v1/verify", json={"items": [item(r"\boxed{5}", "5")]})
            assert late.status_code == 503
            assert late.json()["error"]["code"] == "draining"
            assert (await client.get("/readyz")).status_code == 503
            reply = await first
            assert reply.status_code == 200
            assert {one["verdict"] for one in reply.json()["verdicts"]} == {"undecided"}
        assert served.process.wait(WAIT) == 0


async def until_queued(client: Any, count: int) -> None:
    line = f'dart_verifier_queue_items{{endpoint="verify"}} {count}'
    async with asyncio.timeout(WAIT):
        while line not in (await client.get("/metrics")).text:
            await asyncio.sleep(0.02)


async def test_a_client_that_hangs_up_frees_its_place(served: Server) -> None:
    async with httpx.AsyncClient(base_url=served.url, timeout=WAIT) as client:
        asked = asyncio.create_task(client.post("/v1/verify", json={"items": [slow(n) for n in range(100, 400)]}))
        await until_queued(client, 300)
        asked.cancel()
        await until_queued(client, 0)


def test_its_end_is_the_end_of_all_its_children() -> None:
    with server("--processes", "2") as served:
        family = served.family()
        assert len(family) >= 4
        served.process.kill()
        served.process.wait()
        for pid in family:
            wait_for_end(pid)


def wait_for_end(pid: int) -> None:
    """A pidfd becomes readable when its process has ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([descriptor], [], [], WAIT)[0]
    finally:
        os.close(descriptor)


def test_an_address_that_is_taken_is_told_in_words(served: Server) -> None:
    port = served.url.rpartition(":")[2]
    ran = subprocess.run(
        [sys.executable, "-m", "dart_k8s.cli.main", "verifier", "serve", "--port", port],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert ran.returncode == 64
    assert f"Cannot listen on 127.0.0.1 port {port}" in ran.stderr
