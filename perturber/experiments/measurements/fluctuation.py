"""How much predictions waver while one parameter of a scene moves."""

from collections.abc import Sequence
from itertools import product
from math import prod
from typing import ClassVar

import numpy as np
from torch import Tensor

from perturber.experiments.measurements.measurement import (
    Figure,
    Measurement,
    Order,
    Pick,
    Result,
    Seen,
    Trial,
    figures,
    whole,
)
from perturber.experiments.measurements.statistics import changes, fluctuation, means, ratios
from perturber.experiments.sweep import Axis
from perturber.groups.subjects import DISTANCES, PITCHES, SUBJECTS, YAWS
from perturber.parameters import PARAMETERS, Number, Parameter
from perturber.zoo.classes import ClassName

FIXED = {"pitch": PITCHES, "distance": DISTANCES}
"""What stays in each setting, unless it is what moves."""


class Fluctuation(Measurement):
    """Yaw fluctuation score, and that of any other parameter."""

    name = "fluctuation"
    title = "Fluctuation of predictions"
    definition = (
        "Each of the four objects stands before its own background in fixed settings (2 pitches × 2 distances), and "
        "one parameter, by default yaw, takes V values. In each setting k, with p_v the probabilities at value v, "
        "c = argmax of the mean of p_v over v, and s_k = 100 · std_v(p_v[c]) in percentage points (over all V values, "
        "not of a sample). The score of an object is the mean of s_k over its settings, ± their standard deviation; "
        "of the network, over all objects. As networks differ in how sure they are, the relative score is the sum of "
        "s_k over the sum of the means of 100 · p_v[c], in per cent. Class changes: the share of neighbouring values "
        "between which the most probable class changes. Intervals draw the settings anew; differences are of the same "
        "settings."
    )
    source = (
        "in place of equations 7.1 and 7.2 of the thesis on Perturber (section 7.3.1), whose wording was not at hand; "
        "objects, pitches, distances and yaws are of this project"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        Pick(
            key="parameter", label="Parameter", group="", default="yaw", help="What moves.",
            choices={key: f"{row.group} · {row.label}" for key, row in PARAMETERS.items() if isinstance(row, Number)},
        ),
        Number(
            key="low", label="From", group="", default=YAWS[0], minimum=-1e4, maximum=1e4, step=0.1,
            help="Its first value.",
        ),
        Number(
            key="high", label="To", group="", default=YAWS[-1], minimum=-1e4, maximum=1e4, step=0.1,
            help="Its last value.",
        ),
        whole("count", "Values", len(YAWS), 2, 721, "V, evenly from the first to the last."),
    )  # fmt: skip

    def most(self, order: Order) -> int:
        """All values in each setting of each object."""
        settings = prod(len(values) for name, values in FIXED.items() if name != order.options["parameter"])
        return len(SUBJECTS) * settings * order.whole("count")

    def trials(self, order: Order) -> list[Trial]:
        """Object by object and setting by setting, with the parameter moving fastest."""
        key = order.options["parameter"]
        axis = Axis.even(key, order.options["low"], order.options["high"], order.whole("count"))
        fixed = {name: values for name, values in FIXED.items() if name != key}
        return [
            Trial(
                scene=subject.scene(**dict(zip(fixed, setting, strict=True)), **{key: value}),
                facts={"object": name, **dict(zip(fixed, setting, strict=True)), key: value},
            )
            for name, subject in SUBJECTS.items()
            for setting in product(*fixed.values())
            for value in axis.values
        ]

    def read(self, logits: Tensor, trials: Sequence[Trial], classes: Sequence[ClassName]) -> Tensor:
        """All probabilities."""
        return logits.double().softmax(1).float()

    def result(self, order: Order, seen: Seen) -> Result:
        """The score of each object and of all, and differences to the first network."""
        key = order.options["parameter"]
        values = len({trial.facts[key] for trial in seen.trials})
        objects = [trial.facts["object"] for trial in seen.trials[::values]]
        names = list(dict.fromkeys(objects))
        parts = {
            model: fluctuation(found.reshape(len(objects), values, -1).astype(np.float64))
            for model, found in seen.readings.items()
        }
        groups = {"": np.full(len(objects), True), **{name: np.array(objects) == name for name in names}}
        found: list[Figure] = []
        for model, (spread, _) in parts.items():
            for group, own in groups.items():
                found += figures(
                    "fluctuation", model, means(spread[own]), int(own.sum()), groups=[group], unit="points",
                    deviations=[spread[own].std()],
                )  # fmt: skip
        for model, (spread, mean) in parts.items():
            for group, own in groups.items():
                relative = ratios(100 * spread[own], mean[own])
                found += figures("relative", model, relative, int(own.sum()), groups=[group], unit="%")
        turns = {model: changes(found.argmax(1).reshape(-1, values)) for model, found in seen.readings.items()}
        for model, turn in turns.items():
            for group, own in groups.items():
                found += figures("class changes", model, means(turn[own]), int(own.sum()), groups=[group], unit="%")
        first, *others = order.models
        for model in others:
            found += figures(
                "class changes difference", (model, first), means(turns[model] - turns[first]), len(objects),
                unit="points",
            )  # fmt: skip
            difference = parts[model][0] - parts[first][0]
            found += figures("difference", (model, first), means(difference), len(difference), unit="points")
        head = [*seen.trials[0].facts, *(f"{model}: {what}" for model in order.models for what in ("class", "%"))]
        return self._result(order, seen, found, head, self._rows(order, seen, values))

    @staticmethod
    def _rows(order: Order, seen: Seen, values: int) -> list[list[object]]:
        """Of each scene the class that the score of its setting follows, and its probability."""
        rows = [list(trial.facts.values()) for trial in seen.trials]
        for model, classes in order.classes.items():
            probabilities = seen.readings[model].astype(np.float64)
            best = probabilities.reshape(-1, values, probabilities.shape[1]).mean(1).argmax(1).repeat(values)
            for n, index in enumerate(best):
                rows[n] += [classes[index].name, 100 * float(probabilities[n, index])]
        return rows
