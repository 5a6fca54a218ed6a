"""``perturber bench sweep``: what a sweep costs beside its renders and forward passes, and what it holds."""

from collections.abc import Callable
from time import perf_counter, sleep

import numpy as np
import psutil
import torch

from perturber.config import Settings
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import Axis, Grid, scene
from perturber.scene import Scene
from perturber.service import InferenceService, PictureRequest
from perturber.service.engine import LocalEngine
from perturber.service.sweeps import sweep_request
from perturber.service.works.sweeping import A_STEP, SweepRequest

MODELS = ("efficientnet_lite0", "lite0_adversarial")
MEASURES = (Measure(kind="probability"), Measure(kind="margin"), Measure(kind="entropy"), Measure(kind="divergence"))


def run(settings: Settings, *, rounds: int = 5, side: int = 10) -> None:
    """Print the tables.

    Args:
        settings: with a data folder in which nothing is known yet.
        rounds: sweeps of side × side scenes, each beside the bare loop over the same scenes.
    """
    _ratio(settings, rounds, side)
    _memory(settings, side)


def _grid(number: int, side: int) -> Grid:
    """Scenes that no other round looks at."""
    low = -60 + 0.01 * number
    return Grid((Axis.even("yaw", low, low + 100, side), Axis.even("texture_influence", 0, 1, side)))


def _ratio(settings: Settings, rounds: int, side: int) -> None:
    """Sweeps beside bare loops that render the same scenes and show them to the same networks."""
    engines: list[LocalEngine] = []

    def engine(chosen: Settings) -> LocalEngine:
        engines.append(LocalEngine(chosen))
        return engines[0]

    with InferenceService(settings, engine) as service:
        print(f"\nSweeps of {side * side} scenes on {engines[0].device_name}, scenes a second (median of {rounds})")
        print(f"{'networks':>10}{'bare loop':>12}{'sweep':>10}{'bare / sweep':>14}")
        for models, measures in ((MODELS[:1], MEASURES[:3]), (MODELS, MEASURES)):
            bare, swept = [], []
            for number in range(-1, rounds):
                request = sweep_request(service, Scene(), _grid(2 * number + 100 * len(models), side), models, measures)
                times = _timed(_loop, engines[0], request), _timed(_sweep, service, request)
                if number >= 0:
                    bare.append(times[0])
                    swept.append(times[1])
            speeds = (side * side / np.median(seconds) for seconds in (bare, swept))
            print(
                f"{len(models):>10}{next(speeds):12.1f}{next(speeds):10.1f}"
                f"{np.median(np.array(bare) / np.array(swept)):14.3f}"
            )


def _timed(job: Callable[..., None], *arguments: object) -> float:
    since = perf_counter()
    job(*arguments)
    return perf_counter() - since


@torch.inference_mode()
def _loop(engine: LocalEngine, request: SweepRequest) -> None:
    points, size = request.design.points(), A_STEP.get(engine.device.type, 4)
    networks = [engine.network(model) for model in request.models]
    for first in range(0, len(points), size):
        scenes = [scene(request.start, request.design, point) for point in points[first : first + size]]
        images = engine.pictures([PictureRequest(scene=one) for one in scenes])
        for network in networks:
            network.module(network.preprocess(images)).cpu()


def _sweep(service: InferenceService, request: SweepRequest) -> None:
    job = service.jobs.submit(request).id
    while not service.jobs.status(job).state.over:
        sleep(0.005)


def _memory(settings: Settings, side: int) -> None:
    """Resident memory after a sweep, and after one of four times as many scenes."""
    process = psutil.Process()
    with InferenceService(settings) as service:
        print(f"\n{'scenes':>10}{'resident':>12}")
        for number, wide in ((900, side), (1000, 2 * side), (1100, 3 * side)):
            request = sweep_request(service, Scene(), _grid(number, wide), MODELS[:1], MEASURES[:1])
            service.wait(service.jobs.submit(request).id)
            print(f"{wide * wide:>10}{process.memory_info().rss / 2**20:>8.0f} MiB")
