"""``perturber bench adversary``: renders until a scene fools a network, by gradient and at random."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import torch

from perturber.bench.kept import Kept
from perturber.config import Settings
from perturber.experiments.adversary import METHODS
from perturber.experiments.goals import Goal
from perturber.experiments.space import Norm, Space, usual
from perturber.groups.subjects import SUBJECTS, random_views
from perturber.order import largest
from perturber.scene import SceneBase
from perturber.service import PictureRequest
from perturber.service.engine import LocalEngine
from perturber.service.works.adversary import AdversaryRequest
from perturber.service.works.registry import begin

SHARES = (0.25, 0.5, 0.75)
"""Of the scenes, that are to be fooled."""

RESAMPLES = 10_000
NEVER = np.inf


def run(
    settings: Settings, *, model: str, scenes: int = 100, limit: float = 0.3, renders: int = 400, norm: Norm = "l2",
    seed: int = 0, keep: Path | None = None,
) -> None:  # fmt: skip
    """Print the tables.

    Args:
        scenes: at random, all of which the network recognises at the start.
        limit: the largest distance at which a scene counts, in widths of the ranges: the same for both searches, as
            are ranges and renders.
        renders: of each search from each scene.
        keep: file of the scenes that were searched, from which it goes on (see `Kept`).

    Raises:
        InvalidInputError: the file is of another measurement.
    """
    kept = Kept(keep, {"model": model, "limit": limit, "renders": renders, "norm": norm, "seed": seed})
    engine = LocalEngine(settings)
    print(
        f"{engine.device_name}, {model}: {scenes} scenes of {len(SUBJECTS)} objects, any class but the object's "
        f"within {limit:g} widths of the ranges ({norm}), at most {renders} renders\n"
    )
    print(f"{'scene':>6}{''.join(f'{method:>10}' for method in METHODS)}   renders until it is fooled")
    for number, (scene, right) in zip(range(scenes), recognised(engine, (model,), seed), strict=False):
        if number == len(kept.rows):
            space, goal = Space.around(scene, usual(scene)), Goal(fooled=model, classes=right)
            ways = {method: AdversaryRequest(
                space=space, goal=goal, norm=norm, limit=limit, renders=renders, method=method, first=True, seed=number,
            ) for method in METHODS}  # fmt: skip
            kept.add({method: _searched(engine, request) for method, request in ways.items()})
        said = (_said(_needed(kept.rows[number][method]), renders) for method in METHODS)
        print(f"{number:6}{''.join(f'{one:>10}' for one in said)}", flush=True)
    searched = {method: [row[method] for row in kept.rows[:scenes]] for method in METHODS}
    needed = {method: np.array([_needed(one) for one in rows]) for method, rows in searched.items()}
    print(f"\n{'search':10}{'fooled':>8}{'renders a scene':>17}{'CPU seconds a render':>22}")
    for method, rows in searched.items():
        looked = sum(one["looked"] for one in rows)
        fooled = np.isfinite(needed[method]).mean()
        print(f"{method:10}{fooled:8.0%}{looked / len(rows):17.1f}{sum(one['seconds'] for one in rows) / looked:22.3f}")
    print("\nRenders by which a share of the scenes is fooled")
    print(f"{'share':>6}{'gradient':>10}{'random':>8}   random / gradient")
    for share in SHARES:
        print(_row(share, needed["gradient"], needed["random"], renders))


def _searched(engine: LocalEngine, request: AdversaryRequest) -> dict[str, Any]:
    """Renders until the network was fooled (None where it was not) and in all, and the CPU's seconds for them."""
    since = process_time()
    work = begin(engine.resources, request)
    while not work.progress().finished:
        work.step()
    found = work.product()
    needed = None if found.found is None else found.until_found
    return {"needed": needed, "looked": len(found.path), "seconds": process_time() - since}


def _needed(searched: dict[str, Any]) -> float:
    return NEVER if searched["needed"] is None else searched["needed"]


def recognised(engine: LocalEngine, models: Sequence[str], seed: int) -> Iterator[tuple[SceneBase, tuple[int, ...]]]:
    """Random views of the built-in objects in turn that all of some networks recognise, and their right classes."""
    subjects, found = list(SUBJECTS.values()), 0
    for number in range(1000):
        for view in random_views(50, (seed, number)):
            subject = subjects[found % len(subjects)]
            scene = subject.scene(**view)
            if all(top in subject.right for top in tops(engine, models, scene)):
                found += 1
                yield scene, tuple(sorted(subject.right))


@torch.inference_mode()
def tops(engine: LocalEngine, models: Sequence[str], scene: SceneBase) -> list[int]:
    """The most probable class of each network."""
    images = engine.pictures([PictureRequest(scene=scene)])
    return [int(largest(engine.network(model).logits(images), 1).indices[0, 0]) for model in models]


def _row(share: float, gradient: np.ndarray, random: np.ndarray, renders: int) -> str:
    """What both need, and how often more one of them does, with a bootstrap interval over scenes.

    Where a search fools fewer, it needs more than all its renders: a ratio is one of at least.
    """
    ours, theirs = (_by(share, needed) for needed in (gradient, random))
    if not np.isfinite(ours):
        return f"{share:6.0%}{_said(ours, renders):>10}{_said(theirs, renders):>8}   not reached by gradient"
    chosen = np.random.default_rng(0).integers(0, len(gradient), (RESAMPLES, len(gradient)))
    ratios = np.minimum(_by(share, random[chosen]), renders) / np.minimum(_by(share, gradient[chosen]), renders)
    low, high = np.quantile(ratios, (0.025, 0.975))
    least = "" if np.isfinite(theirs) else "≥ "
    ratio = min(theirs, renders) / ours
    both = f"{_said(ours, renders):>10}{_said(theirs, renders):>8}"
    return f"{share:6.0%}{both}   {least}{ratio:.1f} [{low:.1f}, {high:.1f}]"


def _by(share: float, needed: np.ndarray) -> np.ndarray:
    """Renders by which a share of the scenes (…, N) is fooled: (…)."""
    return np.sort(needed, -1)[..., int(np.ceil(share * needed.shape[-1])) - 1]


def _said(needed: float | np.ndarray, renders: int) -> str:
    return f"{needed:.0f}" if np.isfinite(needed) else f"> {renders}"
