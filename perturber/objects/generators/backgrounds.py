"""The backgrounds, painted by rule: each is drawn as a small scene with light from the upper left."""

from pathlib import Path

import numpy as np
from PIL import Image

from perturber.objects.generators.indoor import paint_indoor
from perturber.objects.generators.lawn import paint_lawn
from perturber.objects.generators.street import paint_street
from perturber.objects.generators.underwater import paint_underwater

SIZE = 1024

PAINTERS = {"indoor": paint_indoor, "lawn": paint_lawn, "street": paint_street, "underwater": paint_underwater}
"""Name → function of the side in pixels that gives (side, side, 3), about in [0, 1]."""


def save(folder: Path) -> None:
    """Write every background as ``<name>.webp``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in PAINTERS.items():
        picture = np.clip(paint(SIZE), 0, 1)
        Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(folder / f"{name}.webp", quality=90, method=6)
