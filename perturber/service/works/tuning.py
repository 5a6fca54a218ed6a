"""Jobs: tuning curves of neurons, and Fourier sensitivity of networks."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import isfinite

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from perturber import finite, zoo
from perturber.errors import InvalidInputError
from perturber.experiments.families import Quantity, family
from perturber.experiments.fourier import FourierSensitivity, frequencies, perturbed
from perturber.experiments.sweep import Grid, scene
from perturber.experiments.tuning import THUMBNAIL, TuningCurves
from perturber.order import largest
from perturber.parameters import get
from perturber.scene import SceneBase
from perturber.service.batches import Batch, Pictures, pictures_a_step
from perturber.service.requests import PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does

MAX_PICTURES = 2_500
MAX_NORM = 50.0


@dataclass(frozen=True, kw_only=True)
class TuningRequest:
    """A job: show neurons of a layer pictures over two quantities; result: `TuningCurves`.

    Attributes:
        model, layer: whose neurons.
        channels: of the layer; () for all.
        family: name of a family of synthetic pictures (see `perturber.experiments.families`), or None.
        scene, grid: without a family: scenes over two parameters.
        fingerprint: of the model.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: neither a family nor scenes over two parameters, or too many pictures.
    """

    model: str
    layer: str
    channels: tuple[int, ...] = ()
    family: str | None = None
    scene: SceneBase | None = None
    grid: Grid | None = None
    fingerprint: str = ""
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = True

    def __post_init__(self) -> None:
        if self.family is not None:
            family(self.family)
        elif self.scene is None or self.grid is None or len(self.grid.axes) != 2:
            raise InvalidInputError("Tuning is drawn over a family of pictures, or over two parameters of a scene.")
        elif len(self.grid) > MAX_PICTURES:
            raise InvalidInputError(
                f"Tuning cannot be drawn over {len(self.grid):,} scenes. Allowed: {MAX_PICTURES:,}."
            )

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Tuning of {self.layer} of {self.model}"


@does(TuningRequest)
class TuningWork:
    """Makes some pictures a step and shows them; product: the `TuningCurves` as far as they have come."""

    def __init__(self, resources: Resources, request: TuningRequest) -> None:
        self.resources, self.request = resources, request
        (self.network,) = resources.networks.steady((request.model,))
        zoo.check_layer(request.model, self.network.layers, request.layer, request.channels)
        self.channels = request.channels or tuple(range(self.network.layers[request.layer].channels))
        self.rows, self.columns = _quantities(request)
        self.shape = len(self.rows.values), len(self.columns.values)
        count = self.shape[0] * self.shape[1]
        self.responses = np.full((count, len(self.channels)), np.nan, np.float32)
        self.thumbnails = np.full((count, THUMBNAIL, THUMBNAIL, 3), 128, np.uint8)
        self.a_step = pictures_a_step(resources.device)
        self.done = 0
        synthetic = None if request.family is None else family(request.family)
        self.shown = 1.0 if synthetic is None else synthetic.shown
        self.pooling = "mean" if synthetic is None else synthetic.pooling
        self.grey: Tensor | None = None

    @torch.inference_mode()
    def step(self) -> None:
        """Some pictures."""
        images = self._pictures(self.done, min(self.a_step, len(self.responses) - self.done))
        part = slice(self.done, self.done + len(images))
        self.responses[part] = self._answers(images).cpu().numpy()
        cut = round(images.shape[-1] * (1 - self.shown) / 2)
        middle = images[..., cut : images.shape[-2] - cut, cut : images.shape[-1] - cut]
        small = F.interpolate(middle, (THUMBNAIL, THUMBNAIL), mode="area").permute(0, 2, 3, 1)
        self.thumbnails[part] = (small.clamp(0, 1) * 255).round().byte().cpu().numpy()
        self.done += len(images)

    def progress(self) -> Progress:
        """In pictures."""
        return Progress(done=self.done, steps=len(self.responses))

    def product(self) -> TuningCurves | None:
        """What is known so far; None while nothing is."""
        if not self.done:
            return None
        return TuningCurves(
            model=self.request.model,
            layer=self.request.layer,
            rows=self.rows,
            columns=self.columns,
            channels=self.channels,
            responses=self.responses.reshape(*self.shape, -1).copy(),
            thumbnails=self.thumbnails.reshape(*self.shape, *self.thumbnails.shape[1:]).copy(),
        )

    def _answers(self, images: Tensor) -> Tensor:
        """(B, N) of each neuron; to synthetic pictures the difference to that to mid-grey."""
        answers = self._pooled(images)
        if self.request.family is None:
            return answers
        if self.grey is None:
            self.grey = self._pooled(torch.full_like(images[:1], 0.5))
        return answers - self.grey

    def _pooled(self, images: Tensor) -> Tensor:
        probe = self.network.look(self.network.preprocess(images), layers=(self.request.layer,), logits=False)
        maps = probe.activations[self.request.layer][:, list(self.channels)].float()
        if self.pooling == "max":
            return maps.amax((2, 3))
        if self.pooling == "mean":
            return finite.means(maps)
        height, width = maps.shape[-2:]  # one value, or two by two around the middle
        return maps[..., (height - 1) // 2 : height // 2 + 1, (width - 1) // 2 : width // 2 + 1].mean((2, 3))

    def _pictures(self, first: int, count: int) -> Tensor:
        request = self.request
        if request.family is not None:
            side = self.network.entry.input_size
            return family(request.family).pictures(side, first, count).to(self.resources.device)
        assert request.scene is not None
        assert request.grid is not None
        points = request.grid.points()[first : first + count]
        scenes = [scene(request.scene, request.grid, point) for point in points]
        return self.resources.pictures([PictureRequest(scene=one, plane=request.plane) for one in scenes])


def _quantities(request: TuningRequest) -> tuple[Quantity, Quantity]:
    if request.family is not None:
        found = family(request.family)
        return found.rows, found.columns
    assert request.grid is not None
    first, second = (
        Quantity(get(axis.key).label, get(axis.key).unit, axis.values)  # type: ignore[arg-type]  # names, too
        for axis in request.grid.axes
    )
    return first, second


# ---- Fourier sensitivity ------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class FourierRequest:
    """A job: the error of networks on pictures to which one frequency is added; result: a `FourierSensitivity`.

    Attributes:
        models: at least one.
        batch: the pictures; right is what each network makes of them without anything added.
        norm: L2 norm of what is added to each channel, in the [0, 1] pixel scale.
        most: frequencies go up to so many cycles a picture.
        seed: of the signs.
        fingerprints: of the models.

    Raises:
        InvalidInputError: anything of this is not allowed.
    """

    models: tuple[str, ...]
    batch: Batch
    norm: float = 4.0
    most: int = 8
    seed: int = 0
    fingerprints: tuple[str, ...] = ()
    urgent: bool = False

    def __post_init__(self) -> None:
        if not self.models:
            raise InvalidInputError("Name a network at least.")
        if not (isfinite(self.norm) and 0 < self.norm <= MAX_NORM):
            raise InvalidInputError(f"The norm of a frequency cannot be {self.norm:g}. Allowed: up to {MAX_NORM:g}.")
        frequencies(self.most)

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Fourier sensitivity of {' and '.join(self.models)}"


@does(FourierRequest)
class FourierWork:
    """Makes the pictures, then adds one frequency after the other; product: a `FourierSensitivity` so far."""

    def __init__(self, resources: Resources, request: FourierRequest) -> None:
        self.request = request
        self.networks = resources.networks.steady(request.models)
        self.pictures = Pictures(resources, request.batch)
        self.errors = [np.full((2 * request.most + 1,) * 2, np.nan) for _ in self.networks]
        self.parts = -(-request.batch.count // self.pictures.a_step)
        self.total = self.parts * len(self.networks) * (1 + len(frequencies(request.most)))
        self.done = 0
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to one network."""
        if not self.pictures.finished:
            self.pictures.step()
        else:
            next(self._steps)
            self.done += 1

    def progress(self) -> Progress:
        """In batches of pictures."""
        return Progress(done=self.pictures.done + self.done, steps=self.pictures.total + self.total)

    def product(self) -> FourierSensitivity | None:
        """What is known so far; None while nothing is."""
        request = self.request
        if not any(np.isfinite(one).any() for one in self.errors):
            return None
        return FourierSensitivity(
            models=request.models,
            norm=request.norm,
            most=request.most,
            errors=tuple(one.copy() for one in self.errors),
            count=request.batch.count,
        )

    def _go(self) -> Iterator[None]:
        request, images, a_step = self.request, self.pictures.images, self.pictures.a_step
        parts = [images[first : first + a_step] for first in range(0, len(images), a_step)]
        right: list[list[Tensor]] = []
        for network in self.networks:
            right.append([])
            for part in parts:
                right[-1].append(_tops(network, part))
                yield
        for frequency in frequencies(request.most):
            wrong = np.zeros(len(self.networks))
            for n, part in enumerate(parts):
                shown = perturbed(part, frequency, request.norm, request.seed + n)
                for k, network in enumerate(self.networks):
                    wrong[k] += int((_tops(network, shown) != right[k][n]).sum())
                    if n + 1 == len(parts):
                        self._note(k, frequency, wrong[k] / len(images))
                    yield

    def _note(self, model: int, frequency: tuple[int, int], error: float) -> None:
        middle = self.request.most
        for sign in (1, -1):  # both frequencies have the same basis pictures
            self.errors[model][middle + sign * frequency[0], middle + sign * frequency[1]] = error


@torch.inference_mode()
def _tops(network: zoo.Network, images: Tensor) -> Tensor:
    return largest(network.logits(images), 1).indices[:, 0]
