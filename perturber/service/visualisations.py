"""Feature visualisations as pages ask for them: from the store, or by a job that fills it."""

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from perturber.errors import InvalidInputError, NotAllowedError, StorageError
from perturber.featurevis import Bundle, Recipe, Store, Target, key
from perturber.service.jobs import JobQueue, JobState, JobStatus
from perturber.service.requests import Progress
from perturber.service.works.visualisation import VisualisationRequest
from perturber.users import Role, need

log = logging.getLogger(__name__)

MIB_IN_MEMORY = 256
"""Room for finished pictures that need not be read from the disk again."""

MAKERS = 2**16
"""Targets whose jobs are remembered: more than those of all jobs that may wait."""


@dataclass(frozen=True, kw_only=True)
class Visualised:
    """Where the picture of one target stands.

    Attributes:
        key: names its pictures (see `Visualisations.pictures`).
        state: ``done`` when they are final.
        job: that makes them, or None where nothing is left to do.
        error: a sentence for the user: why there is none, or why it is not kept on the disk.
    """

    key: str
    state: JobState
    progress: Progress
    job: str | None = None
    error: str | None = None

    @property
    def absent(self) -> bool:
        """Whether there is nothing, and nobody has ordered it."""
        return self.state is JobState.WAITING and self.job is None


class Visualisations:
    """Answers from what comes along and from the store, and orders what is missing; thread-safe."""

    def __init__(self, bundle: Bundle, store: Store, jobs: JobQueue) -> None:
        self.bundle = bundle
        self.store = store
        self.jobs = jobs
        self._ordering = threading.Lock()  # two pages that ask for the same at the same moment order it once
        self._lock = threading.Lock()
        self._makers: OrderedDict[str, tuple[str, int]] = OrderedDict()  # key → job, number of the target in it
        self._finished: OrderedDict[str, np.ndarray] = OrderedDict()
        self._bytes = 0  # of them
        self._not_kept: dict[str, str] = {}  # key → why it is not on the disk

    def ask(
        self,
        model: str,
        fingerprint: str,
        targets: Sequence[Target],
        recipe: Recipe,
        *,
        order: bool = True,
        again: bool = False,
        urgent: bool = True,
    ) -> list[Visualised]:
        """Where each target's pictures stand; those that nobody makes yet are ordered as one job.

        Who only looks orders nothing: what is missing is cancelled for them, and an error says why.

        Args:
            order: whether to order anything at all.
            again: whether to order those anew whose job was cancelled or has failed.
            urgent: whether somebody waits for them.

        Raises:
            NotAllowedError: `again` by somebody who only looks.
            InvalidInputError: too many jobs wait.
        """
        try:
            need(Role.EDITOR, "make feature visualisations")
            refusal = None
        except NotAllowedError as error:
            refusal = error
        keys = [key(fingerprint, target, recipe) for target in targets]
        with self._ordering:
            missing: dict[str, Target] = {}
            for name, target in zip(keys, targets, strict=True):
                found = self._state(name)
                if found.absent or (again and found.state in (JobState.CANCELLED, JobState.FAILED)):
                    missing[name] = target
            if missing and again and refusal is not None:
                raise refusal
            if missing and order and refusal is None:
                request = VisualisationRequest(
                    model=model,
                    fingerprint=fingerprint,
                    targets=tuple(missing.values()),
                    recipe=recipe,
                    urgent=urgent,
                )
                self._order(request, list(missing))
        stand = [self._state(name) for name in keys]
        if refusal is None or not order:
            return stand
        return [replace(one, state=JobState.CANCELLED, error=str(refusal)) if one.absent else one for one in stand]

    def _order(self, request: VisualisationRequest, keys: Sequence[str]) -> None:
        """Submit a job, and remember that it makes these keys' pictures."""
        job = self.jobs.submit(request, again=True).id
        with self._lock:
            for number, name in enumerate(keys):
                self._makers[name] = (job, number)
                self._makers.move_to_end(name)
            while len(self._makers) > MAKERS:
                self._makers.popitem(last=False)

    def pictures(self, name: str) -> np.ndarray | None:
        """The pictures (variants, S, S, 3) uint8 of a key as far as they have come, or None.

        Raises:
            InvalidInputError: not a key.
        """
        with self._lock:
            found = self._finished.get(name)
            maker = self._makers.get(name)
        if found is None:
            found = self._kept(name)
        if found is not None:
            self._remember(name, found)
            return found
        if maker:
            try:
                product = self.jobs.product(maker[0])
            except InvalidInputError:
                return None
            return None if product is None else product[maker[1]]
        return None

    def keep(self, request: VisualisationRequest, pictures: np.ndarray) -> None:
        """Store what a job has made: (targets, variants, S, S, 3) uint8.

        What cannot be stored is shown nevertheless.
        """
        for target, made in zip(request.targets, pictures, strict=True):
            name = key(request.fingerprint, target, request.recipe)
            self._remember(name, made.copy())  # a view would keep all of them
            try:
                self.store.put(name, made)
            except StorageError as error:
                log.warning("%s", error)
                with self._lock:
                    self._not_kept[name] = str(error)
            else:
                with self._lock:
                    self._not_kept.pop(name, None)

    def _kept(self, name: str) -> np.ndarray | None:
        """A key's pictures, from the archives that come along or from the store."""
        ready = self.bundle.get(name)
        return self.store.get(name) if ready is None else ready

    def _remember(self, name: str, pictures: np.ndarray) -> None:
        with self._lock:
            known = self._finished.pop(name, None)
            self._finished[name] = pictures
            self._bytes += pictures.nbytes - (0 if known is None else known.nbytes)
            while self._bytes > MIB_IN_MEMORY * 2**20 and len(self._finished) > 1:
                forgotten, gone = self._finished.popitem(last=False)
                self._bytes -= gone.nbytes
                self._not_kept.pop(forgotten, None)

    def _making(self, name: str) -> tuple[tuple[str, int] | None, JobStatus | None]:
        """Which job makes a key's pictures, as which of its targets, and where it stands; None where forgotten."""
        with self._lock:
            maker = self._makers.get(name)
        try:
            return maker, self.jobs.status(maker[0]) if maker else None
        except InvalidInputError:
            return maker, None

    def _state(self, name: str) -> Visualised:
        maker, status = self._making(name)  # before what is finished is looked up: it may be finished meanwhile
        with self._lock:
            known = name in self._finished
            error = self._not_kept.get(name)
        found = None if known else self._kept(name)
        if found is not None:
            self._remember(name, found)
        if known or found is not None:
            return Visualised(key=name, state=JobState.DONE, progress=Progress(done=1, steps=1), error=error)
        if status and status.state is not JobState.DONE:
            return Visualised(key=name, state=status.state, progress=status.progress, job=status.id, error=status.error)
        with self._lock:  # if it was finished once, both memory and store have forgotten it
            if self._makers.get(name) == maker:
                self._makers.pop(name, None)
        return Visualised(key=name, state=JobState.WAITING, progress=Progress(done=0, steps=1))
