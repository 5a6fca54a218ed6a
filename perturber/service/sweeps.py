"""What is to be known of a sweep before it is ordered: whether it can be done, and how long it will take."""

from collections.abc import Sequence

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.experiments.measures import OF_TWO, Measure
from perturber.experiments.sweep import Design, scene
from perturber.scene import SceneBase
from perturber.service.checks import check_classes
from perturber.service.estimates import seconds_a_picture
from perturber.service.requests import ModelInfo
from perturber.service.service import InferenceService
from perturber.service.works.sweeping import SweepRequest


def sweep_request(
    service: InferenceService, start: SceneBase, design: Design, models: Sequence[str], measures: Sequence[Measure]
) -> SweepRequest:
    """An order for a sweep, checked.

    Raises:
        InvalidInputError: a network cannot be measured so, or there is no such network, layer, channel or class.
    """
    infos = [service.model(model) for model in models]
    for info in infos:
        for measure in measures:
            _check(info, measure)
    if any(measure.kind in OF_TWO for measure in measures):
        for info in infos[1:]:
            if info.class_list != infos[0].class_list:
                raise InvalidInputError(
                    f"{infos[0].name} and {info.name} tell apart different classes, so their predictions cannot be "
                    "compared."
                )
    shows_plane = any(scene(start, design, point).plane for point in _ends(design))
    return SweepRequest(
        start=start,
        design=design,
        models=tuple(info.name for info in infos),
        measures=tuple(measures),
        fingerprints=tuple(info.fingerprint for info in infos),
        plane=service.plane(start.plane_neuron) if shows_plane else None,
    )


def seconds(service: InferenceService, request: SweepRequest) -> float:
    """How long a sweep will take if nothing else is to be done, by what one look at its start takes; blocks for two.

    Raises:
        InvalidInputError: the start cannot be looked at.
    """
    return len(request.design) * seconds_a_picture(service, request.start, request.models)


def _check(info: ModelInfo, measure: Measure) -> None:
    if measure.layer is not None:
        zoo.check_layer(info.name, info.layers, measure.layer, () if measure.channel is None else (measure.channel,))
        layer = info.layers[measure.layer]
        if measure.place is not None and not (
            0 <= measure.place[0] < layer.height and 0 <= measure.place[1] < layer.width
        ):
            raise InvalidInputError(
                f"{info.name}'s {layer.name} has no row {measure.place[0]} and column {measure.place[1]}. "
                f"Its maps have {layer.height} × {layer.width}, counted from 0."
            )
    if measure.class_index is not None:
        check_classes(info, (measure.class_index,))
    if measure.needs_logits and not info.classes:
        raise InvalidInputError(f"{info.name} predicts no classes. Measure activations.")


def _ends(design: Design) -> list:
    points = design.points()
    return points if "plane" in design.keys else points[:1]
