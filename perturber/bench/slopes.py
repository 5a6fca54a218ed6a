"""``perturber bench slopes``: what slopes and flips of all parameters cost, beside the obvious loop for flips."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch

from perturber.bench.adversary import recognised
from perturber.config import Settings
from perturber.experiments.slopes import sliding
from perturber.order import largest
from perturber.parameters import Number, get
from perturber.scene import SceneBase
from perturber.service import PictureRequest
from perturber.service.engine import LocalEngine
from perturber.service.works.registry import begin
from perturber.service.works.slopes import FlipsRequest, SlopesRequest

GRID, HALVINGS = 8, 8
"""Of the loop: values along each side of a parameter, and halvings of where the class changes between two."""

CLOSE = 0.01
"""Of a range: flips that are no farther apart are the same."""

Found = dict[tuple[str, int, int], float]
"""Parameter, network and side → how far from the present value the class changes, as a share of the range."""


def run(settings: Settings, *, models: Sequence[str], scenes: int = 3, seed: int = 0) -> None:
    """Print what it costs for random scenes that the networks recognise, and how many of the same flips are found.

    Args:
        models: networks.
        scenes: how many.
        seed: of the scenes.
    """
    engine = LocalEngine(settings)
    times: dict[str, list[tuple[float, float]]] = {}
    same = nearer = farther = only_ours = missed = 0
    for scene, right in islice(recognised(engine, models, seed), scenes):
        scored = SlopesRequest(scene=scene, models=tuple(models), classes=(right[0],) * len(models))
        asked = FlipsRequest(scene=scene, models=tuple(models), keys=sliding())
        jobs: dict[str, Callable[[], Any]] = {
            "slopes": partial(_work, engine, scored),
            "flips": partial(_work, engine, asked),
            "flips, one after another": partial(_loop, engine, scene, models),
        }
        found = {}
        for name, job in jobs.items():
            wall, cpu = perf_counter(), process_time()
            found[name] = job()
            times.setdefault(name, []).append((perf_counter() - wall, process_time() - cpu))
        ours, theirs = _distances(scene, found["flips"]), found["flips, one after another"]
        for place in ours.keys() | theirs.keys():
            if place not in ours or place not in theirs:
                missed += place not in ours
                only_ours += place not in theirs
                continue
            apart = ours[place] - theirs[place]
            same += abs(apart) <= CLOSE
            nearer += apart < -CLOSE
            farther += apart > CLOSE
    print(f"{engine.device_name}: {len(sliding())} parameters, {' and '.join(models)}, {scenes} scenes\n")
    print(f"{'':28}{'wall, s':>10}{'CPU, s':>10}   medians")
    for name, rows in times.items():
        wall, cpu = np.median(rows, 0)
        print(f"{name:28}{wall:10.1f}{cpu:10.1f}")
    print(
        f"\nFlips of all scenes: {same} the same, {nearer} nearer than by the loop, {farther} farther, "
        f"{only_ours} that the loop missed, {missed} that only the loop found"
    )


def _work(engine: LocalEngine, request: SlopesRequest | FlipsRequest) -> Any:
    work = begin(engine.resources, request)
    while work.progress().done < work.progress().steps:
        work.step()
    return work.product()


def _distances(scene: SceneBase, flips: Any) -> Found:
    found: Found = {}
    for key, networks in flips.items():
        parameter = get(key)
        assert isinstance(parameter, Number)
        span = parameter.maximum - parameter.minimum
        for n, sides in enumerate(networks):
            for side, flip in enumerate(sides):
                if flip is not None:
                    away = (flip.value - getattr(scene, key)) * (1 if side else -1)
                    found[key, n, side] = (away % span if parameter.periodic else away) / span
    return found


def _loop(engine: LocalEngine, scene: SceneBase, models: Sequence[str]) -> Found:
    """One side of one parameter after another: evenly growing steps, then halvings for each network."""
    found: Found = {}
    start = _tops(engine, models, [scene])
    for key in sliding():
        parameter, present = get(key), float(getattr(scene, key))
        assert isinstance(parameter, Number)
        span = parameter.maximum - parameter.minimum
        ends = (
            (present - span / 2, present + span / 2) if parameter.periodic else (parameter.minimum, parameter.maximum)
        )
        for side, end in enumerate(ends):
            if end == present:
                continue
            shares = [(n / GRID) ** 2 for n in range(GRID + 1)]
            at = [scene.replace(**{key: present + (end - present) * share}) for share in shares[1:]]
            for n, tops in enumerate(_tops(engine, models, at)):
                other = np.flatnonzero(tops != start[n])
                if not len(other):
                    continue
                low, high = shares[other[0]], shares[other[0] + 1]
                for _ in range(HALVINGS):
                    middle = (low + high) / 2
                    there = scene.replace(**{key: present + (end - present) * middle})
                    (top,) = _tops(engine, models[n : n + 1], [there])[0]
                    low, high = (low, middle) if top != start[n] else (middle, high)
                found[key, n, side] = high * abs(end - present) / span
    return found


@torch.inference_mode()
def _tops(engine: LocalEngine, models: Sequence[str], scenes: Sequence[SceneBase]) -> list[np.ndarray]:
    """The most probable class of each scene, by network; four pictures at a time."""
    found: list[list[np.ndarray]] = [[] for _ in models]
    for first in range(0, len(scenes), 4):
        images = engine.pictures([PictureRequest(scene=scene) for scene in scenes[first : first + 4]])
        for own, model in zip(found, models, strict=True):
            own.append(largest(engine.network(model).logits(images), 1).indices[:, 0].cpu().numpy())
    return [np.concatenate(own) for own in found]
