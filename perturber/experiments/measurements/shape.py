"""Whether networks go by shapes or by textures where these say different things."""

from collections.abc import Collection, Iterator, Sequence
from itertools import combinations, product
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from perturber.errors import InvalidInputError
from perturber.examples.folders import picture_names
from perturber.experiments.measurements.decisions import (
    CATEGORIES,
    COLUMNS,
    Decision,
    by_observer,
    cue_hits,
    cues,
    identity,
    load,
    shared,
)
from perturber.experiments.measurements.measurement import (
    Figure,
    Measurement,
    Order,
    Result,
    Seen,
    Trial,
    check_subjects,
    figures,
    of_subject,
    outputs,
    whole,
)
from perturber.experiments.measurements.statistics import (
    Statistic,
    cues_in_conflict,
    difference,
    error_consistency,
    means,
    ratios,
)
from perturber.groups.subjects import SUBJECTS, VIEWS
from perturber.parameters import Parameter
from perturber.zoo.classes import ClassName
from perturber.zoo.evaluate import spread

PAIRS = {
    pair: {name: subject for name, subject in SUBJECTS.items() if subject.pair == pair}
    for pair in dict.fromkeys(subject.pair for subject in SUBJECTS.values())
}
"""Key of a morph pair → its first and its second object."""

BIASES = ("shape bias", "shape bias by its own criterion", "shape weight")
"""What networks are compared by."""


class Shape(Measurement):
    """Shape bias and error consistency, on cue-conflict pictures or on our own scenes."""

    name = "shape"
    title = "Shape bias"
    definition = (
        "On rendered scenes the shape s and the texture t of each morph pair (dog and cat, fire truck and race car) "
        "are mixed from 0, the first object, to 1, the second. With P₁ and P₂ the summed probabilities of the classes "
        "that name each, a network says the second where λ = ln P₂ − ln P₁ > 0. Shape bias: 100 · N_shape / (N_shape + "
        "N_texture) over the corners where shape and texture differ; by its own criterion, λ is compared in each view "
        "with the mean of λ(0, 0) and λ(1, 1), so that a liking for one of the objects counts for nothing. Shape "
        "weight: S / (S + T), where S is the mean of λ(1, t) − λ(0, t) over t and T that of λ(s, 1) − λ(s, 0) over s. "
        "Accuracy: of the corners where shape and texture agree. Shape and texture effect: as S and T, of P₂ / (P₁ + "
        "P₂), in points. With a folder of cue-conflict pictures, <shape>/<shape><n>-<texture><m>.png, a "
        "network says the one of 16 categories whose classes have the largest mean probability; the shape bias is "
        "over pictures whose shape and texture differ, the accuracy and the error consistency κ, Cohen’s κ of where "
        "two observers name the shape, are over all. Intervals draw views, or pictures, anew."
    )
    source = (
        "Geirhos et al. 2019, “ImageNet-trained CNNs are biased towards texture”; Geirhos, Meding & Wichmann 2020, "
        "“Beyond accuracy: quantifying trial-by-trial behaviour of CNNs and humans by measuring error consistency”; "
        "the scenes are of this project"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("views", "Views", 8, 1, len(VIEWS), "Of each pair; for scenes only."),
        whole("steps", "Steps", 3, 2, 21, "Of shape and of texture from 0 to 1, both included; for scenes only."),
        whole("pictures", "Pictures", 1280, 1, 5000, "Of the folder at most, evenly spread."),
    )
    folder = "cue-conflict pictures, <shape>/<shape><n>-<texture><m>.png, in place of rendered scenes"
    takes_decisions = True

    def most(self, order: Order) -> int:
        """Those of the folder, or the morph squares."""
        if order.folder is not None:
            return order.whole("pictures")
        return len(PAIRS) * order.whole("views") * order.whole("steps") ** 2

    def trials(self, order: Order) -> list[Trial]:
        """The folder's pictures, or each pair's morph square in each view."""
        if order.folder is not None:
            return self._pictures(order)
        if order.decisions:
            raise InvalidInputError(
                "Decisions are compared on the pictures that they are about. Give their folder, too."
            )
        check_subjects(order)
        mixes = np.linspace(0, 1, order.whole("steps")).tolist()
        views = spread(VIEWS, order.whole("views"))
        return [
            Trial(
                scene=first.scene(**view, shape_morph=shape, texture_morph=texture),
                facts={"pair": pair, **view, "shape": shape, "texture": texture},
            )
            for (pair, (first, _)), view, shape, texture in product(
                ((pair, tuple(both.values())) for pair, both in PAIRS.items()), views, mixes, mixes
            )
        ]

    def read(self, logits: Tensor, trials: Sequence[Trial], classes: Sequence[ClassName]) -> Tensor:
        """Of scenes both sums of probabilities (B, 2), of pictures the mean in each category (B, 16)."""
        probabilities = logits.double().softmax(1)
        if trials[0].file is not None:
            parts = [outputs(classes, wanted) for wanted in CATEGORIES.values()]
            return torch.stack([probabilities[:, part].mean(1) for part in parts], 1)
        both = {pair: [outputs(classes, of_subject(one)) for one in PAIRS[pair].values()] for pair in PAIRS}
        return torch.stack(
            [
                torch.stack([own[part].sum() for part in both[trial.facts["pair"]]])
                for own, trial in zip(probabilities, trials, strict=True)
            ]
        )

    def result(self, order: Order, seen: Seen) -> Result:
        """Shape bias and accuracy; effects of shape and texture, or consistencies of errors."""
        if order.folder is not None:
            return self._of_pictures(order, seen)
        return self._of_scenes(order, seen)

    def _of_scenes(self, order: Order, seen: Seen) -> Result:
        views, steps = order.whole("views"), order.whole("steps")
        parts = {
            model: cues_in_conflict(*np.moveaxis(found.reshape(-1, steps, steps, 2).astype(np.float64), -1, 0))
            for model, found in seen.readings.items()
        }
        groups = {"": slice(None)}
        groups |= {" and ".join(both): slice(n * views, (n + 1) * views) for n, both in enumerate(PAIRS.values())}
        found: list[Figure] = []
        for name in next(iter(parts.values())):
            for model, (group, own) in product(order.models, groups.items()):
                over, under = (part[own] for part in parts[model][name])
                unit = "points" if name.endswith("effect") else "%"
                found += figures(name, model, ratios(100 * over, under), len(over), groups=[group], unit=unit)
        first, *others = order.models
        for name, model, (group, own) in product(BIASES, others, groups.items()):
            over, under = zip(*(parts[one][name] for one in (model, first)), strict=True)
            lead, base = (ratios(100 * hits[own], of[own]) for hits, of in zip(over, under, strict=True))
            found += figures(
                f"{name} difference", (model, first), difference(lead, base), len(over[0][own]), groups=[group],
                unit="points",
            )  # fmt: skip
        head = [*seen.trials[0].facts, *(f"{model}: {n} %" for model in order.models for n in ("first", "second"))]
        rows = [
            [*trial.facts.values(), *(100 * one for model in order.models for one in seen.readings[model][n].tolist())]
            for n, trial in enumerate(seen.trials)
        ]
        return self._result(order, seen, found, head, rows)

    @staticmethod
    def _pictures(order: Order) -> list[Trial]:
        assert order.folder is not None
        for model, classes in order.classes.items():
            missing = [name for name, wanted in CATEGORIES.items() if not outputs(classes, wanted)]
            if missing:
                raise InvalidInputError(f"{model} has no class of the category {missing[0]}, so it cannot be measured.")
        names = [name for name in picture_names(order.folder) if cues(name)]
        if not names:
            raise InvalidInputError(
                f"No picture in {str(order.folder)!r} is named <shape><n>-<texture><m>.png with two of the categories "
                f"{', '.join(CATEGORIES)}."
            )
        return [
            Trial(file=order.folder / name, facts={"name": name}) for name in spread(names, order.whole("pictures"))
        ]

    def _of_pictures(self, order: Order, seen: Seen) -> Result:
        observers = {model: list(_decided(model, seen)) for model in order.models}
        told = by_observer(decision for path in order.decisions for decision in load(path))
        people = {f"{name} (decisions)" if name in observers else name: own for name, own in told.items()}
        observers |= people
        found: list[Figure] = []
        for observer, own in observers.items():
            hits = cue_hits(own)
            if len(hits):
                found += figures("shape bias", observer, ratios(100 * hits[:, 0], hits.sum(1)), len(hits), unit="%")
        for observer, own in observers.items():
            right = np.array([100.0 * (one.response == one.shape) for one in own])
            found += figures("accuracy", observer, means(right), len(right), unit="%")
        for first, second in combinations(observers, 2):
            right = shared(observers[first], observers[second])
            if right.shape[1]:
                found += figures("error consistency", (first, second), _consistency(right), right.shape[1])
        for model in order.models:
            values = [one.value for one in found if one.name == "error consistency" and _is_to(one, model, people)]
            if values:
                found += figures("mean consistency with decisions", model, means(np.array(values)), len(values))
        rows = [
            [one.observer, 1, n + 1, None, one.response, one.shape, None, seen.trials[n].facts["name"]]
            for model in order.models
            for n, one in enumerate(observers[model])
        ]
        return self._result(order, seen, found, COLUMNS, rows)


def _decided(model: str, seen: Seen) -> Iterator[Decision]:
    names = list(CATEGORIES)
    for trial, means_ in zip(seen.trials, seen.readings[model], strict=True):
        found = cues(trial.facts["name"])
        assert found is not None
        known = not np.isnan(means_).any()
        yield Decision(model, identity(trial.facts["name"]), *found, names[int(means_.argmax())] if known else "")


def _consistency(right: np.ndarray) -> Statistic:
    return lambda weights: error_consistency(right[0], right[1], weights)[:, None]


def _is_to(figure: Figure, model: str, others: Collection[str]) -> bool:
    return model in figure.models and any(other in others for other in figure.models)
