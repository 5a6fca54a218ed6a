"""Jobs around edited weights: where two models fit together, and keeping an edit as a model of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.editing import Edit, Level, Recalibration, Scan, ScanResult, independent, save_edit
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.scene import SceneBase
from perturber.service.requests import IMAGE_SIZE, LookRequest, Progress
from perturber.zoo import own
from perturber.zoo.catalogue import NAME, find
from perturber.zoo.evaluate import labelled_pictures, spread
from perturber.zoo.pictures import crop, read_picture
from perturber.zoo.weights import digest

if TYPE_CHECKING:
    from perturber.service.engine import LocalEngine

PICTURES = 256
"""Of a folder, at most, evenly spread."""

BATCH = {"cpu": 4, "cuda": 32}
"""Pictures a step."""

RECALIBRATION_BATCH = 16
"""A batch must be large enough for a variance."""


@dataclass(frozen=True, kw_only=True)
class ScanRequest:
    """A job: cut two models behind each unit and let the other go on (see `perturber.editing.Scan`).

    Attributes:
        scene: shown to each cut.
        folder: labelled pictures to show instead of the scene, or None.
    """

    first: str
    second: str
    scene: SceneBase
    folder: Path | None = None
    level: Level = "stage"
    reverse: bool = False
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Compatibility of {self.first} and {self.second}"


class ScanWork:
    """One batch of one cut a step; product: a `ScanResult` as far as it has come."""

    def __init__(self, engine: "LocalEngine", request: ScanRequest) -> None:
        first, second = engine.network(request.first), engine.network(request.second)
        labels = None
        if request.folder is None:
            with torch.inference_mode():
                pictures = engine.pictures([LookRequest(scene=request.scene)])
        else:
            pictures, labels = _labelled(first, request.folder)
        self.scan = Scan(
            first,
            second,
            pictures,
            labels,
            reverse=request.reverse,
            level=request.level,
            batch=BATCH.get(first.device.type, 4),
        )

    def step(self) -> None:
        """One batch of one cut."""
        self.scan.step()

    def progress(self) -> Progress:
        """In batches of cuts."""
        return Progress(done=self.scan.done, steps=self.scan.total)

    def product(self) -> ScanResult:
        """What is known so far."""
        return self.scan.result()


@dataclass(frozen=True, kw_only=True)
class SaveRequest:
    """A job: keep an edit as a model of the user's own.

    Attributes:
        edit: its text.
        name: of the new model in the catalogue.
        recalibrate: folder of pictures over which the normalisations' statistics are taken anew, or None.
    """

    edit: str
    name: str
    recalibrate: Path | None = None
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Saving {self.name}"


class SaveWork:
    """Recalibrates where that was asked for, then writes file and catalogue entry; product: the model's name."""

    def __init__(self, engine: "LocalEngine", request: SaveRequest) -> None:
        self.engine, self.request = engine, request
        self.edit = Edit.parse(request.edit)
        if request.name in zoo.entries(engine.settings):
            raise InvalidInputError(f"There is a model called {request.name!r} already; choose another name.")
        if not NAME.fullmatch(request.name):
            raise InvalidInputError(
                f"A model cannot be called {request.name[:80]!r}. Allowed: up to 64 of a-z, 0-9, _, . and -."
            )
        self.network = independent(engine.network(request.edit))
        self.recalibration = None
        if request.recalibrate is not None:
            pictures = _pictures(self.network, request.recalibrate)
            batches = [batch for batch in pictures.split(RECALIBRATION_BATCH) if len(batch) > 1]
            self.recalibration = Recalibration(self.network, batches)
        self.saved = False

    def step(self) -> None:
        """One batch of the recalibration; at the end the file."""
        if self.recalibration is not None and not self.recalibration.finished:
            self.recalibration.step()
        else:
            self._save()

    def progress(self) -> Progress:
        """In batches, and one for the file."""
        done, total = (self.recalibration.done, self.recalibration.total) if self.recalibration else (0, 0)
        return Progress(done=done + self.saved, steps=total + 1)

    def product(self) -> str | None:
        """The model's name, when it is there."""
        return self.request.name if self.saved else None

    def _save(self) -> None:
        settings, name = self.engine.settings, self.request.name
        network = self.recalibration.network if self.recalibration else self.network
        path = settings.data / "edits" / f"{name}.safetensors"
        bases = self.engine.networks.editor(self.edit.first, self.edit.second).bases
        save_edit(path, network, edit=self.edit, bases=bases, recalibrated=self.recalibration is not None)
        base = find(self.edit.first, settings)
        table = {
            "label": name,
            "architecture": base.architecture,
            "licence": base.licence,
            "training": "other",
            "classes": base.classes,
            "mean": list(base.mean),
            "std": list(base.std),
            "input_size": base.input_size,
            "resize": base.resize,
            "base": self.edit.first,
            "weights": {
                "source": "file",
                "layout": "same",
                "sha256": digest(path),
                "path": f"edits/{name}.safetensors",
            },
        }
        if base.class_names is not None:
            table["class_names"] = list(base.class_names)
        if base.groups is not None:
            table["groups"] = base.groups
        own.add(name, table, settings)
        self.engine.networks.forget(name)  # one that was removed may have had this name
        self.saved = True


def _labelled(network: zoo.Network, folder: Path) -> tuple[Tensor, Tensor]:
    """Pictures (N, 3, 224, 224) of a folder and their classes (N,)."""
    labelled = labelled_pictures(folder, network.entry.class_list, PICTURES)
    pictures = _read([path for path, _ in labelled], network)
    good = [number for number, picture in enumerate(pictures) if picture is not None]
    if not good:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} can be read.")
    images = _tensor([picture for picture in pictures if picture is not None])
    return images, torch.tensor([labelled[number][1] for number in good])


def _pictures(network: zoo.Network, folder: Path) -> Tensor:
    """Pictures (N, 3, 224, 224) of a folder, without labels."""
    names = spread(picture_names(folder), PICTURES)
    found = [picture for picture in _read([folder / name for name in names], network) if picture is not None]
    if not found:
        raise InvalidInputError(f"None of the pictures in {str(folder)!r} can be read.")
    return _tensor(found)


def _read(paths: Sequence[Path], network: zoo.Network) -> list[np.ndarray | None]:
    def read(path: Path) -> np.ndarray | None:
        entry = network.entry
        try:
            return crop(read_picture(path), IMAGE_SIZE, resize=round(entry.resize * IMAGE_SIZE / entry.input_size))
        except InvalidInputError:
            return None

    return [read(path) for path in paths]


def _tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
