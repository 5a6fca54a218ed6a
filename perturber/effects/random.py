"""Random numbers that depend on nothing but a seed and a position.

Torch's generators have one state for a whole tensor: what an item draws would depend on its neighbours in the batch
and on the device. Here each number is a hash of its item's seed and its own position, so that a batch is drawn in one
pass and every item is the same wherever and with whomever it is drawn.
"""

import math
from functools import lru_cache

import torch
from torch import Tensor


def _mix(x: Tensor) -> Tensor:
    """A bijection of 32-bit numbers in which every bit of the input changes half of the output's (Mueller 2018).

    In int32, whose products wrap around and whose operations a CPU does eight at a time.
    """
    for _ in range(2):
        x = ((x >> 16) & 0xFFFF).bitwise_xor_(x).mul_(0x45D9F3B)
    return ((x >> 16) & 0xFFFF).bitwise_xor_(x)


@lru_cache(maxsize=64)
def _positions(count: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):
        return _mix(torch.arange(1, count + 1, dtype=torch.int32, device=device))


def bits(seeds: Tensor, *shape: int, stream: int = 0) -> Tensor:
    """Uniform 32-bit numbers, as int32 of either sign.

    Args:
        seeds: (B,) int64 in [0, 2³¹), one for each item.
        shape: of each item's numbers.
        stream: tells apart what one item draws for different purposes.

    Returns:
        (B, *shape) int32.
    """
    start = _mix(_mix(seeds.to(torch.int32)) + 0x1E3779B9 * (stream + 1) % 2**31)
    return _mix(start[:, None] ^ _positions(math.prod(shape), seeds.device)).view(-1, *shape)


def uniform(seeds: Tensor, *shape: int, stream: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Uniform numbers in the open interval (0, 1): (B, *shape); see `bits`."""
    return (bits(seeds, *shape, stream=stream) >> 9).to(dtype).add_(2**22 + 0.5).mul_(2.0**-23)


def normal(seeds: Tensor, *shape: int, stream: int = 0, dtype: torch.dtype = torch.float32) -> Tensor:
    """Standard normal numbers, (B, *shape), by the transform of Box & Muller (1958); see `bits`."""
    count = math.prod(shape)
    half = (count + 1) // 2
    radius, angle = uniform(seeds, 2, half, stream=stream, dtype=dtype).unbind(1)
    radius = radius.log_().mul_(-2).sqrt_()
    angle = angle.mul_(2 * math.pi)
    return torch.cat((radius * angle.cos(), radius * angle.sin()), 1)[:, :count].reshape(-1, *shape)
