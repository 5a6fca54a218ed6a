"""Jobs around edited weights: where two models fit together, and keeping an edit as a model of one's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack
from perturber.config import Settings
from perturber.editing import Edit, Level, Recalibration, Scan, ScanResult, check_same_architecture, save_edit, units
from perturber.editing.scan import passes
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.scene import SceneBase
from perturber.service.requests import LookRequest, Progress
from perturber.zoo import own
from perturber.zoo.catalogue import NAME, find
from perturber.zoo.evaluate import labelled_pictures, read_ahead, spread
from perturber.zoo.pictures import read_picture
from perturber.zoo.weights import digest

if TYPE_CHECKING:
    from perturber.service.engine import LocalEngine

PICTURES = 256
"""Of a folder to scan with, at most, evenly spread."""

BATCH = {"cpu": 4, "cuda": 32}
"""Pictures a step."""

RECALIBRATION_PICTURES = 128
"""Of a folder, at most, evenly spread: thousands of values of each channel, and half a minute on two CPU cores."""

RECALIBRATION_BATCH = 16
"""A batch must be large enough for a variance."""

READING_BATCH = 16
"""Pictures that are read in a step."""


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


class ScanWork:
    """Reads the folder, then takes one batch of one cut a step; product: a `ScanResult` as far as it has come."""

    def __init__(self, engine: "LocalEngine", request: ScanRequest) -> None:
        self.request = request
        self.networks = engine.network(request.first), engine.network(request.second)
        check_same_architecture(*self.networks)
        self.scan: Scan | None = None
        self.reading: _Reading | None = None
        if request.folder is None:
            with torch.inference_mode():
                self.scan = self._begin(engine.pictures([LookRequest(scene=request.scene)]), None)
        else:
            labelled = labelled_pictures(request.folder, self.networks[0].entry.class_list, PICTURES)
            self.labels = [label for _, label in labelled]
            self.reading = _Reading(self.networks[0], request.folder, [path for path, _ in labelled])

    def step(self) -> None:
        """Some pictures, or one batch of one cut."""
        if self.scan is not None:
            self.scan.step()
            return
        assert self.reading is not None
        self.reading.step()
        if self.reading.finished:
            labels = [label for label, good in zip(self.labels, self.reading.good, strict=True) if good]
            self.scan = self._begin(_tensor(self.reading.pictures()), torch.tensor(labels))

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
        return BATCH.get(self.networks[0].device.type, 4)

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
        check_name(request.name, engine.settings)
        network = engine.network(request.edit)
        self.reading: _Reading | None = None
        self.recalibration: Recalibration | None = None
        if request.recalibrate is not None:
            names = spread(picture_names(request.recalibrate), RECALIBRATION_PICTURES)
            self.reading = _Reading(network, request.recalibrate, [request.recalibrate / name for name in names])
        self.saved = False

    def step(self) -> None:
        """Some pictures, or one batch of the recalibration; at the end the file."""
        if self.reading is not None and not self.reading.finished:
            self.reading.step()
        elif self.reading is not None and self.recalibration is None:
            network, batches = self.engine.network(self.request.edit), _Batches(self.reading.pictures())
            self.recalibration = Recalibration(network, batches)
            self.recalibration.step()
        elif self.recalibration is not None and not self.recalibration.finished:
            self.recalibration.step()
        else:
            self._save()

    def progress(self) -> Progress:
        """In batches that are read, and those of the recalibration, and one for the file."""
        if self.reading is None:
            return Progress(done=int(self.saved), steps=1)
        expected = ceil(len(self.reading.paths) / RECALIBRATION_BATCH)
        done, total = (self.recalibration.done, self.recalibration.total) if self.recalibration else (0, expected)
        return Progress(done=self.reading.done + done + self.saved, steps=self.reading.total + total + 1)

    def product(self) -> str | None:
        """The model's name, when it is there."""
        return self.request.name if self.saved else None

    def _save(self) -> None:
        settings, name = self.engine.settings, self.request.name
        check_name(name, settings)  # somebody may have been quicker
        network = self.recalibration.network if self.recalibration else self.engine.network(self.request.edit)
        path = settings.data / "edits" / f"{name}.safetensors"
        bases = self.engine.networks.editor(self.edit.first, self.edit.second).bases
        save_edit(path, network, edit=self.edit, bases=bases, recalibrated=self.recalibration is not None)
        try:
            own.add(name, _table(find(self.edit.first, settings), name, path), settings)
        except BaseException:
            path.unlink(missing_ok=True)  # nobody would find it
            raise
        self.engine.networks.forget(name)  # one that was removed may have had this name
        self.saved = True


def check_name(name: str, settings: Settings) -> None:
    """Refuse what a new model cannot be called.

    Raises:
        InvalidInputError: there is such a model, or the name is not allowed.
    """
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            f"A model cannot be called {name[:80]!r}. Allowed: up to 64 of a-z, 0-9, _, . and -, "
            "the first a letter or digit."
        )
    if name in zoo.entries(settings):
        raise InvalidInputError(f"There is a model called {name!r} already; choose another name.")


def _table(base: zoo.ModelEntry, name: str, path: Path) -> dict[str, Any]:
    """What the catalogue says of a model with edited weights: as its base, but for the weights."""
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
        "base": base.name,
        "weights": {"source": "file", "layout": "same", "sha256": digest(path), "path": f"edits/{path.name}"},
    }
    if base.class_names is not None:
        table["class_names"] = list(base.class_names)
    if base.groups is not None:
        table["groups"] = base.groups
    return table


class _Reading:
    """Reads pictures as a network takes them, some a step, decoded ahead in threads of its own."""

    def __init__(self, network: zoo.Network, folder: Path, paths: Sequence[Path]) -> None:
        self.folder, self.paths = folder, paths
        self.total = ceil(len(paths) / READING_BATCH)
        self.done = 0
        self._batches = read_ahead(network, paths, READING_BATCH, read_picture)
        self._found: list[np.ndarray | None] = []

    @property
    def finished(self) -> bool:
        return self.done == self.total

    @property
    def good(self) -> list[bool]:
        """Of each path, whether there was a picture."""
        return [picture is not None for picture in self._found]

    def step(self) -> None:
        self._found += next(self._batches)
        self.done += 1

    def pictures(self) -> list[np.ndarray]:
        """(S, S, 3) uint8 each.

        Raises:
            InvalidInputError: there is none.
        """
        found = [picture for picture in self._found if picture is not None]
        if not found:
            raise InvalidInputError(f"None of the pictures in {str(self.folder)!r} can be read.")
        return found


class _Batches(Sequence[Tensor]):
    """Pictures in batches of at least two, made when they are asked for: as numbers they take four times the room."""

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        starts = range(0, len(pictures) - 1, RECALIBRATION_BATCH)  # a last one that is alone is left out
        self._parts = [pictures[start : start + RECALIBRATION_BATCH] for start in starts]
        if not self._parts:
            raise InvalidInputError("Statistics cannot be taken of a single picture; add some to the folder.")

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int) -> Tensor:  # type: ignore[override]
        return _tensor(self._parts[number])


def _tensor(pictures: Sequence[np.ndarray]) -> Tensor:
    """(N, 3, S, S) in [0, 1]"""
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
