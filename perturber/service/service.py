"""The service that owns the device: everything that renders, infers or visualises asks it."""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, TypeVar

import numpy as np

from perturber import zoo
from perturber.attack import Attack
from perturber.config import Settings
from perturber.editing import Edit, Level
from perturber.errors import InvalidInputError
from perturber.featurevis import Bundle, Recipe, Store, Target, bundle_folder
from perturber.parameters import get
from perturber.service.checks import check_attack, check_classes, check_image, check_slot
from perturber.service.comparing import CompareRequest, Comparison
from perturber.service.device import choose_device
from perturber.service.dispatcher import Dispatcher
from perturber.service.engine import Engine, LocalEngine
from perturber.service.jobs import JobQueue, JobState
from perturber.service.orders import Orders
from perturber.service.requests import (
    Look,
    LookRequest,
    ModelInfo,
    PictureRequest,
    Progress,
    Ranking,
    RankRequest,
)
from perturber.service.room import Room
from perturber.service.visualisations import Visualisations, Visualised
from perturber.service.works.saving import SaveRequest
from perturber.service.works.visualisation import VisualisationRequest
from perturber.zoo.pictures import Crop

T = TypeVar("T")

PATIENCE_SECONDS = 0.2
"""Between two looks at a job that is waited for."""

EDITS = 64
"""Edits of which is remembered what a page needs to know: whoever asks about one again need not wait to be checked."""


@dataclass(frozen=True, kw_only=True)
class Health:
    """How the service is.

    Attributes:
        ready: whether it answers at all.
        device: that it runs on.
        waiting: looks and comparisons that wait.
        jobs: that are not over.
        failures: errors outside of an answer since the start.
        busy_seconds: for which one thing has been done; minutes mean that something hangs.
        memory: bytes by what they are for (see `Engine.memory`).
    """

    ready: bool
    device: str
    waiting: int
    jobs: int
    failures: int
    busy_seconds: float
    memory: Mapping[str, int]


class InferenceService:
    """Answers requests one batch at a time on one thread, the only one that touches the device.

    Requests that wait at the same moment are answered together. A request that waits is dropped when its own
    client sends a newer one. Only `look_complete`, `wait` and `evaluate` outlast a job or a long work: a server does
    not call them. Thread-safe; usable as a context manager.

    Args:
        settings: how to run; by default from the environment.
        engine: what does the work; by default this process (`LocalEngine`), made on the service's own thread.
    """

    def __init__(self, settings: Settings | None = None, engine: Callable[[Settings], Engine] = LocalEngine) -> None:
        self.settings = settings or Settings()
        self._infos: dict[str, ModelInfo] = {}
        self._unusable: set[str] = set()
        self._edit = lru_cache(EDITS)(lambda text: self._call(lambda engine: engine.model(text)))
        self._looks, self._calls = Room(), Room()
        self.orders = Orders(self.settings.data)
        self.jobs = JobQueue(
            wake=lambda: self.dispatcher.notice_job(), finished=self._keep, over=lambda name: self.orders.remove(name)
        )
        self.visualisations = Visualisations(
            Bundle(bundle_folder(self.settings.models)),
            Store(self.settings.data / "visualisations", self.settings.visualisations_mib),
            self.jobs,
        )
        self.dispatcher = Dispatcher(partial(engine, self.settings), self.jobs, self.settings.look_seconds)

    def health(self) -> Health:
        """How the service is; never waits for it."""
        return Health(
            ready=self.dispatcher.alive,
            device=str(choose_device(self.settings.device)),
            waiting=self.dispatcher.waiting,
            jobs=sum(not status.state.over for status in self.jobs.all()),
            failures=self.dispatcher.failures,
            busy_seconds=self.dispatcher.busy_seconds,
            memory=self.dispatcher.engine.memory(),
        )

    def limit(self, *, looks: int, calls: int) -> None:
        """Let only so many callers wait at the same moment, as a server does, whose threads they are.

        Whoever comes when there is no room gets a `BusyError`, of whichever method.

        Args:
            looks: for looks and comparisons.
            calls: for what else the device's thread is asked, as what is known of a model.
        """
        self._looks, self._calls = Room(looks), Room(calls)

    def look(self, request: LookRequest) -> Look:
        """Make one picture and show it to the networks of its slots; blocks until the answer is there.

        A feature visualisation on the scene's plane is shown as far as it has come, and an attack takes a few more
        steps: `Look.plane` and `Look.attack` say how far they are.

        Raises:
            InvalidInputError: unknown model, layer or channel, or a picture of the wrong shape.
            OvertakenError: the same client sent a newer request while this one waited.
            GivenUpError: there is no answer after `Settings.look_seconds`.
        """
        self.check(request)
        since = perf_counter()
        plane, progress = self._plane_of(request)
        with self._looks.seat():
            look = self.dispatcher.ask(replace(request, plane=plane))
        return replace(look, plane=progress, total_ms=(perf_counter() - since) * 1e3)

    def look_complete(self, request: LookRequest) -> Look:
        """Look as soon as the feature visualisation on the scene's plane is finished, and until the attack is.

        Raises:
            InvalidInputError: as of `look`, or the feature visualisation was cancelled or has failed.
        """
        self.check(request)
        since = perf_counter()
        plane = self.plane_status(request)
        if plane is not None and plane.job is not None:
            self.wait(plane.job)
        look = self.look(request)
        while look.attack is not None and not look.attack.progress.finished:
            look = self.look(request)
        return replace(look, total_ms=(perf_counter() - since) * 1e3)

    def check(self, request: LookRequest) -> None:
        """Refuse a request that cannot be answered.

        Raises:
            InvalidInputError: naming what is allowed.
        """
        check_image(request.image, request.scene)
        if request.scene.plane:
            self._neuron(request.scene.plane_neuron)
        if request.attack is not None:
            check_attack(self.model(request.attack.attack.model), request.attack)
        for slot in request.slots:
            check_slot(self.model(slot.model), slot)

    def plane(self, neuron: str) -> np.ndarray:
        """A neuron's feature visualisation as far as it has come: (T, T, 3) uint8; nothing is ordered.

        Raises:
            InvalidInputError: unknown model, layer or channel.
        """
        return self._plane(str(get("plane_neuron").parse(neuron)), order=False)[0]

    def plane_status(self, request: PictureRequest) -> Visualised | None:
        """Where the feature visualisation on a picture's plane stands; None where there is no plane.

        Raises:
            InvalidInputError: unknown model, layer or channel.
        """
        return self._visualised(request.scene.plane_neuron) if _shows_plane(request) else None

    def _plane_of(self, request: PictureRequest) -> tuple[np.ndarray | None, Progress | None]:
        """The feature visualisation on a picture's plane, and how far it has come; None where there is no plane."""
        if _shows_plane(request):
            return self._plane(request.scene.plane_neuron)
        return request.plane, None

    def _plane(self, neuron: str, *, order: bool = True) -> tuple[np.ndarray, Progress]:
        """A neuron's feature visualisation, and how far it has come."""
        found = self._visualised(neuron, order=order)
        pictures = self.visualisations.pictures(found.key)
        grey = np.full((Recipe().size, Recipe().size, 3), 128, np.uint8)
        over = Progress(done=1, steps=1)  # nothing more will happen, whatever came of it
        return grey if pictures is None else pictures[0], over if found.state.over else found.progress

    def _visualised(self, neuron: str, *, order: bool = True) -> Visualised:
        model, target = self._neuron(neuron)
        (found,) = self.visualise(model, [target], Recipe(), order=order)
        return found

    def visualise(
        self,
        model: str,
        targets: Sequence[Target],
        recipe: Recipe,
        *,
        order: bool = True,
        again: bool = False,
        urgent: bool = True,
    ) -> list[Visualised]:
        """Where the feature visualisations of some targets stand; what is missing is ordered as one job.

        Their pictures: ``service.visualisations.pictures(key)``.

        Args:
            order: whether to order anything at all.
            again: whether to order those anew whose job was cancelled or has failed.
            urgent: whether somebody waits for them.

        Raises:
            InvalidInputError: unknown model, layer, channel or class, or too many jobs wait.
        """
        info = self.model(model)
        for target in targets:
            if target.layer is not None:
                zoo.check_layer(model, info.layers, target.layer, tuple(target.weights))
            else:
                check_classes(info, (target.index,))
        return self.visualisations.ask(
            model, info.fingerprint, targets, recipe, order=order, again=again, urgent=urgent
        )

    def rank(self, request: RankRequest) -> Ranking:
        """The channels of a layer that stand out most.

        Raises:
            InvalidInputError: unknown model, layer or class, or what the measure needs is missing.
        """
        for model, layer in [(request.model, request.layer), *([request.other] if request.other else [])]:
            zoo.check_layer(model, self.model(model).layers, layer)
        if request.class_index is not None:
            check_classes(self.model(request.model), (request.class_index,))
        if request.count < 1:
            raise InvalidInputError(f"{request.count} channels cannot be ranked. Allowed: whole numbers from 1.")
        check_image(request.image)
        scenes = [] if request.image is not None else [request.scene, *filter(None, [request.reference])]
        planes = {scene.plane_neuron: self._plane(scene.plane_neuron)[0] for scene in scenes if scene.plane}
        return self._call(lambda engine: engine.rank(replace(request, planes=planes)))

    def compare(self, request: CompareRequest) -> Comparison:
        """What several networks make of one picture, and where they differ; blocks until the answer is there.

        A feature visualisation on the scene's plane is shown as far as it has come, whoever asks.

        Raises:
            InvalidInputError: unknown model, layer, channel or class, or a picture of the wrong shape.
            OvertakenError: the same client sent a newer request while this one waited.
            GivenUpError: there is no answer after `Settings.look_seconds`.
        """
        check_image(request.image)
        for model in request.models:
            check_classes(self.model(model), request.pinned)
        if request.layer is not None:
            first = request.models[request.pair[0]]
            zoo.check_layer(first, self.model(first).layers, request.layer, request.channels)
        since = perf_counter()
        plane, progress = self._plane_of(request)
        with self._looks.seat():
            answer = self.dispatcher.ask(replace(request, plane=plane))
        return replace(answer, total_ms=(perf_counter() - since) * 1e3, plane=progress)

    def wait(self, job: str, progress: Callable[[int, int], None] = lambda done, steps: None) -> Any:
        """Wait for a job's result; None for feature visualisations, whose pictures have a place of their own.

        Args:
            progress: called now and then with the steps done and in all.

        Raises:
            InvalidInputError: the job failed or was cancelled, there is none, or the service is shutting down.
        """
        while not (status := self.jobs.status(job)).state.over:
            self.dispatcher.refuse_if_closed()
            progress(status.progress.done, status.progress.steps)
            sleep(PATIENCE_SECONDS)
        if status.state is not JobState.DONE:
            raise InvalidInputError(status.error or f"{status.title} was cancelled.")
        progress(status.progress.done, status.progress.steps)
        return self.jobs.product(job)

    def models(self) -> dict[str, ModelInfo]:
        """Every model that is ready, in the catalogue's order; one that cannot be loaded is left out, and logged."""
        infos = {}
        for name in zoo.ready(self.settings):
            if name not in self._unusable:
                try:
                    infos[name] = self.model(name)
                except InvalidInputError as error:
                    self.dispatcher.refuse_if_closed()
                    self._unusable.add(name)
                    logging.getLogger(__name__).warning("%s is left out: %s", name, error)
        return infos

    def model(self, name: str) -> ModelInfo:
        """One model of the catalogue, or an edit by its text; loads it at the first call.

        Raises:
            UnknownNameError: naming the catalogue's models, or the units that can be edited.
            InvalidInputError: its weights cannot be loaded, or the edit cannot be made.
        """
        if Edit.is_edit(name):
            return self._edit(name)
        if name not in self._infos:
            self._infos[name] = self._call(lambda engine: engine.model(name))
        return self._infos[name]

    def prefetch(self, names: Sequence[str]) -> None:
        """Make models ready that somebody may ask for soon, when nothing else is to be done; the newest call counts.

        Of those that are ready `model` answers at once: who asks does not wait for a step of a job.
        """
        self.dispatcher.prefetch([partial(self._prefetch, name) for name in names])

    def _prefetch(self, name: str, engine: Engine) -> None:
        info = engine.prefetch(name)
        if info is not None:
            self._infos[name] = info

    def kernels(self, model: str) -> np.ndarray | None:
        """The filters of a model that look at the picture itself: (O, 3, kh, kw) float32; None where there are none.

        Raises:
            InvalidInputError: unknown model.
        """
        return self._call(lambda engine: engine.kernels(model))

    def units(self, first: str, second: str | None, level: Level = "stage") -> tuple[str, ...]:
        """The units of a model whose weights can be mixed with another's, or pruned, in forward order.

        Raises:
            InvalidInputError: unknown model, or two of different architectures.
        """
        return self._call(lambda engine: engine.units(first, second, level))

    def evaluate(
        self,
        model: str,
        folder: Path,
        *,
        limit: int | None = None,
        only: Collection[str] | None = None,
        attack: Attack | None = None,
        crop: Crop | None = None,
        progress: Callable[[int, int], None],
    ) -> zoo.Evaluation:
        """Top-1 and top-5 of a model over labelled pictures (see `zoo.evaluate`); other requests wait until it is done.

        Args:
            attack: on the model that it names, for the robust accuracies.
            crop: how pictures become inputs; by default as the model's entry says.

        Raises:
            InvalidInputError: unknown model, or no labelled pictures there.
        """
        return self._call(
            lambda engine: engine.evaluate(
                model, folder, limit=limit, only=only, attack=attack, crop=crop, progress=progress
            )
        )

    def close(self) -> None:
        """Stop; what still waits is refused."""
        self.dispatcher.close()

    def __enter__(self) -> "InferenceService":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _call(self, function: Callable[[Engine], T]) -> T:
        with self._calls.seat():
            return self.dispatcher.call(function)

    def _neuron(self, text: str) -> tuple[str, Target]:
        """The model and the unit of ``layer:neuron`` or ``model/layer:neuron``, if there is one."""
        model, _, unit = text.rpartition("/")
        model = model or next(iter(zoo.ready(self.settings)))
        layer, _, channel = unit.rpartition(":")
        zoo.check_layer(model, self.model(model).layers, layer, (int(channel),))
        return model, Target(layer=layer, index=int(channel))

    def _keep(self, request: Any, product: Any) -> Any:
        """Take notice of what a job has made; what is returned stays in memory as its result."""
        if isinstance(request, VisualisationRequest):
            self.visualisations.keep(request, product)
            return None
        if isinstance(request, SaveRequest):
            self._infos.pop(product, None)
            self._edit.cache_clear()  # some may be of a model that had this name
            self._unusable.discard(product)
        return product


def _shows_plane(request: PictureRequest) -> bool:
    """Whether there is a feature visualisation in the picture."""
    return request.scene.plane and request.image is None
