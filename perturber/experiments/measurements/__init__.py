"""Measurements of networks: each a definition with its source, pictures to show, and numbers with intervals.

One module a measurement; `MEASUREMENTS` is the list of them.
"""

from perturber.errors import UnknownNameError
from perturber.experiments.measurements.adversarial import Adversarial
from perturber.experiments.measurements.backgrounds import Backgrounds
from perturber.experiments.measurements.challenge import Challenge
from perturber.experiments.measurements.corruptions import Corruptions
from perturber.experiments.measurements.fluctuation import Fluctuation
from perturber.experiments.measurements.measurement import Figure, Measurement, Order, Result, Seen, Trial
from perturber.experiments.measurements.mixed import Mixed
from perturber.experiments.measurements.shape import Shape
from perturber.experiments.measurements.viewpoints import Viewpoints

__all__ = ["MEASUREMENTS", "Figure", "Measurement", "Order", "Result", "Seen", "Trial", "find"]

MEASUREMENTS: dict[str, Measurement] = {
    one.name: one
    for one in (Fluctuation(), Backgrounds(), Challenge(), Corruptions(), Shape(), Adversarial(), Mixed(), Viewpoints())
}
"""Name → measurement."""


def find(name: str) -> Measurement:
    """The measurement of this name.

    Raises:
        UnknownNameError: naming those that exist.
    """
    if name not in MEASUREMENTS:
        raise UnknownNameError("measurement", name, MEASUREMENTS)
    return MEASUREMENTS[name]
