"""A network at several moments of its training: a series of checkpoints, and what its log says of it."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.training.run import Files, read_metrics


@dataclass(frozen=True)
class Moment:
    """A state of a network in training.

    Attributes:
        step: updates before it; 0 is what the training started from.
        model: name of the network as it then was: ``name@step``, or the base's.
        epoch: pictures seen over those that there are; None where the log does not say it.
    """

    step: int
    model: str
    epoch: float | None


@dataclass(frozen=True)
class Series:
    """The checkpoints of a network.

    Attributes:
        name, label, training: of its entry in the catalogue.
        moments: in order, at least one; the first is step 0 where the base's weights are at hand.
        log: file of its metrics, which may not be there.
    """

    name: str
    label: str
    training: str
    moments: tuple[Moment, ...]
    log: Path

    @property
    def steps(self) -> tuple[int, ...]:
        """Of its moments, rising."""
        return tuple(moment.step for moment in self.moments)

    @property
    def models(self) -> tuple[str, ...]:
        """Names of its moments."""
        return tuple(moment.model for moment in self.moments)

    def at(self, step: int) -> Moment:
        """The moment of a step that there is."""
        return self.moments[self.steps.index(step)]

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of its log.

        Raises:
            InvalidInputError: there is none, or it cannot be read.
        """
        return read_metrics(self.log)


def all_series(settings: Settings) -> dict[str, Series]:
    """Every model that is at hand and has checkpoints, by name, in the catalogue's order."""
    ready = zoo.ready(settings)
    return {name: _series(entry, ready) for name, entry in ready.items() if entry.checkpoints}


def _series(entry: zoo.ModelEntry, ready: dict[str, zoo.ModelEntry]) -> Series:
    first = entry.checkpoints[0]
    log = Files(folder=first.parent, name=re.sub(r"-?\d*$", "", first.stem)).metrics
    try:
        epochs = {line["step"]: line.get("epoch") for line in read_metrics(log)}
    except InvalidInputError:
        epochs = {}
    moments = [Moment(step, f"{entry.name}@{step}", epochs.get(step)) for step in sorted(entry.steps)]
    base = ready.get(entry.base or "")
    if base is not None and base.architecture == entry.architecture and base.classes == entry.classes:
        moments.insert(0, Moment(0, base.name, 0.0))
    return Series(entry.name, entry.label, entry.training, tuple(moments), log)
