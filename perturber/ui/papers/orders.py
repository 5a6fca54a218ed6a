"""Jobs as a figure's file keeps them: whoever draws it again orders the same."""

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import Field, StringConstraints, model_validator

from perturber.attack import Attack
from perturber.attack.norms import NormName
from perturber.editing import Level
from perturber.errors import InvalidInputError
from perturber.scene import Scene, SceneBase
from perturber.service import CurveRequest, PerturbationsRequest, ScanRequest
from perturber.service.jobs import JobRequest
from perturber.service.works.curves import CurveMethod, Source
from perturber.ui.context import service
from perturber.ui.states.page import Sent

FOLLOWS = ("fingerprints", "plane", "urgent")
"""Parts of a request that follow from the others, and from where it is ordered."""

Name = Annotated[str, StringConstraints(max_length=10_000)]
Names = Annotated[tuple[Name, ...], Field(min_length=1, max_length=3)]
Slots = Annotated[tuple[Annotated[int, Field(ge=0, lt=3)], ...], Field(max_length=3)]


class Kept(Sent):
    """What all of them have: the changes of a scene, and the attack as text."""

    scene: dict[str, Any] = Field(max_length=200)

    def values(self) -> dict[str, Any]:
        """The request's own values."""
        values = {name: getattr(self, name) for name in type(self).model_fields}
        values["scene"] = Scene.parse(self.scene)
        if isinstance(values.get("attack"), str):
            values["attack"] = Attack.parse(values["attack"])
        if "folder" in values:
            values["folder"] = examples_folder() if self.folder else None  # type: ignore[attr-defined]
        return values


class OfSlots(Kept):
    """Of the networks that some slots of Explore show."""

    models: Names
    slots: Slots

    @model_validator(mode="after")
    def _alike(self) -> Self:
        if len(self.models) != len(self.slots):
            raise ValueError("a slot for each model")
        return self

    def values(self) -> dict[str, Any]:
        """The request's own values, and what follows from them."""
        values = super().values()
        return {**values, **of_models(self.models, values["scene"])}


class KeptPerturbations(OfSlots):
    """See `PerturbationsRequest`."""

    attack: Name

    def request(self) -> PerturbationsRequest:
        """What is ordered."""
        return PerturbationsRequest(**self.values())


class KeptCurve(OfSlots):
    """See `CurveRequest`; `folder` says whether the pictures are those of the configured one."""

    pictures: Source
    count: int
    folder: bool
    method: CurveMethod
    norm: NormName
    epsilons: Annotated[tuple[float, ...], Field(max_length=100)]
    steps: int
    random_start: bool
    seed: int

    def request(self) -> CurveRequest:
        """What is ordered."""
        return CurveRequest(**self.values())


class KeptScan(Kept):
    """See `ScanRequest`; `folder` says whether the pictures are those of the configured one."""

    first: Name
    second: Name
    folder: bool
    level: Level
    reverse: bool
    attack: Name | None

    def request(self) -> ScanRequest:
        """What is ordered."""
        values = self.values()
        marks = tuple(service().model(name).fingerprint for name in (self.first, self.second))
        return ScanRequest(**values, fingerprints=marks)


KINDS: dict[type[Any], type[Kept]] = {
    PerturbationsRequest: KeptPerturbations,
    CurveRequest: KeptCurve,
    ScanRequest: KeptScan,
}
"""Request → how it is kept."""


def kept(request: JobRequest) -> dict[str, Any]:
    """An order as JSON."""
    names = [field.name for field in fields(request) if field.name not in FOLLOWS]  # type: ignore[arg-type]
    return {name: _written(getattr(request, name), name) for name in names}


def ordered(kind: type[Any], memory: Mapping[str, Any]) -> Any:
    """The request that was kept.

    Raises:
        InvalidInputError: it is none of this kind, or cannot be ordered here.
    """
    return KINDS[kind].read(dict(memory)).request()  # type: ignore[attr-defined]


def of_models(models: tuple[str, ...], scene: SceneBase) -> dict[str, Any]:
    """What of a request follows from its networks and its scene."""
    plane: np.ndarray | None = service().plane(scene.plane_neuron) if scene.plane else None
    return {"fingerprints": tuple(service().model(name).fingerprint for name in models), "plane": plane}


def examples_folder() -> Path:
    """The folder of example pictures.

    Raises:
        InvalidInputError: none is set.
    """
    folder = service().settings.examples
    if folder is None:
        raise InvalidInputError("No folder of pictures is set. Set PERTURBER_EXAMPLES, then start again.")
    return folder


def _written(value: Any, name: str) -> Any:
    if isinstance(value, SceneBase):
        return value.changes()
    if name == "folder":
        return value is not None
    if isinstance(value, Attack):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
