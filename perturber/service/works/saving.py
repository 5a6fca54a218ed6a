"""A job: keep an edit as a model of the user's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from torch import Tensor

from perturber import zoo
from perturber.config import Settings
from perturber.editing import Edit, Recalibration, save_edit
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.quotas import check_room
from perturber.service.reading import Reading, as_tensor
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo import own
from perturber.zoo.catalogue import NAME, find
from perturber.zoo.evaluate import spread
from perturber.zoo.weights import digest

RECALIBRATION_PICTURES = 128
"""Of a folder, at most, evenly spread: thousands of values of each channel, and half a minute on two CPU cores."""

RECALIBRATION_BATCH = 16
"""A batch must be large enough for a variance."""


@dataclass(frozen=True, kw_only=True)
class SaveRequest:
    """A job: keep an edit as a model of the user's own.

    Attributes:
        edit: its text.
        name: of the new model in the catalogue.
        owner: of the new model; empty for nobody.
        recalibrate: folder of pictures over which the normalisations' statistics are taken anew, or None.
    """

    edit: str
    name: str
    owner: str = ""
    recalibrate: Path | None = None
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Saving {self.name}"


@does(SaveRequest)
class SaveWork:
    """Recalibrates where that was asked for, then writes file and catalogue entry; product: the model's name."""

    def __init__(self, resources: Resources, request: SaveRequest) -> None:
        self.resources, self.request = resources, request
        self.edit = Edit.parse(request.edit)
        check_name(request.name, resources.settings)
        network = resources.networks.get(request.edit)
        self.reading: Reading | None = None
        self.recalibration: Recalibration | None = None
        if request.recalibrate is not None:
            names = spread(picture_names(request.recalibrate), RECALIBRATION_PICTURES)
            paths = [request.recalibrate / name for name in names]
            self.reading = Reading(network.entry.crop, request.recalibrate, paths)
        self.saved = False

    def step(self) -> None:
        """Some pictures, or a part of the recalibration; at the end the file."""
        if self.reading is not None and not self.reading.finished:
            self.reading.step()
        elif self.reading is not None and self.recalibration is None:
            network, batches = self.resources.networks.get(self.request.edit), _Batches(self.reading.pictures())
            self.recalibration = Recalibration(network, batches)
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
        settings, name = self.resources.settings, self.request.name
        check_name(name, settings)  # somebody may have been quicker
        network = self.recalibration.network if self.recalibration else self.resources.networks.get(self.request.edit)
        path = settings.data / "edits" / f"{name}.safetensors"
        bases = self.resources.networks.editor(self.edit.first, self.edit.second).bases
        save_edit(path, network, edit=self.edit, bases=bases, recalibrated=self.recalibration is not None)
        owner = self.request.owner
        try:
            check_room(settings.data, owner, path.stat().st_size, settings)
            own.add(name, _table(find(self.edit.first, settings), name, path, owner), settings)
        except BaseException:
            path.unlink(missing_ok=True)  # nobody would find it
            raise
        self.resources.networks.forget(name)  # one that was removed may have had this name
        self.saved = True


def check_name(name: str, settings: Settings) -> None:
    """Refuse what a new model cannot be called.

    Raises:
        InvalidInputError: there is such a model, or the name is not allowed.
    """
    if not NAME.fullmatch(name):
        raise InvalidInputError(
            f"A model cannot be called {name[:80]!r}. Allowed: up to 64 characters of a-z, 0-9, _, . "
            "and -, beginning with a letter or digit."
        )
    if name in zoo.entries(settings):
        raise InvalidInputError(f"A model called {name!r} already exists. Choose another name.")


def _table(base: zoo.ModelEntry, name: str, path: Path, owner: str) -> dict[str, object]:
    """What the catalogue says of a model with edited weights: as its base, but for the weights."""
    table: dict[str, object] = {
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
    if owner:
        table["owner"] = owner
    if base.class_names is not None:
        table["class_names"] = list(base.class_names)
    if base.groups is not None:
        table["groups"] = base.groups
    return table


class _Batches(Sequence[Tensor]):
    """Pictures in batches of at least two, made when they are asked for: as numbers they take four times the room."""

    def __init__(self, pictures: Sequence[np.ndarray]) -> None:
        starts = range(0, len(pictures) - 1, RECALIBRATION_BATCH)  # a last one that is alone is left out
        self._parts = [pictures[start : start + RECALIBRATION_BATCH] for start in starts]
        if not self._parts:
            raise InvalidInputError("Statistics need more than one picture. Add some to the folder.")

    def __len__(self) -> int:
        return len(self._parts)

    def __getitem__(self, number: int) -> Tensor:  # type: ignore[override]
        return as_tensor(self._parts[number])
