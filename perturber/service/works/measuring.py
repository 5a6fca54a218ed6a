"""A job: a measurement of some networks (see `perturber.experiments.measurements`)."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from perturber.attack import share_below, start, step
from perturber.effects import apply
from perturber.errors import InvalidInputError
from perturber.experiments.measurements import Measurement, Order, Result, Seen, Trial, find, kept
from perturber.experiments.measurements.measurement import MAX_PICTURES, outputs
from perturber.service.aside import Aside
from perturber.service.batches import pictures_a_step
from perturber.service.keeping import Keeping
from perturber.service.reading import Reading
from perturber.service.requests import IMAGE_SIZE, LOW_FREQUENCY, PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo.pictures import Crop

NAMED = 4
"""Networks that a title names."""

GREY = 0.5
"""Behind an object that is shown alone."""


@dataclass(frozen=True, kw_only=True)
class MeasurementRequest:
    """A job: measure some networks; result: a `Result`.

    Attributes:
        name: of the measurement.
        models: at least one.
        fingerprints: of these.
        options: key and value; others are at their default.
        folder: pictures of the user's own, or None.
        decisions: files with other observers' decisions.

    Raises:
        InvalidInputError: there is no such measurement, or it cannot be made so.
    """

    name: str
    models: tuple[str, ...]
    fingerprints: tuple[str, ...]
    options: tuple[tuple[str, Any], ...] = ()
    folder: Path | None = None
    decisions: tuple[Path, ...] = ()
    urgent: bool = False

    def __post_init__(self) -> None:
        measurement = self.measurement
        if not self.models or len(set(self.models)) < len(self.models):
            raise InvalidInputError("A measurement needs a network at least, and each of them once.")
        measurement.read_options(dict(self.options))
        if self.folder is not None and not measurement.folder:
            raise InvalidInputError(f"{measurement.title} is measured without a folder of pictures. Leave it out.")
        if self.decisions and not measurement.takes_decisions:
            raise InvalidInputError(f"{measurement.title} compares no decisions of others. Leave them out.")

    @property
    def measurement(self) -> Measurement:
        """What it is about."""
        return find(self.name)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        named = self.models if len(self.models) <= NAMED else (*self.models[:2], f"{len(self.models) - 2} more")
        return f"{self.measurement.title} of {' and '.join(named)}"


def order(request: MeasurementRequest, classes: Mapping[str, Sequence[Any]]) -> Order:
    """What a measurement is told; `classes` of each model."""
    options = request.measurement.read_options(dict(request.options))
    return Order(classes=classes, options=options, folder=request.folder, decisions=request.decisions)


def trials(measurement: Measurement, order: Order) -> list[Trial]:
    """The pictures that a measurement shows, if they are not too many; reads names in folders.

    Raises:
        InvalidInputError: too many, or they cannot be made.
    """
    check_most(measurement, order)
    return measurement.trials(order)


def check_most(measurement: Measurement, order: Order) -> int:
    """How many pictures a measurement shows at most.

    Raises:
        InvalidInputError: too many.
    """
    most = measurement.most(order)
    if most > MAX_PICTURES:
        raise InvalidInputError(
            f"{measurement.title} with these options takes {most:,} pictures. Allowed: up to {MAX_PICTURES:,}."
        )
    return most


@does(MeasurementRequest)
class MeasurementWork:
    """Shows the pictures, some a step, to one network after the other; product: the `Result` once it is there.

    It is kept on the disk; what was kept is the result at once, and what was interrupted goes on where it was.
    """

    def __init__(self, resources: Resources, request: MeasurementRequest) -> None:
        self.resources, self.request, self.measurement = resources, request, request.measurement
        self.networks = dict(zip(request.models, resources.networks.sharing(request.models), strict=True))
        self.order = order(request, {name: network.entry.class_list for name, network in self.networks.items()})
        self.trials: list[Trial] = []
        self.readings: dict[str, np.ndarray] = {}
        self.low = np.empty(0)
        self.good = np.empty(0, bool)
        self.done = 0
        self.found: Result | None = None
        self._keeping = Keeping()
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, attacked a step, or shown to one network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In pictures; one more for what comes of them."""
        steps = len(self.trials) + 1
        return Progress(done=self.done if self.found is None else steps, steps=steps)

    def product(self) -> Result | None:
        """The result; None before it is there."""
        return self.found

    def _go(self) -> Iterator[None]:
        path = yield from Aside(self._plan).waited()
        known = yield from Aside(partial(kept.load, path)).waited()
        if known is not None:
            self.found = known
            return
        yield from self._begin(path)
        scenes = [n for n, trial in enumerate(self.trials) if trial.file is None and not self.good[n]]
        yield from self._show(scenes, {}, path)
        yield from self._show_files(path)
        yield from self._keeping.end()
        result = yield from Aside(self._result).waited()
        yield from self._keeping.write(partial(kept.save, path, result))
        yield from self._keeping.end()
        self.found = replace(result, notes=(*result.notes, *self._keeping.notes))

    def _begin(self, path: Path) -> Iterator[None]:
        """What was answered before an interruption."""
        count = len(self.trials)
        self.low, self.good = np.full(count, np.nan), np.zeros(count, bool)
        known = yield from Aside(partial(kept.load_readings, path, count)).waited()
        if known is not None:
            self.low, self.good = known.low, known.good
            self.readings = {self.request.models[place]: rows for place, rows in known.models.items()}
        self.done = int(self.good.sum())

    def _keep(self, path: Path) -> Iterator[None]:
        """Keep what was answered so far, now and then."""
        if not self._keeping.due():
            return
        models = {self.request.models.index(model): rows.copy() for model, rows in self.readings.items()}
        so_far = kept.Readings(good=self.good.copy(), low=self.low.copy(), models=models)
        yield from self._keeping.write(partial(kept.save_readings, path, so_far))

    def _plan(self) -> Path:
        self.trials = trials(self.measurement, self.order)
        name = kept.key(self.request.name, self.order, self.request.fingerprints, self.trials)
        return kept.file(self.resources.settings.data, name)

    def _result(self) -> Result:
        where = np.flatnonzero(self.good)
        if not len(where):
            raise InvalidInputError(f"None of the pictures in {str(self.request.folder)!r} can be read.")
        seen = Seen(
            trials=[self.trials[n] for n in where],
            readings={model: found[where] for model, found in self.readings.items()},
            low=self.low[where],
        )
        result = self.measurement.result(self.order, seen)
        unread = len({trial.file for trial, good in zip(self.trials, self.good, strict=True) if not good})
        if unread:
            result = replace(result, notes=(*result.notes, f"{unread} files could not be read and are not counted."))
        return result

    def _show_files(self, path: Path) -> Iterator[None]:
        """Each file is read once, for all the trials that it is in."""
        which: dict[Path, list[int]] = {}
        for n, trial in enumerate(self.trials):
            if trial.file is not None and not self.good[n]:
                which.setdefault(trial.file, []).append(n)
        if not which:
            return
        folder = self.request.folder or Path()
        reading = Reading(Crop(size=IMAGE_SIZE), folder, list(which), pictures_a_step(self.resources.device))
        rest = iter(which)
        while not reading.finished:
            read = {file: picture for picture, file in zip(reading.step(), rest, strict=False)}
            yield
            files = {file: picture for file, picture in read.items() if picture is not None}
            self.done += sum(len(which[file]) for file in read.keys() - files.keys())
            yield from self._show([n for file in files for n in which[file]], files, path)

    def _show(self, which: Sequence[int], files: Mapping[Path, np.ndarray], path: Path) -> Iterator[None]:
        """Show these trials to their networks; those under the same attack go together."""
        for some in _alike(self.trials, which, pictures_a_step(self.resources.device)):
            chosen = [self.trials[n] for n in some]
            images = self._images(chosen, files)
            yield
            if chosen[0].attack is not None:
                images = yield from self._attacked(chosen, images, some)
            for model in self.networks if chosen[0].models is None else chosen[0].models:
                self._note(model, some, self._read(model, chosen, images))
                yield
            self.good[some] = True
            self.done += len(some)
            yield from self._keep(path)

    @torch.inference_mode()
    def _images(self, chosen: Sequence[Trial], files: Mapping[Path, np.ndarray]) -> Tensor:
        """(B, 3, 224, 224) of trials."""
        images = torch.empty(len(chosen), 3, IMAGE_SIZE, IMAGE_SIZE, device=self.resources.device)
        parted = [n for n, trial in enumerate(chosen) if trial.behind or trial.parts != "both"]
        for n in parted:
            images[n] = self._part(chosen[n], files)
        whole = [n for n in range(len(chosen)) if n not in parted]
        if whole:
            asked = [chosen[n] for n in whole]
            images[whole] = self.resources.pictures(
                [PictureRequest(scene=t.scene, image=files[t.file] if t.file is not None else None) for t in asked]
            )
        return images

    def _part(self, trial: Trial, files: Mapping[Path, np.ndarray]) -> Tensor:
        """A picture whose object and background come from different places, or of which one is missing."""
        renderer, scenes = self.resources.renderer, [trial.scene]
        if trial.file is not None:
            back = torch.tensor(files[trial.file], device=self.resources.device).permute(2, 0, 1)[None] / 255
        elif trial.parts == "object":
            back = torch.full((1, 3, IMAGE_SIZE, IMAGE_SIZE), GREY, device=self.resources.device)
        else:
            back = renderer.background(scenes)
        if trial.parts != "background":
            layers = renderer.foreground(scenes)
            back = back * (1 - layers[:, 3:]) + layers[:, :3]
        return apply(back, scenes)[0]

    def _attacked(self, chosen: Sequence[Trial], images: Tensor, some: Sequence[int]) -> Generator[None, None, Tensor]:
        """The pictures under their attacks, whose steps are taken one at a time."""
        attacks = [trial.attack for trial in chosen if trial.attack is not None]
        network = self.networks[attacks[0].model]
        labels = None
        if chosen[0].file is not None:  # labelled pictures leave their label, scenes what the network says of them
            labels = torch.tensor([outputs(network.entry.class_list, trial.right)[0] for trial in chosen])
        state = start(network, images.clone(), [replace(attack, steps=0) for attack in attacks], labels=labels)
        for _ in range(attacks[0].steps):
            state = step(network, state)
            yield
        self.low[some] = share_below(state.perturbation, LOW_FREQUENCY).cpu().numpy()
        return state.attacked

    @torch.inference_mode()
    def _read(self, model: str, chosen: Sequence[Trial], images: Tensor) -> np.ndarray:
        network = self.networks[model]
        logits = network.logits(images)
        return self.measurement.read(logits, chosen, network.entry.class_list).float().cpu().numpy()

    def _note(self, model: str, some: Sequence[int], found: np.ndarray) -> None:
        if model not in self.readings:
            self.readings[model] = np.full((len(self.trials), found.shape[1]), np.nan, np.float32)
        self.readings[model][some] = found


def _alike(trials: Sequence[Trial], which: Sequence[int], most: int) -> Iterator[list[int]]:
    """Places of trials, in parts of at most so many; those of one part are under one attack, for the same networks."""
    groups: dict[tuple[str, tuple[str, ...] | None], list[int]] = {}
    for n in which:
        groups.setdefault((str(trials[n].attack), trials[n].models), []).append(n)
    for places in groups.values():
        for first in range(0, len(places), most):
            yield places[first : first + most]
