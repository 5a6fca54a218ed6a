"""Networks side by side: what each makes of one picture, and where they differ."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np
import torch
from torch import Tensor

from perturber import experiments, finite, zoo
from perturber.experiments import Divergence
from perturber.finite import Gap
from perturber.order import largest
from perturber.service.answers import picture_bytes, scores, top_scores
from perturber.service.networks import Networks
from perturber.service.requests import ClassScore, ModelInfo, PictureRequest, Progress

MAX_MODELS = 4
RANKED = 24
"""Channels that differ most, of which the page is told."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest(PictureRequest):
    """Which networks to compare for a picture.

    Attributes:
        models: 2 to 4 names; the first is what the others' predictions are compared with.
        pinned: classes whose logits are wanted whatever their rank.
        pair: A and B, as places in `models`.
        layer, channels: whose maps of A and B are wanted, and which channels differ most; None for neither.
        depth: whether the divergence of all others from A is wanted, layer by layer.
    """

    models: tuple[str, ...]
    pinned: tuple[int, ...] = ()
    pair: tuple[int, int] = (0, 1)
    layer: str | None = None
    channels: tuple[int, ...] = ()
    depth: bool = False


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far a network agrees with the first one.

    Attributes:
        shared_top5: classes among the first five of both, 0 to 5.
        jensen_shannon: of the probabilities, in bits: 0 the same, 1 disjoint.
        differences: this network's logits − the first one's, of the pinned classes.
    """

    same_top1: bool
    shared_top5: int
    jensen_shannon: float
    differences: tuple[float, ...]


@dataclass(frozen=True, kw_only=True)
class Column:
    """One network's answer.

    Attributes:
        top, pinned: as in a `SlotLook`.
        agreement: None for the first network, and where the classes are not the same.
        gaps: as in a `SlotLook`, of the layers that were looked at, and of its logits.
    """

    model: str
    top: tuple[ClassScore, ...]
    pinned: tuple[ClassScore, ...]
    agreement: Agreement | None
    milliseconds: float
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ChannelMaps:
    """The same channels of two networks of one architecture.

    Attributes:
        a, b: (n, h, w) float32 before the non-linearity.
        deviation: the larger of both layers' standard deviations.
        most: the channels that differ most in falling order, with the mean absolute difference.
    """

    a: np.ndarray
    b: np.ndarray
    deviation: float
    most: tuple[tuple[int, float], ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The answer to a `CompareRequest`.

    Attributes:
        image: (224, 224, 3) uint8, the picture that the networks saw.
        columns: in the order of the models.
        maps: None where they were not asked for, or A and B have different architectures.
        depth: column → its divergence from A (of one picture), of those that have A's architecture.
        render_ms, total_ms, plane: as in a `Look`.
    """

    image: np.ndarray
    columns: tuple[Column, ...]
    maps: ChannelMaps | None = None
    depth: dict[int, Divergence] = field(default_factory=dict)
    render_ms: float
    total_ms: float
    plane: Progress | None = None


def same_layers(a: ModelInfo | zoo.Network, b: ModelInfo | zoo.Network) -> bool:
    """Whether two networks have layers of the same names and shapes: then their channels can be set side by side."""

    def shapes(model: ModelInfo | zoo.Network) -> list[tuple]:
        return [(layer.name, layer.channels, layer.height, layer.width) for layer in model.layers.values()]

    return shapes(a) == shapes(b)


@torch.inference_mode()
def compare(networks: Networks, request: CompareRequest, image: Tensor, *, render_ms: float) -> Comparison:
    """Show one picture to all networks; each runs once, and only what is asked for is kept.

    Args:
        image: (1, 3, 224, 224) in [0, 1].
        render_ms: what making it has taken.
    """
    since = perf_counter()
    shown = _show(request, networks, image)
    a, b = request.pair
    alike = [same_layers(shown[a].network, one.network) for one in shown]
    first = shown[0]
    return Comparison(
        image=picture_bytes(image)[0],
        columns=tuple(_column(one, request.pinned, None if one is first else first) for one in shown),
        maps=_maps(request, shown[a].probe, shown[b].probe) if request.layer is not None and alike[b] else None,
        depth={
            number: experiments.divergence(shown[a].probe.activations, one.probe.activations)
            for number, one in enumerate(shown)
            if request.depth and alike[number] and number != a
        },
        render_ms=render_ms,
        total_ms=(perf_counter() - since) * 1e3,
    )


@dataclass(frozen=True)
class _Shown:
    """A network that has seen the picture: its name, what it made of it, logits (K,) on the host, and its time."""

    name: str
    network: zoo.Network
    probe: zoo.Probe
    logits: Tensor
    milliseconds: float


def _show(request: CompareRequest, networks: Networks, image: Tensor) -> list[_Shown]:
    """Each model of the request; one that is named twice runs once."""
    a, b = request.pair
    pair = request.models[a], request.models[b]
    chosen = [networks.get(name) for name in request.models]
    alike = [same_layers(chosen[a], network) for network in chosen]
    found: dict[str, _Shown] = {}
    for name, network, like_a in zip(request.models, chosen, alike, strict=True):
        if name in found:
            continue
        layers: tuple[str, ...] = ()
        if request.depth and like_a:
            layers = tuple(network.layers)
        elif request.layer is not None and alike[b] and name in pair:
            layers = (request.layer,)
        start = perf_counter()
        with networks.watched(name):
            probe = network.look(network.preprocess(image), layers=layers)
            assert probe.logits is not None
            logits = probe.logits[0].float().cpu()  # waits for the device
        found[name] = _Shown(name, network, probe, logits, (perf_counter() - start) * 1e3)
    return [found[name] for name in request.models]


def _column(shown: _Shown, pinned: Sequence[int], first: _Shown | None) -> Column:
    classes = shown.network.classes
    layers = {f"activations of {layer}": maps for layer, maps in shown.probe.activations.items()}
    agreement = None
    if first is not None and first.network.classes == classes:
        found = experiments.compare_predictions(first.logits, shown.logits)
        agreement = Agreement(
            same_top1=found.same_top1,
            shared_top5=len(found.shared_top5),
            jensen_shannon=found.jensen_shannon,
            differences=tuple(float(found.differences[index]) for index in pinned),
        )
    return Column(
        model=shown.name,
        top=top_scores(shown.logits, classes),
        pinned=scores(shown.logits, pinned, classes),
        agreement=agreement,
        milliseconds=shown.milliseconds,
        gaps=finite.gaps({**layers, "logits": shown.logits}),
    )


def _maps(request: CompareRequest, first: zoo.Probe, second: zoo.Probe) -> ChannelMaps:
    assert request.layer is not None
    a, b = (probe.activations[request.layer][0].float() for probe in (first, second))
    size = finite.means((a - b).abs())
    most = largest(size, RANKED)
    chosen = list(request.channels)
    return ChannelMaps(
        a=a[chosen].cpu().numpy(),
        b=b[chosen].cpu().numpy(),
        deviation=max(finite.deviation(a), finite.deviation(b)),
        most=tuple(zip(most.indices.tolist(), most.values.tolist(), strict=True)),
    )
