"""At which frequencies a perturbation lies."""

import torch
from torch import Tensor


def radial_spectrum(perturbation: Tensor) -> tuple[Tensor, Tensor]:
    """Energy by radial frequency, all orientations and channels together.

    Args:
        perturbation: (B, 3, H, W).

    Returns:
        The frequencies (R,) from 0 to 0.5 cycles a pixel, R = min(H, W) // 2 + 1, and the energy (B, R) nearest to
        each. Together with the spectrum's corners, which lie beyond 0.5 and are left out, the energies add up to the
        perturbation's sum of squares (Parseval).
    """
    side = min(perturbation.shape[-2:])
    bins = (_frequencies(perturbation) * side).round().long().flatten()
    energies = _energies(perturbation).flatten(1)
    summed = energies.new_zeros(len(energies), int(bins.max()) + 1).index_add_(1, bins, energies)
    count = side // 2 + 1
    return torch.arange(count, device=energies.device) / side, summed[:, :count]


def share_below(perturbation: Tensor, frequency: float) -> Tensor:
    """Share of a perturbation's energy at radial frequencies below some cycles a pixel: (B,) from 0 to 1.

    Every frequency counts, the corners too (up to √½). A perturbation of zero has the share 0.
    """
    energies = _energies(perturbation)
    whole = energies.sum((1, 2))
    below = (energies * (_frequencies(perturbation) < frequency)).sum((1, 2))
    return below / torch.where(whole > 0, whole, 1)


def _energies(perturbation: Tensor) -> Tensor:
    """|F|² of each frequency over the channels (B, H, W), which add up to the sum of squares."""
    return torch.fft.fft2(perturbation, norm="ortho").abs().square().sum(1)


def _frequencies(perturbation: Tensor) -> Tensor:
    """Distance of each entry of a spectrum from frequency zero (H, W), in cycles a pixel."""
    height, width = (torch.fft.fftfreq(n, dtype=torch.float64) for n in perturbation.shape[-2:])
    return torch.hypot(height[:, None], width).to(perturbation.device)
