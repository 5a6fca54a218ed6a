"""Which neurons of later layers stand for an object: they speak for its classes, and fall silent as it morphs away."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from perturber import zoo
from perturber.groups.subjects import COUNTERPARTS, SUBJECTS, random_views
from perturber.order import largest
from perturber.render import Renderer
from perturber.zoo.collections import collection, labels, picture
from perturber.zoo.evaluate import read_ahead, spread

CLEAR = 0.4
"""Score from where on a neuron belongs to an object's group: with normal differences, 66 % of single views are on the
right side."""

MOST = 12
"""Neurons in a group."""

AT_ONCE = 8
"""Pictures in one pass."""


@dataclass(frozen=True)
class Evidence:
    """What the neurons of a layer do in N pictures of one object.

    Attributes:
        activity: see `activity`, (N, C).
        relevance: object → gradient of the mean logit of its classes times activation, summed over the map, (N, C).
    """

    activity: Tensor
    relevance: Mapping[str, Tensor]


def pictures(network: zoo.Network, views: int, seed: int, images: Path | None = None) -> dict[str, Tensor]:
    """Object → pictures of it (N, 3, H, W) in [0, 1]: an object and its counterpart in the same views.

    Args:
        images: labelled photographs (see `perturber.zoo.collections`) to add: as many of an object's classes as of its
            counterpart's, or else "photograph" would be what tells the two apart.

    Raises:
        InvalidInputError: no such pictures.
    """
    taken = None if images is None else _photographs(network, images)
    renderer = Renderer(network.device)
    shown = random_views(views, (seed, 0))
    drawn = {}
    for name, subject in SUBJECTS.items():
        drawn[name] = network_size(network, renderer.render([subject.scene(**view) for view in shown]))
    if taken is None:
        return drawn
    for name, other in COUNTERPARTS.items():
        count = min(len(taken[name]), len(taken[other]))
        drawn[name] = torch.cat([drawn[name], *(part.to(network.device) for part in spread(taken[name], count))])
    return drawn


def network_size(network: zoo.Network, rendered: Tensor) -> Tensor:
    """Pictures (B, 3, H, W) at the network's own size."""
    size = (network.entry.input_size,) * 2
    if rendered.shape[-2:] == size:
        return rendered
    return torch.nn.functional.interpolate(rendered, size, mode="bilinear", antialias=True)


def _photographs(network: zoo.Network, images: Path) -> dict[str, Sequence[Tensor]]:
    """Object → photographs (1, 3, S, S) of its classes, those that can be read."""
    source = collection(images)
    classes = dict(zip(source.names, labels(source.names, network.entry.class_list), strict=True))
    found: dict[str, Sequence[Tensor]] = {}
    for name, subject in SUBJECTS.items():
        outputs = set(subject.outputs(network.entry.class_list))
        wanted = [file for file, label in classes.items() if label in outputs]
        batches = read_ahead(network.entry.crop, wanted, 32, lambda file: picture(source, file))
        found[name] = [_tensor(array) for batch in batches for array in batch if array is not None]
    return found


def _tensor(array: np.ndarray) -> Tensor:
    return torch.tensor(array).permute(2, 0, 1)[None] / 255


def observe(
    network: zoo.Network,
    layers: Sequence[str],
    shown: Mapping[str, Tensor],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> dict[str, dict[str, Evidence]]:
    """Look at pictures: object → layer → what its neurons did.

    Args:
        shown: object → (N, 3, H, W) in [0, 1].
        progress: called with the number of pictures done and in all.
    """
    outputs = {name: subject.outputs(network.entry.class_list) for name, subject in SUBJECTS.items()}
    cut = rectified(network, layers, next(iter(shown.values()))[:1])
    result = {}
    done, total = 0, sum(map(len, shown.values()))
    for name, images in shown.items():
        asked = {other: outputs[other] for other in (name, COUNTERPARTS[name])}
        parts: list[dict[str, Evidence]] = []
        for batch in images.split(AT_ONCE):
            parts.append(_look(network, layers, cut, batch, asked))
            done += len(batch)
            progress(done, total)
        result[name] = {
            layer: Evidence(
                torch.cat([part[layer].activity for part in parts]),
                {other: torch.cat([part[layer].relevance[other] for part in parts]) for other in asked},
            )
            for layer in layers
        }
    return result


def _look(
    network: zoo.Network,
    layers: Sequence[str],
    cut: Collection[str],
    images: Tensor,
    asked: Mapping[str, Sequence[int]],
) -> dict[str, Evidence]:
    """One batch, once forward and once backward for each object."""
    inputs = network.preprocess(images).requires_grad_()
    with torch.enable_grad():
        probe = network.look(inputs, layers=layers)
        assert probe.logits is not None
        maps = [probe.activations[layer] for layer in layers]
        relevance: dict[str, list[Tensor]] = {}
        for name, outputs in asked.items():
            logit = probe.logits[:, list(outputs)].mean(1).sum()
            gradients = torch.autograd.grad(logit, maps, retain_graph=True)
            relevance[name] = [(g * m).sum((2, 3)).detach().cpu() for g, m in zip(gradients, maps, strict=True)]
    return {
        layer: Evidence(
            activity(maps[i].detach(), layer in cut).cpu(), {name: found[i] for name, found in relevance.items()}
        )
        for i, layer in enumerate(layers)
    }


def rectified(network: zoo.Network, layers: Sequence[str], image: Tensor) -> set[str]:
    """The layers whose negative activations the network cuts off: no gradient comes back to them.

    Args:
        image: (1, 3, H, W) in [0, 1].
    """
    with torch.enable_grad():
        probe = network.look(network.preprocess(image).requires_grad_(), layers=layers)
        assert probe.logits is not None
        maps = [probe.activations[layer] for layer in layers]
        gradients = torch.autograd.grad(probe.logits.square().sum(), maps)
    found = zip(layers, maps, gradients, strict=True)
    return {layer for layer, values, gradient in found if not bool(gradient[values < 0].any())}


def activity(maps: Tensor, cut: bool) -> Tensor:
    """How much of maps (B, C, h, w) the network passes on: (B, C).

    Args:
        cut: whether only what is above zero passes on; else it is the mean absolute activation.
    """
    return (maps.clamp_min(0) if cut else maps.abs()).mean((2, 3))


def groups(seen: Mapping[str, Mapping[str, Evidence]], layer: str) -> dict[str, dict[int, float]]:
    """Object → its neurons of a layer → score, the clearest first.

    The score is the smaller of two separations between the object and its counterpart: of the relevance for the
    object's classes, and of the activity. A neuron that only helps to tell a dog from a lawn has a low
    first one; one that speaks for dogs by staying silent has a low second one.
    """
    found = {}
    for name, other in COUNTERPARTS.items():
        mine, theirs = seen[name][layer], seen[other][layer]
        relevance = separation(mine.relevance[name], theirs.relevance[name])
        score = torch.minimum(relevance, separation(mine.activity, theirs.activity))
        score = torch.where(mine.relevance[name].mean(0) > 0, score, 0)
        best = largest(score, MOST)
        ranked = zip(best.indices.tolist(), best.values.tolist(), strict=True)
        found[name] = {channel: value for channel, value in ranked if value > CLEAR}
    return found


def separation(one: Tensor, other: Tensor) -> Tensor:
    """How steadily values (N, C) are above others in the same views: mean difference, in its standard deviations.

    (C,), for one channel each; 0 where nothing differs.
    """
    differences = one - other
    deviation = differences.std(0)
    return torch.where(deviation > 0, differences.mean(0) / deviation, 0)
