"""A job: where two models fit together."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

import torch
from torch import Tensor

from perturber.attack import Attack
from perturber.editing import Level, Scan, ScanResult, check_same_architecture, units
from perturber.editing.scan import passes
from perturber.scene import SceneBase
from perturber.service.batches import pictures_a_step
from perturber.service.reading import Reading, as_tensor
from perturber.service.requests import PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo.evaluate import labelled_pictures

PICTURES = 256
"""Of a folder to scan with, at most, evenly spread."""


@dataclass(frozen=True, kw_only=True)
class ScanRequest:
    """A job: cut two models behind each unit and let the other go on (see `perturber.editing.Scan`).

    Attributes:
        scene: shown to each cut.
        folder: labelled pictures to show instead of the scene, or None.
        fingerprints: of both models, where known: with other weights behind a name it is another job.
        attack: that every cut is under as well, or None.
    """

    first: str
    second: str
    scene: SceneBase
    folder: Path | None = None
    fingerprints: tuple[str, ...] = ()
    level: Level = "stage"
    reverse: bool = False
    attack: Attack | None = None
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Compatibility of {self.first} and {self.second}{' under attack' if self.attack else ''}"


@does(ScanRequest)
class ScanWork:
    """Reads the folder, then takes one batch of one cut a step; product: a `ScanResult` as far as it has come."""

    def __init__(self, resources: Resources, request: ScanRequest) -> None:
        self.request = request
        self.networks = resources.networks.get(request.first), resources.networks.get(request.second)
        check_same_architecture(*self.networks)
        self.scan: Scan | None = None
        self.pictures: list[Tensor] = []
        self.reading: Reading | None = None
        if request.folder is None:
            with torch.inference_mode():
                self.scan = self._begin(resources.pictures([PictureRequest(scene=request.scene)]), None)
        else:
            labelled = labelled_pictures(request.folder, self.networks[0].entry.class_list, PICTURES)
            self.labels = [label for _, label in labelled]
            paths = [path for path, _ in labelled]
            self.reading = Reading(self.networks[0].entry.crop, request.folder, paths)

    def step(self) -> None:
        """Some pictures, or one batch of one cut."""
        if self.scan is not None:
            self.scan.step()
            return
        assert self.reading is not None
        if not self.reading.finished:
            pictures = [picture for picture in self.reading.step() if picture is not None]
            self.pictures += [as_tensor(pictures)] if pictures else []
            return
        self.reading.pictures()  # there is one
        labels = [label for label, good in zip(self.labels, self.reading.good, strict=True) if good]
        self.scan = self._begin(torch.cat(self.pictures), torch.tensor(labels))
        self.pictures = []

    def progress(self) -> Progress:
        """In batches of pictures that are read, and of cuts."""
        read, to_read = (self.reading.done, self.reading.total) if self.reading else (0, 0)
        if self.scan is not None:
            return Progress(done=read + self.scan.done, steps=to_read + self.scan.total)
        each = passes(len(units(self.networks[0].module, self.request.level)), self.request.attack)
        return Progress(done=read, steps=to_read + each * ceil(len(self.labels) / self._batch))

    def product(self) -> ScanResult | None:
        """What is known so far."""
        return None if self.scan is None else self.scan.result()

    @property
    def _batch(self) -> int:
        return pictures_a_step(self.networks[0].device)

    def _begin(self, pictures: Tensor, labels: Tensor | None) -> Scan:
        request = self.request
        return Scan(
            *self.networks,
            pictures,
            labels,
            reverse=request.reverse,
            level=request.level,
            batch=self._batch,
            attack=request.attack,
        )
