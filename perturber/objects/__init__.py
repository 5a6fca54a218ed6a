"""Foreground objects and backgrounds that come with the project."""

from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from perturber.objects.mesh import MorphPair

__all__ = ["MorphPair", "background", "names", "pair"]

LIBRARY = Path(__file__).parent / "library"


@cache
def names(kind: Literal["object", "background"]) -> dict[str, str]:
    """Key → label of what exists, in the order of the interface."""
    if kind == "object":
        return {folder.parent.name: _label(folder) for folder in sorted(LIBRARY.glob("*/pair.json"))}
    return {path.stem: path.stem.replace("_", " ").title() for path in sorted((LIBRARY / "backgrounds").glob("*.webp"))}


@cache
def pair(name: str) -> MorphPair:
    """The morph pair with this name (a key of ``names("object")``)."""
    return MorphPair.load(LIBRARY / name)


@cache
def background(name: str) -> np.ndarray:
    """The background picture with this name: (H, W, 3) uint8, square."""
    return np.asarray(Image.open(LIBRARY / "backgrounds" / f"{name}.webp").convert("RGB"))


def _label(pair_json: Path) -> str:
    import json

    return json.loads(pair_json.read_text())["label"]
