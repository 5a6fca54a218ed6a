"""Users who drag, played by Locust in a process of its own: ``python -m perturber.bench.load_users URL …``.

Prints what became of their looks as JSON. Each user does what ``assets/page.js`` does: one look at a time, the newest
state, and what was answered goes with the next one.
"""

import argparse
import hashlib
import itertools
import json
import sys
from time import perf_counter
from typing import Any

import gevent
from locust import FastHttpUser, events, task  # before what it patches

# isort: split
import requests
from locust.env import Environment
from prometheus_client.parser import text_string_to_metric_families

OUTPUT = "explore-panel.answer"
options = argparse.Namespace()
"""``every``: seconds between the beginnings of two looks of one user; ``seed``: of the views, which nobody has seen."""

found: list["Dragging"] = []


class Dragging(FastHttpUser):
    """Turns the object of the Explore page by a step of its own, on and on."""

    connection_timeout = network_timeout = 60.0

    def on_start(self) -> None:
        """Open the page."""
        self.number = len(found)
        found.append(self)
        self.state: dict[str, Any] = {"query": "", "memory": {}, "drawn": {}}
        self.looks: list[tuple[float, float]] = []  # when it was answered, and after how long
        self.samples: list[dict[str, Any]] = []
        self.errors: list[str] = []
        self.busy = 0
        self.turns = itertools.count(1)
        self.pitch = round(1.05 + options.seed * 2 + self.number / 10, 2)  # no default

    @task
    def drag(self) -> None:
        """Ask for the next view."""
        sequence = next(self.turns)
        yaw = round((self.number * 17.3 + sequence * (1.1 + 0.07 * self.number)) % 360 - 180, 1)
        scene = {"yaw": yaw, "pitch": self.pitch}
        client = f"user {self.number}"
        asked = {**self.state, "scene": scene, "changes": [], "client": client, "sequence": sequence}
        since = perf_counter()
        answer = self._ask(asked)
        took = perf_counter() - since
        if answer is None:
            return
        if not answer["looked"]:
            self.busy += 1
            gevent.sleep((answer["again"] or 500) / 1e3)
            return
        self.looks.append((perf_counter(), took))
        if answer["query"] is not None:
            self.state = {"query": answer["query"], "memory": answer["memory"], "drawn": answer["drawn"]}
        self._check(asked, answer)
        gevent.sleep(max(0.0, options.every - took))

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        body = {
            "output": OUTPUT,
            "outputs": dict(zip(("id", "property"), OUTPUT.split("."), strict=True)),
            "inputs": [{"id": "explore-panel", "property": "request", "value": request}],
            "state": [],
            "changedPropIds": ["explore-panel.request"],
        }
        with self.client.post("/_dash-update-component", json=body, catch_response=True) as response:
            if response.status_code == 200:
                return response.json()["response"]["explore-panel"]["answer"]
            self.errors.append(f"status {response.status_code}")
            gevent.sleep(0.5)
            return None

    def _check(self, asked: dict[str, Any], answer: dict[str, Any]) -> None:
        """Whether it is the answer to what was asked, and what it shows, to be compared with what it should."""
        written = json.dumps(asked, sort_keys=True, separators=(",", ":")).encode()
        if answer["request"] != hashlib.sha256(written).hexdigest():
            self.errors.append("an answer to another request")
        props = {json.dumps(one["id"]): one["props"] for one in answer["props"]}
        if (notice := props.get('"notice"', {}).get("children")) and notice != "":
            self.errors.append(f"notice: {notice}")
        _, _, scene, models, *_ = answer["record"]
        if not ({"pitch": self.pitch}.items() <= scene.items() <= asked["scene"].items()):  # a default is left out
            self.errors.append("an answer about another scene")
        picture = props['"explore-input"']["src"]
        self.samples.append(
            {"scene": asked["scene"], "picture": hashlib.sha256(picture.encode()).hexdigest(), "models": models}
        )


def steps() -> tuple[float, float]:
    """Steps of jobs since the server's start, and the seconds that they took."""
    families = text_string_to_metric_families(requests.get(f"{options.url}/metrics", timeout=60).text)
    found = {one.name: one.value for family in families for one in family.samples if one.labels == {"kind": "step"}}
    return found.get("perturber_work_seconds_count", 0.0), found.get("perturber_work_seconds_sum", 0.0)


def main() -> None:
    """Play, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--users", type=int, required=True)
    parser.add_argument("--seconds", type=float, required=True)
    parser.add_argument("--every", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.parse_args(namespace=options)
    environment = Environment(user_classes=[Dragging], events=events, host=options.url)
    runner = environment.create_local_runner()
    before = steps()
    runner.start(options.users, spawn_rate=options.users)
    gevent.sleep(options.seconds)
    after = steps()
    runner.quit()
    users = [{"looks": user.looks, "errors": user.errors, "busy": user.busy, "samples": user.samples} for user in found]
    json.dump({"users": users, "steps": [b - a for a, b in zip(before, after, strict=True)]}, sys.stdout)


if __name__ == "__main__":
    main()
