"""Pictures of many targets, optimised together step by step."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from lucent.optvis import objectives, param
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.featurevis.targets import Kind, Recipe, Target
from perturber.featurevis.views import View, Window
from perturber.zoo import Layer, Network, check_layer

LEARNING_RATE = 0.05
NOISE = 0.01
"""Lucent's: of Adam, and the standard deviation of the first picture's parameters."""

DIVERSITY = 1.0
"""How much the similarity of a target's variants counts, as a share of its objective's own size."""

PIXELS_AT_ONCE = {"cpu": 4 * 224**2, "cuda": 80 * 224**2}
"""Pixels of the network's input in one pass: more is no faster, and takes gigabytes."""


class Optimisation:
    """One picture or several variants for each target, Lucent's objectives and parameters, all steps taken together.

    A picture does not depend on which other targets are there, up to the rounding of convolutions in batches: each
    starts from the same noise, sees the same views, and no gradient mixes. The same seed gives the same pictures on
    the same device, whatever happens between two steps (up to the order of sums on a GPU); nothing here draws from
    the global random generators.

    Args:
        network: to be looked into; for each target it runs only as deep as its layer, and where one unit counts only
            over what this unit sees.
        targets: one or more.
        recipe: for all of them.

    Raises:
        InvalidInputError: no targets, or a channel or class that the network does not have.
        UnknownNameError: a layer that the network does not have.
    """

    def __init__(self, network: Network, targets: Sequence[Target], recipe: Recipe) -> None:
        if not targets:
            raise InvalidInputError("There is nothing to visualise. Give at least one target.")
        for target in targets:
            _check(network, target)
        self.network = network
        self.targets = tuple(targets)
        self.recipe = recipe
        self.done = 0
        self._random = random.Random(recipe.seed)
        self._count = len(targets) * recipe.variants
        with torch.inference_mode(False):
            self._values = torch.full((len(targets),), torch.nan, device=network.device)
            self._parts = _divide(network, self.targets, recipe.variants)
            with torch.random.fork_rng(devices=[]):
                fourier = not recipe.naive
                parameters, self._images = param.image(recipe.size, batch=self._count, fft=fourier, decorrelate=fourier)
            self._begin(parameters[0])
            self._optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE)

    def _begin(self, parameters: Tensor) -> None:
        """Start every target from the same noise, one for each variant."""
        generator = torch.Generator().manual_seed(self.recipe.seed)
        noise = NOISE * torch.randn(self.recipe.variants, *parameters.shape[1:], generator=generator)
        parameters.data.copy_(noise.repeat(len(self.targets), *[1] * (noise.ndim - 1)))

    @property
    def steps(self) -> int:
        """Steps until the pictures have settled."""
        return self.recipe.steps

    @property
    def finished(self) -> bool:
        """Whether all steps have been taken; more may follow nevertheless."""
        return self.done >= self.steps

    @property
    def values(self) -> np.ndarray:
        """(N,) each target's objective before the last step, mean over its variants; higher is better, first NaN."""
        return self._values.cpu().numpy().copy()

    def step(self) -> None:
        """Take one step with all pictures.

        Raises:
            InvalidInputError: a gradient is not finite; the pictures stay as they are.
        """
        view = View.draw(self._random)
        with torch.inference_mode(False), torch.enable_grad():
            self._optimiser.zero_grad()
            images = self._images()
            pictures = images.detach().to(self.network.device)
            gradient = torch.empty_like(pictures)
            for part in self._parts:
                own = pictures[part.rows].requires_grad_()
                values, similarity = self._look(part, view, own)
                self._values[part.targets] = values.detach()
                (DIVERSITY * values.detach().abs() * similarity - values).sum().backward()
                gradient[part.rows] = own.grad
            if not gradient.isfinite().all():  # a picture would be lost with its first step
                raise InvalidInputError(
                    f"{self.network.entry.name} gives gradients that are not finite (NaN or ∞), so that "
                    "these feature visualisations cannot be made."
                )
            images.backward(gradient.to(images.device))
            self._optimiser.step()
        self.done += 1

    def pictures(self) -> np.ndarray:
        """The pictures as they are now: (N, variants, size, size, 3) uint8."""
        with torch.no_grad():
            images = self._images().mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu()
        return np.ascontiguousarray(images.unflatten(0, (len(self.targets), self.recipe.variants)).numpy())

    def _look(self, part: "_Part", view: View, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Objectives of a part's targets (n,), and how similar the variants of each are (n,)."""
        inputs = view.show(pictures, self.network.entry.input_size, part.window)
        inputs = self.network.normalise(inputs)
        probe = self.network.look(inputs, layers=part.layers, logits=part.kind == "class")
        found = probe.logits if part.kind == "class" else probe.activations[part.layers[0]]
        assert found is not None
        values = respond(part.kind, found, part.weights, part.unit)
        if self.recipe.variants == 1:
            return values, torch.zeros_like(values)
        layer, diversity = part.layers[0], objectives.diversity(part.layers[0])
        each = probe.activations[layer].split(self.recipe.variants)
        # Lucent's objective is to be maximised and sums over the other variants; this is its mean over them.
        return values, -torch.stack([diversity(lambda _, maps=maps: maps) for maps in each]) / (
            self.recipe.variants - 1
        )


def respond(kind: Kind, found: Tensor, weights: Tensor, unit: tuple[int, int]) -> Tensor:
    """Objectives of several targets of one kind at one layer in one go, higher is better; `lucent.optvis.objectives`
    has them one by one and negated.

    Args:
        found: activations (n · variants, C, h, w) at the layer, for ``class`` logits (n · variants, C).
        weights: (n, C), of each target.
        unit: row and column of the unit that counts for ``neuron`` and ``direction``.

    Returns:
        (n,), means over the variants.
    """
    if kind == "channel":
        found = found.mean((2, 3))
    elif kind != "class":
        found = found[:, :, unit[0], unit[1]]
    found = found.unflatten(0, (len(weights), -1))
    if kind == "direction":
        return F.cosine_similarity(found, weights[:, None], dim=2).mean(1)
    return (found * weights[:, None]).sum(2).mean(1)


def centre_window(layer: Layer, size: int) -> tuple[Window, tuple[int, int]]:
    """The part of the network's input that decides the middle unit of a layer.

    Cut off are multiples of the layer's stride, so that strided convolutions fall on the same pixels and padding that
    depends on the input's size stays as it is.

    Args:
        size: side of the network's input.

    Returns:
        The part, and row and column of the unit within the layer's map of this part.
    """
    row, column = layer.height // 2, layer.width // 2
    if layer.field is None:
        return (0, 0, size, size), (row, column)
    top, left, bottom, right = layer.field.box(row, column)
    tall, wide = layer.field.rows.stride, layer.field.columns.stride
    above, before = max(0, top) // tall, max(0, left) // wide
    below, behind = max(0, size - bottom) // tall, max(0, size - right) // wide
    window = above * tall, before * wide, size - below * tall, size - behind * wide
    return window, (row - above, column - before)


@dataclass(frozen=True)
class _Part:
    """Targets that are looked at in one pass.

    Attributes:
        kind: of all of them.
        layers: where the network is looked at: their layer; for classes the one at which variants are compared.
        window: what is shown of the network's input.
        unit: row and column of the unit that counts in the layer's map of this window.
        targets: (n,) their numbers.
        rows: (n · variants,) the numbers of their pictures.
        weights: (n, channels of the layer or classes).
    """

    kind: Kind
    layers: tuple[str, ...]
    window: Window
    unit: tuple[int, int]
    targets: Tensor
    rows: Tensor
    weights: Tensor


def _divide(network: Network, targets: Sequence[Target], variants: int) -> list[_Part]:
    """Put targets of one kind and layer together, as many as one pass takes."""
    groups: dict[tuple[Kind, str | None], list[int]] = {}
    for number, target in enumerate(targets):
        groups.setdefault((target.kind, target.layer), []).append(number)
    parts = []
    for (kind, name), numbers in groups.items():
        size = network.entry.input_size
        window, unit = (0, 0, size, size), (0, 0)
        if name is not None:
            layer = network.layers[name]
            unit = layer.height // 2, layer.width // 2
            if kind in ("neuron", "direction") and variants == 1:  # variants are compared over the whole map
                window, unit = centre_window(layer, size)
        layers = (name,) if name else (network.default_layer,) * (variants > 1)
        channels = network.layers[name].channels if name else len(network.classes)
        pixels = variants * (window[2] - window[0]) * (window[3] - window[1])
        at_once = max(1, PIXELS_AT_ONCE.get(network.device.type, PIXELS_AT_ONCE["cpu"]) // pixels)
        for start in range(0, len(numbers), at_once):
            chosen = numbers[start : start + at_once]
            weights = torch.zeros(len(chosen), channels)
            for row, number in enumerate(chosen):
                for channel, weight in targets[number].weights.items():
                    weights[row, channel] = weight
            rows = torch.tensor([number * variants + v for number in chosen for v in range(variants)])
            tensors = (t.to(network.device) for t in (torch.tensor(chosen), rows, weights))
            parts.append(_Part(kind, layers, window, unit, *tensors))
    return parts


def _check(network: Network, target: Target) -> None:
    """Refuse what the network does not have."""
    if target.layer is not None:
        check_layer(network.entry.name, network.layers, target.layer, list(target.weights))
    elif target.index >= len(network.classes):
        raise InvalidInputError(
            f"{network.entry.name} has no class {str(target.index)[:40]!r}. "
            f"Allowed: whole numbers, 0 to {len(network.classes) - 1}."
        )
