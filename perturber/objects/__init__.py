"""Foreground objects and backgrounds: those that come with the project, and the users' own."""

import json
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image

from perturber.config import Settings
from perturber.errors import UnknownNameError
from perturber.objects.mesh import MorphPair
from perturber.objects.store import NAME, Store

__all__ = ["LIBRARY", "MorphPair", "Store", "background", "background_file", "is_own", "names", "pair", "store"]

LIBRARY = Path(__file__).parent / "library"

KEPT = 8
"""Objects, and backgrounds, that stay in memory."""


def store() -> Store:
    """The users' own things, in the data folder of the settings as they are now."""
    return Store(Settings().data)


def names(kind: Literal["object", "background"]) -> dict[str, str]:
    """Key → label of what exists, in the order of the interface: the library first, then the users' own."""
    return {**_library(kind), **store().names(kind)}


def is_own(name: str) -> bool:
    """Whether this is the name of a user's object or background, and not of the library's."""
    return NAME.fullmatch(name) is not None


def pair(name: str) -> MorphPair:
    """The morph pair with this name.

    Raises:
        UnknownNameError: naming the names that exist.
    """
    if name in _library("object"):
        return _library_pair(name)
    if not (own := store()).has("object", name):
        raise UnknownNameError("object", name, names("object"))
    return _own_pair(own.folder, name, own.stamp("object", name))


def background(name: str) -> np.ndarray:
    """The background picture with this name: (S, S, 3) uint8, square.

    Raises:
        UnknownNameError: naming the names that exist.
    """
    if name in _library("background"):
        return _library_background(name)
    if not (own := store()).has("background", name):
        raise UnknownNameError("background", name, names("background"))
    return _own_background(own.folder, name, own.stamp("background", name))


def background_file(name: str) -> Path:
    """The file of the background with this name, a WebP.

    Raises:
        UnknownNameError: naming the names that exist.
    """
    if name in _library("background"):
        return LIBRARY / "backgrounds" / f"{name}.webp"
    if not (own := store()).has("background", name):
        raise UnknownNameError("background", name, names("background"))
    return own.background_file(name)


@cache
def _library(kind: Literal["object", "background"]) -> dict[str, str]:
    if kind == "object":
        folders = sorted(LIBRARY.glob("*/pair.json"))
        return {info.parent.name: str(json.loads(info.read_text())["label"]) for info in folders}
    return {path.stem: path.stem.replace("_", " ").title() for path in sorted((LIBRARY / "backgrounds").glob("*.webp"))}


@lru_cache(KEPT)
def _library_pair(name: str) -> MorphPair:
    return MorphPair.load(LIBRARY / name)


@lru_cache(KEPT)
def _library_background(name: str) -> np.ndarray:
    return np.asarray(Image.open(background_file(name)).convert("RGB"))


@lru_cache(KEPT)
def _own_pair(folder: Path, name: str, stamp: tuple[str, int]) -> MorphPair:
    return Store(folder).pair(name)


@lru_cache(KEPT)
def _own_background(folder: Path, name: str, stamp: tuple[str, int]) -> np.ndarray:
    return Store(folder).background(name)
