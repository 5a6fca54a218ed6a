"""``perturber bench load``: many users drag at the same time; how fast, how fair, how right, and what jobs get."""

import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from perturber.bench.server import Server, serving
from perturber.config import Settings
from perturber.errors import InvalidInputError

SAMPLES = 1000
"""Answers at most that are compared with those to the same requests one by one."""

WARM_SECONDS = 5.0
"""Of dragging before anything is measured."""

DRAGGING_EVERY = 0.2
"""Seconds between two looks of one who drags while a job runs."""

LONG_USERS = 20

MEMORY_EVERY = 10.0
"""Seconds between two measurements of the server's memory."""

HEAD = f"{'':34}{'looks/s':>8}{'slowest':>10}{'fast/slow':>10}{'median':>10}{'p95':>10}{'busy':>8}{'errors':>8}"


@dataclass(frozen=True)
class Played:
    """What became of some users' looks.

    Attributes:
        seconds: that were played.
        latencies: of each user, in seconds.
        errors: sentences of whatever went wrong.
        busy: times that somebody was told to ask again.
        samples: see `Dragging`.
        steps: of jobs meanwhile, and the seconds that they took.
    """

    seconds: float
    latencies: list[np.ndarray]
    errors: list[str]
    busy: int
    samples: list[dict[str, Any]]
    steps: tuple[float, float]

    @property
    def jobs(self) -> str:
        """What jobs have got, as a line below the table."""
        steps, took = self.steps
        return f"the job's share of the time: {took / self.seconds:.1%} ({steps / self.seconds:.2f} steps a second)"

    @property
    def rate(self) -> float:
        """Looks a second of all together."""
        return sum(map(len, self.latencies)) / self.seconds

    def row(self, name: str) -> str:
        """As a line of the table."""
        counts = [len(one) for one in self.latencies]
        times = np.concatenate(self.latencies) * 1e3
        return (
            f"{name:34}{self.rate:8.2f}{min(counts) / self.seconds:10.2f}{max(counts) / max(1, min(counts)):10.2f}"
            f"{np.median(times):10.0f}{np.percentile(times, 95):10.0f}{self.busy:8}{len(self.errors):8}"
        )


def run(settings: Settings, *, users: Sequence[int], seconds: float, long: float = 0.0) -> None:
    """Print the tables; every row asks one and the same server, on a data folder of its own.

    Args:
        users: how many drag at the same time, one row each.
        seconds: of each row.
        long: of a last row with `LONG_USERS`, in which memory is watched; 0 leaves it out.
    """
    samples: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="perturber-bench-") as folder:
        fresh = replace(settings, data=Path(folder))
        with serving(fresh) as server:
            _play(server, max(users), WARM_SECONDS)
            print(f"Explore, both default networks, eight neurons each; milliseconds\n{HEAD}")
            played = {count: _play(server, count, seconds) for count in users}
            for count, one in played.items():
                print(one.row(f"{count} dragging"))
                samples += one.samples
                for error in sorted(set(one.errors))[:3]:
                    print(f"    {error}")
            first, last = min(users), max(users)
            print(f"looks a second of {last} users / of {first}: {played[last].rate / played[first].rate:.2f}")
            _jobs(server, seconds)
            if long:
                _long(server, LONG_USERS, long)
        _compare(fresh, samples)


_seeds = itertools.count()


def _play(server: Server, count: int, seconds: float, every: float = 0.0) -> Played:
    command = [sys.executable, "-m", "perturber.bench.load_users", server.url]
    command += ["--users", str(count), "--seconds", str(seconds), "--every", str(every), "--seed", str(next(_seeds))]
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 180, check=False)
    if done.returncode:
        raise InvalidInputError(f"Locust did not run; pip install 'perturber[bench]'. It said: {done.stderr[-400:]}")
    told = json.loads(done.stdout)
    users = told["users"]
    return Played(
        seconds=seconds,
        latencies=[np.array([took for _, took in user["looks"]]) for user in users],
        errors=[error for user in users for error in user["errors"]],
        busy=sum(user["busy"] for user in users),
        samples=[sample for user in users for sample in user["samples"]],
        steps=tuple(told["steps"]),
    )


def _jobs(server: Server, seconds: float) -> None:
    """What a job gets, and what it costs, while somebody drags."""
    print(f"\nOne dragging at {1 / DRAGGING_EVERY:.0f} Hz")
    print(HEAD)
    alone = _play(server, 1, seconds, DRAGGING_EVERY)
    print(alone.row("alone"))
    _order(server, 77)
    together = _play(server, 1, seconds, DRAGGING_EVERY)
    print(together.row("beside a job"))
    medians = [float(np.median(one.latencies[0])) for one in (together, alone)]
    print(f"median beside a job / alone: {medians[0] / medians[1]:.2f}")
    print(together.jobs)
    _order(server, 78)  # the first one may end meanwhile
    crowd = _play(server, 8, seconds)
    print(crowd.row("8 as fast as they can, and the job"))
    print(crowd.jobs)


def _order(server: Server, channel: int) -> None:
    """A feature visualisation that is not made: a job of half a minute and more."""
    request = {
        "query": f"plane=1&plane_neuron=blocks.4.2:{channel}",
        "memory": {},
        "scene": {},
        "changes": [],
        "drawn": {},
        "client": "somebody else",
        "sequence": 1,
    }
    body = {
        "output": "explore-panel.answer",
        "outputs": {"id": "explore-panel", "property": "answer"},
        "inputs": [{"id": "explore-panel", "property": "request", "value": request}],
        "state": [],
        "changedPropIds": ["explore-panel.request"],
    }
    url = f"{server.url}/_dash-update-component"
    asked = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(asked, timeout=60).close()


def _long(server: Server, users: int, seconds: float) -> None:
    """Many users for long: whether all get the same, and whether memory stays as it is."""
    with _watched(server) as memory:
        played = _play(server, users, seconds)
    print(f"\n{users} users for {seconds:.0f} s")
    print(played.row("dragging"))
    print(
        "resident memory, MiB, every minute: " + " ".join(f"{value:.0f}" for value in memory[:: int(60 / MEMORY_EVERY)])
    )
    settled = memory[int(120 / MEMORY_EVERY) :]
    if len(settled) > 1:
        print(f"largest / smallest after the second minute: {max(settled) / min(settled):.3f}")


@contextmanager
def _watched(server: Server) -> Iterator[list[float]]:
    """The server's resident memory in MiB, measured now and then meanwhile."""
    found: list[float] = []
    going = [True]

    def watch() -> None:
        while going:
            found.append(server.resident_mib())
            time.sleep(MEMORY_EVERY)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(watch)
        try:
            yield found
        finally:
            going.clear()


def _compare(settings: Settings, samples: Sequence[dict[str, Any]]) -> None:
    """Ask for some of it again, one by one, of a service that does nothing else."""
    from perturber.service import InferenceService
    from perturber.ui.showing.pictures import model_input
    from perturber.ui.states.explore import ExploreState

    chosen = [samples[i] for i in np.linspace(0, len(samples) - 1, min(SAMPLES, len(samples))).astype(int)]
    pictures = mixed = 0
    worst = 0.0
    with InferenceService(settings) as service:
        for sample in chosen:
            query = {key: str(value) for key, value in sample["scene"].items()}
            look = service.look(ExploreState.from_query(query, service.model)[0].request(None))
            shown = model_input("explore", look.image)["props"]["src"]
            pictures += hashlib.sha256(shown.encode()).hexdigest() == sample["picture"]
            for slot, (_, scores, *_) in sample["models"].items():
                logits = {score.index: score.logit for score in look.slots[int(slot)].top or ()}
                mixed += scores[0][0] not in logits
                worst = max(worst, *(abs(logits.get(index, np.inf) - logit) for index, _, logit, _ in scores[:1]))
    print(f"\n{len(chosen)} answers asked for again one by one: {pictures} pictures equal to the bit, ", end="")
    print(f"{mixed} top classes not there, largest difference of a top logit {worst:.1e}")
