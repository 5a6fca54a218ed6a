"""What is to be known of a measurement before it is ordered: whether it can be made, and how long it will take."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from perturber.editing import Edit
from perturber.errors import InvalidInputError
from perturber.experiments import measurements
from perturber.experiments.measurements import Order, Result, kept
from perturber.scene import Scene
from perturber.service.estimates import seconds_a_picture
from perturber.service.service import InferenceService
from perturber.service.works.measuring import MeasurementRequest, check_most, order, trials
from perturber.zoo.catalogue import find
from perturber.zoo.classes import ClassName

GRADIENT = 3.0
"""Forward passes of a network that take about as long as one gradient of it."""


def measurement_request(
    service: InferenceService,
    name: str,
    models: Sequence[str],
    options: Mapping[str, object],
    *,
    folder: Path | None = None,
    decisions: Sequence[Path] = (),
) -> MeasurementRequest:
    """An order for a measurement, checked but for its pictures (see `count`).

    Raises:
        InvalidInputError: there is no such measurement, option or network, or it cannot be measured so.
    """
    measurement = measurements.find(name)
    given = [service.model(model).name for model in models]
    arranged, chosen = measurement.arrange(given, measurement.read_options(options), service.units)
    infos = [service.model(model) for model in arranged]
    for info in infos:
        if not info.classes:
            raise InvalidInputError(f"{info.name} predicts no classes, so it cannot be measured.")
    return MeasurementRequest(
        name=name,
        models=tuple(info.name for info in infos),
        fingerprints=tuple(info.fingerprint for info in infos),
        options=tuple(sorted(chosen.items())),
        folder=folder,
        decisions=tuple(decisions),
    )


def count(service: InferenceService, request: MeasurementRequest) -> int:
    """How many pictures each network will be shown.

    Raises:
        InvalidInputError: too many, there are none, or a network cannot be measured by them.
    """
    return len(trials(request.measurement, _order(service, request)))


def most(service: InferenceService, request: MeasurementRequest) -> int:
    """How many pictures each network will be shown at most, by the options alone.

    Raises:
        InvalidInputError: too many.
    """
    return check_most(request.measurement, _order(service, request))


def seconds(service: InferenceService, request: MeasurementRequest, pictures: int) -> float:
    """How long that takes if nothing else is to be done, by what one look takes."""
    measured = request.models[:1] if request.measurement.one_by_one else request.models
    each = seconds_a_picture(service, Scene(), measured)
    gradients = request.measurement.gradients(_order(service, request))
    return each * (pictures + GRADIENT * gradients / len(measured))


def kept_result(service: InferenceService, request: MeasurementRequest) -> Result | None:
    """What was measured so before, if it is still kept; reads names in folders.

    Raises:
        InvalidInputError: the folder has nothing to be measured by.
    """
    told = _order(service, request)
    # Of the pictures only files are part of what a result is kept under.
    shown = trials(request.measurement, told) if request.folder is not None else []
    return kept.load(kept.file(service.settings.data, kept.key(request.name, told, request.fingerprints, shown)))


def _order(service: InferenceService, request: MeasurementRequest) -> Order:
    return order(request, {name: _classes(service, name) for name in request.models})


def _classes(service: InferenceService, name: str) -> tuple[ClassName, ...]:
    return find(Edit.parse(name).first if Edit.is_edit(name) else name, service.settings).class_list
