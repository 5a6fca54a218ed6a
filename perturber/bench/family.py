"""``perturber bench family``: what training has made of a network, over pictures that it has not seen.

Accuracies on pictures as they are, under an attack on the network itself, on stylised versions and under corruptions;
where the attack's energy lies; how alike the stages still answer; how a prediction fluctuates as an object turns.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.attack import Attack, share_below
from perturber.attack import run as attacked
from perturber.config import Settings
from perturber.editing import last_layers
from perturber.effects import apply
from perturber.groups.subjects import SUBJECTS
from perturber.parameters import PARAMETERS
from perturber.render import Renderer
from perturber.scene import Scene
from perturber.service import LOW_FREQUENCY
from perturber.service.device import choose_device, describe
from perturber.training.correlations import ActivationCorrelationWork
from perturber.zoo.collections import collection, picture, stem
from perturber.zoo.evaluate import read_ahead, spread

CORRELATED = 100
"""Pictures that stages are compared over, evenly spread; as many are corrupted."""

SEVERITY = 3.0
"""Of corruptions."""

YAWS = range(-180, 180, 5)
"""Degrees: a full turn."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one network is worth.

    Attributes:
        clean, robust, stylised: top-1, from 0 to 1; `stylised` is None where there were no such pictures.
        low: mean share of the perturbations' energy below `LOW_FREQUENCY` cycles a pixel, and its standard error.
        stages: stage → correlation with the base's activations in its last layer, mean over channels.
    """

    clean: float
    robust: float
    stylised: float | None
    low: tuple[float, float]
    stages: dict[str, float]


def measure(
    base: zoo.Network,
    network: zoo.Network,
    attack: Attack,
    *,
    images: Path,
    stylised: Path | None,
    only: Collection[str] | None,
) -> Row:
    """Measure one network.

    Args:
        base: where its training began, or itself.
        attack: untargeted, on the network itself.
        images, stylised: labelled pictures (see `perturber.zoo.collections`).
        only: use only pictures with one of these stems.

    Raises:
        InvalidInputError: no such pictures, or another architecture than the base's.
    """
    shares: list[Tensor] = []

    def perturb(pictures: Tensor, classes: Tensor) -> Tensor:
        state = attacked(network, pictures, attack, labels=classes)
        shares.append(share_below(state.perturbation, LOW_FREQUENCY))
        return state.attacked

    plain = zoo.evaluate(network, images, only=only, perturb=perturb)
    redrawn = None if stylised is None else zoo.evaluate(network, stylised, only=only)
    low = torch.cat(shares).double()
    assert plain.robust_top1 is not None
    return Row(
        clean=plain.top1,
        robust=plain.robust_top1,
        stylised=None if redrawn is None else redrawn.top1,
        low=(float(low.mean()), float(low.std() / len(low) ** 0.5)),
        stages=correlations(base, network, images, only),
    )


def correlations(
    base: zoo.Network, network: zoo.Network, images: Path, only: Collection[str] | None
) -> dict[str, float]:
    """Stage → mean correlation of its last layer's channels with the base's (see `perturber.training.correlations`)."""
    source = collection(images)
    names = spread([name for name in source.names if only is None or stem(name) in only], CORRELATED)
    batches = read_ahead(base.entry.crop, names, len(names), lambda name: picture(source, name))
    arrays = [array for batch in batches for array in batch if array is not None]
    pictures = torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2) / 255
    layers = last_layers(base.module, base.layers)
    work = ActivationCorrelationWork(base, network, pictures, layers=tuple(layers.values()))
    while not work.finished:
        work.step()
    found = work.result().layers
    return {stage: found[layer] for stage, layer in layers.items()}


@torch.inference_mode()
def fluctuation(network: zoo.Network) -> dict[str, float]:
    """Object → how the prediction fluctuates as the object turns at home, in percentage points: the standard deviation
    of the probability of the class that is most probable on average.
    """
    renderer, found = Renderer(network.device), {}
    for name, subject in SUBJECTS.items():
        seen = []
        for start in range(0, len(YAWS), 8):
            scenes = [subject.scene(yaw=float(yaw)) for yaw in YAWS[start : start + 8]]
            seen.append(network.logits(renderer.render(scenes)).softmax(1))
        probabilities = 100 * torch.cat(seen)
        found[name] = float(probabilities[:, probabilities.mean(0).argmax()].std(correction=0))
    return found


def corrupted(network: zoo.Network, images: Path, only: Collection[str] | None) -> dict[str, float]:
    """Corruption of ImageNet-C → share of the accuracy that is left under it, at severity `SEVERITY`."""
    found = {}
    for key, parameter in PARAMETERS.items():
        if parameter.group != "Corruptions" or key == "corruption_seed":
            continue

        def perturb(pictures: Tensor, _: Tensor, key: str = key) -> Tensor:
            return apply(pictures, [Scene.parse({key: SEVERITY, "corruption_seed": n}) for n in range(len(pictures))])

        result = zoo.evaluate(network, images, only=only, limit=CORRELATED, perturb=perturb)
        assert result.robust_top1 is not None
        found[parameter.label] = result.robust_top1 / result.top1
    return found


def family(base: str, settings: Settings) -> list[str]:
    """A model and those that were trained from it, where they are ready."""
    known = zoo.entries(settings)
    return [base, *(name for name in zoo.ready(settings) if name in known and known[name].base == base)]


def run(
    settings: Settings,
    *,
    base: str,
    models: Iterable[str] | None,
    attack: Attack,
    images: Path,
    stylised: Path | None = None,
    only: Collection[str] | None = None,
) -> None:
    """Print the tables.

    Args:
        models: names; by default the base and all that were trained from it.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    first = zoo.load(base, device, settings)
    names = list(models or family(base, settings))
    print(f"{describe(device)}; {str(attack).partition(';')[0]}) on each network itself; correlations with {base}\n")
    width = max(map(len, names)) + 2
    print(
        f"{'top-1':{width}}{'clean':>8}{'attacked':>10}{'stylised':>10}   energy below {LOW_FREQUENCY:g} cycles/pixel"
    )
    rows, turned, left = {}, {}, {}
    for name in names:
        network = first if name == base else zoo.load(name, device, settings)
        row = rows[name] = measure(first, network, attack, images=images, stylised=stylised, only=only)
        turned[name], left[name] = fluctuation(network), corrupted(network, images, only)
        redrawn = "" if row.stylised is None else f"{row.stylised:.1%}"
        print(f"{name:{width}}{row.clean:8.1%}{row.robust:10.1%}{redrawn:>10}   {row.low[0]:.1%} ± {row.low[1]:.1%}")
    print(f"\n{'correlation':{width}}" + "".join(f"{stage:>12}" for stage in rows[names[0]].stages))
    for name, row in rows.items():
        print(f"{name:{width}}" + "".join(f"{value:12.3f}" for value in row.stages.values()))
    print(f"\n{'full turn, ± points':{width}}" + "".join(f"{name:>12}" for name in SUBJECTS))
    for name, found in turned.items():
        print(f"{name:{width}}" + "".join(f"{value:12.1f}" for value in found.values()))
    print(f"\n{f'left at severity {SEVERITY:g}':20}" + "".join(f"{name:>{width}}" for name in names))
    for corruption in left[names[0]]:
        print(f"{corruption:20}" + "".join(f"{left[name][corruption]:{width}.0%}" for name in names))
    print(f"{'mean':20}" + "".join(f"{np.mean(list(left[name].values())):{width}.0%}" for name in names))
