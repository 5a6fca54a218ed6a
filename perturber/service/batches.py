"""Many pictures around a scene, or out of a folder, over which networks are compared."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from perturber import experiments
from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.parameters import Number, get
from perturber.scene import SceneBase
from perturber.service.reading import Reading, as_tensor
from perturber.service.requests import IMAGE_SIZE, PictureRequest
from perturber.service.resources import Resources
from perturber.zoo.evaluate import spread
from perturber.zoo.pictures import Crop

MIN_PICTURES, MAX_PICTURES = experiments.MIN_PICTURES, 128
"""Pictures over which two networks are compared."""

A_STEP = {"cpu": 4, "cuda": 32}
"""Pictures that a job takes in one step: bounds the time that an interactive request may have to wait for it."""

VARIED = {"yaw": 60.0, "pitch": 20.0, "light_azimuth": 60.0, "light_elevation": 30.0}
NEARER = 1.25
BLURRED = 3.0
VARIATION = (
    "yaw ± 60°, pitch ± 20°, distance from 0.8 to 1.25 times as far, light ± 60° around and ± 30° up, "
    "0 to 3 levels more background blur"
)
"""What `variations` does, as a person would say it."""


def pictures_a_step(device: torch.device) -> int:
    """Pictures that a job takes in one step."""
    return A_STEP.get(device.type, 4)


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
        plane: as in a `PictureRequest`, for a scene with a plane.
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


class Pictures:
    """Makes the pictures of a batch, a few a step.

    Attributes:
        images: (N, 3, 224, 224); complete when `finished`.
    """

    def __init__(self, resources: Resources, batch: Batch) -> None:
        self.resources, self.batch = resources, batch
        self.images = torch.empty(batch.count, 3, IMAGE_SIZE, IMAGE_SIZE, device=resources.device)
        self.made = 0
        self.a_step = pictures_a_step(resources.device)
        if batch.scene is None:
            self.reading = self._reader(resources.settings.examples)
        else:
            self.scenes = variations(batch.scene, batch.count, batch.seed)

    @property
    def total(self) -> int:
        """Steps."""
        return -(-self.batch.count // self.a_step)

    @property
    def done(self) -> int:
        """Steps' worth of pictures that are there."""
        return -(-self.made // self.a_step)

    @property
    def finished(self) -> bool:
        """Whether all pictures are there."""
        return self.made == self.batch.count

    @torch.inference_mode()
    def step(self) -> None:
        """The next few, unless they are still being read.

        Raises:
            InvalidInputError: the folder has too few that can be read.
        """
        if self.batch.scene is None:
            made = self._read()
        else:
            scenes = self.scenes[self.made : self.made + self.a_step]
            made = self.resources.pictures([PictureRequest(scene=s, plane=self.batch.plane) for s in scenes])
        self.images[self.made : self.made + len(made)] = made
        self.made += len(made)

    def _read(self) -> Tensor:
        if self.reading.finished:
            raise InvalidInputError(
                f"The folder of example pictures holds fewer than {self.batch.count} readable ones. "
                "Choose fewer pictures."
            )
        pictures = [picture for picture in self.reading.step() if picture is not None]  # the next ones stand in
        return as_tensor(pictures[: self.batch.count - self.made]) if pictures else self.images[:0]

    def _reader(self, folder: Path | None) -> Reading:
        """The folder's pictures: first as many as are wanted, evenly spread, then the others."""
        if folder is None:
            raise InvalidInputError(
                "No folder of example pictures is set. Start Perturber with PERTURBER_EXAMPLES=FOLDER."
            )
        names = picture_names(folder)
        first = spread(names, self.batch.count)
        paths = [folder / name for name in dict.fromkeys([*first, *names])]
        return Reading(Crop(size=IMAGE_SIZE), folder, paths, self.a_step)
