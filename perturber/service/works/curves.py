"""A job: how accuracy and margin of several networks fall as attacks get stronger."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from math import ceil
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack, AutoAttackCurve, CurveResult, NormName, RobustnessCurve, check_autoattack
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.scene import SceneBase
from perturber.service.aside import Aside
from perturber.service.batches import VARIATION, pictures_a_step, variations
from perturber.service.reading import Reading, as_tensor
from perturber.service.requests import IMAGE_SIZE, PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo.evaluate import labelled_pictures, spread
from perturber.zoo.pictures import Crop

Source = Literal["scene", "variations", "folder"]
CurveMethod = Literal["pgd", "autoattack"]

MAX_PICTURES = 256
MAX_EPSILONS = 33
MAX_STEPS = 200

ABOUT = {
    "scene": "this scene",
    "variations": f"this scene and variations of it ({VARIATION})",
    "folder": "labelled pictures from the configured folder, evenly spread",
}
"""Source → what its pictures are, as a person would say it."""

LABELS = {
    "scene": "the class that each model predicts without the attack",
    "variations": "the class that each model predicts without the attack",
    "folder": "the label of each picture",
}
"""Source → what counts as right."""


@dataclass(frozen=True, kw_only=True)
class CurveRequest:
    """A job: attack pictures at each ε on each of several networks; result: `Curves`.

    Attributes:
        scene: the picture, or what is varied.
        pictures: which ones; see `ABOUT` and `LABELS`.
        count: pictures, from 1 to `MAX_PICTURES`; one for ``scene``.
        folder: labelled pictures, for ``folder``.
        models: at least one.
        slots: of each model the number of the slot that shows it.
        method: ``pgd`` (sparse PGD for ``l0``) or ``autoattack``.
        norm: of the perturbations.
        epsilons: rising; as in an `Attack`.
        steps: of PGD, each of ε/8 (0.5 for ``l0``).
        random_start, seed: of PGD.
        fingerprints: of the models: what computes differently is another job.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: anything of this does not hold, or AutoAttack is not there.
    """

    scene: SceneBase
    pictures: Source = "scene"
    count: int = 1
    folder: Path | None = None
    models: tuple[str, ...]
    slots: tuple[int, ...]
    method: CurveMethod = "pgd"
    norm: NormName = "l2"
    epsilons: tuple[float, ...]
    steps: int = 8
    random_start: bool = False
    seed: int = 0
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = True

    def __post_init__(self) -> None:
        if self.pictures not in get_args(Source):
            raise UnknownNameError("source of pictures", self.pictures, get_args(Source))
        if self.method not in get_args(CurveMethod):
            raise UnknownNameError("attack for a curve", self.method, get_args(CurveMethod))
        if not self.models:
            raise InvalidInputError("No model is shown, so there is nothing to attack. Show one and try again.")
        most = 1 if self.pictures == "scene" else MAX_PICTURES
        for name, value, limit in (("pictures", self.count, most), ("steps", self.steps, MAX_STEPS)):
            if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= limit:
                raise InvalidInputError(f"A curve cannot have {str(value)[:40]} {name}. Allowed: 1 to {limit}.")
        if not 1 <= len(self.epsilons) <= MAX_EPSILONS or list(self.epsilons) != sorted(set(self.epsilons)):
            raise InvalidInputError(f"A curve needs 1 to {MAX_EPSILONS} values of ε in rising order.")
        for epsilon in self.epsilons:
            Attack(
                model="any",
                method="sparse" if self.norm == "l0" else "pgd",
                norm=self.norm,
                epsilon=epsilon,
                random_start=self.random_start,
                seed=self.seed,
            )
        if self.method == "autoattack":
            check_autoattack(self.norm)
        if self.pictures == "folder" and self.folder is None:
            raise InvalidInputError(
                "No folder of labelled pictures is set. Set PERTURBER_EXAMPLES and restart Perturber."
            )

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Robustness of {' and '.join(self.models)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Curves:
    """The result of a `CurveRequest`, or as far as it has come.

    Attributes:
        results: one for each network, in its order.
    """

    request: CurveRequest
    results: tuple[CurveResult, ...]


Curve = RobustnessCurve | AutoAttackCurve


@does(CurveRequest)
class CurveWork:
    """Makes the pictures, then takes the curves' steps in turns; product: `Curves` as far as they have come."""

    def __init__(self, resources: Resources, request: CurveRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = resources.networks.steady(request.models)
        self.batch = pictures_a_step(resources.device)
        self.labels: list[list[int]] = [[] for _ in self.networks]
        self.images: list[Tensor] = []
        self.count = request.count
        self.pictures = self._folder() if request.pictures == "folder" else self._scenes()
        self.made = 0
        self.curves: list[Curve] = []
        # It takes a second where nobody has used it yet.
        self.package = Aside(partial(import_module, "torchattacks")) if request.method == "autoattack" else None

    def step(self) -> None:
        """Some pictures, or one step of the curve that lies furthest back."""
        if self.curves:
            min((c for c in self.curves if not c.finished), key=lambda curve: curve.done / curve.total).step()
            return
        images = next(self.pictures, None)
        if images is not None and len(images):
            self.images.append(images)
            if self.request.pictures != "folder":
                for labels, network in zip(self.labels, self.networks, strict=True):
                    labels += _predicted(network, images)
        if images is None and (self.package is None or self.package.ready()):
            self._begin()

    def progress(self) -> Progress:
        """In batches of pictures, and in steps of the curves."""
        if self.curves:
            done, total = sum(c.done for c in self.curves), sum(c.total for c in self.curves)
        else:  # about as many
            total = len(self.networks) * self._batches * len(self.request.epsilons) * (self.request.steps + 1)
            done = 0
        return Progress(done=self.made + done, steps=self._batches + total)

    def product(self) -> Curves | None:
        """What is known so far; None while nothing is."""
        results = tuple(curve.result() for curve in self.curves)
        known = any(np.isfinite(result.accuracy).any() for result in results)
        return Curves(request=self.request, results=results) if known else None

    @property
    def _batches(self) -> int:
        return ceil(self.count / self.batch)

    def _begin(self) -> None:
        request = self.request
        if not self.images:
            raise InvalidInputError("None of the labelled pictures in the configured folder can be read.")
        images = torch.cat(self.images)
        common = {"norm": request.norm, "epsilons": request.epsilons, "batch": self.batch}
        for network, known in zip(self.networks, self.labels, strict=True):
            labels = torch.tensor(known)
            if request.method == "autoattack":
                self.curves.append(AutoAttackCurve(network, images, labels, **common))  # type: ignore[arg-type]
                continue
            own = {"steps": request.steps, "random_start": request.random_start, "seed": request.seed}
            self.curves.append(RobustnessCurve(network, images, labels, **common, **own))  # type: ignore[arg-type]

    def _scenes(self) -> Iterator[Tensor]:
        """The scene, and its variations, in batches (B, 3, 224, 224)."""
        scenes = variations(self.request.scene, self.count, self.request.seed)
        for part in _parts(scenes, self.batch):
            with torch.inference_mode():
                images = self.resources.pictures([PictureRequest(scene=s, plane=self.request.plane) for s in part])
            self.made += 1
            yield images.clone()  # which may take part in gradients

    def _folder(self) -> Iterator[Tensor]:
        """The folder's pictures as every network is shown them, in batches (B, 3, 224, 224); notes their labels.

        An empty batch stands for one that is not read yet, or has no picture.
        """
        folder = self.request.folder
        assert folder is not None
        known = [dict(labelled_pictures(folder, network.entry.class_list)) for network in self.networks]
        paths = spread([path for path in known[0] if all(path in labels for labels in known)], self.count)
        if not paths:
            raise InvalidInputError(f"No picture in {str(folder)!r} has a class that all the models know.")
        self.count = len(paths)
        return self._read(Reading(Crop(size=IMAGE_SIZE), folder, paths, self.batch), known)

    def _read(self, reading: Reading, known: Sequence[dict[Path, int]]) -> Iterator[Tensor]:
        rest = iter(reading.paths)
        while not reading.finished:
            pictures = []
            for picture, path in zip(reading.step(), rest, strict=False):
                if picture is not None:  # the curve is over the others
                    pictures.append(picture)
                    for labels, of_path in zip(self.labels, known, strict=True):
                        labels.append(of_path[path])
            self.made = reading.done
            yield as_tensor(pictures).to(self.resources.device) if pictures else torch.empty(0)


def _parts(items: Sequence, size: int) -> Iterator[Sequence]:
    for first in range(0, len(items), size):
        yield items[first : first + size]


@torch.no_grad()
def _predicted(network: zoo.Network, images: Tensor) -> list[int]:
    return network.logits(images).argmax(1).tolist()
