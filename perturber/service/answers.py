"""Parts of answers, brought from the device to the host."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from perturber.order import largest
from perturber.service.requests import TOP, ClassScore


def picture_bytes(images: Tensor) -> np.ndarray:
    """Pictures (B, 3, H, W) in [0, 1] as (B, H, W, 3) uint8."""
    return images.mul(255).round_().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def scores(logits: Tensor, classes: Iterable[int], names: Sequence[str]) -> tuple[ClassScore, ...]:
    """The scores of some classes, in their order.

    Args:
        logits: (K,), of one picture.
        names: of all K classes.
    """
    logits = logits.detach().float()
    index = torch.tensor(list(classes), dtype=torch.long, device=logits.device)
    values = zip(index.tolist(), logits[index].tolist(), logits.softmax(0)[index].tolist(), strict=True)
    return tuple(ClassScore(index=i, name=names[i], logit=logit, probability=share) for i, logit, share in values)


def top_scores(logits: Tensor, names: Sequence[str]) -> tuple[ClassScore, ...]:
    """The scores of the `TOP` most probable classes, in falling order; as of `scores`. NaN is no logit."""
    best = largest(logits, TOP)
    return scores(logits, best.indices[~best.values.isnan()].tolist(), names)
