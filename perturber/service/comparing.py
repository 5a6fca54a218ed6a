"""Networks side by side: what each makes of one picture, and where they part."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from perturber import experiments, zoo
from perturber.experiments import Divergence
from perturber.scene import SceneBase
from perturber.service.requests import TOP, ClassScore, LookRequest, ModelInfo, Progress

if TYPE_CHECKING:
    from perturber.service.engine import LocalEngine

MAX_MODELS = 4
RANKED = 24
"""Channels that differ most, of which the page is told."""


@dataclass(frozen=True, kw_only=True)
class CompareRequest:
    """Which networks to compare for a scene.

    Attributes:
        models: 2 to 4 names; the first is what the others' predictions are compared with.
        pinned: classes whose logits are wanted whatever their rank.
        pair: A and B, as places in `models`.
        layer, channels: whose maps of A and B are wanted, and which channels differ most; None for neither.
        depth: whether the divergence of all others from A is wanted, layer by layer.
        plane: as in a `LookRequest`; the service fills it in.
    """

    scene: SceneBase
    models: tuple[str, ...]
    pinned: tuple[int, ...] = ()
    pair: tuple[int, int] = (0, 1)
    layer: str | None = None
    channels: tuple[int, ...] = ()
    depth: bool = False
    plane: np.ndarray | None = field(default=None, compare=False)


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
    """

    model: str
    top: tuple[ClassScore, ...]
    pinned: tuple[ClassScore, ...]
    agreement: Agreement | None
    milliseconds: float


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
def compare(engine: "LocalEngine", request: CompareRequest) -> Comparison:
    """Show one picture to all networks; each runs once, and only what is asked for is kept."""
    since = perf_counter()
    images = engine.pictures([LookRequest(scene=request.scene, plane=request.plane)])
    picture = images[0].mul(255).round().to(torch.uint8).permute(1, 2, 0).cpu().numpy()
    render_ms = (perf_counter() - since) * 1e3
    networks = [engine.network(name) for name in request.models]
    a, b = request.pair
    alike = [same_layers(networks[a], network) for network in networks]
    probes: dict[str, zoo.Probe] = {}
    milliseconds: dict[str, float] = {}
    for number, (name, network) in enumerate(zip(request.models, networks, strict=True)):
        layers: tuple[str, ...] = ()
        if request.depth and alike[number]:
            layers = tuple(network.layers)
        elif request.layer is not None and alike[b] and name in (request.models[a], request.models[b]):
            layers = (request.layer,)
        if name not in probes:
            start = perf_counter()
            probes[name] = network.look(network.preprocess(images), layers=layers)
            _logits(probes[name])  # waits for the device
            milliseconds[name] = (perf_counter() - start) * 1e3
    found = [probes[name] for name in request.models]
    first = networks[0], _logits(found[0])
    columns = tuple(
        _column(name, network, _logits(probe), request.pinned, first if number else None, milliseconds[name])
        for number, (name, network, probe) in enumerate(zip(request.models, networks, found, strict=True))
    )
    return Comparison(
        image=picture,
        columns=columns,
        maps=_maps(request, found[a], found[b]) if request.layer is not None and alike[b] else None,
        depth={
            number: experiments.divergence(found[a].activations, probe.activations)
            for number, probe in enumerate(found)
            if request.depth and alike[number] and number != a
        },
        render_ms=render_ms,
        total_ms=(perf_counter() - since) * 1e3,
    )


def _logits(probe: zoo.Probe) -> Tensor:
    assert probe.logits is not None
    return probe.logits[0].float().cpu()


def _column(
    name: str,
    network: zoo.Network,
    logits: Tensor,
    pinned: Sequence[int],
    first: tuple[zoo.Network, Tensor] | None,
    milliseconds: float,
) -> Column:
    probabilities = logits.softmax(0)

    def scores(indices: Iterable[int]) -> tuple[ClassScore, ...]:
        return tuple(
            ClassScore(index=i, name=network.classes[i], logit=float(logits[i]), probability=float(probabilities[i]))
            for i in indices
        )

    agreement = None
    if first is not None and first[0].classes == network.classes:
        found = experiments.compare_predictions(first[1], logits)
        agreement = Agreement(
            same_top1=found.same_top1,
            shared_top5=len(found.shared_top5),
            jensen_shannon=found.jensen_shannon,
            differences=tuple(float(found.differences[index]) for index in pinned),
        )
    top = logits.topk(min(TOP, len(logits))).indices.tolist()
    return Column(model=name, top=scores(top), pinned=scores(pinned), agreement=agreement, milliseconds=milliseconds)


def _maps(request: CompareRequest, first: zoo.Probe, second: zoo.Probe) -> ChannelMaps:
    assert request.layer is not None
    a, b = (probe.activations[request.layer][0].float() for probe in (first, second))
    size = (a - b).abs().mean((1, 2))
    most = size.topk(min(RANKED, len(size)))
    chosen = list(request.channels)
    return ChannelMaps(
        a=a[chosen].cpu().numpy(),
        b=b[chosen].cpu().numpy(),
        deviation=float(max(a.std(correction=0), b.std(correction=0))),
        most=tuple(zip(most.indices.tolist(), most.values.tolist(), strict=True)),
    )
