"""Frost on the window through which the scene is seen."""

from torch import Tensor

from perturber.effects.corruptions.ice import window
from perturber.effects.corruptions.severity import constants, per_picture


def frost(images: Tensor, severity: Tensor, seeds: Tensor) -> Tensor:
    """Mix the picture with a frosted window: ``clip(a · image + b · ice)``.

    a = 1, 0.8, 0.7, 0.65, 0.6 and b = 0.4, 0.6, 0.7, 0.7, 0.75. Published are crops of five photographs; here the ice
    is drawn by rule, another window for each seed (`ice.window`), with about the photographs' mean and contrast.
    Differentiable, the ice held fixed. Monotone up to severity 3; from there to 4 only the picture's share falls, which
    may bring a dark picture's mixture nearer to it.
    """
    kept, added = constants(severity.to(images), (1, 1, 0.8, 0.7, 0.65, 0.6), (0, 0.4, 0.6, 0.7, 0.7, 0.75))
    ice = window(seeds, *images.shape[2:]).to(images.dtype)
    return (per_picture(kept) * images + per_picture(added) * ice).clamp(0, 1)
