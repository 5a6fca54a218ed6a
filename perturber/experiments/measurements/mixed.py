"""How robust networks are whose early stages come from one network and whose late ones from another."""

from collections.abc import Callable, Mapping, Sequence
from itertools import product
from typing import Any, ClassVar

import numpy as np

from perturber.editing import Edit
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.measurements.adversarial import Adversarial
from perturber.experiments.measurements.measurement import (
    Figure,
    Order,
    Result,
    Seen,
    Trial,
    figures,
    numbers,
    pictures,
)
from perturber.experiments.measurements.statistics import means
from perturber.parameters import Parameter, Text


class Mixed(Adversarial):
    """Accuracy under PGD over ε of two networks, and of all that are the one up to a stage and the other behind it."""

    name = "mixed"
    title = "Robustness of mixed networks"
    definition = (
        "Of two networks of one architecture, a robust one and a standard one, others are made: up to and including a "
        "stage their weights, biases and statistics of normalisations are those of the one, behind it those of the "
        "other, as they are; both ways round (early → late). Each is attacked by K steps of PGD of size ε/8 on itself. "
        "Accuracy: the share of pictures whose most probable class is right, in per cent, at each ε. Scenes count as "
        "right where the class names the object; there an attack leads away from the class that the network predicts. "
        "Intervals draw the pictures anew. For such networks after fine-tuning, train on an edit with frozen stages "
        "(perturber train --from EDIT --freeze STAGE) and measure what comes of it by “adversarial”."
    )
    source = (
        "after section 7.2 (Figure 7.2) of the thesis on Perturber; Madry et al. 2018, “Towards deep learning models "
        "resistant to adversarial attacks” (PGD)"
    )
    options: ClassVar[tuple[Parameter, ...]] = (
        *Adversarial.options,
        Text(
            key="cuts", label="Cuts", group="", default="", longest=8_000,
            help="Stages behind which networks are cut, with commas between; by default all but the last.",
        ),
    )  # fmt: skip
    one_by_one = True

    def arrange(
        self, given: Sequence[str], options: Mapping[str, Any], stages: Callable[[str, str], Sequence[str]]
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Both networks, those that begin as the first, then those that begin as the second; and all cuts by name."""
        if len(given) != 2:
            raise InvalidInputError(f"{self.title} is measured of two networks, a robust and a standard one.")
        first, second = given
        names = list(stages(second, first))
        cuts = _cuts(options) or names[:-1]
        for name in cuts:
            if name not in names[:-1]:
                raise UnknownNameError("stage to cut behind", name, names[:-1])
        cuts = sorted(set(cuts), key=names.index)
        ends = [names.index(cut) + 1 for cut in cuts]
        parts = [names[:end] for end in ends] + [names[end:] for end in ends]
        mixed = (str(Edit.mix(second, first, dict.fromkeys(part, 1.0))) for part in parts)
        return (first, second, *mixed), {**options, "cuts": ",".join(cuts)}

    def trials(self, order: Order) -> list[Trial]:
        """Each picture as it is, for all networks, then under each attack for the network that it is on."""
        _origins(order)
        return [
            Trial(
                scene=plain.scene,
                file=plain.file,
                right=plain.right,
                attack=attack,
                models=None if attack is None else (attack.model,),
                facts={**plain.facts, "epsilon": 0.0 if attack is None else attack.epsilon},
            )
            for plain, attack in product(pictures(order), [None, *self.attacks(order)])
        ]

    def result(self, order: Order, seen: Seen) -> Result:
        """Accuracy at the largest ε for every cut, accuracy over ε for each, and what each picture came to."""
        epsilons = (0.0, *numbers(order.options["epsilons"]))
        of = np.array([trial.facts["epsilon"] for trial in seen.trials])
        origins = _origins(order)
        curves: list[Figure] = []
        ends: list[Figure] = []
        rows = []
        for model, (models, cut) in origins.items():
            readings = seen.readings[model].astype(float)
            shown = np.isfinite(readings[:, 0])
            for behind in dict.fromkeys([cut] if cut else [own for _, own in origins.values() if own]):
                for epsilon in epsilons:
                    right, name = 100 * readings[shown & (of == epsilon), 0], f"accuracy, cut behind {behind}"
                    curves += figures(name, models, means(right), len(right), groups=[f"ε {epsilon:g}"], unit="%")
            right, name = 100 * readings[shown & (of == epsilons[-1]), 0], f"accuracy at ε {epsilons[-1]:g}"
            ends += figures(name, models, means(right), len(right), groups=[cut or "not mixed"], unit="%")
            for n in np.flatnonzero(shown).tolist():
                right, share = readings[n].tolist()
                facts = seen.trials[n].facts
                rows.append([models[0], models[-1], cut, facts["picture"], facts["epsilon"], int(right), 100 * share])
        order_of = {f"accuracy, cut behind {cut}": n for n, cut in enumerate(_cuts(order.options))}
        curves.sort(key=lambda figure: order_of[figure.name])
        head = ["early", "late", "cut", "picture", "epsilon", "right", "%"]
        return self._result(order, seen, [*ends, *curves], head, rows)


def _cuts(options: Mapping[str, Any]) -> list[str]:
    return [name.strip() for name in str(options["cuts"]).split(",") if name.strip()]


def _origins(order: Order) -> dict[str, tuple[tuple[str, ...], str]]:
    """Network → the one or two that it is made of, the early one first, and the last stage that is the early one's.

    Raises:
        InvalidInputError: these are not the networks of `Mixed.arrange`.
    """
    cuts = _cuts(order.options)
    if len(order.models) != 2 + 2 * len(cuts):
        raise InvalidInputError(f"{Mixed.title} is measured of two networks, a robust and a standard one.")
    first, second, *mixed = order.models
    pairs = [((first, second), cut) for cut in cuts] + [((second, first), cut) for cut in cuts]
    return {first: ((first,), ""), second: ((second,), ""), **dict(zip(mixed, pairs, strict=True))}
