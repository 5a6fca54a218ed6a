"""``perturber bench adversary``: renders until a scene fools a network, by gradient and at random."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from time import perf_counter

import numpy as np
import torch

from perturber.config import Settings
from perturber.experiments.adversary import METHODS, Method
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
    seed: int = 0,
) -> None:  # fmt: skip
    """Print the tables.

    Args:
        scenes: at random, all of which the network recognises at the start.
        limit: the largest distance at which a scene counts, in widths of the ranges: the same for both searches, as
            are ranges and renders.
        renders: of each search from each scene.
    """
    engine = LocalEngine(settings)
    print(
        f"{engine.device_name}, {model}: {scenes} scenes of {len(SUBJECTS)} objects, any class but the object's "
        f"within {limit:g} widths of the ranges ({norm}), at most {renders} renders\n"
    )
    print(f"{'scene':>6}{''.join(f'{method:>10}' for method in METHODS)}   renders until it is fooled")
    searched: dict[Method, list[Searched]] = {method: [] for method in METHODS}
    for number, (scene, right) in zip(range(scenes), recognised(engine, (model,), seed), strict=False):
        for method, rows in searched.items():
            request = AdversaryRequest(
                space=Space.around(scene, usual(scene)),
                goal=Goal(fooled=model, classes=right),
                norm=norm, limit=limit, renders=renders, method=method, first=True, seed=number,
            )  # fmt: skip
            rows.append(_searched(engine, request))
        said = (_said(rows[-1].needed, renders) for rows in searched.values())
        print(f"{number:6}{''.join(f'{one:>10}' for one in said)}", flush=True)
    print(f"\n{'search':10}{'fooled':>8}{'renders a scene':>17}{'seconds a render':>18}")
    for method, rows in searched.items():
        looked = sum(row.looked for row in rows)
        fooled = np.isfinite([row.needed for row in rows]).mean()
        print(f"{method:10}{fooled:8.0%}{looked / len(rows):17.1f}{sum(row.seconds for row in rows) / looked:18.3f}")
    print("\nRenders by which a share of the scenes is fooled")
    print(f"{'share':>6}{'gradient':>10}{'random':>8}   random / gradient")
    needed = {method: np.array([row.needed for row in rows]) for method, rows in searched.items()}
    for share in SHARES:
        print(_row(share, needed["gradient"], needed["random"], renders))


@dataclass(frozen=True)
class Searched:
    """What a search came to.

    Attributes:
        needed: renders until the network was fooled; ∞ where it was not.
        looked: renders in all.
        seconds: that it took.
    """

    needed: float
    looked: int
    seconds: float


def _searched(engine: LocalEngine, request: AdversaryRequest) -> Searched:
    since = perf_counter()
    work = begin(engine.resources, request)
    while not work.progress().finished:
        work.step()
    found = work.product()
    needed = NEVER if found.found is None else found.until_found
    return Searched(needed, len(found.path), perf_counter() - since)


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
