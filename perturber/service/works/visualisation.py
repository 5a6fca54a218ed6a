"""A job: feature visualisations of some targets of one model."""

from dataclasses import dataclass

import numpy as np

from perturber.featurevis import Optimisation, Recipe, Target
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does

TARGETS_A_STEP = {"cpu": 4, "cuda": 256}
"""Targets that one step takes along: bounds the time that an interactive request may have to wait for it."""


@dataclass(frozen=True, kw_only=True)
class VisualisationRequest:
    """A job: pictures of some targets of one model (see `perturber.featurevis`)."""

    model: str
    fingerprint: str
    targets: tuple[Target, ...]
    recipe: Recipe
    urgent: bool = True

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        layers = {target.layer or "classes" for target in self.targets}
        return f"Feature visualisation of {len(self.targets)} × {self.model} {', '.join(sorted(layers))}"


@does(VisualisationRequest)
class VisualisationWork:
    """Optimises pictures; product: (targets, variants, S, S, 3) uint8.

    A batch's targets are independent: many are split into parts that take turns, so that a step stays short.
    """

    def __init__(self, resources: Resources, request: VisualisationRequest) -> None:
        (network,) = resources.networks.steady((request.model,))
        most = max(1, TARGETS_A_STEP.get(network.device.type, 4) // request.recipe.variants)
        self.parts = [
            Optimisation(network, request.targets[start : start + most], request.recipe)
            for start in range(0, len(request.targets), most)
        ]

    def step(self) -> None:
        """One step of the part that lies furthest back."""
        min(self.parts, key=lambda part: part.done).step()

    def progress(self) -> Progress:
        """In steps of the parts."""
        return Progress(done=sum(p.done for p in self.parts), steps=sum(p.steps for p in self.parts))

    def product(self) -> np.ndarray:
        """The pictures as far as they have come."""
        return np.concatenate([part.pictures() for part in self.parts])
