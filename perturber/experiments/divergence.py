"""How far two networks are from one another for a picture: along the depth, and in what they predict."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.attack import relative_change
from perturber.errors import InvalidInputError
from perturber.order import largest


@dataclass(frozen=True, eq=False)
class Divergence:
    """How far two networks' activations are from one another, along the depth.

    Attributes:
        layers: (L) in forward order.
        cosine: (L, B) 1 − cosine of the angle between them, for each picture, from 0 to 2.
        relative: (L, B) ‖a − b‖ / ‖a‖, from 0.
    """

    layers: tuple[str, ...]
    cosine: np.ndarray
    relative: np.ndarray


def divergence(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> Divergence:
    """Compare activations, layer by layer and picture by picture.

    Where an activation is all zero, it is at distance 0 from another such one, and at 1 (cosine) or ∞ (relative) from
    any other.

    Args:
        a: layer → (B, C, h, w) of the one network, in forward order.
        b: of the other.

    Raises:
        InvalidInputError: not the same layers, or not of the same shape.
    """
    for layer in (*a, *b):
        if layer not in a or layer not in b or a[layer].shape != b[layer].shape:
            raise InvalidInputError(
                f"The networks cannot be compared layer by layer: {layer!r} differs. "
                "Choose two models of one architecture."
            )
    cosine, relative = [], list(relative_change(a, b).values())
    for layer, ours in a.items():
        one, other = (maps.double().flatten(1) for maps in (ours, b[layer]))
        equal = (one == other).all(1)
        cosine.append((1 - F.cosine_similarity(one, other, eps=1e-300)).clamp(0, 2).masked_fill(equal, 0))
    return Divergence(tuple(a), *(torch.stack(rows).cpu().numpy() for rows in (cosine, relative)))


def jensen_shannon(p: Tensor, q: Tensor) -> Tensor:
    """Jensen–Shannon divergence of distributions along the last axis, in bits: from 0, the same, to 1, disjoint.

    The mean of KL(p ‖ m) and KL(q ‖ m) with m = (p + q) / 2 (Lin 1991).

    Args:
        p, q: (…, K), from 0, adding up to 1.

    Returns:
        (…) float64.
    """
    p, q = p.double(), q.double()
    m = (p + q) / 2
    nats = sum((torch.xlogy(d, d) - torch.xlogy(d, m)).sum(-1) for d in (p, q)) / 2
    return (torch.as_tensor(nats) / np.log(2)).clamp(0, 1)


@dataclass(frozen=True, eq=False)
class PredictionComparison:
    """What two networks predict for one picture; a class whose logit is NaN is not among the first.

    Attributes:
        jensen_shannon: of their probabilities, from 0 to 1; NaN where some are not known.
        same_top1: whether they agree on the most probable class.
        shared_top5: classes among the first five of both, in the order of the first network's.
        differences: (K) float32, second network's logits − first one's.
    """

    jensen_shannon: float
    same_top1: bool
    shared_top5: tuple[int, ...]
    differences: np.ndarray


def compare_predictions(first: Tensor, second: Tensor) -> PredictionComparison:
    """Compare the logits (K,) of two networks for one picture.

    Raises:
        InvalidInputError: the networks do not tell apart the same number of classes.
    """
    if first.shape != second.shape:
        raise InvalidInputError(
            f"Predictions of {len(first)} and of {len(second)} classes cannot be compared. "
            "Choose two models with the same classes."
        )
    best, other = (found.indices[~found.values.isnan()].tolist() for found in (largest(first, 5), largest(second, 5)))
    return PredictionComparison(
        jensen_shannon=float(jensen_shannon(first.double().softmax(0), second.double().softmax(0))),
        same_top1=bool(best) and best[:1] == other[:1],
        shared_top5=tuple(index for index in best if index in other),
        differences=(second - first).float().cpu().numpy(),
    )
