"""What is to be known of a test before it is ordered: whether it can be made, and how long it will take."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from perturber.editing import Edit
from perturber.errors import InvalidInputError
from perturber.experiments.claims import Claim, cases
from perturber.experiments.measurements.measurement import outputs
from perturber.service.checks import check_classes
from perturber.service.estimates import seconds_a_picture
from perturber.service.service import InferenceService
from perturber.service.works.claims import ClaimRequest, chosen_files
from perturber.zoo.catalogue import find
from perturber.zoo.classes import ClassName


def claim_request(
    service: InferenceService, claim: Claim, models: Sequence[str], *, folder: Path | None = None
) -> ClaimRequest:
    """An order for a test, checked.

    Raises:
        InvalidInputError: there is no such network, it has no class that stands for what is asked, or the pictures
            cannot be had.
    """
    if not models:
        raise InvalidInputError("A test needs a network at least.")
    infos = [service.model(model) for model in models]
    for info in infos:
        if not info.classes:
            raise InvalidInputError(f"{info.name} predicts no classes, so nothing can be tested of it.")
    classes = [class_list(service, info.name) for info in infos]
    wanted = "the object’s classes" if not claim.pictures else "each picture’s class"
    if claim.wanted:
        index = outputs(classes[0], {claim.wanted})
        wanted = classes[0][index[0]].name if index else claim.wanted
    request = ClaimRequest(
        claim=claim,
        models=tuple(info.name for info in infos),
        labels=tuple(info.label for info in infos),
        fingerprints=tuple(info.fingerprint for info in infos),
        wanted=wanted,
        folder=folder,
    )
    if claim.pictures and folder is not None:
        rights = {right for _, right in chosen_files(claim, folder, classes)} - {frozenset()}
    else:
        rights = {case.right for case in cases(_thin(claim))}
    rights |= {frozenset({claim.wanted})} if claim.wanted else set()
    for info, known in zip(infos, classes, strict=True):
        for right in rights:
            if not 0 < len(outputs(known, right)) < len(known):
                raise InvalidInputError(
                    f"{info.label} has no class that stands for {wanted}. Choose another class, or leave it out."
                )
    return request


def seconds(service: InferenceService, request: ClaimRequest) -> float:
    """How long that takes if nothing else is to be done, by what one look at A takes.

    Raises:
        InvalidInputError: A cannot be looked at.
    """
    return 2 * len(request.claim) * seconds_a_picture(service, request.claim.a, request.models)


def class_key(service: InferenceService, model: str, index: int) -> str:
    """By what a class is known to other networks, too: its WordNet identifier, or its name.

    Raises:
        InvalidInputError: the network has no such class.
    """
    check_classes(service.model(model), (index,))
    one = class_list(service, model)[index]
    return one.wnid or one.name


def class_list(service: InferenceService, name: str) -> tuple[ClassName, ...]:
    """A network's classes in the order of its logits; those of an edited one are those of its first."""
    return find(Edit.parse(name).first if Edit.is_edit(name) else name, service.settings).class_list


def _thin(claim: Claim) -> Claim:
    """The claim with so few views that only its objects and backgrounds matter, and pairs enough to be one."""
    return replace(claim, views=min(claim.views, 5))
