"""``perturber bench live``: one presents and moves a slider, many follow: how often and how late they see it."""

import itertools
import json
import secrets
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from time import perf_counter
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from prometheus_client.parser import text_string_to_metric_families

from perturber.bench.server import Server, serving
from perturber.config import Settings
from perturber.sessions import Sessions

WARM_SECONDS = 4.0
"""Of presenting before anything is measured."""


class Tab:
    """A connection that is kept, as a browser has it."""

    def __init__(self, server: Server) -> None:
        self._connection = HTTPConnection(str(urlsplit(server.url).netloc), timeout=60)

    def get(self, path: str) -> str:
        """What stands there."""
        self._connection.request("GET", path)
        return self._connection.getresponse().read().decode()

    def post(self, path: str, body: dict[str, Any]) -> tuple[Any, int]:
        """The answer, and its size in bytes."""
        self._connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = self._connection.getresponse()
        content = response.read()
        if response.status != 200:
            raise RuntimeError(f"{path} was answered with {response.status}: {content[:200]!r}")
        return json.loads(content), len(content)

    def callback(self, output: str, prop: str, input_: tuple[str, str, Any], *state: tuple[str, str, Any]) -> Any:
        """Ask one of Dash's callbacks; the value of its output."""
        asked, *known = [{"id": id_, "property": name, "value": value} for id_, name, value in (input_, *state)]
        body = {
            "output": f"{output}.{prop}",
            "outputs": {"id": output, "property": prop},
            "inputs": [asked],
            "state": known,
            "changedPropIds": [f"{input_[0]}.{input_[1]}"],
        }
        answer, _ = self.post("/_dash-update-component", body)
        return answer["response"][output][prop]


@dataclass
class Presented:
    """What was presented: the view that tells a state from others → when it was asked for and answered."""

    asked: dict[float, float] = field(default_factory=dict)
    answered: dict[float, float] = field(default_factory=dict)


@dataclass
class Followed:
    """What a follower has got: view → when it was all there; and sizes in bytes."""

    received: dict[float, float] = field(default_factory=dict)
    sizes: list[int] = field(default_factory=list)


def run(settings: Settings, *, followers: int = 10, seconds: float = 20.0) -> None:
    """Print the tables; the server has a data folder of its own.

    Args:
        followers: how many follow.
        seconds: of each row.
    """
    with tempfile.TemporaryDirectory(prefix="perturber-bench-") as folder:
        fresh = replace(settings, data=Path(folder))
        session = Sessions(fresh.data).create("bench")
        with serving(fresh) as server:
            opened = ("session", "data", {"id": session, "name": "bench"})
            seat = Tab(server).callback("live-seat", "data", ("live-present", "n_clicks", 1), opened)
            with _presenting(server, seat, pitch=5.0):
                time.sleep(WARM_SECONDS)
            print(f"Explore, both default networks, eight neurons each, {seconds:.0f} s a row")
            alone = _row(server, seat, 0, seconds)
            together = _row(server, seat, followers, seconds)
            print(f"presenter's updates a second with {followers} followers / with none: {together / alone:.2f}")


def _row(server: Server, seat: dict[str, Any], followers: int, seconds: float) -> float:
    """One row; the presenter's updates a second."""
    before = _inferences(server)
    stopped = threading.Event()
    found = [Followed() for _ in range(followers)]
    threads = [threading.Thread(target=_follow, args=(server, seat["session"], one, stopped)) for one in found]
    with _presenting(server, seat, pitch=10.0 + followers / 10) as presented:
        for thread in threads:
            thread.start()
        time.sleep(seconds)
    stopped.set()
    for thread in threads:
        thread.join()
    states = len(presented.answered)
    print(f"\n{followers} followers: the presenter has {states / seconds:.1f} updates a second, ", end="")
    print(f"{(_inferences(server) - before) / max(1, states):.3f} inferences a state")
    if followers:
        _print_followers(presented, found, seconds)
    return states / seconds


def _print_followers(presented: Presented, found: list[Followed], seconds: float) -> None:
    rates = [len(one.received.keys() & presented.asked.keys()) / seconds for one in found]
    print(f"updates a second of a follower: median {np.median(rates):.1f}, the slowest {min(rates):.1f} (bar: 5)")
    for name, since in (("request", presented.asked), ("answer", presented.answered)):
        late = [1e3 * (at - since[view]) for one in found for view, at in one.received.items() if view in since]
        print(
            f"from the presenter's {name} until all is there: median {np.median(late):.0f} ms, "
            f"p95 {np.percentile(late, 95):.0f} ms" + (" (bar: 250)" if name == "answer" else "")
        )
    sizes = [size for one in found for size in one.sizes]
    print(f"an update is {np.median(sizes) / 1024:.0f} KiB (median), the largest {max(sizes) / 1024:.0f} KiB")


@contextmanager
def _presenting(server: Server, seat: dict[str, Any], pitch: float) -> Iterator[Presented]:
    """Somebody turns the object meanwhile, one look after the other.

    Args:
        pitch: of views that nobody has seen.
    """
    presented, stopped = Presented(), threading.Event()

    def present() -> None:
        tab = Tab(server)
        known: dict[str, Any] = {"query": "", "memory": {}, "drawn": {}}
        for sequence in itertools.count(1):
            if stopped.is_set():
                return
            yaw = round(13 * sequence % 3600 / 10 - 180, 1)  # thousands of views before one comes again
            scene = {"yaw": yaw, "pitch": round(pitch, 2)}
            asked = {**known, "scene": scene, "changes": [], "client": f"visit {pitch}", "sequence": sequence}
            begun = perf_counter()
            request = ("explore-panel", "request", {**asked, "seat": seat})
            answer = tab.callback("explore-panel", "answer", request)
            if answer["looked"]:
                presented.asked[yaw], presented.answered[yaw] = begun, perf_counter()
                known = {name: answer[name] for name in known}

    thread = threading.Thread(target=present)
    thread.start()
    try:
        yield presented
    finally:
        stopped.set()
        thread.join()


def _follow(server: Server, session: str, found: Followed, stopped: threading.Event) -> None:
    tab = Tab(server)
    asked = {"session": session, "token": secrets.token_urlsafe(), "page": "/", "seen": 0}
    while not stopped.is_set():
        told, size = tab.post("/live", asked)
        if told["looked"]:
            found.received.setdefault(told["scene"]["yaw"], perf_counter())
            found.sizes.append(size)
            asked["seen"] = told["seen"]
        time.sleep(told["again"] / 1e3)


def _inferences(server: Server) -> float:
    """Looks that were computed since the server's start."""
    families = text_string_to_metric_families(Tab(server).get("/metrics"))
    return sum(one.value for family in families for one in family.samples if one.name == "perturber_batch_sum")
