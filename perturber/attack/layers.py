"""How far activations move, along the depth of a network."""

from collections.abc import Mapping

import torch
from torch import Tensor


def relative_change(clean: Mapping[str, Tensor], moved: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """How far each layer's activations are from others: ‖a′ − a‖ / ‖a‖, over all units of the layer.

    Where a is all zero, it is 0 from another such activation and ∞ from any other.

    Args:
        clean: layer → (B, …), in any order.
        moved: of the same layers and shapes.

    Returns:
        Layer → (B,) float64 from 0, in the order of `clean`.
    """
    changes = {}
    for layer, activations in clean.items():
        a, b = activations.flatten(1), moved[layer].flatten(1)
        distance, size = (torch.linalg.vector_norm(x, dim=1, dtype=torch.float64) for x in (b - a, a))
        changes[layer] = (distance / size).masked_fill(distance == 0, 0)
    return changes
