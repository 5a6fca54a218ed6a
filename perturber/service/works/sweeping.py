"""A job: measures of networks over many scenes."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.experiments.cells import Cell, Cells, family, text
from perturber.experiments.measures import OF_A_CLASS, Column, Measure, Seen, columns, value
from perturber.experiments.sweep import PICTURE, Design, Sweep, picture, scene
from perturber.order import largest
from perturber.scene import SceneBase
from perturber.service.aside import Aside
from perturber.service.keeping import Keeping
from perturber.service.reading import Reading
from perturber.service.requests import IMAGE_SIZE, PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo.pictures import Crop

A_STEP = {"cpu": 4, "cuda": 256}
"""Scenes that are rendered together: bounds the time that an interactive request may have to wait for them."""


@dataclass(frozen=True, kw_only=True)
class SweepRequest:
    """A job: look at every scene of a sweep; result: a `Sweep`.

    Attributes:
        start: the scene, whose other parameters stay.
        models: at least one.
        fingerprints: of these.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: no model or measure, a measure of two networks with one alone, or one that refers to the
            start where pictures stand in place of scenes.
    """

    start: SceneBase
    design: Design
    models: tuple[str, ...]
    measures: tuple[Measure, ...]
    fingerprints: tuple[str, ...]
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = False

    def __post_init__(self) -> None:
        if not self.models or not self.measures:
            raise InvalidInputError("A sweep needs a network and a measure at least.")
        if len(set(self.models)) < len(self.models):
            raise InvalidInputError("A network is named twice.")
        columns(self.measures, self.models)
        if PICTURE in self.design.keys and any(measure.needs_start for measure in self.measures):
            raise InvalidInputError(
                "Pictures have no start that a change, or the class of a measure, could refer to. Name the class."
            )

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Sweep of {len(self.design):,} scenes over {' and '.join(self.design.keys)}"


@does(SweepRequest)
class SweepWork:
    """Looks at the scenes that were not looked at before, some a step; product: a `Sweep` as far as it has come."""

    def __init__(self, resources: Resources, request: SweepRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = dict(zip(request.models, resources.networks.steady(request.models), strict=True))
        self.columns = columns(request.measures, request.models)
        self.points = request.design.points()
        self.files = [picture(request.design, point) for point in self.points]
        self.names: list[str] = []
        self.values = np.full((len(self.points), len(self.columns)), np.nan, np.float32)
        self.tops = np.full((len(self.points), len(self.networks)), -1, np.int32)
        self.done = np.zeros(len(self.points), bool)
        self.computed = 0
        self.keeping = Keeping()
        self.notes: tuple[str, ...] = ()
        self.start: dict[str, Seen] = {}
        self._finished = False
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are rendered, or shown to one network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In scenes; one more for what is kept at the end."""
        return Progress(done=int(self.done.sum()) + self._finished, steps=len(self.done) + 1)

    def product(self) -> Sweep | None:
        """What is known so far; None while nothing is."""
        if not self.done.any():
            return None
        request = self.request
        return Sweep(
            start=request.start,
            design=request.design,
            models=request.models,
            columns=self.columns,
            values=self.values.copy(),
            tops=self.tops.copy(),
            done=self.done.copy(),
            computed=self.computed,
            notes=(*self.keeping.notes, *self.notes),
        )

    def _go(self) -> Iterator[None]:
        yield from self._begin()
        request = self.request
        name = family(request.start, request.design, self.columns, request.fingerprints, request.plane)
        cells = Cells(self.resources.settings.data, name)
        self.names = yield from Aside(lambda: list(map(text, self.points, self.files))).waited()
        self._take((yield from Aside(cells.load).waited()))
        missing, size = np.flatnonzero(~self.done), A_STEP.get(self.resources.device.type, 4)
        reading = _Pictures([self.files[n] for n in missing], size)
        new: list[int] = []
        for first in range(0, len(missing), size):
            some = missing[first : first + size]
            images = yield from reading.of([self.files[n] for n in some])
            seen = np.array([n for n in some if self.files[n] is None or self.files[n] in images], int)
            if len(seen):
                yield from self._look(seen, images)
            self.computed += len(some) - len(seen)  # what cannot be read stays unknown
            self.done[some] = True
            new += seen.tolist()
            if self.keeping.due():
                yield from self.keeping.write(partial(cells.add, self._found(new)))
                new = []
        yield from self.keeping.write(partial(cells.add, self._found(new)))
        yield from self.keeping.end()
        if reading.unread:
            self.notes += (f"{reading.unread} pictures cannot be read; what networks make of them is left empty.",)
        self._finished = True

    def _begin(self) -> Iterator[None]:
        """What the networks make of the start, where a measure refers to it."""
        wanted = [column for column in self.columns if column.measure.needs_start]
        if not wanted:
            return
        images = self._render([self.request.start])
        yield
        for model in {column.models[0] for column in wanted}:
            self.start[model] = self._see(model, images)
            yield
        self.columns = tuple(self._settled(column) for column in self.columns)

    def _settled(self, column: Column) -> Column:
        """With the class that it is about."""
        measure = column.measure
        if measure.kind not in OF_A_CLASS or measure.class_index is not None:
            return column
        logits = self.start[column.models[0]].logits
        assert logits is not None
        index = int(largest(logits, 1).indices[0, 0])
        return replace(column, measure=replace(measure, class_index=index))

    def _take(self, known: dict[str, Cell]) -> None:
        for n in range(len(self.points)):
            cell = known.get(self.names[n])
            if cell is not None and cell.values.shape == self.values[n].shape and cell.tops.shape == self.tops[n].shape:
                self.values[n], self.tops[n], self.done[n] = cell.values, cell.tops, True

    def _found(self, which: Sequence[int]) -> dict[str, Cell]:
        return {self.names[n]: Cell(self.values[n].copy(), self.tops[n].copy()) for n in which}

    def _look(self, which: np.ndarray, pictures: Mapping[Path | None, np.ndarray]) -> Iterator[None]:
        request = self.request
        scenes = [scene(request.start, request.design, self.points[n]) for n in which]
        images = self._render(scenes, [pictures.get(self.files[n]) for n in which])
        yield
        seen: dict[str, Seen] = {}
        for model in self.networks:
            seen[model] = self._see(model, images)
            if len(seen) < len(self.networks):
                yield
        with torch.inference_mode():
            found = torch.stack([value(column, seen, self.start) for column in self.columns], 1)
            tops = torch.stack([_top(seen[model]) for model in self.networks], 1)
        self.values[which], self.tops[which] = found.float().cpu().numpy(), tops.int().cpu().numpy()
        self.done[which] = True
        self.computed += len(which)
        yield

    @torch.inference_mode()
    def _render(self, some: Sequence[SceneBase], pictures: Sequence[np.ndarray | None] = (None,)) -> Tensor:
        return self.resources.pictures(
            [
                PictureRequest(scene=one, image=image, plane=self.request.plane)
                for one, image in zip(some, pictures, strict=True)
            ]
        )

    @torch.inference_mode()
    def _see(self, model: str, images: Tensor) -> Seen:
        network: zoo.Network = self.networks[model]
        measures = [column.measure for column in self.columns if model in column.models]
        layers = tuple(dict.fromkeys(m.layer for m in measures if m.layer is not None))
        probe = network.look(network.preprocess(images), layers=layers, logits=True)
        return Seen(probe.logits, probe.activations)


class _Pictures:
    """Reads the pictures of points in their order, each once, and holds those of the present points alone.

    Attributes:
        unread: how many could not be read.
    """

    def __init__(self, files: Sequence[Path | None], batch: int) -> None:
        self._rest = list(dict.fromkeys(path for path in files if path is not None))
        self._reading = Reading(Crop(size=IMAGE_SIZE), Path(), self._rest, batch)
        self._held: dict[Path | None, np.ndarray | None] = {}
        self._read = 0
        self.unread = 0

    def of(self, files: Sequence[Path | None]) -> Generator[None, None, dict[Path | None, np.ndarray]]:
        """Those of some points, (224, 224, 3) uint8; without those that cannot be read."""
        wanted = [path for path in self._held if path in files]
        if wanted:  # points come in the order of the files: those before are over
            held = list(self._held)
            self._held = {path: self._held[path] for path in held[held.index(wanted[0]) :]}
        while any(path is not None and path not in self._held for path in files):
            images = self._reading.step()
            yield
            new = self._rest[self._read : self._read + len(images)]
            self._held |= dict(zip(new, images, strict=True))
            self._read += len(images)
            self.unread += sum(image is None for image in images)
        return {path: image for path, image in self._held.items() if path in files and image is not None}


def _top(seen: Seen) -> Tensor:
    """The most probable class of each picture; −1 where there is none."""
    assert seen.logits is not None
    best = largest(seen.logits, 1)
    return torch.where(best.values.isnan(), -1, best.indices)[:, 0]
