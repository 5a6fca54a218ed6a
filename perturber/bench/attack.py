"""``perturber bench attack``: a step of each method beside a forward pass, and beside torchattacks."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from perturber import zoo
from perturber.attack import METHODS, NORMS, Attack, start, step
from perturber.attack import run as attacked
from perturber.bench.timing import measure, table
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.service import IMAGE_SIZE
from perturber.service.device import choose_device, describe

STEPS = 4
BAR = 3
EPSILON = {"l2": 1.0, "linf": 0.03}
"""Of whole attacks, here and in torchattacks."""


class AsModule(nn.Module):
    """A network as other libraries take it: a module of pictures in [0, 1]."""

    def __init__(self, network: zoo.Network) -> None:
        super().__init__()
        self.module, self.preprocess = network.module, network.preprocess
        self.eval()  # as it was, since such a library puts back what it found

    def forward(self, images: Tensor) -> Tensor:
        """Logits (B, classes)."""
        # Through rows, so that gradients come in rows, of which PGDL2 takes a view.
        return self.module(self.preprocess(images.flatten().view_as(images)))


def run(settings: Settings, *, model: str, rounds: int = 20, batch: int = 32) -> None:
    """Print the tables.

    Raises:
        InvalidInputError: torchattacks is not installed.
    """
    try:
        import torchattacks
    except ImportError as error:
        raise InvalidInputError(
            "torchattacks is not installed; install the extra: pip install -e '.[bench]'."
        ) from error

    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    network = zoo.load(model, device, settings)
    print(f"{model} on {describe(device)}, {IMAGE_SIZE} × {IMAGE_SIZE} pixels")
    images = torch.rand(batch, 3, IMAGE_SIZE, IMAGE_SIZE, generator=torch.Generator().manual_seed(0)).to(device)
    _steps(network, images[:1], rounds)
    module = AsModule(network)
    for count in dict.fromkeys((1, batch)):
        _beside(torchattacks, network, module, images[:count], rounds if count == 1 else max(3, rounds // 5))


def _steps(network: zoo.Network, image: Tensor, rounds: int) -> None:
    def forward(_: int) -> Tensor | None:
        with torch.inference_mode():
            return network.look(network.preprocess(image)).logits

    def job(attack: Attack) -> Callable[[int], object]:
        state = step(network, start(network, image, attack))
        return lambda _: step(network, state)

    jobs: dict[str, Callable[[int], object]] = {"forward pass": forward}
    jobs |= {f"{METHODS[a.method].label}, {NORMS[a.norm].label}": job(a) for a in _attacks(network)}
    times = measure(jobs, rounds=rounds, device=network.device)
    table("A step on one picture", times)
    for name, values in list(times.items())[1:]:
        ratio = np.median(values / times["forward pass"])
        print(f"{name}: {ratio:.2f} × the forward pass, median over rounds (bar on a CPU: {BAR})")


def _attacks(network: zoo.Network) -> list[Attack]:
    """Every method in every norm that it is made for."""
    return [
        Attack(model=network.entry.name, method=key, norm=norm, epsilon=epsilon)
        for key, method in METHODS.items()
        for norm, epsilon in method.norms.items()
    ]


def _beside(torchattacks: Any, network: zoo.Network, module: nn.Module, images: Tensor, rounds: int) -> None:
    """Whole attacks with given labels, in turn."""
    labels = torch.zeros(len(images), dtype=torch.long, device=images.device)
    name = network.entry.name
    l2, linf = EPSILON["l2"], EPSILON["linf"]
    pairs = {
        "PGD, l2": (
            Attack(model=name, epsilon=l2, step_size=l2 / 4, steps=STEPS),
            torchattacks.PGDL2(module, l2, l2 / 4, STEPS, random_start=False),
        ),
        "PGD, linf": (
            Attack(model=name, norm="linf", epsilon=linf, step_size=linf / 4, steps=STEPS),
            torchattacks.PGD(module, linf, linf / 4, STEPS, random_start=False),
        ),
        "MI-FGSM": (
            Attack(model=name, method="mifgsm", norm="linf", epsilon=linf, step_size=linf / 4, steps=STEPS),
            torchattacks.MIFGSM(module, linf, linf / 4, STEPS),
        ),
    }
    jobs: dict[str, Callable[[int], object]] = {}
    for row, (attack, theirs) in pairs.items():
        jobs[row] = lambda _, attack=attack: attacked(network, images, attack, labels=labels)  # type: ignore[misc]
        jobs[f"{row}, torchattacks"] = lambda _, theirs=theirs: theirs(images, labels)  # type: ignore[misc]
    times = measure(jobs, rounds=rounds, warmup=1, device=network.device)
    title = f"{STEPS} steps on {len(images)} pictures: time per step and picture"
    table(title, times, per=dict.fromkeys(times, len(images) * STEPS))
    for row in pairs:
        ratio = np.median(times[row] / times[f"{row}, torchattacks"])
        print(f"{row}: {ratio:.2f} × torchattacks' time, median over rounds (bar: 1)")
