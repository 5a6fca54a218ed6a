"""``perturber bench difference``: how few parameters explain that one network is right and another one wrong."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from perturber.bench.adversary import recognised, tops
from perturber.config import Settings
from perturber.experiments.goals import Goal
from perturber.experiments.smallest import Wording
from perturber.experiments.space import Space, usual
from perturber.scene import SceneBase
from perturber.service.engine import LocalEngine
from perturber.service.works.registry import begin
from perturber.service.works.smallest import Difference, DifferenceRequest

FEW = 3
SECONDS = 20
DRAWS = 30
"""Scenes drawn about a start, before another start is taken."""


def run(settings: Settings, *, fooled: str, keeps: str, count: int = 50, renders: int = 400, seed: int = 0) -> None:
    """Print a sentence for each disagreement, and a table.

    Args:
        fooled, keeps: networks; both recognise the start, and one of them no longer the other scene, in which each of
            the usual parameters lies somewhere in its range.
        count: of disagreements.
        renders: of each search.
    """
    engine = LocalEngine(settings)
    found: dict[str, list[tuple[Difference, float]]] = {"to the other scene": [], "within the ranges": []}
    for (start, other, right), _ in zip(_disagreements(engine, fooled, keeps, seed), range(count), strict=False):
        spaces = (Space.between(start, other), Space.around(start, usual(start)))
        for rows, space in zip(found.values(), spaces, strict=True):
            rows.append(_found(engine, space, Goal(fooled=fooled, keeps=keeps, classes=right), renders))
        print(found["to the other scene"][-1][0].sentence, flush=True)
    print(f"\n{engine.device_name}, {keeps} right and {fooled} wrong, {count} disagreements")
    heads = (f"≤ {FEW}", "median", "renders", "seconds", f"≤ {SECONDS} s")
    print(f"{'parameters may go':22}{'found':>7}{''.join(f'{head:>9}' for head in heads)}")
    for name, rows in found.items():
        print(_row(name, rows))


def _disagreements(
    engine: LocalEngine, fooled: str, keeps: str, seed: int
) -> Iterator[tuple[SceneBase, SceneBase, tuple[int, ...]]]:
    """Starts, scenes about them that only one network recognises, and the classes that are right."""
    random = np.random.default_rng(seed)
    for start, right in recognised(engine, (fooled, keeps), seed):
        space = Space.around(start, usual(start))
        for _ in range(DRAWS):
            other = space.scene(random.uniform(space.lower, space.upper))
            one, another = tops(engine, (fooled, keeps), other)
            if one not in right and another in right:
                yield start, other, right
                break


def _found(engine: LocalEngine, space: Space, goal: Goal, renders: int) -> tuple[Difference, float]:
    labels = {model: engine.model(model).label for model in goal.models}
    wording = Wording(labels=labels, classes=engine.model(goal.fooled).classes)
    since = perf_counter()
    work = begin(engine.resources, DifferenceRequest(space=space, goal=goal, wording=wording, renders=renders))
    while not work.progress().finished:
        work.step()
    return work.product(), perf_counter() - since


def _row(name: str, rows: list[tuple[Difference, float]]) -> str:
    counts = np.array([len(found.changed) if found.scene is not None else np.inf for found, _ in rows])
    seconds = np.array([seconds for _, seconds in rows])
    return (
        f"{name:22}{np.isfinite(counts).mean():7.0%}{(counts <= FEW).mean():9.0%}{np.median(counts):9.0f}"
        f"{np.median([found.renders for found, _ in rows]):9.0f}{np.median(seconds):9.1f}"
        f"{(seconds <= SECONDS).mean():9.0%}"
    )
