"""A job: what was seen once, tested over many pairs of pictures."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import __version__
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.experiments.cells import Cell, Cells
from perturber.experiments.claims import MAX_MODELS, Case, Claim, cases, family, score
from perturber.experiments.measurements.measurement import outputs
from perturber.experiments.paired import FEWEST
from perturber.experiments.tested import Outcome, rows_of
from perturber.order import largest
from perturber.service.aside import Aside
from perturber.service.batches import pictures_a_step
from perturber.service.keeping import Keeping
from perturber.service.reading import Reading
from perturber.service.requests import IMAGE_SIZE, PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.zoo.classes import ClassName
from perturber.zoo.collections import labels
from perturber.zoo.evaluate import spread
from perturber.zoo.pictures import Crop

FOLDER = "tests"


@dataclass(frozen=True, kw_only=True)
class ClaimRequest:
    """A job: test a claim; result: a `Outcome`.

    Attributes:
        models: at least one.
        labels: of these.
        fingerprints: of these.
        wanted: what the class, or the classes, are called.
        folder: of pictures, where the claim is over some.

    Raises:
        InvalidInputError: no network, too many, one twice, or no folder.
    """

    claim: Claim
    models: tuple[str, ...]
    labels: tuple[str, ...]
    fingerprints: tuple[str, ...]
    wanted: str
    folder: Path | None = None
    urgent: bool = False

    def __post_init__(self) -> None:
        if not 1 <= len(self.models) <= MAX_MODELS or len(set(self.models)) < len(self.models):
            raise InvalidInputError(f"A test needs 1 to {MAX_MODELS} networks, and each of them once.")
        if self.claim.pictures and self.folder is None:
            raise InvalidInputError(
                "No folder of example pictures is set. Start Perturber with PERTURBER_EXAMPLES=FOLDER."
            )

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Test over {len(self.claim):,} pairs of pictures"


@does(ClaimRequest)
class ClaimWork:
    """Looks at the pairs that were not looked at before, some a step; product: the `Outcome` once it is there."""

    def __init__(self, resources: Resources, request: ClaimRequest) -> None:
        self.resources, self.request = resources, request
        self.networks = dict(zip(request.models, resources.networks.steady(request.models), strict=True))
        self.classes = {name: network.entry.class_list for name, network in self.networks.items()}
        self.cases: list[Case] = []
        self.values = np.empty(0)
        self.tops = np.empty(0)
        self.done = np.zeros(len(request.claim), bool)
        self.unread = 0
        self.computed = 0
        self.found: Outcome | None = None
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In pairs; one more for what comes of them."""
        steps = len(self.done) + 1
        return Progress(done=int(self.done.sum()) + self.unread if self.found is None else steps, steps=steps)

    def product(self) -> Outcome | None:
        """The result; None before it is there."""
        return self.found

    def _go(self) -> Iterator[None]:
        stamps = yield from Aside(self._plan).waited()
        count, networks = len(self.cases), len(self.networks)
        self.values = np.full((count, networks, 2), np.nan, np.float32)
        self.tops = np.full((count, networks, 2), -1, np.int32)
        self.done = np.zeros(count, bool)
        name = family(self.request.claim, self.request.fingerprints, stamps)
        cells = Cells(self.resources.settings.data, name, folder=FOLDER, what="test")
        self._take((yield from Aside(cells.load).waited()))
        keeping, new = Keeping(), list[int]()
        for some, files in self._missing():
            if not some:
                yield
                continue
            yield from self._look(some, files)
            new += some
            if keeping.due():
                yield from keeping.write(partial(cells.add, self._cells(new)))
                new = []
        yield from keeping.write(partial(cells.add, self._cells(new)))
        yield from keeping.end()
        self.found = yield from Aside(partial(self._result, keeping.notes)).waited()

    def _plan(self) -> list[tuple[str, int, int]]:
        """Make out the pairs; what tells apart the files that they are of."""
        claim, folder = self.request.claim, self.request.folder
        if not claim.pictures or folder is None:
            self.cases = cases(claim)
            return []
        files = chosen_files(claim, folder, list(self.classes.values()))
        self.cases = cases(claim, files)
        return [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path, _ in files]

    def _take(self, known: Mapping[str, Cell]) -> None:
        for n, case in enumerate(self.cases):
            cell = known.get(case.key)
            if cell is not None and cell.values.size == self.values[n].size and cell.tops.size == self.tops[n].size:
                self.values[n], self.tops[n] = cell.values.reshape(-1, 2), cell.tops.reshape(-1, 2)
                self.done[n] = True

    def _cells(self, which: Sequence[int]) -> dict[str, Cell]:
        return {self.cases[n].key: Cell(self.values[n].ravel().copy(), self.tops[n].ravel().copy()) for n in which}

    def _missing(self) -> Iterator[tuple[list[int], dict[Path, np.ndarray]]]:
        """Places of pairs that are looked at together, and their files' pictures; none where those are not read yet."""
        missing = np.flatnonzero(~self.done).tolist()
        size = max(1, pictures_a_step(self.resources.device) // 2)
        if not self.request.claim.pictures:
            for first in range(0, len(missing), size):
                yield missing[first : first + size], {}
            return
        which: dict[Path, list[int]] = {}
        for n in missing:
            file = self.cases[n].file
            assert file is not None
            which.setdefault(file, []).append(n)
        if not which:
            return
        reading = Reading(Crop(size=IMAGE_SIZE), self.request.folder or Path(), list(which), size)
        rest = iter(which)
        while not reading.finished:
            read = {path: picture for picture, path in zip(reading.step(), rest, strict=False)}
            yield [], {}
            for path, picture in read.items():
                if picture is None:
                    self.unread += len(which[path])
                    continue
                for first in range(0, len(which[path]), size):
                    yield which[path][first : first + size], {path: picture}

    def _look(self, some: Sequence[int], files: Mapping[Path, np.ndarray]) -> Iterator[None]:
        """Show some pairs to every network."""
        chosen = [self.cases[n] for n in some]
        images = self._pictures(chosen, files)
        yield
        for column, (model, network) in enumerate(self.networks.items()):
            right = [outputs(self.classes[model], case.right) for case in chosen]
            with torch.inference_mode():
                logits = network.logits(images)
                best = largest(logits, 1)
                found = score(self.request.claim.kind, logits, right * 2)
                tops = torch.where(best.values.isnan(), -1, best.indices)[:, 0]
            self.values[some, column] = found.float().cpu().numpy().reshape(2, -1).T
            self.tops[some, column] = tops.int().cpu().numpy().reshape(2, -1).T
            yield
        self.done[some] = True
        self.computed += len(some)

    @torch.inference_mode()
    def _pictures(self, chosen: Sequence[Case], files: Mapping[Path, np.ndarray]) -> Tensor:
        """All A first, then all B: (2 B, 3, 224, 224)."""
        images = [None if case.file is None else files[case.file] for case in chosen] * 2
        scenes = [*(case.a for case in chosen), *(case.b for case in chosen)]
        asked = [PictureRequest(scene=scene, image=image) for scene, image in zip(scenes, images, strict=True)]
        return self.resources.pictures(asked)

    def _result(self, notes: Sequence[str]) -> Outcome:
        request, where = self.request, np.flatnonzero(self.done)
        if len(where) < FEWEST:
            raise InvalidInputError(f"Only {len(where)} of the pictures can be read, which are too few to be tested.")
        chosen, values = [self.cases[n] for n in where], self.values[where]
        unread = [f"{self.unread} pairs are of files that cannot be read, and are left out."] if self.unread else []
        names = {model: [one.name for one in found] for model, found in self.classes.items()}
        tops = [
            [[names[model][n] if n >= 0 else "nothing" for n in pair] for model, pair in zip(names, row, strict=True)]
            for row in self.tops[where].tolist()
        ]
        return Outcome(
            claim=request.claim,
            models=request.models,
            labels=dict(zip(request.models, request.labels, strict=True)),
            fingerprints=request.fingerprints,
            wanted=request.wanted,
            cases=tuple(chosen),
            values=values,
            tops=np.array(tops),
            rows=rows_of(request.claim, request.models, chosen, values),
            computed=self.computed,
            notes=(*request.claim.notes(), *unread, *notes),
            version=__version__,
        )


def chosen_files(
    claim: Claim, folder: Path, classes: Sequence[Sequence[ClassName]]
) -> list[tuple[Path, frozenset[str]]]:
    """As many pictures of a folder as a claim wants, evenly spread, and the class of each where that is asked for.

    Args:
        classes: of each network.

    Raises:
        InvalidInputError: there are not so many, or their classes are not known.
    """
    names = picture_names(folder)
    right: dict[str, frozenset[str]] = dict.fromkeys(names, frozenset())
    if not claim.wanted:
        known = [{one.wnid or one.name for one in some} for some in classes]
        right = {}
        for name, index in zip(names, labels(names, classes[0]), strict=True):
            key = "" if index is None else classes[0][index].wnid or classes[0][index].name
            if key and all(key in some for some in known):
                right[name] = frozenset({key})
    if len(right) < claim.pictures:
        what = "pictures" if claim.wanted else "pictures whose class all the networks know"
        raise InvalidInputError(f"The folder has {len(right):,} {what}, not {claim.pictures:,}. Take fewer.")
    return [(folder / name, right[name]) for name in spread(list(right), claim.pictures)]
