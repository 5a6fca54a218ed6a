"""The backgrounds, painted by rule: each is drawn as a small scene with light from the upper left."""

from pathlib import Path

import numpy as np
from PIL import Image

from perturber.objects.generators.lawn import paint_lawn
from perturber.objects.generators.street import paint_street

SIZE = 1024


def save(folder: Path) -> None:
    """Write every background as ``<name>.webp``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, paint in (("lawn", paint_lawn), ("street", paint_street)):
        picture = np.clip(paint(SIZE), 0, 1)
        Image.fromarray(np.round(picture * 255).astype(np.uint8)).save(folder / f"{name}.webp", quality=90, method=6)
