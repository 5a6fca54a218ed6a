"""Which channels of a layer stand out: neuron groups computed on demand."""

from collections.abc import Callable

import torch
from torch import Tensor

from perturber import finite
from perturber.errors import InvalidInputError
from perturber.order import largest
from perturber.scene import SceneBase
from perturber.service.requests import PictureRequest, Ranking, RankRequest
from perturber.service.resources import Resources


def rank(resources: Resources, request: RankRequest) -> Ranking:
    """The channels that stand out most by the request's measure, in falling order.

    Raises:
        InvalidInputError: what the measure needs is missing, or the layers cannot be compared.
    """
    scores = MEASURES[request.by](resources, request).detach().float()
    best = largest(scores, request.count)
    return Ranking(channels=tuple(best.indices.tolist()), scores=tuple(best.values.tolist()))


def _active(resources: Resources, request: RankRequest) -> Tensor:
    return finite.means(_maps(resources, request.model, request.layer, _picture(resources, request, request.scene)))


def _changed(resources: Resources, request: RankRequest) -> Tensor:
    if request.reference is None:
        raise InvalidInputError("There is no reference scene yet. Set one, then change the scene.")
    pictures = (_picture(resources, request, scene) for scene in (request.scene, request.reference))
    now, then = (_maps(resources, request.model, request.layer, picture) for picture in pictures)
    return finite.means((now - then).abs())


def _relevant(resources: Resources, request: RankRequest) -> Tensor:
    network = resources.networks.get(request.model)
    picture = _picture(resources, request, request.scene).clone().requires_grad_()
    with torch.enable_grad():
        probe = network.look(network.preprocess(picture), layers=(request.layer,))
        assert probe.logits is not None
        best = largest(probe.logits, 1).indices[:, 0]
        if request.class_index is not None:
            best = torch.tensor([request.class_index])
        maps = probe.activations[request.layer]
        (gradient,) = probe.gradients(best.to(maps.device), (maps,))
    return (gradient * maps)[0].nan_to_num(0, 0, 0).sum((1, 2))


def _differ(resources: Resources, request: RankRequest) -> Tensor:
    if request.other is None:
        raise InvalidInputError("Only one model is shown. Show two to compare their channels.")
    picture = _picture(resources, request, request.scene)
    ours = _maps(resources, request.model, request.layer, picture)
    theirs = _maps(resources, *request.other, picture)
    if ours.shape != theirs.shape:
        shapes = [f"{layer} of {model}" for model, layer in ((request.model, request.layer), request.other)]
        raise InvalidInputError(
            f"{shapes[0]} and {shapes[1]} cannot be compared channel by channel: {_shape(ours)} and {_shape(theirs)}. "
            "Choose layers of the same shape."
        )
    return finite.means((ours - theirs).abs())


MEASURES: dict[str, Callable[[Resources, RankRequest], Tensor]] = {
    "active": _active,
    "changed": _changed,
    "relevant": _relevant,
    "differ": _differ,
}
"""Measure → score of each channel of the layer."""


@torch.inference_mode()
def _picture(resources: Resources, request: RankRequest, scene: SceneBase) -> Tensor:
    """What the networks are shown of a scene: (1, 3, 224, 224)."""
    plane = request.planes.get(scene.plane_neuron) if scene.plane else None
    return resources.pictures([PictureRequest(scene=scene, image=request.image, plane=plane)])


@torch.inference_mode()
def _maps(resources: Resources, model: str, layer: str, picture: Tensor) -> Tensor:
    """A layer's activations (C, h, w) for a picture (1, 3, 224, 224)."""
    network = resources.networks.get(model)
    return network.look(network.preprocess(picture), layers=(layer,), logits=False).activations[layer][0]


def _shape(maps: Tensor) -> str:
    return " × ".join(str(n) for n in maps.shape)
