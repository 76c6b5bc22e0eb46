"""An operator that is killed at one write: right before it is forwarded, or right after it was carried out and before
its answer came. A new operator follows, and the run has to end as the one that nobody disturbed."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from dart_k8s.edges.store import open_store
from dart_k8s.names import DIGEST

from .runs import ENDS_WITHIN, Run, Setting, check, run, trusting
from .wire import When, Wire, Write, of_kubernetes, of_store


class Point(NamedTuple):
    """Where to kill."""

    wire: str
    """kubernetes, or store."""
    label: str
    number: int
    when: When

    def __str__(self) -> str:
        return f"{self.when} {self.wire} {self.label} #{self.number}"


@dataclass(kw_only=True)
class Ended:
    """How a run ended: all that has to be the same in every one."""

    objects: Mapping[str, Any]
    """What is left in the namespace, by kind and name."""
    deeds: Mapping[str, int]
    """"created|deleted OBJECT" -> how often the API server said so."""
    rows: int
    """-1: they follow chance, as targets that are estimated do."""
    conditions: Mapping[str, str]


@dataclass(kw_only=True)
class Tried:
    """What came of one run."""

    point: Point | None
    reached: bool = False
    """The write came, and the operator was killed."""
    operators: int = 0
    """That were needed: one more than were killed, or lost their Lease on a busy machine."""
    ended: Ended | None = None
    writes: list[tuple[str, Write]] = field(default_factory=list)
    """(wire, write), in order."""
    wrong: str = ""
    seconds: float = 0.0

    def __str__(self) -> str:
        how = f"killed, {self.operators} operators" if self.reached else "not reached"
        return f"{self.point}: {how}, {self.seconds:.1f} s"


@contextmanager
def wired(setting: Setting) -> Iterator[tuple[Run, dict[str, Wire]]]:
    """A run whose operator reaches both servers by wires."""
    with run(setting) as here:
        prefix = here.output.removeprefix("s3://")
        plane = setting.plane
        with (
            Wire(plane.url, of_kubernetes, trusting(plane)) as api,
            Wire(setting.s3.endpoint, of_store(prefix)) as store,
        ):
            setting.kubelet.pretended.add(here.namespace)
            yield here, {"kubernetes": api, "store": store}


def attempt(setting: Setting, point: Point | None, *, story: str = "", queries: int = 4, **spec: Any) -> Tried:
    """One run, killed at the point (None: nowhere). Never raises for what goes wrong in it."""
    began, tried = time.monotonic(), Tried(point=point)
    with wired(setting) as (here, wires):
        once = threading.Lock()

        def watch(name: str) -> None:
            def seen(write: Write, when: When) -> bool:
                if when == "before":
                    tried.writes.append((name, write))
                if point is None or (name, *write, when) != tuple(point) or not once.acquire(blocking=False):
                    return False
                here.kill()
                tried.reached = True
                return True

            wires[name].seen = seen

        for name in wires:
            watch(name)
        try:
            here.deploy(server=wires["kubernetes"].url, store=wires["store"].url)
            here.submit(queries=queries, **spec)
            rows = STORIES[story](here)
            if spec.get("strategy", {}).get("kind", "uniform") != "uniform":
                rows = -1
            _at_rest(here, wires, killed=lambda: tried.reached)
            tried.operators = len(here.operators)
            tried.ended = _ended(here, wires["kubernetes"], rows)
        except BaseException as error:  # pytest's failures are no Exceptions
            tried.wrong = f"{type(error).__name__}: {error}\n{here.told()}"
            if isinstance(error, KeyboardInterrupt):
                raise
    tried.seconds = time.monotonic() - began
    return tried


def _to_its_end(here: Run) -> int:
    """Wait until it is Complete, and check the store; rows of the data set."""
    here.reach("Complete", ENDS_WITHIN)
    rows = check(open_store(here.output))["rows"]
    # A new operator may say Complete first, and read the numbers of the end then.
    _until(lambda: here.get()["status"]["progress"]["accepted"] == rows, 60.0)
    return rows


def _paused(here: Run) -> int:
    here.reach("Sampling")
    here.change(suspend=True)
    here.reach("Suspended")
    _until(lambda: not any("-sampler-" in name for name in here.children()), 120.0)
    here.change(suspend=False)
    return _to_its_end(here)


def _given_more(here: Run) -> int:
    first = _to_its_end(here)
    here.change(strategy={"target": 4})
    more = _to_its_end(here)
    assert more > first, "what was raised brought nothing"
    return more


def _deleted(here: Run) -> int:
    _to_its_end(here)
    here.setting.plane.call("DELETE", here.path)
    _until(lambda: not here.setting.plane.call("GET", here.path.rpartition("/")[0])["items"], 120.0)
    assert [one.key for one in open_store(here.output).list()] == [], "something of the output is left"
    return 0


STORIES: Mapping[str, Callable[[Run], int]] = {
    "": _to_its_end, "paused": _paused, "given more": _given_more, "deleted": _deleted,
}  # fmt: skip
"""What happens to a run, by name; each gives the rows of its data set at the end."""


def _until(check: Any, seconds: float) -> None:
    ends = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < ends, f"not within {seconds:g} s"
        time.sleep(0.1)


def _at_rest(here: Run, wires: Mapping[str, Wire], killed: Callable[[], bool]) -> None:
    """Until nothing has been written for a second, nothing is on its way out, and after a kill the new operator has
    looked at what there is: what is done at the end is done."""
    seen, since = -1, time.monotonic()
    while time.monotonic() - since < 1.0:
        count = sum(len(wire.writes) for wire in wires.values())
        if count != seen:
            seen, since = count, time.monotonic()
        time.sleep(0.1)
    if killed():
        _until(lambda: len(here.operators) > 1 and here.leads(), 60.0)
    _until(lambda: not any("deletionTimestamp" in item["metadata"] for item in here.children().values()), 60.0)


def _ended(here: Run, api: Wire, rows: int) -> Ended:
    found = here.setting.plane.call("GET", here.path.rpartition("/")[0])["items"]
    conditions = found[0]["status"]["conditions"] if found else []
    return Ended(
        objects={name: _plain(item) for name, item in here.children().items() if "kube-root-ca" not in name},
        deeds=dict(deeds(api.answers)),
        rows=rows,
        conditions={one["type"]: f"{one['status']} {one['reason']}" for one in conditions},
    )


def deeds(answers: Iterable[tuple[Write, int]]) -> Counter[str]:
    """Creations and deletions that the API server carried out, by object. Events are no objects of ours."""
    found: Counter[str] = Counter()
    for (label, _), code in answers:
        method, resource, name, *rest = [*label.split(" "), "", ""][:4]
        if resource == "events" or any(rest):
            continue
        if code == 201:
            found[f"created {resource}/{name}"] += 1
        elif method == "DELETE" and code in (200, 202):
            found[f"deleted {resource}/{name}"] += 1
    return found


def _plain(item: Mapping[str, Any]) -> Any:
    """An object without what differs from run to run."""
    about = item["metadata"]
    notes = {key: text for key, text in (about.get("annotations") or {}).items() if key != DIGEST}
    text = json.dumps([about.get("labels"), notes, item.get("spec"), item.get("data")], sort_keys=True)
    owner = (about.get("ownerReferences") or [{}])[0].get("uid", "-")
    for own, same in ((about["uid"], "UID"), (about["namespace"], "NAMESPACE"), (owner, "OWNER")):
        text = text.replace(own, same)
    return text


def points(reference: Tried, most: int) -> list[Point]:
    """Where to kill, given a run: before and after each write, evenly thinned out to so many, first of each label
    first."""
    every = [
        Point(wire, write.label, write.number, when)  # type: ignore[arg-type]
        for wire, write in reference.writes
        for when in ("before", "after")
    ]
    if len(every) <= most:
        return every
    firsts = [one for one in every if one.number == 1]
    rest = [one for one in every if one.number > 1]
    left = max(0, most - len(firsts))
    step = len(rest) / left if left else 0.0
    chosen = {*firsts[:most], *(rest[int(n * step)] for n in range(left))}
    return [one for one in every if one in chosen]


def differences(tried: Tried, reference: Ended) -> list[str]:
    """What is not as in the reference; empty: all is well."""
    if tried.wrong or tried.ended is None:
        return [tried.wrong]
    found = []
    for name in ("objects", "deeds", "rows", "conditions"):
        ours, theirs = getattr(tried.ended, name), getattr(reference, name)
        if ours != theirs:
            if isinstance(ours, Mapping):
                changed = {k: (theirs.get(k), ours.get(k)) for k in {*ours, *theirs} if ours.get(k) != theirs.get(k)}
                found.append(f"{name} (reference, here): {changed}")
            else:
                found.append(f"{name}: {theirs} in the reference, {ours} here")
    return found


def all_of(setting: Setting, chosen: Iterable[Point], side_by_side: int, **spec: Any) -> Iterator[Tried]:
    """Try the points, several at a time."""
    with ThreadPoolExecutor(side_by_side) as pool:
        yield from pool.map(lambda point: attempt(setting, point, **spec), chosen)
