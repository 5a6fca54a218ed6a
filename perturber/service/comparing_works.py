"""Jobs that compare two networks over many pictures: which layers are alike, and which channels."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor

from perturber import experiments
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.experiments import ChannelCorrelation, SameChannels, Similarity
from perturber.parameters import Number, get
from perturber.scene import SceneBase
from perturber.service.requests import IMAGE_SIZE, LookRequest, Progress
from perturber.zoo.evaluate import spread
from perturber.zoo.pictures import crop, read_picture

if TYPE_CHECKING:
    from perturber.service.engine import LocalEngine

MIN_PICTURES, MAX_PICTURES = experiments.MIN_PICTURES, 128
"""Pictures over which two networks are compared."""

BATCH = {"cpu": 4, "cuda": 32}
"""Pictures a step: bounds the time that an interactive request may have to wait for it."""

VARIED = {"yaw": 60.0, "pitch": 20.0, "light_azimuth": 60.0, "light_elevation": 30.0}
NEARER = 1.25
BLURRED = 3.0
VARIATION = (
    "yaw ± 60°, pitch ± 20°, distance from 0.8 to 1.25 times as far, light ± 60° around and ± 30° up, "
    "0 to 3 levels more background blur"
)
"""What `variations` does, as a person would say it."""


def variations(scene: SceneBase, count: int, seed: int = 0) -> list[SceneBase]:
    """The scene and `count` − 1 random ones around it, the same ones each time; see `VARIATION`."""
    random = np.random.default_rng(seed)
    scenes = [scene]
    for _ in range(count - 1):
        shifts = {key: getattr(scene, key) + random.uniform(-most, most) for key, most in VARIED.items()}
        shifts["distance"] = scene.distance * NEARER ** random.uniform(-1, 1)
        shifts["background_blur"] = scene.background_blur + random.uniform(0, BLURRED)
        scenes.append(scene.replace(**{key: _within(key, value) for key, value in shifts.items()}))
    return scenes


def _within(key: str, value: float) -> float:
    """The value in its parameter's range; angles go around."""
    parameter = get(key)
    assert isinstance(parameter, Number)
    if (parameter.minimum, parameter.maximum) == (-180, 180):
        value = (value + 180) % 360 - 180
    return float(np.clip(value, parameter.minimum, parameter.maximum))


@dataclass(frozen=True, kw_only=True)
class Batch:
    """The pictures over which two networks are compared.

    Attributes:
        scene: whose variations they are, or None for the configured folder of example pictures.
        count: from 3 to `most`.
        seed: of the variations.
        plane: as in a `LookRequest`, for a scene with a plane.
    """

    scene: SceneBase | None
    count: int = 32
    seed: int = 0
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    most: ClassVar[int] = MAX_PICTURES

    def __post_init__(self) -> None:
        if not MIN_PICTURES <= self.count <= self.most:
            raise InvalidInputError(
                f"Networks cannot be compared over {self.count} pictures. Allowed: {MIN_PICTURES} to {self.most}."
            )


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
        return f"Similarity of the layers of {self.a} and {self.b}"


@dataclass(frozen=True, kw_only=True)
class CorrelationRequest(SimilarityRequest):
    """A job: correlation of each channel of a layer with each of another model's; result: a `Correlation`."""

    layer_a: str
    layer_b: str

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Channels of {self.layer_a} of {self.a} and {self.layer_b} of {self.b}"


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


class Pictures:
    """Makes the pictures of a batch, a few a step.

    Attributes:
        images: (N, 3, 224, 224); complete when `finished`.
    """

    def __init__(self, engine: "LocalEngine", batch: Batch) -> None:
        self.engine, self.batch = engine, batch
        self.images = torch.zeros(batch.count, 3, IMAGE_SIZE, IMAGE_SIZE, device=engine.device)
        self.done = 0
        self.a_step = BATCH.get(engine.device.type, 4)
        if batch.scene is None:
            self.files = self._files(engine.settings.examples)
        else:
            self.scenes = variations(batch.scene, batch.count, batch.seed)

    @property
    def total(self) -> int:
        """Steps."""
        return -(-self.batch.count // self.a_step)

    @property
    def finished(self) -> bool:
        """Whether all pictures are there."""
        return self.done == self.total

    @torch.inference_mode()
    def step(self) -> None:
        """The next few.

        Raises:
            InvalidInputError: the folder has too few that can be read.
        """
        start = self.done * self.a_step
        end = min(start + self.a_step, self.batch.count)
        if self.batch.scene is None:
            self.images[start:end] = torch.stack([self._next_picture() for _ in range(start, end)])
        else:
            asked = [LookRequest(scene=scene, plane=self.batch.plane) for scene in self.scenes[start:end]]
            self.images[start:end] = self.engine.pictures(asked)
        self.done += 1

    def _files(self, folder: Path | None) -> Iterable[Path]:
        """The folder's pictures: first as many as are wanted, evenly spread, then the others."""
        if folder is None:
            raise InvalidInputError("No folder of example pictures is set; start with PERTURBER_EXAMPLES=FOLDER.")
        names = picture_names(folder)
        first = spread(names, self.batch.count)
        return iter([folder / name for name in dict.fromkeys([*first, *names])])

    def _next_picture(self) -> Tensor:
        for path in self.files:
            try:
                picture = crop(read_picture(path), IMAGE_SIZE)
            except InvalidInputError:
                continue  # the next one stands in
            return torch.from_numpy(picture.copy()).permute(2, 0, 1).to(self.engine.device) / 255
        raise InvalidInputError(
            f"The folder of example pictures has fewer than {self.batch.count} that can be read. Choose fewer pictures."
        )


class SimilarityWork:
    """Makes the pictures, then shows them to both networks; product: a `Similarity` as far as it has come."""

    def __init__(self, engine: "LocalEngine", request: SimilarityRequest) -> None:
        self.pictures = Pictures(engine, request.batch)
        a, b = engine.networks.steady((request.a, request.b))
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


class CorrelationWork:
    """Makes the pictures and shows them to both networks; product: None, at the end a `Correlation`."""

    def __init__(self, engine: "LocalEngine", request: CorrelationRequest) -> None:
        self.request = request
        self.pictures = Pictures(engine, request.batch)
        self.networks = engine.networks.steady((request.a, request.b))
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
