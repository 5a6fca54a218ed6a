"""What is to be known before neurons are tested: whether they are there, and how long it will take."""

from collections.abc import Sequence

from perturber import zoo
from perturber.experiments.space import Span
from perturber.scene import SceneBase
from perturber.service.estimates import seconds_a_picture
from perturber.service.service import InferenceService
from perturber.service.works.hypothesis import HypothesisRequest


def hypothesis_request(
    service: InferenceService,
    scene: SceneBase,
    model: str,
    layer: str,
    channels: Sequence[int],
    spans: Sequence[Span],
    **options: object,
) -> HypothesisRequest:
    """An order for what neurons depend on, checked.

    Args:
        options: as of a `HypothesisRequest`.

    Raises:
        InvalidInputError: there is no such model, layer or channel, or an option is out of range.
    """
    info = service.model(model)
    zoo.check_layer(info.name, info.layers, layer, tuple(channels))
    return HypothesisRequest(
        scene=scene,
        model=info.name,
        layer=layer,
        channels=tuple(channels),
        spans=tuple(spans),
        fingerprint=info.fingerprint,
        plane=service.plane(scene.plane_neuron) if scene.plane else None,
        **options,  # type: ignore[arg-type]
    )


def seconds(service: InferenceService, request: HypothesisRequest) -> float:
    """How long that takes if nothing else is to be done, by what one look takes; less where the layer is an early one.

    Raises:
        InvalidInputError: the scene cannot be looked at.
    """
    return request.pictures * seconds_a_picture(service, request.scene, (request.model,))
