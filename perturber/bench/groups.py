"""``perturber bench groups``: do the neurons that stand for an object fall silent as it morphs into its counterpart?

The views are never those by which the neurons were chosen, and a trained relative shows whether its neurons still
stand for what the base's did. Beside each group is its whole layer: what chance would give. Activity is the mean of
what a layer passes on (see `perturber.groups.relevance.activity`): below zero, a layer in front of a ReLU passes on
nothing, and its absolute activation would count how much it is inhibited. That is printed as well, for comparison.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from perturber import zoo
from perturber.config import Settings
from perturber.groups.relevance import activity, rectified
from perturber.groups.subjects import SUBJECTS, random_views
from perturber.render import Renderer
from perturber.service.device import choose_device, describe

NETWORKS = ("efficientnet_lite0", "lite0_adversarial")

MORPHS = (0.0, 0.25, 0.5, 0.75, 1.0)
"""Between an object (0) and its counterpart (1)."""

OTHER_VIEWS = 1
"""In the seed of the views; those for choosing have 0 there (see `perturber.groups.relevance.pictures`)."""

BAR = 0.7
"""Share of an object's neurons that are to fall."""


@dataclass(frozen=True)
class Fall:
    """How many neurons of a layer have an activity that falls.

    Attributes:
        group, layer: shares among the object's group and among all, in [0, 1].
        absolute: like `group`, for the mean absolute activation.
        count: neurons in the group.
    """

    group: float
    layer: float
    absolute: float
    count: int


def draw(views: int, seed: int, renderer: Renderer) -> dict[str, Tensor]:
    """Pair → pictures (morphs, views, 3, H, W) from its first object to its second, in the same views."""
    shown = random_views(views, (seed, OTHER_VIEWS))
    pairs = {subject.pair: subject for subject in SUBJECTS.values() if subject.morph == 0}
    return {
        pair: torch.stack([renderer.render([subject.scene(**view, morph=morph) for view in shown]) for morph in MORPHS])
        for pair, subject in pairs.items()
    }


def slopes(
    network: zoo.Network, layers: Sequence[str], cut: Collection[str], pictures: Tensor, *, at_once: int = 16
) -> dict[str, Tensor]:
    """Layer → slopes (2, C) of the activity and of the mean absolute activation over a morph from 0 to 1.

    Args:
        cut: layers of which only what is above zero passes on.
        pictures: (morphs, views, 3, H, W).
        at_once: pictures in one pass.
    """
    means: dict[str, list[Tensor]] = {layer: [] for layer in layers}
    for images in pictures:
        sums = dict.fromkeys(layers, torch.zeros(()))
        for part in images.split(at_once):
            seen = network.look(network.preprocess(part), layers=layers, logits=False).activations
            for layer, maps in seen.items():
                both = torch.stack([activity(maps, layer in cut), activity(maps, False)])
                sums[layer] = sums[layer] + both.sum(1).cpu()
        for layer in layers:
            means[layer].append(sums[layer] / len(images))
    steps = torch.tensor(MORPHS) - sum(MORPHS) / len(MORPHS)
    return {
        layer: (steps[:, None, None] * torch.stack(found)).sum(0) / steps.square().sum()
        for layer, found in means.items()
    }


def measure(
    network: zoo.Network, groups: Mapping[str, Iterable[zoo.Group]], pictures: Mapping[str, Tensor]
) -> dict[tuple[str, str], Fall]:
    """Layer and object → what falls on the way to the counterpart.

    Args:
        groups: layer → its groups; those that are not called like an object are left out.
        pictures: as `draw` makes them.
    """
    wanted = {layer: [g for g in of_layer if g.name in SUBJECTS] for layer, of_layer in groups.items()}
    wanted = {layer: found for layer, found in wanted.items() if found}
    layers = tuple(wanted)
    cut = rectified(network, layers, next(iter(pictures.values()))[0, :1])
    found = {pair: slopes(network, layers, cut, shown) for pair, shown in pictures.items()}
    falls = {}
    for layer, of_layer in wanted.items():
        for group in of_layer:
            subject = SUBJECTS[group.name]
            slope = found[subject.pair][layer]
            fallen = (slope > 0 if subject.morph else slope < 0).double()
            share, absolute = fallen[:, list(group.channels)].mean(1).tolist()
            falls[layer, group.name] = Fall(share, fallen[0].mean().item(), absolute, len(group.channels))
    return falls


@torch.no_grad()
def run(settings: Settings, *, models: Iterable[str] = NETWORKS, views: int = 32, seed: int = 0) -> None:
    """Print a table for each network.

    Args:
        views: of each object at each of the five morphs.
        seed: of the views; with any seed they are others than those for choosing.
    """
    device = choose_device(settings.device)
    if settings.threads:
        torch.set_num_threads(settings.threads)
    pictures = draw(views, seed, Renderer(device))
    print(f"{describe(device)}, {views} views; share of an object's neurons whose activity falls as it morphs into")
    print(f"its counterpart (neurons in the group; share of the whole layer); bar: {BAR:.0%} of all groups'")
    for name in models:
        network = zoo.load(name, device, settings)
        falls = measure(network, zoo.neuron_groups(settings.models, network.entry.groups), pictures)
        _print(name, falls)


def _print(name: str, falls: Mapping[tuple[str, str], Fall]) -> None:
    print(f"\n{name:20}" + "".join(f"{subject:>20}" for subject in SUBJECTS) + f"{'all':>12}")
    for layer in dict.fromkeys(layer for layer, _ in falls):
        cells = [_cell(falls.get((layer, subject))) for subject in SUBJECTS]
        print(f"{layer:20}" + "".join(f"{cell:>20}" for cell in cells) + f"{_share(falls, layer=layer):12.1%}")
    totals = "".join(f"{_share(falls, subject=subject):20.1%}" for subject in SUBJECTS)
    print(f"{'all':20}{totals}{_share(falls):12.1%}")
    absolute = {key: replace(fall, group=fall.absolute) for key, fall in falls.items()}
    totals = "".join(f"{_share(absolute, subject=subject):20.1%}" for subject in SUBJECTS)
    print(f"{'all, |activation|':20}{totals}{_share(absolute):12.1%}")


def _cell(fall: Fall | None) -> str:
    return "" if fall is None else f"{fall.group:.0%} ({fall.count}; {fall.layer:.0%})"


def _share(falls: Mapping[tuple[str, str], Fall], *, layer: str | None = None, subject: str | None = None) -> float:
    """Of all neurons in groups, or of those of a layer or an object."""
    some = [fall for (of, name), fall in falls.items() if layer in (None, of) and subject in (None, name)]
    return sum(fall.group * fall.count for fall in some) / max(1, sum(fall.count for fall in some))
