"""How networks stand attacks on themselves and on one another."""

from itertools import product
from typing import ClassVar

import numpy as np

from perturber.attack import Attack
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
from perturber.experiments.measurements.statistics import means
from perturber.parameters import Parameter


class Adversarial(Measurement):
    """Accuracy under PGD over ε, at which frequencies the perturbations lie, and how they transfer."""

    name = "adversarial"
    title = "Robustness against attacks"
    definition = (
        "Each picture is attacked on each network A by K steps of PGD of size ε/8, away from its class, and shown to "
        "every network B. Accuracy: the share of pictures whose most probable class is right, in per cent, for A → A "
        "over ε; the transfer matrix has it for all A → B at the largest ε. Low-frequency share: of the perturbation’s "
        "energy Σ|F|², that below 0.1 cycles a pixel. Scenes count as right where the class names the object; there an "
        "attack leads away from the class that A predicts. Intervals draw the pictures anew."
    )
    source = "Madry et al. 2018, “Towards deep learning models resistant to adversarial attacks” (PGD)"
    options: ClassVar[tuple[Parameter, ...]] = (
        whole("pictures", "Pictures", 16, 4, 5000, "Scenes, or pictures of the folder, evenly spread."),
        whole("steps", "Steps", 8, 1, 200, "K, of each attack."),
        Pick(
            key="norm", label="Norm", group="", default="l2", help="That bounds the perturbation.",
            choices={"l2": "L2", "linf": "L∞"},
        ),
        Numbers(
            key="epsilons", label="ε", group="", default="0.25,0.5,1", minimum=1e-4, maximum=100,
            help="Largest perturbations, in the [0, 1] pixel scale.",
        ),
    )  # fmt: skip
    folder = "labelled pictures, named <wnid>_* or in folders <wnid>/, in place of rendered scenes"

    def most(self, order: Order) -> int:
        """Each picture under each attack."""
        attacks = len(order.models) * len(numbers(order.options["epsilons"]))
        return order.whole("pictures") * (1 + attacks)

    def gradients(self, order: Order) -> int:
        """Each step of each attack."""
        return (self.most(order) - order.whole("pictures")) * order.whole("steps")

    def attacks(self, order: Order) -> list[Attack]:
        """On each network, of each size."""
        return [
            Attack(model=model, norm=order.options["norm"], epsilon=epsilon, steps=order.whole("steps"))
            for model, epsilon in product(order.models, numbers(order.options["epsilons"]))
        ]

    def trials(self, order: Order) -> list[Trial]:
        """The pictures as they are, then under each attack."""
        return [
            Trial(
                scene=plain.scene,
                file=plain.file,
                right=plain.right,
                attack=attack,
                facts={
                    **plain.facts,
                    "attacked": None if attack is None else attack.model,
                    "epsilon": 0.0 if attack is None else attack.epsilon,
                },
            )
            for plain, attack in product(pictures(order), [None, *self.attacks(order)])
        ]

    def result(self, order: Order, seen: Seen) -> Result:
        """Accuracies over ε, the transfer matrix, and shares of low frequencies."""
        epsilons = numbers(order.options["epsilons"])
        attacked = np.array([trial.facts["attacked"] or "" for trial in seen.trials])
        of = np.array([trial.facts["epsilon"] for trial in seen.trials])
        right = {model: 100 * found[:, 0].astype(float) for model, found in seen.readings.items()}
        found: list[Figure] = []

        def add(name: str, models: str | tuple[str, ...], values: np.ndarray, group: str = "") -> None:
            found.extend(figures(name, models, means(values), len(values), groups=[group], unit="%"))

        for model in order.models:
            add("accuracy", model, right[model][attacked == ""], "ε 0")
            for epsilon in epsilons:
                add("accuracy", model, right[model][(attacked == model) & (of == epsilon)], f"ε {epsilon:g}")
        for first, second in product(order.models, order.models):
            add("transfer", (first, second), right[second][(attacked == first) & (of == epsilons[-1])])
        for model, epsilon in product(order.models, epsilons):
            low = 100 * seen.low[(attacked == model) & (of == epsilon)]
            add("low-frequency share", model, low, f"ε {epsilon:g}")
        head, rows = recognised_rows(order, seen)
        told = [[*row, None if np.isnan(low) else 100 * float(low)] for row, low in zip(rows, seen.low, strict=True)]
        return self._result(order, seen, found, [*head, "low-frequency %"], told)
