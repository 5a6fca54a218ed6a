"""``perturber bench latency``: how long one who drags waits for an answer, with and without a sweep beside it."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from perturber.config import Settings
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import MAX_CELLS, LatinHypercube, Range
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.sweeps import sweep_request

MODELS = ("efficientnet_lite0", "lite0_adversarial")
LAYER, CHANNELS = "blocks.3.0", tuple(range(8))

RHYTHMS = {"one after the other": 0.0, "five a second": 0.2}
"""Name → seconds between two looks, at least."""

BAR = 1.5
"""Of the ratio of the medians."""


@dataclass
class Dragged:
    """What became of looks, in seconds.

    Attributes:
        took: from the request to the answer.
        waited: before they were begun.
        steps: of jobs meanwhile.
    """

    took: list[float] = field(default_factory=list)
    waited: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)

    def observe(self, kind: str, waited: float, took: float, together: int) -> None:
        """As a `perturber.service.dispatcher.Observer`."""
        if kind == "answer":
            self.waited.append(waited)
        elif kind == "step":
            self.steps.append(took)

    def row(self, name: str) -> str:
        """As a line of the table."""
        times = 1e3 * np.array(self.took)
        step = f"{1e3 * max(self.steps):10.0f}" if self.steps else f"{'–':>10}"
        return (
            f"{name:34}{len(times):8}{np.median(times):10.1f}{np.percentile(times, 95):10.1f}"
            f"{1e3 * max(self.waited):10.0f}{step}"
        )


def run(settings: Settings, *, rounds: int = 5, seconds: float = 5.0) -> None:
    """Print the table.

    Args:
        settings: with a data folder in which nothing is known yet.
        rounds: of each row; rows take turns, so that a slow moment hits all.
        seconds: of dragging in each round.
    """
    with InferenceService(settings) as service:
        found = {(rhythm, busy): Dragged() for rhythm in RHYTHMS for busy in (False, True)}
        _drag(service, Dragged(), seconds, 0.0)
        for number, (rhythm, every) in itertools.product(range(rounds), RHYTHMS.items()):
            _drag(service, found[rhythm, False], seconds, every)
            with _sweeping(service, len(RHYTHMS) * number + list(RHYTHMS).index(rhythm)):
                _drag(service, found[rhythm, True], seconds, every)
    print(f"Looks of two slots with {len(CHANNELS)} neurons each, milliseconds")
    print(f"{'':34}{'looks':>8}{'median':>10}{'p95':>10}{'waited':>10}{'step':>10}")
    for rhythm in RHYTHMS:
        alone, beside = found[rhythm, False], found[rhythm, True]
        print(alone.row(rhythm))
        print(beside.row("  beside a sweep"))
        ratio = np.median(beside.took) / np.median(alone.took)
        share = sum(beside.steps) / (rounds * seconds)
        print(f"  ratio of medians {ratio:.2f} (bar: {BAR:g}); the sweep had {share:.0%} of the time")
    print("waited: longest before a look was begun; step: longest of the sweep, that is one batch of its scenes")


def _drag(service: InferenceService, found: Dragged, seconds: float, every: float) -> None:
    """Turn the object for some seconds, each look after the answer to the one before."""
    slots = tuple(SlotRequest(model=model, layer=LAYER, channels=CHANNELS) for model in MODELS)
    observe, service.dispatcher.observe = service.dispatcher.observe, found.observe
    end = perf_counter() + seconds
    try:
        for number in itertools.count():
            since = perf_counter()
            if since >= end:
                return
            scene = Scene.parse({"yaw": round(-180 + 1.7 * number % 360, 1)})
            service.look(LookRequest(scene=scene, slots=slots, client="somebody who drags"))
            took = perf_counter() - since
            found.took.append(took)
            time.sleep(max(0.0, every - took))
    finally:
        service.dispatcher.observe = observe


@contextmanager
def _sweeping(service: InferenceService, seed: int) -> Iterator[None]:
    """A sweep that is under way, and does not end meanwhile."""
    design = LatinHypercube((Range("yaw", -90, 90), Range("distance", 3, 6)), MAX_CELLS, seed)
    measures = (Measure(kind="margin"), Measure(kind="divergence"))
    job = service.jobs.submit(sweep_request(service, Scene(), design, MODELS, measures)).id
    while not service.jobs.status(job).progress.done:
        time.sleep(0.05)
    try:
        yield
    finally:
        service.jobs.cancel(job)
        service.look(LookRequest(scene=Scene()))  # its last step is over
