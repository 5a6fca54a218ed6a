"""The largest of several numbers, in an order that depends on nothing but them."""

from typing import NamedTuple

import torch
from torch import Tensor


class Largest(NamedTuple):
    """Numbers, largest first, and their places."""

    values: Tensor
    indices: Tensor


def largest(values: Tensor, count: int) -> Largest:
    """The largest numbers of the last dimension, among equals the one with the lower index first; NaN comes last.

    `torch.topk` promises no order of equals, and takes NaN for the largest.

    Args:
        count: how many; all where there are fewer.
    """
    order = values.nan_to_num(-torch.inf, torch.inf, -torch.inf).sort(dim=-1, descending=True, stable=True).indices
    indices = order[..., :count]
    return Largest(values.gather(-1, indices), indices)
