"""``perturber bench objects``: do networks see in the built-in objects what they are meant to be?

The four objects, their views and the classes that count as right are those of `perturber.groups.subjects`; the tests
hold the same numbers against their bar.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from perturber import zoo
from perturber.config import Settings
from perturber.groups.subjects import DISTANCES, PITCHES, SUBJECTS, VIEWS, YAWS, Subject
from perturber.order import largest
from perturber.render import Renderer
from perturber.service.device import choose_device, describe

NETWORKS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")


@dataclass(frozen=True)
class Recognition:
    """What a network makes of an object.

    Attributes:
        top5, top1: shares in [0, 1] of the views with a right class among the first five, and as the first.
        name, probability: the first class in the default view, and what the network gives it.
        right: whether that class is right.
    """

    top5: float
    top1: float
    name: str
    probability: float
    right: bool


def draw(subject: Subject, renderer: Renderer) -> Tensor:
    """The default view, then the 28 views: (29, 3, H, W) in [0, 1]."""
    return renderer.render([subject.scene(), *(subject.scene(**view) for view in VIEWS)])


def recognise(network: zoo.Network, pictures: Tensor, right: Iterable[int], *, at_once: int = 32) -> Recognition:
    """Show a network the pictures that `draw` made.

    Args:
        network: a classifier of ImageNet-1k.
        pictures: (1 + views, 3, H, W) in [0, 1], the default view first.
        right: classes that count.
        at_once: pictures in one pass.
    """
    found = [network.look(network.preprocess(part)).logits for part in pictures.split(at_once)]
    logits = torch.cat([part for part in found if part is not None]).double()
    classes = torch.tensor(sorted(right), device=logits.device)
    hits = torch.isin(largest(logits, 5).indices, classes)
    probability, first = logits[0].softmax(0).max(0)
    return Recognition(
        top5=hits[1:].any(1).double().mean().item(),
        top1=hits[1:, 0].double().mean().item(),
        name=network.classes[int(first)],
        probability=probability.item(),
        right=bool(hits[0, 0]),
    )


@torch.inference_mode()
def run(settings: Settings, *, models: Iterable[str] = NETWORKS) -> None:
    """Print the table."""
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    renderer = Renderer(device)
    pictures = {name: draw(subject, renderer) for name, subject in SUBJECTS.items()}
    print(f"{describe(device)}, {len(VIEWS)} views an object: yaw {YAWS[0]:g}° to {YAWS[-1]:g}°, ", end="")
    print(f"pitch {' and '.join(f'{p:g}°' for p in PITCHES)}, distance {' and '.join(f'{d:g}' for d in DISTANCES)}\n")
    print(f"{'object':12}{'model':22}{'top-5':>8}{'top-1':>8}   first class in the default view")
    for model in models:
        network = zoo.load(model, device, settings)
        for name, subject in SUBJECTS.items():
            seen = recognise(network, pictures[name], subject.right)
            first = f"{seen.name} {seen.probability:.1%}{'' if seen.right else '  (wrong)'}"
            print(f"{name:12}{model:22}{seen.top5:8.1%}{seen.top1:8.1%}   {first}")
