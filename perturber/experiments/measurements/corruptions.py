"""Robustness against the fifteen corruptions of ImageNet-C."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar

import numpy as np

from perturber.errors import InvalidInputError
from perturber.experiments.measurements.measurement import (
    Figure,
    Measurement,
    Numbers,
    Order,
    Pick,
    Result,
    Seen,
    Trial,
    figures,
    numbers,
    pictures,
    recognised_rows,
    whole,
)
from perturber.experiments.measurements.statistics import (
    Statistic,
    corruption_errors,
    difference,
    relative_corruption_errors,
)
from perturber.parameters import PARAMETERS, Parameter

ALEXNET = {
    "gaussian_noise": 88.6, "shot_noise": 89.4, "impulse_noise": 92.3, "defocus_blur": 82.0, "glass_blur": 82.6,
    "motion_blur": 78.6, "zoom_blur": 79.8, "snow": 86.7, "frost": 82.7, "fog": 81.9, "brightness": 56.5,
    "contrast": 85.3, "elastic_transform": 64.6, "pixelate": 71.8, "jpeg_compression": 60.7,
}  # fmt: skip
"""Corruption → AlexNet's top-1 error in per cent over the validation pictures of ImageNet, mean over the severities
(Hendrycks & Dietterich 2019)."""

ALEXNET_CLEAN = 43.5
"""Its error on uncorrupted ones (the same paper, table 1)."""

UNDEFINED = (
    "Some figures are not defined, since the baseline makes no mistake there, or a network none but mistakes. "
    "Measure over more pictures."
)

CLEAN = ""
"""In place of a corruption."""


class Corruptions(Measurement):
    """ImageNet-C style robustness: errors under 15 corruptions × 5 severities, mCE and relative mCE."""

    name = "corruptions"
    title = "Robustness against corruptions"
    definition = (
        "E_{c,s} is the share of pictures that a network gets wrong under corruption c of severity s, E_clean that "
        "without. Mean error: the mean of E_{c,s} over all, in per cent. mCE: 100 · mean over c of "
        "(Σ_s E_{c,s} / Σ_s B_{c,s}) with the errors B of a baseline. Relative mCE: "
        "100 · mean over c of (Σ_s (E_{c,s} − E_clean) / Σ_s (B_{c,s} − B_clean)). Left of the accuracy: for each "
        "corruption mean over s of (1 − E_{c,s}) / (1 − E_clean), in per cent. Rendered scenes count as right where "
        "the most probable class names the object. Intervals draw the pictures anew."
    )
    source = (
        "Hendrycks & Dietterich 2019, “Benchmarking neural network robustness to common corruptions and "
        "perturbations”, section 4.1; AlexNet’s errors are those that it publishes, over ImageNet’s validation pictures"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("pictures", "Pictures", 28, 4, 5000, "Scenes, or pictures of the folder, evenly spread."),
        Numbers(
            key="severities", label="Severities", group="", default="1,2,3,4,5", minimum=1, maximum=5, whole=True,
            most=5, help="Those that are shown.",
        ),
        Pick(
            key="baseline", label="Baseline", group="", default="first", help="Whose errors count as 100 %.",
            choices={"first": "the first of the networks", "alexnet": "AlexNet’s published errors"},
        ),
    )  # fmt: skip
    folder = "labelled pictures, named <wnid>_* or in folders <wnid>/, in place of rendered scenes"

    def most(self, order: Order) -> int:
        """Each picture under each corruption."""
        return order.whole("pictures") * len(_cells(order))

    def trials(self, order: Order) -> list[Trial]:
        """Each picture without a corruption, then under each at each severity."""
        if order.options["baseline"] == "alexnet" and order.options["severities"] != "1,2,3,4,5":
            raise InvalidInputError(
                "AlexNet’s published errors are means over all five severities. "
                "Measure all of them, or choose the first network as the baseline."
            )
        found: list[Trial] = []
        for number, plain in enumerate(pictures(order)):
            for corruption, severity in _cells(order):
                changes = {} if corruption == CLEAN else {f"corruption_{corruption}": severity}
                scene = plain.scene.replace(**changes, corruption_seed=number % 10_000)
                facts = {"picture": plain.facts["picture"], "corruption": corruption, "severity": severity}
                found.append(Trial(scene=scene, file=plain.file, right=plain.right, facts=facts))
        return found

    def result(self, order: Order, seen: Seen) -> Result:
        """Errors of each corruption and of all, mCE and relative mCE."""
        cells = _cells(order)
        severities = len(numbers(order.options["severities"]))
        wrong = {
            model: (1 - found[:, 0].astype(np.float64)).reshape(-1, len(cells))
            for model, found in seen.readings.items()
        }
        count = len(seen.trials) // len(cells)
        names = [PARAMETERS[f"corruption_{corruption}"].label for corruption in ALEXNET]
        steps = [f"severity {severity:g}" for severity in numbers(order.options["severities"])]
        baseline = None if order.options["baseline"] == "alexnet" else wrong[order.models[0]]
        statistics: list[tuple[str, Callable[[np.ndarray], Statistic], Sequence[str]]] = [
            ("clean error", lambda own: _of(own, severities, _clean), ("",)),
            ("mean error", lambda own: _of(own, severities, _mean_error), ("",)),
            ("mCE", lambda own: _relative(own, baseline, severities, to_clean=False), ("",)),
            ("relative mCE", lambda own: _relative(own, baseline, severities, to_clean=True), ("",)),
            ("error", lambda own: _of(own, severities, _errors), names),
            ("error by severity", lambda own: _of(own, severities, _by_severity), steps),
            ("left of the accuracy", lambda own: _of(own, severities, _left), names),
        ]
        found: list[Figure] = []
        for name, statistic, groups in statistics:
            for model, own in wrong.items():
                found += figures(name, model, statistic(own), count, groups=groups, unit="%")
        first, *others = order.models
        for model in others:
            lead = difference(*(_of(wrong[one], severities, _left) for one in (model, first)))
            found += figures("left difference", (model, first), lead, count, groups=names, unit="points")
        result = self._result(order, seen, found, *recognised_rows(order, seen))
        if not all(np.isfinite(figure.value) for figure in found):
            return replace(result, notes=(UNDEFINED,))
        return result


def _cells(order: Order) -> list[tuple[str, float]]:
    severities = numbers(order.options["severities"])
    return [(CLEAN, 0.0), *((corruption, severity) for corruption in ALEXNET for severity in severities)]


def _split(wrong: np.ndarray, severities: int, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Clean errors (R,) and those under corruptions (R, C, S), of pictures that are drawn so often (R, N)."""
    found = (weights @ wrong) / weights.sum(1, keepdims=True)
    return found[:, 0], found[:, 1:].reshape(len(found), -1, severities)


def _of(wrong: np.ndarray, severities: int, of: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Statistic:
    return lambda weights: of(*_split(wrong, severities, weights))


def _relative(wrong: np.ndarray, baseline: np.ndarray | None, severities: int, *, to_clean: bool) -> Statistic:
    """mCE or relative mCE; without a baseline that of AlexNet."""

    def statistic(weights: np.ndarray) -> np.ndarray:
        clean, errors = _split(wrong, severities, weights)
        if baseline is None:
            base_clean, base = np.array(ALEXNET_CLEAN / 100), np.array([*ALEXNET.values()])[:, None] / 100
        else:
            base_clean, base = _split(baseline, severities, weights)
        if to_clean:
            return relative_corruption_errors(errors, clean, base, base_clean)[:, None]
        return corruption_errors(errors, base)[:, None]

    return statistic


def _clean(clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 100 * clean[:, None]


def _mean_error(clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 100 * errors.mean((1, 2))[:, None]


def _errors(clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 100 * errors.mean(2)


def _by_severity(clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 100 * errors.mean(1)


def _left(clean: np.ndarray, errors: np.ndarray) -> np.ndarray:
    return 100 * (1 - errors.mean(2)) / (1 - clean)[:, None]
