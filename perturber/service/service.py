"""The service that owns the device: everything that renders, infers or visualises asks it."""

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter, sleep
from typing import Any, TypeVar

import numpy as np

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, OvertakenError
from perturber.featurevis import Neuron
from perturber.parameters import get
from perturber.service.engine import Engine, LocalEngine
from perturber.service.requests import IMAGE_SIZE, Look, LookRequest, ModelInfo, SlotRequest

T = TypeVar("T")

log = logging.getLogger(__name__)

PATIENCE_SECONDS = 0.2
"""Between two looks at a picture that is not finished."""

MAX_BATCH = 16
"""Requests that are answered together at most; bounds the memory of one pass."""

MAX_CHANNELS = 64
"""Channels that one slot may ask for."""


class InferenceService:
    """Answers requests one batch at a time on one thread, the only one that touches the device.

    Requests that wait at the same moment are answered together. A request that waits is dropped when its own
    client sends a newer one. Thread-safe; usable as a context manager.

    Args:
        settings: how to run; by default from the environment.
        engine: what does the work; by default this process (`LocalEngine`), made on the service's own thread.
    """

    def __init__(self, settings: Settings | None = None, engine: Callable[[Settings], Engine] = LocalEngine) -> None:
        self.settings = settings or Settings()
        self._wake = threading.Condition()
        self._looks: list[_Waiting] = []
        self._calls: list[tuple[Callable[[], Any], Future]] = []
        self._infos: dict[str, ModelInfo] = {}
        self._closed = False
        started: Future[Engine] = Future()
        self._thread = threading.Thread(target=self._work, args=(engine, started), name="service", daemon=True)
        self._thread.start()
        self._engine = started.result()

    def look(self, request: LookRequest) -> Look:
        """Make one picture and show it to the networks of its slots; blocks until the answer is there.

        Raises:
            InvalidInputError: unknown model, layer or channel, or a picture of the wrong shape.
            OvertakenError: the same client sent a newer request while this one waited.
        """
        self.check(request)
        since = perf_counter()
        look = self._look(request)
        # Who follows the picture, as a page does, sees it grow; anybody else gets it when it is finished.
        while request.client is None and look.plane is not None and not look.plane.finished:
            sleep(PATIENCE_SECONDS)
            look = self._look(request)
        return replace(look, total_ms=(perf_counter() - since) * 1e3)

    def _look(self, request: LookRequest) -> Look:
        waiting = _Waiting(request)
        with self._wake:
            self._refuse_if_closed()
            for other in [o for o in self._looks if request.client and o.request.client == request.client]:
                self._looks.remove(other)
                other.future.set_exception(OvertakenError("A newer request of the same page has replaced this one."))
            self._looks.append(waiting)
            self._wake.notify()
        return waiting.future.result()

    def check(self, request: LookRequest) -> None:
        """Refuse a request that cannot be answered.

        Raises:
            InvalidInputError: naming what is allowed.
        """
        if request.image is not None and request.image.shape != (IMAGE_SIZE, IMAGE_SIZE, 3):
            raise InvalidInputError(
                f"A picture must be {IMAGE_SIZE} × {IMAGE_SIZE} RGB, not of shape {request.image.shape}."
            )
        if request.scene.plane:
            self._neuron(request.scene.plane_neuron)
        for slot in request.slots:
            self._check_slot(slot)

    def plane(self, neuron: str) -> np.ndarray:
        """A neuron's feature visualisation as far as it has come: (T, T, 3) uint8.

        Raises:
            InvalidInputError: unknown model, layer or channel.
        """
        text = get("plane_neuron").parse(neuron)
        unit = self._neuron(str(text))
        return self._call(lambda: self._engine.plane(unit))

    def models(self) -> dict[str, ModelInfo]:
        """Every model of the catalogue, in its order."""
        return {name: self.model(name) for name in zoo.catalog(self.settings.models)}

    def model(self, name: str) -> ModelInfo:
        """One model of the catalogue; loads it at the first call.

        Raises:
            UnknownNameError: naming the catalogue's models.
        """
        if name not in self._infos:
            self._infos[name] = self._call(lambda: self._engine.model(name))
        return self._infos[name]

    def evaluate(
        self, model: str, folder: Path, *, limit: int | None = None, progress: Callable[[int, int], None]
    ) -> zoo.Evaluation:
        """Top-1 and top-5 of a model over a folder of labelled pictures; other requests wait until it is done.

        Raises:
            InvalidInputError: unknown model, or no labelled pictures there.
        """
        return self._call(lambda: self._engine.evaluate(model, folder, limit=limit, progress=progress))

    def close(self) -> None:
        """Stop; what still waits is refused."""
        with self._wake:
            self._closed = True
            self._wake.notify()
        self._thread.join()

    def __enter__(self) -> "InferenceService":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _neuron(self, text: str) -> Neuron:
        """The neuron of this name, if there is one."""
        neuron = Neuron.parse(text, next(iter(zoo.catalog(self.settings.models))))
        zoo.check_layer(neuron.model, self.model(neuron.model).layers, neuron.layer, (neuron.channel,))
        return neuron

    def _check_slot(self, slot: SlotRequest) -> None:
        info = self.model(slot.model)
        if slot.layer is not None:
            zoo.check_layer(slot.model, info.layers, slot.layer, slot.channels)
        if len(slot.channels) > MAX_CHANNELS:
            raise InvalidInputError(f"{len(slot.channels)} channels are too many. Allowed: up to {MAX_CHANNELS}.")

    def _call(self, function: Callable[[], T]) -> T:
        """Run something on the service's thread, before the looks that wait."""
        future: Future[T] = Future()
        with self._wake:
            self._refuse_if_closed()
            self._calls.append((function, future))
            self._wake.notify()
        return future.result()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise InvalidInputError("The service is shutting down; start it again.")

    def _work(self, engine: Callable[[Settings], Engine], started: Future) -> None:
        if not _settle(started, lambda: engine(self.settings)):
            return
        busy = False  # whether there is something to go on with while nobody asks
        while True:
            with self._wake:
                if not busy:
                    self._wake.wait_for(lambda: self._closed or self._calls or self._looks)
                calls, self._calls = self._calls, []
                looks, self._looks = self._looks[:MAX_BATCH], self._looks[MAX_BATCH:]
                closed = self._closed
            if closed:
                for future in [future for _, future in calls] + [w.future for w in looks + self._looks]:
                    future.set_exception(InvalidInputError("The service is shutting down; start it again."))
                return
            for function, future in calls:
                _settle(future, function)
            if looks:
                self._answer(looks)
            if calls or looks:
                busy = True  # perhaps one of them has begun something
                continue
            try:
                busy = started.result().work()
            except Exception:
                log.exception("work in the background failed")
                busy = False

    def _answer(self, looks: list["_Waiting"]) -> None:
        answers: Future[list[Look]] = Future()
        if _settle(answers, lambda: self._engine.answer([w.request for w in looks])):
            for waiting, answer in zip(looks, answers.result(), strict=True):
                waiting.future.set_result(answer)
        elif len(looks) == 1:
            looks[0].future.set_exception(answers.exception())
        else:  # one request's failure is not its neighbours'
            for waiting in looks:
                self._answer([waiting])


@dataclass
class _Waiting:
    request: LookRequest
    future: "Future[Look]" = field(default_factory=Future)


def _settle(future: Future, function: Callable[[], Any]) -> bool:
    """Put the function's result or exception into the future; whether it was a result."""
    try:
        result = function()
    except BaseException as error:
        future.set_exception(error)
        return False
    future.set_result(result)
    return True
