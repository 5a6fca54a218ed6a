"""Jobs: which layers of two networks are alike over many pictures, and which channels."""

from dataclasses import dataclass

import numpy as np
import torch

from perturber import experiments
from perturber.experiments import ChannelCorrelation, SameChannels, Similarity
from perturber.service.batches import Batch, Pictures
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does


@dataclass(frozen=True, kw_only=True)
class SimilarityRequest:
    """A job: linear CKA of each layer of a model with each of another; result: a `Similarity`.

    Attributes:
        fingerprints: of both models: what computes differently is another job.
    """

    a: str
    b: str
    batch: Batch
    fingerprints: tuple[str, ...] = ()
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Layer similarity of {self.a} and {self.b}"


@dataclass(frozen=True, kw_only=True)
class CorrelationRequest(SimilarityRequest):
    """A job: correlation of each channel of a layer with each of another model's; result: a `Correlation`."""

    layer_a: str
    layer_b: str

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Correlation of channels: {self.layer_a} of {self.a}, {self.layer_b} of {self.b}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Correlation:
    """Whether channels of two layers answer alike.

    Attributes:
        matrix: (Ca, Cb) float32 from −1 to 1; NaN for channels that never change.
        same: what follows for channels of the same index.
        count: pictures.
    """

    matrix: np.ndarray
    same: SameChannels
    count: int


@does(SimilarityRequest)
class SimilarityWork:
    """Makes the pictures, then shows them to both networks; product: a `Similarity` as far as it has come."""

    def __init__(self, resources: Resources, request: SimilarityRequest) -> None:
        self.pictures = Pictures(resources, request.batch)
        a, b = resources.networks.steady((request.a, request.b))
        self.work = experiments.SimilarityWork(a, b, self.pictures.images, batch=self.pictures.a_step)

    def step(self) -> None:
        """One batch."""
        (self.work if self.pictures.finished else self.pictures).step()

    def progress(self) -> Progress:
        """In batches."""
        return Progress(done=self.pictures.done + self.work.done, steps=self.pictures.total + self.work.total)

    def product(self) -> Similarity | None:
        """What is known so far; None while nothing is."""
        found = self.work.result()
        return found if self.work.finished or not np.isnan(found.cka).all() else None


@does(CorrelationRequest)
class CorrelationWork:
    """Makes the pictures and shows them to both networks; product: None, at the end a `Correlation`."""

    def __init__(self, resources: Resources, request: CorrelationRequest) -> None:
        self.request = request
        self.pictures = Pictures(resources, request.batch)
        self.networks = resources.networks.steady((request.a, request.b))
        self.correlation = ChannelCorrelation()
        self.done = 0

    @torch.inference_mode()
    def step(self) -> None:
        """One batch."""
        if not self.pictures.finished:
            self.pictures.step()
            return
        a_step = self.pictures.a_step
        images = self.pictures.images[self.done * a_step : (self.done + 1) * a_step]
        maps = [
            network.look(network.preprocess(images), layers=(layer,), logits=False).activations[layer]
            for network, layer in zip(self.networks, (self.request.layer_a, self.request.layer_b), strict=True)
        ]
        self.correlation.add(*maps)
        self.done += 1

    def progress(self) -> Progress:
        """In batches."""
        return Progress(done=self.pictures.done + self.done, steps=2 * self.pictures.total)

    def product(self) -> Correlation | None:
        """The result, when every picture was shown."""
        if self.done < self.pictures.total:
            return None
        matrix = self.correlation.matrix().astype(np.float32)
        return Correlation(matrix=matrix, same=self.correlation.same_channels(), count=self.request.batch.count)
