"""What neurons of early layers look for: indices from their responses to `perturber.groups.stimuli`.

A response is the root mean square, over the middle of a map, of its difference to the map for mid-grey: how strongly
the neuron answers, whatever the sign. Each index lies in [0, 1], or in [-1, 1] for curves.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from perturber import zoo
from perturber.groups import stimuli

COLOUR = 0.5
"""Of the index `Tuning.colour`: more than to any grating of the same energy. From there on a neuron is in a group."""

ORIENTED = 0.33
"""Of `Tuning.oriented`: for a sinusoidal tuning, stripes across the best are answered a fifth as strongly."""

CURVED = 0.15
"""Of `Tuning.curved`: a third more to bent stripes than to straight ones."""

TEXTURED = 0.55
"""Of `Tuning.textured`: a fifth more to noise than to any grating of the same energy."""

ALIVE = 0.1
"""A neuron whose strongest response is below this share of its layer's median says nothing; nor do responses below this
share of a neuron's strongest say anything of it: what is left there is noise of other kinds."""

AT_ONCE = 16
"""Pictures in one pass."""


@dataclass(frozen=True)
class Tuning:
    """What the neurons of a layer answer to; every tensor is (C,).

    Attributes:
        colour: strongest response to a hue, as a share of it and the strongest to a black-and-white grating together.
        hue: to which hue the answer is highest, in degrees.
        oriented: how much the answer to gratings of the best period depends on orientation (1 - circular variance).
        orientation: of the stripes that are answered most, in degrees from 0 to 180.
        curved: (c - s) / (c + s) of the strongest answers to bent and to straight stripes in one window.
        textured: strongest response to noise, as a share of it and the strongest to a grating together.
        alive: whether it answers to anything.
    """

    colour: Tensor
    hue: Tensor
    oriented: Tensor
    orientation: Tensor
    curved: Tensor
    textured: Tensor
    alive: Tensor


def measure(network: zoo.Network, layers: Sequence[str], seed: int) -> dict[str, Tuning]:
    """Show the stimuli to a network: layer → what its neurons answer to.

    Args:
        seed: of the noise.
    """
    size = network.entry.input_size
    base = _maps(network, layers, stimuli.grey(size))
    hues = _signed(network, layers, stimuli.hues(size), base)
    gratings = [_strength(network, layers, stimuli.gratings(size, period), base) for period in stimuli.PERIODS]
    straight, bent = (
        [
            _strength(network, layers, stimuli.bows(size, period, radius), base, middle=8)
            for period in stimuli.PERIODS[:3]
            for radius in radii
        ]
        for radii in ((None,), stimuli.RADII)
    )
    noise = [_strength(network, layers, stimuli.noise(size, grain, seed), base) for grain in stimuli.GRAINS]
    return {
        layer: tuning(
            hues[layer],
            torch.stack([_over_phases(found[layer]) for found in gratings]),
            straight=torch.cat([_over_phases(found[layer]) for found in straight]).amax(0),
            bent=torch.cat([_over_phases(found[layer]) for found in bent]).amax(0),
            noise=torch.stack([found[layer].mean(0) for found in noise]).amax(0),
        )
        for layer in layers
    }


def tuning(hues: Tensor, gratings: Tensor, *, straight: Tensor, bent: Tensor, noise: Tensor) -> Tuning:
    """The indices of a layer.

    Args:
        hues: (hues, C), signed.
        gratings: (periods, orientations, C), mean over phases.
        straight, bent, noise: (C,), the strongest.
    """
    strongest = gratings.amax((0, 1))
    best = gratings.amax(1).argmax(0)
    at_best = gratings.permute(2, 0, 1)[torch.arange(len(best)), best]
    turns = torch.tensor(stimuli.ORIENTATIONS) * (math.pi / 90)  # stripes are the same after half a turn
    vector = (at_best * torch.exp(1j * turns)).sum(1)
    around = torch.arange(len(hues)) * (2 * math.pi / len(hues))
    circle = (hues.T * torch.exp(1j * around)).sum(1)
    colour = hues.abs().amax(0)
    every = torch.stack([colour, strongest, noise]).amax(0)

    def told(index: Tensor, responses: Tensor) -> Tensor:
        return torch.where(responses > ALIVE * every, index, 0)

    return Tuning(
        colour=_share(colour, strongest),
        hue=circle.angle().rad2deg() % 360,
        oriented=told(vector.abs() / at_best.sum(1).clamp_min(1e-9), strongest),
        orientation=(vector.angle() / 2).rad2deg() % 180,
        curved=told((bent - straight) / (bent + straight).clamp_min(1e-9), torch.maximum(bent, straight)),
        textured=told(_share(noise, strongest), noise),
        alive=every > ALIVE * every.median(),
    )


def groups(found: Tuning) -> dict[str, dict[int, float]]:
    """Group → channel → index, the clearest first; a neuron may stand in several, and most stand in none."""
    hue = {f"Colour: {name}": _near(found.hue, degrees, 360) for name, degrees in stimuli.HUES.items()}
    edge = {f"Edges {degrees}°": _near(found.orientation, degrees, 180) for degrees in (0, 45, 90, 135)}
    chosen = {
        **{name: (found.colour, (found.colour > COLOUR) & (far <= 30)) for name, far in hue.items()},
        **{name: (found.oriented, (found.oriented > ORIENTED) & (far <= 22.5)) for name, far in edge.items()},
        "Curves": (found.curved, found.curved > CURVED),
        "Texture": (found.textured, found.textured > TEXTURED),
    }
    return {
        name: {int(c): float(index[c]) for c in index.argsort(descending=True) if inside[c] and found.alive[c]}
        for name, (index, inside) in chosen.items()
    }


def _share(one: Tensor, other: Tensor) -> Tensor:
    return one / (one + other).clamp_min(1e-9)


def _over_phases(responses: Tensor) -> Tensor:
    """The mean over the phases, which run fastest."""
    return responses.unflatten(0, (-1, len(stimuli.PHASES))).mean(1)


def _near(angle: Tensor, degrees: float, circle: float) -> Tensor:
    """How far an angle is from another one, either way round."""
    return ((angle - degrees + circle / 2) % circle - circle / 2).abs()


def _maps(network: zoo.Network, layers: Sequence[str], pictures: Tensor) -> dict[str, Tensor]:
    with torch.inference_mode():
        inputs = network.preprocess(pictures.to(network.device))
        return network.look(inputs, layers=layers, logits=False).activations


def _differences(
    network: zoo.Network, layers: Sequence[str], pictures: Tensor, base: Mapping[str, Tensor], middle: int
) -> dict[str, list[Tensor]]:
    """Layer → differences to grey (B, C, h, w) of batches, over the middle 1 / `middle` of a map's sides or so."""
    found: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for part in pictures.split(AT_ONCE):
        for layer, maps in _maps(network, layers, part).items():
            height, width = maps.shape[-2:]
            rows, columns = _middle(height, middle), _middle(width, middle)
            found[layer].append((maps - base[layer])[..., rows, columns].cpu())
    return found


def _middle(length: int, part: int) -> slice:
    half = max(length // part // 2, 1)
    return slice(max(length // 2 - half, 0), length // 2 + half)


def _strength(
    network: zoo.Network, layers: Sequence[str], pictures: Tensor, base: Mapping[str, Tensor], middle: int = 2
) -> dict[str, Tensor]:
    """Layer → responses (B, C)."""
    found = _differences(network, layers, pictures, base, middle)
    return {layer: torch.cat([part.square().mean((2, 3)).sqrt() for part in parts]) for layer, parts in found.items()}


def _signed(
    network: zoo.Network, layers: Sequence[str], pictures: Tensor, base: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Layer → mean differences to grey (B, C), with their sign."""
    found = _differences(network, layers, pictures, base, 2)
    return {layer: torch.cat([part.mean((2, 3)) for part in parts]) for layer, parts in found.items()}
