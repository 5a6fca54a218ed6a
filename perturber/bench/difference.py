"""``perturber bench difference``: how few parameters explain that one network is right and another one wrong."""

from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np

from perturber.bench.adversary import recognised, tops
from perturber.bench.kept import Kept
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
WAYS = ("to the other scene", "within the ranges")
DRAWS = 30
"""Scenes drawn about a start, before another start is taken."""


def run(
    settings: Settings, *, fooled: str, keeps: str, count: int = 50, renders: int = 400, seed: int = 0,
    keep: Path | None = None,
) -> None:  # fmt: skip
    """Print a sentence for each disagreement, and a table.

    Args:
        fooled, keeps: networks; both recognise the start, and one of them no longer the other scene, in which each of
            the usual parameters lies somewhere in its range.
        count: of disagreements.
        renders: of each search.
        keep: file of the disagreements that were looked at, from which it goes on (see `Kept`).

    Raises:
        InvalidInputError: the file is of another measurement.
    """
    kept = Kept(keep, {"fooled": fooled, "keeps": keeps, "renders": renders, "seed": seed})
    engine = LocalEngine(settings)
    for number, (start, other, right) in zip(range(count), _disagreements(engine, fooled, keeps, seed), strict=False):
        if number == len(kept.rows):
            spaces = (Space.between(start, other), Space.around(start, usual(start)))
            goal = Goal(fooled=fooled, keeps=keeps, classes=right)
            kept.add({name: _found(engine, space, goal, renders) for name, space in zip(WAYS, spaces, strict=True)})
        for name, row in kept.rows[number].items():
            print(f"{number + 1:3}  {name:20}{row['seconds']:6.1f} s  {row['sentence']}", flush=True)
    print(f"\n{engine.device_name}, {keeps} right and {fooled} wrong, {count} disagreements")
    heads = (f"≤ {FEW}", "median", "renders", "CPU s", "p95", f"≤ {SECONDS} s")
    print(f"{'parameters may go':22}{'found':>7}{''.join(f'{head:>9}' for head in heads)}")
    for name in WAYS:
        print(_row(name, [row[name] for row in kept.rows[:count]]))


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


def _found(engine: LocalEngine, space: Space, goal: Goal, renders: int) -> dict[str, Any]:
    """The parameters that changed (None where nothing was found), in words, renders, and the CPU's seconds."""
    labels = {model: engine.model(model).label for model in goal.models}
    wording = Wording(labels=labels, classes=engine.model(goal.fooled).classes)
    since = process_time()
    work = begin(engine.resources, DifferenceRequest(space=space, goal=goal, wording=wording, renders=renders))
    while not work.progress().finished:
        work.step()
    found: Difference = work.product()
    return {
        "changed": None if found.scene is None else sorted(found.changed),
        "sentence": found.sentence,
        "renders": found.renders,
        "seconds": process_time() - since,
    }


def _row(name: str, rows: list[dict[str, Any]]) -> str:
    counts = np.array([np.inf if row["changed"] is None else len(row["changed"]) for row in rows])
    seconds = np.array([row["seconds"] for row in rows])
    return (
        f"{name:22}{np.isfinite(counts).mean():7.0%}{(counts <= FEW).mean():9.0%}{np.median(counts):9.0f}"
        f"{np.median([row['renders'] for row in rows]):9.0f}{np.median(seconds):9.1f}"
        f"{np.percentile(seconds, 95):9.1f}{(seconds <= SECONDS).mean():9.0%}"
    )
