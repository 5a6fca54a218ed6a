"""What a file of weights says of its network before there is an entry for it: classes, size, normalisation."""

from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import torch
from torch import Tensor, nn

from perturber.zoo.architectures import build
from perturber.zoo.fitting import Normalisation, fit, same_shape
from perturber.zoo.reading import read_parts

CLASSES = 1000
"""That a network is built with to be compared with the weights."""


@dataclass(frozen=True)
class Inspection:
    """What a file says of its network.

    Attributes:
        classes: number of logits; None where a factory's network does not take such pictures.
        input_size: side of the pictures that the network was made for; None where the weights fit any.
        normalisation: mean and deviation that stand beside the weights, if there are any.
    """

    classes: int | None
    input_size: int | None
    normalisation: Normalisation | None


def inspect(
    path: Path, architecture: str, usual_size: int, *, layout: str = "auto", ema: bool | None = None
) -> Inspection:
    """Look into a file of weights.

    Args:
        architecture: ``"<kind>:<name>"``.
        usual_size: side of the pictures that it is usually made for, which others are compared with.
        layout, ema: as for `perturber.zoo.fitting.fit`.

    Raises:
        InvalidInputError: the file cannot be read, or does not hold the weights of such a network.
    """
    module = build(architecture, CLASSES, usual_size)
    parts = read_parts(path)
    found = fit(parts, module, path.name, layout=layout, ema=ema, alike=_alike)
    expected = module.state_dict()
    differing = {key for key, like in expected.items() if not same_shape(found.state[key], like)}
    heads = {key for key in differing if _is_head(found.state[key], expected[key])}
    places = {key for key in differing if _is_position(key, found.state[key], expected[key])}
    classes = {len(found.state[key]) for key in heads}
    if differing - heads - places or len(classes) > 1 or len(places) > 1:
        fit(parts, module, path.name, layout=layout, ema=ema)  # which says what differs
    size = None
    if places:
        key = places.pop()
        size = _side(found.state[key], expected[key], usual_size)
    count = _outputs(module, usual_size) if architecture.startswith("factory:") else next(iter(classes), CLASSES)
    return Inspection(count, size, found.normalisation)


def _outputs(module: nn.Module, size: int) -> int | None:
    """Number of logits that a network gives for a picture of this size."""
    try:
        with torch.inference_mode():
            logits = module.eval()(torch.zeros(1, 3, size, size))
    except Exception:  # somebody else's code; what is wrong with it is said when the network is loaded
        return None
    return logits.shape[1] if isinstance(logits, Tensor) and logits.ndim == 2 else None


def _alike(found: Tensor, like: Tensor) -> bool:
    return same_shape(found, like) or _is_head(found, like) or _is_position("pos_embed", found, like)


def _is_head(found: Tensor, like: Tensor) -> bool:
    """Whether two tensors differ in the number of classes alone."""
    return found.ndim == like.ndim > 0 and found.shape[1:] == like.shape[1:] and len(like) == CLASSES


def _is_position(key: str, found: Tensor, like: Tensor) -> bool:
    """Whether two tensors are embeddings (1, places, channels) of the places in pictures of different sizes."""
    return (
        key.endswith(("pos_embed", "pos_embedding"))
        and found.ndim == like.ndim == 3
        and (len(found), found.shape[2]) == (len(like), like.shape[2]) == (1, like.shape[2])
    )


def _side(found: Tensor, like: Tensor, usual: int) -> int:
    """Side of the pictures whose places are embedded, by that of the usual ones: both are square grids of patches.

    Before the grid stand embeddings of no place, as many in both.
    """
    grid = isqrt(like.shape[1])
    return isqrt(found.shape[1] - (like.shape[1] - grid**2)) * (usual // grid)
