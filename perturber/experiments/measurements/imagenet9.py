"""The Backgrounds Challenge's pictures: ImageNet-9, whose objects and backgrounds were taken apart and mixed."""

import json
from pathlib import Path

import numpy as np

from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.experiments.measurements.measurement import Figure, Order, Seen, Trial, figures, outputs
from perturber.experiments.measurements.statistics import Statistic, difference, means, ratios
from perturber.zoo.classes import IMAGENET_1K
from perturber.zoo.evaluate import spread

VARIANTS = {
    "original": "Original", "mixed_same": "Mixed-Same", "mixed_rand": "Mixed-Rand", "mixed_next": "Mixed-Next",
    "only_fg": "Only-FG", "no_fg": "No-FG", "only_bg_b": "Only-BG-B", "only_bg_t": "Only-BG-T",
}  # fmt: skip
"""Folder → what it is called in the paper."""

PICTURES = 4050
"""Of each variant, as published."""

SAME, RANDOM = VARIANTS["mixed_same"], VARIANTS["mixed_rand"]

MAPPING = "in_to_in9.json"
"""Of the index of an ImageNet-1k class to one of the nine, or −1."""


def variants(folder: Path | None) -> list[str]:
    """The folders of the challenge that there are; none where it is another kind of folder."""
    return [] if folder is None else [name for name in VARIANTS if (folder / name / "val").is_dir()]


def trials(order: Order, count: int) -> list[Trial]:
    """Pictures of each variant, at most so many, evenly spread.

    Raises:
        InvalidInputError: the mapping is missing or none, a folder has no pictures, or is named otherwise, or a network
            lacks a class.
    """
    assert order.folder is not None
    right = _classes(order)
    found: list[Trial] = []
    for variant in variants(order.folder):
        root = order.folder / variant / "val"
        for name in spread(picture_names(root), count):
            number, _, title = Path(name).parts[0].partition("_")
            if not number.isdecimal() or int(number) not in right or len(Path(name).parts) < 2:
                raise InvalidInputError(
                    f"{str(root / name)!r} lies in no folder that is named as one of the nine classes, such as 00_dog."
                )
            facts = {"variant": VARIANTS[variant], "class": title, "picture": f"{variant}/val/{name}"}
            found.append(Trial(file=root / name, right=right[int(number)], facts=facts))
    return found


def found(order: Order, seen: Seen) -> list[Figure]:
    """Accuracy on each variant, the gap, and how gaps differ from the first network's."""
    labels = np.array([trial.facts["variant"] for trial in seen.trials])
    right = {model: readings[:, 0].astype(float) for model, readings in seen.readings.items()}
    made: list[Figure] = []
    for model in order.models:
        for variant in dict.fromkeys(labels.tolist()):
            own = 100 * right[model][labels == variant]
            made += figures("recognised", model, means(own), len(own), groups=[variant], unit="%")
    mixed = np.isin(labels, (SAME, RANDOM))
    if not {SAME, RANDOM} <= set(labels.tolist()):
        return made
    gaps = {model: _gap(right[model][mixed], labels[mixed]) for model in order.models}
    for model, gap in gaps.items():
        made += figures("gap", model, gap, int(mixed.sum()), unit="points")
    first, *others = order.models
    for model in others:
        lead = difference(gaps[model], gaps[first])
        made += figures("gap difference", (model, first), lead, int(mixed.sum()), unit="points")
    return made


def _gap(right: np.ndarray, labels: np.ndarray) -> Statistic:
    same, random = ((labels == label).astype(float) for label in (SAME, RANDOM))
    return difference(ratios(100 * right * same, same), ratios(100 * right * random, random))


def _classes(order: Order) -> dict[int, frozenset[str]]:
    """Number of each of the nine classes → WordNet identifiers of those that count as it."""
    assert order.folder is not None
    path = order.folder / MAPPING
    try:
        told = json.loads(path.read_text("utf-8"))
        numbers = {IMAGENET_1K[int(index)].wnid: int(number) for index, number in told.items() if int(number) >= 0}
    except FileNotFoundError:
        raise InvalidInputError(
            f"The Backgrounds Challenge in {str(order.folder)!r} lacks {MAPPING}, which says what classes of ImageNet "
            "count as which of its nine. Put the published file beside its folders."
        ) from None
    except (OSError, ValueError, TypeError, AttributeError, IndexError) as error:
        raise InvalidInputError(f"{str(path)!r} does not map classes of ImageNet to the nine.") from error
    right = {
        number: frozenset(wnid for wnid, own in numbers.items() if own == number) for number in set(numbers.values())
    }
    for model, classes in order.classes.items():
        if not all(outputs(classes, wanted) for wanted in right.values()):
            raise InvalidInputError(f"{model} lacks classes of the Backgrounds Challenge, so it cannot be measured.")
    return right
