"""A job: how far each layer of a network moves in the course of its training."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from perturber.config import Settings
from perturber.errors import StorageError
from perturber.examples.folders import picture_names
from perturber.service.batches import Batch, Pictures
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does
from perturber.training.correlations import ActivationCorrelationWork, weight_correlation
from perturber.training.development import (
    Development,
    development_file,
    development_key,
    load_development,
    save_development,
)

log = logging.getLogger(__name__)

PICTURES = 412
"""By default: the fewest, in batches of 4, over which maps of 7 × 7 have 20,000 values."""


@dataclass(frozen=True, kw_only=True)
class ManyPictures(Batch):
    """Pictures over which the states of one network are compared."""

    count: int = PICTURES
    most: ClassVar[int] = 512


@dataclass(frozen=True, kw_only=True)
class DevelopmentRequest:
    """A job: correlate a network at some moments of its training with the first of them; result: a `Development`.

    Attributes:
        name: of the network.
        models: at least two of one architecture.
        fingerprints: of these.
    """

    name: str
    models: tuple[str, ...]
    fingerprints: tuple[str, ...]
    batch: ManyPictures
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Correlations during the training of {self.name}"

    def key(self, settings: Settings) -> str:
        """Name of the result.

        Raises:
            InvalidInputError: there is no folder of example pictures.
        """
        pictures = repr(self.batch)
        if self.batch.scene is None and settings.examples is not None:
            pictures += repr(sorted(map(str, picture_names(settings.examples))))
        return development_key(self.fingerprints, pictures)


def kept(request: DevelopmentRequest, settings: Settings) -> Development | None:
    """The result, if it came with the project or was computed before."""
    key = request.key(settings)
    ours = load_development(development_file(settings.models, key), delete=False)
    return ours or load_development(development_file(settings.data, key))


@does(DevelopmentRequest)
class DevelopmentWork:
    """Makes the pictures, then shows them to one state after the other; product: a `Development` as far as it is.

    The result is kept on the disk; what was kept is the result at once.
    """

    def __init__(self, resources: Resources, request: DevelopmentRequest) -> None:
        self.resources, self.request = resources, request
        self.found = kept(request, resources.settings)
        self.pictures = Pictures(resources, request.batch)
        self.activations: list[dict[str, float]] = []
        self.weights: list[dict[str, float]] = []
        self.samples: dict[str, int] = {}
        self.work: ActivationCorrelationWork | None = None
        self._steps = self._go()

    def step(self) -> None:
        """A batch of pictures, made or shown to one state; or one state is loaded, or its weights are compared."""
        next(self._steps, None)

    def _go(self) -> Iterator[None]:
        while not self.pictures.finished:
            self.pictures.step()
            yield
        first, *others = self.request.models
        (network,) = self.resources.networks.steady((first,))
        yield
        for name in others:
            (other,) = self.resources.networks.steady((name,))
            yield
            self.weights.append(weight_correlation(network, other))
            yield
            self.work = ActivationCorrelationWork(network, other, self.pictures.images, batch=self.pictures.a_step)
            yield
            while not self.work.finished:
                self.work.step()
                yield
            result = self.work.result()
            self.activations.append(dict(result.layers))
            self.samples = dict(result.samples)
            self.work = None
        self.found = self._result()
        self._keep(self.found)

    def progress(self) -> Progress:
        """In batches, and one for the file."""
        each, others = 2 * self.pictures.total, len(self.request.models) - 1
        if self.found is not None:
            return Progress(done=1, steps=1)
        shown = len(self.activations) * each + (self.work.done if self.work else 0)
        return Progress(done=self.pictures.done + shown, steps=self.pictures.total + others * each + 1)

    def product(self) -> Development | None:
        """What is known so far; None while nothing is."""
        if self.found is not None:
            return self.found
        return self._result() if self.activations else None

    def _result(self) -> Development:
        count = len(self.request.models)
        weights = self.weights[: len(self.activations)]
        return Development(
            layers=_over_moments(self.activations, count),
            weights=_over_moments(weights, count),
            samples=self.samples,
            pictures=self.request.batch.count,
        )

    def _keep(self, found: Development) -> None:
        settings = self.resources.settings
        try:
            save_development(development_file(settings.data, self.request.key(settings)), found)
        except StorageError as error:  # it is shown nevertheless
            log.warning("%s", error)


def _over_moments(found: list[dict[str, float]], count: int) -> dict[str, np.ndarray]:
    """Layer → its values at all moments: 1 at the first, NaN where nothing is known yet."""
    result = {}
    for layer in found[0]:
        values = [1.0, *(one[layer] for one in found)]
        result[layer] = np.array([*values, *[np.nan] * (count - len(values))])
    return result
