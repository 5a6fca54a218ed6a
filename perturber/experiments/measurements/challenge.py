"""Backgrounds Challenge: the pictures of ImageNet-9 with other backgrounds, or without one."""

import json
import re
from pathlib import Path
from typing import ClassVar

import numpy as np

from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.experiments.measurements.measurement import (
    Figure,
    Measurement,
    Order,
    Result,
    Seen,
    Trial,
    figures,
    recognised_rows,
    whole,
)
from perturber.experiments.measurements.statistics import Statistic, difference, means, ratios
from perturber.parameters import Parameter
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import spread

VARIANTS = {
    "original": "original",
    "mixed_same": "mixed-same",
    "mixed_rand": "mixed-rand",
    "mixed_next": "mixed-next",
    "only_fg": "object only",
    "no_fg": "without the object",
    "only_bg_b": "background, box",
    "only_bg_t": "background, tiled",
}
"""Folder → what its pictures are called."""

SAME, RANDOM = "mixed-same", "mixed-rand"

MAPPING = "in_to_in9.json"
"""File of the challenge that says which of the nine classes each class of ImageNet-1k belongs to."""

LONGEST = 2**20
"""Bytes of it."""

PLACE = re.compile(r"(?:^|/)(" + "|".join(VARIANTS) + r")/(?:val/)?0(\d)_[a-z _]+/[^/]+")
"""A picture's name: its variant and its class."""


class Challenge(Measurement):
    """Accuracy on the variants of ImageNet-9, and the background gap."""

    name = "challenge"
    title = "Backgrounds Challenge"
    definition = (
        "Pictures of nine classes (ImageNet-9) come as they are, with the background of a picture of the same class "
        "(mixed-same), of a class by chance (mixed-rand) or of the next class (mixed-next), as objects alone, without "
        "their object, and as backgrounds whose object is a black box or is covered by tiles. A picture counts as "
        "recognised where the most probable of all classes belongs to its class of the nine, in per cent; on pictures "
        "without their object that says how much backgrounds tell alone. Gap: mixed-same − mixed-rand. Intervals draw "
        "the pictures of each variant anew."
    )
    source = (
        "Xiao, Engstrom, Ilyas & Madry 2020, “Noise or signal: the role of image backgrounds in object recognition”"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("pictures", "Pictures", 450, 9, 4050, "Of each variant, evenly spread."),
    )
    folder = f"the challenge’s folders (original/val/00_dog/ and so on), with its file {MAPPING} beside them"

    def most(self, order: Order) -> int:
        """As many of each variant."""
        return len(VARIANTS) * order.whole("pictures")

    def trials(self, order: Order) -> list[Trial]:
        """The pictures, variant by variant."""
        if order.folder is None:
            raise InvalidInputError(f"The Backgrounds Challenge needs a folder of pictures: {self.folder}.")
        right = _classes(order.folder)
        known = {one.wnid for one in IMAGENET_1K}
        for model, classes in order.classes.items():
            if not known <= {one.wnid for one in classes}:
                raise InvalidInputError(f"{model} does not tell apart the classes of ImageNet-1k, so it is left out.")
        found: dict[str, list[tuple[str, int]]] = {variant: [] for variant in VARIANTS}
        for name in picture_names(order.folder):
            if match := PLACE.search(name):
                found[match[1]].append((name, int(match[2])))
        trials = [
            Trial(
                file=order.folder / name,
                right=right[number],
                facts={"variant": VARIANTS[variant], "class": number, "picture": name},
            )
            for variant, pictures in found.items()
            for name, number in spread(pictures, order.whole("pictures"))
            if number in right
        ]
        if not trials:
            raise InvalidInputError(
                f"No picture in {str(order.folder)!r} lies in a folder of the challenge, such as original/val/00_dog/."
            )
        return trials

    def result(self, order: Order, seen: Seen) -> Result:
        """Accuracy on each variant, the gap, and how gaps differ from the first network's."""
        variants = np.array([trial.facts["variant"] for trial in seen.trials])
        right = {model: 100 * found[:, 0].astype(float) for model, found in seen.readings.items()}
        mixed = np.isin(variants, (SAME, RANDOM))
        found: list[Figure] = []
        for model, own in right.items():
            for variant in VARIANTS.values():
                there = own[variants == variant]
                if len(there):
                    found += figures("accuracy", model, means(there), len(there), groups=[variant], unit="%")
        gaps: dict[str, Statistic] = {}
        if {SAME, RANDOM} <= set(variants):
            for model, own in right.items():
                gaps[model] = difference(
                    *(_share(own[mixed], variants[mixed] == variant) for variant in (SAME, RANDOM))
                )
                found += figures("gap", model, gaps[model], int(mixed.sum()), unit="points")
            first, *others = order.models
            for model in others:
                lead = difference(gaps[model], gaps[first])
                found += figures("gap difference", (model, first), lead, int(mixed.sum()), unit="points")
        return self._result(order, seen, found, *recognised_rows(order, seen))


def _share(right: np.ndarray, own: np.ndarray) -> Statistic:
    return ratios(right * own, own.astype(float))


def _classes(folder: Path) -> dict[int, frozenset[str]]:
    """Of each of the nine classes the WordNet identifiers.

    Raises:
        InvalidInputError: the challenge's file is missing or broken.
    """
    path = folder / MAPPING
    try:
        if path.stat().st_size > LONGEST:
            raise ValueError("too large")
        told = json.loads(path.read_text("utf-8"))
        pairs = [(int(index), int(number)) for index, number in told.items()]
        found = {
            number: frozenset(IMAGENET_1K[index].wnid for index, own in pairs if own == number) for number in range(9)
        }
    except (OSError, ValueError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise InvalidInputError(
            f"{MAPPING} of the Backgrounds Challenge is not in {str(folder)!r}, or cannot be read. It says which "
            "classes of ImageNet-1k its nine classes have; put it beside the folders of pictures."
        ) from error
    return {number: wnids for number, wnids in found.items() if wnids}
