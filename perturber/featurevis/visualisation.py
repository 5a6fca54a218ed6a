"""One picture that is optimised step by step until a neuron responds strongly to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from lucent.optvis import param
from lucent.optvis.transform import compose, standard_transforms

from perturber.zoo import Network

SIZE = 128
"""Side of the picture, in pixels: a power of two, as a texture needs."""

STEPS = 128
"""Steps of Adam, enough for a picture to settle."""

LEARNING_RATE = 0.05
"""Lucent's."""


@dataclass(frozen=True)
class Neuron:
    """The unit in the middle of one channel's map."""

    model: str
    layer: str
    channel: int

    @classmethod
    def parse(cls, text: str, default_model: str) -> "Neuron":
        """Read ``layer:neuron`` or ``model/layer:neuron`` (see `perturber.parameters.Neuron`)."""
        model, _, unit = text.rpartition("/")
        layer, _, channel = unit.rpartition(":")
        return cls(model or default_model, layer, int(channel))


class Visualisation:
    """The optimisation of one neuron's picture: Fourier parameterisation, decorrelated colours, jittered views.

    The same network, neuron and seed give the same picture on the same device, whatever happens between two steps.

    Args:
        network: to be looked into; it runs only as deep as the neuron's layer.
        neuron: of this network.
        seed: of the first picture and of the random views.
    """

    def __init__(self, network: Network, neuron: Neuron, *, seed: int = 0) -> None:
        self.network = network
        self.neuron = neuron
        self.done = 0
        self._generators = np.random.RandomState(seed).get_state(), torch.Generator().manual_seed(seed).get_state()
        with self._own_randomness():
            parameters, self._image = param.image(SIZE, fft=True, decorrelate=True)
        self._optimiser = torch.optim.Adam(parameters, lr=LEARNING_RATE)
        self._view = compose(standard_transforms)

    @property
    def finished(self) -> bool:
        """Whether the picture has settled."""
        return self.done >= STEPS

    def step(self) -> float:
        """Take one step; returns the neuron's activation before it."""
        with self._own_randomness(), torch.enable_grad():
            self._optimiser.zero_grad()
            inputs = self.network.preprocess(self._view(self._image()).to(self.network.device))
            layer = self.network.look(inputs, layers=(self.neuron.layer,), logits=False).activations[self.neuron.layer]
            activation = layer[:, self.neuron.channel, layer.shape[2] // 2, layer.shape[3] // 2].mean()
            (-activation).backward()
            self._optimiser.step()
        self.done += 1
        return float(activation.detach())

    def picture(self) -> np.ndarray:
        """The picture as it is now: (SIZE, SIZE, 3) uint8."""
        with torch.no_grad():
            return self._image()[0].mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()

    @contextmanager
    def _own_randomness(self) -> Iterator[None]:
        """Lucent draws from the global generators: lend them this picture's state, and give theirs back."""
        others = np.random.get_state(), torch.get_rng_state()
        np.random.set_state(self._generators[0])
        torch.set_rng_state(self._generators[1])
        try:
            with torch.inference_mode(False):
                yield
        finally:
            self._generators = np.random.get_state(), torch.get_rng_state()
            np.random.set_state(others[0])
            torch.set_rng_state(others[1])
