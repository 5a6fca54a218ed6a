"""What a report of a test shows: A, B, and the pairs in which they differ most and least."""

import numpy as np

from perturber.experiments.tested import Outcome
from perturber.scene import SceneBase
from perturber.service.requests import IMAGE_SIZE, LookRequest
from perturber.service.service import InferenceService
from perturber.zoo.pictures import Crop, read_picture


def pictures_of(service: InferenceService, found: Outcome) -> tuple[np.ndarray, np.ndarray]:
    """A and B: (224, 224, 3) uint8 each; over a folder, its first picture with what they do to it.

    Raises:
        InvalidInputError: they cannot be made any more.
    """
    return pair_of(service, found, 0) if found.claim.pictures else _both(service, found.claim.a, found.claim.b, None)


def pair_of(service: InferenceService, found: Outcome, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Both pictures of a pair, as of `pictures_of`."""
    case = found.cases[place]
    image = None if case.file is None else Crop(size=IMAGE_SIZE)(read_picture(case.file))
    return _both(service, case.a, case.b, image)


def _both(
    service: InferenceService, a: SceneBase, b: SceneBase, image: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    first, second = (service.look(LookRequest(scene=scene, image=image)).image for scene in (a, b))
    return first, second


def extremes_of(
    service: InferenceService, found: Outcome
) -> dict[str, list[tuple[int, tuple[np.ndarray, np.ndarray]]]]:
    """Heading → place and pictures of the pairs with the largest and with the smallest effect on the first network."""
    most, least = found.extremes(found.models[0])
    name = found.labels[found.models[0]]
    return {
        f"Largest effects on {name}": [(place, pair_of(service, found, place)) for place in most],
        f"Smallest effects on {name}": [(place, pair_of(service, found, place)) for place in least],
    }


def report_of(service: InferenceService, found: Outcome, *, link: str = "", pdf: bool = False) -> bytes:
    """The report of a test as a file; see `perturber.export.claim_report`.

    Raises:
        InvalidInputError: its pictures cannot be made any more, or there is no Chromium for a PDF.
    """
    from perturber.export.claim_report import Shown, report_html, report_pdf
    from perturber.figures import data_uri

    a, b = pictures_of(service, found)
    examples = {
        heading: [Shown(place, (data_uri(one), data_uri(other))) for place, (one, other) in some]
        for heading, some in extremes_of(service, found).items()
    }
    html = report_html(found, (data_uri(a), data_uri(b)), examples, link=link)
    return report_pdf(html) if pdf else html
