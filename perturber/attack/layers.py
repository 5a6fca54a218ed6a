"""What an attack does along the depth of a network."""

from collections.abc import Sequence

import torch
from torch import Tensor

from perturber import zoo


@torch.inference_mode()
def relative_change(
    network: zoo.Network, images: Tensor, attacked: Tensor, *, layers: Sequence[str] | None = None
) -> dict[str, Tensor]:
    """How far each layer's activations move: ‖a′ − a‖ / ‖a‖, over all units of the layer.

    Where a is all zero, it is 0 from another such activation and ∞ from any other.

    Args:
        images, attacked: (B, 3, H, W) in [0, 1].
        layers: names, by default all in forward order.

    Returns:
        Layer → (B,), from 0.

    Raises:
        UnknownNameError: a layer that does not exist.
    """
    names = tuple(network.layers) if layers is None else tuple(layers)
    both = torch.cat([images, attacked]).to(network.device)
    activations = network.look(network.preprocess(both), layers=names, logits=False).activations
    changes = {}
    for name in names:
        clean, moved = activations[name].flatten(1).chunk(2)
        distance = torch.linalg.vector_norm(moved - clean, dim=1)
        changes[name] = (distance / torch.linalg.vector_norm(clean, dim=1)).masked_fill(distance == 0, 0)
    return changes
