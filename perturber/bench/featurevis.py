"""``perturber bench featurevis``: feature visualisations with Lucent one by one, and ours together in one batch."""

import copy
import random
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from lucent.optvis import objectives, param, render, transform
from torch import Tensor

from perturber.bench.timing import measure, table
from perturber.config import Settings
from perturber.featurevis import Optimisation, Recipe, Target
from perturber.featurevis.views import View
from perturber.service.device import choose_device, describe
from perturber.zoo import Network, load

JUDGED = 16
"""Neurons whose final objectives are compared."""

VIEWS = 16
"""Random views over which an objective is averaged."""

BARS = {"cpu": 2, "cuda": 15}
"""How many times as fast ours must be."""

OBJECTIVE_BAR = 0.97


def run(
    settings: Settings,
    *,
    model: str = "efficientnet_lite0",
    layer: str | None = None,
    neurons: int = 8,
    steps: int = 128,
    size: int = 128,
    rounds: int = 1,
) -> None:
    """Print the tables.

    Args:
        layer: None is the network's default layer.
        neurons: that are timed; 16 at least are compared.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    network = load(model, device, settings)
    layer = layer or network.default_layer
    channels = np.linspace(0, network.layers[layer].channels, max(neurons, JUDGED), endpoint=False).astype(int).tolist()
    print(f"{describe(device)}, {model}, {layer}, {size} × {size} pixels, {steps} steps of Adam")
    for naive in (False, True):
        recipe = Recipe(naive=naive, size=size, steps=steps)
        _compare(network, layer, channels, _pictures(network, layer, recipe, channels, neurons, rounds))


def _pictures(
    network: Network, layer: str, recipe: Recipe, channels: Sequence[int], timed: int, rounds: int
) -> dict[str, np.ndarray]:
    """Who made them → pictures (N, S, S, 3) of all channels; prints how long those that are timed took."""
    lucents, ours = partial(_lucents, network, layer, recipe), partial(_ours, network, layer, recipe)
    for job in (lucents, ours):
        job(channels[:1], steps=2)  # warm-up
    results: dict[str, np.ndarray] = {}
    names = "Lucent, one by one", "ours, together"
    jobs = {
        name: partial(_keep, results, name, job, channels[:timed])
        for name, job in zip(names, (lucents, ours), strict=True)
    }
    times = measure(jobs, rounds=rounds, warmup=0, device=network.device)
    title = "plain pixels" if recipe.naive else "Fourier coefficients, decorrelated colours"
    table(f"{timed} neurons, {title}: time per neuron", times, per=dict.fromkeys(times, timed))
    ratio = np.median(times[names[0]]) / np.median(times[names[1]])
    print(f"{ratio:.1f} times as fast (bar: {BARS[network.device.type]})")
    if timed < len(channels):
        results[names[0]] = np.concatenate([results[names[0]], lucents(channels[timed:])])
        results[names[1]] = ours(channels)
    return results


def _keep(
    results: dict[str, np.ndarray],
    name: str,
    job: Callable[[Sequence[int]], np.ndarray],
    channels: Sequence[int],
    _: int,
) -> None:
    results[name] = job(channels)


def _compare(network: Network, layer: str, channels: Sequence[int], results: dict[str, np.ndarray]) -> None:
    """Print final objectives: the neurons' activations by the plain pictures, and means over random views."""
    width = max(map(len, results)) + 2
    print(f"\nMean objective of {len(channels)} neurons")
    print(f"{'':{width}}{'plain':>10}{'Lucent views':>14}{'our views':>12}")
    rows = {name: _objectives(network, layer, channels, pictures).mean(1) for name, pictures in results.items()}
    reference, ours = rows.values()
    for name, row in {**rows, "ratio": ours / reference}.items():
        print(f"{name:{width}}{row[0]:10.3f}{row[1]:14.3f}{row[2]:12.3f}")
    print(f"seen plainly, ours reach {ours[0] / reference[0]:.3f} of Lucent's objective (bar: {OBJECTIVE_BAR})")


@torch.no_grad()
def _objectives(network: Network, layer: str, channels: Sequence[int], pictures: np.ndarray) -> np.ndarray:
    """(3, N): the middle units' activations by pictures (N, S, S, 3), plain and over Lucent's and our random views.

    Lucent's views blur, ours do not: each kind of picture is the better one by the views that it was made for.
    """
    images = torch.tensor(pictures).permute(0, 3, 1, 2).to(network.device) / 255

    def responses(seen: Tensor) -> np.ndarray:
        found = network.look(network.preprocess(seen), layers=(layer,), logits=False).activations[layer]
        units = found[:, :, found.shape[2] // 2, found.shape[3] // 2]
        return units[torch.arange(len(channels)), torch.tensor(channels)].cpu().numpy()

    np.random.seed(0)
    generator = random.Random(0)
    chain = transform.compose(transform.standard_transforms)
    size = network.entry.input_size
    lucents = [responses(chain(images)) for _ in range(VIEWS)]
    ours = [responses(View.draw(generator).show(images, size)) for _ in range(VIEWS)]
    return np.stack([responses(images), np.mean(lucents, axis=0), np.mean(ours, axis=0)])


def _ours(
    network: Network, layer: str, recipe: Recipe, channels: Sequence[int], *, steps: int | None = None
) -> np.ndarray:
    """Pictures (N, S, S, 3) uint8."""
    optimisation = Optimisation(network, [Target(layer=layer, index=channel) for channel in channels], recipe)
    for _ in range(steps or recipe.steps):
        optimisation.step()
    return optimisation.pictures()[:, 0]


def _lucents(
    network: Network, layer: str, recipe: Recipe, channels: Sequence[int], *, steps: int | None = None
) -> np.ndarray:
    """Pictures (N, S, S, 3) uint8."""
    mean, std = (
        torch.tensor(values, device=network.device).view(1, 3, 1, 1)
        for values in (network.entry.mean, network.entry.std)
    )
    pictures = []
    for channel in channels:
        torch.manual_seed(channel)
        np.random.seed(channel)
        module = copy.deepcopy(network.module)  # Lucent leaves its hooks behind
        (picture,) = render.render_vis(
            module,
            objectives.neuron(layer.replace(".", "_"), channel),
            lambda: param.image(recipe.size, fft=not recipe.naive, decorrelate=not recipe.naive),
            transforms=[*transform.standard_transforms, lambda images: (images - mean) / std],
            thresholds=(steps or recipe.steps,),
            preprocess=False,
            progress=False,
            show_image=False,
        )
        pictures.append((picture[0] * 255).round().astype(np.uint8))
    return np.stack(pictures)
