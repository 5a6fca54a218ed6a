"""How jobs are done: each kind of request has a work that takes it step by step on the engine's networks."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from perturber.editing import EditedNetwork, independent
from perturber.examples import ExampleIndex, Indexing
from perturber.featurevis import Optimisation
from perturber.service.comparing_works import CorrelationRequest, CorrelationWork, SimilarityRequest, SimilarityWork
from perturber.service.curve_works import CurveRequest, CurveWork
from perturber.service.editing_works import SaveRequest, SaveWork, ScanRequest, ScanWork
from perturber.service.perturbation_works import PerturbationsRequest, PerturbationsWork
from perturber.service.requests import Progress
from perturber.service.training_works import DevelopmentRequest, DevelopmentWork
from perturber.service.visualisations import VisualisationRequest

if TYPE_CHECKING:
    from perturber.service.engine import LocalEngine

TARGETS_A_STEP = {"cpu": 4, "cuda": 256}
"""Targets that one step takes along: bounds the time that an interactive request may have to wait for it."""


class Work(Protocol):
    """A job under way."""

    def step(self) -> None:
        """Go on a little."""

    def progress(self) -> Progress:
        """How far it has come."""

    def product(self) -> Any:
        """What there is so far: a picklable preview, or None; at the end the result."""


class VisualisationWork:
    """Optimises pictures; product: (targets, variants, S, S, 3) uint8.

    A batch's targets are independent: many are split into parts that take turns, so that a step stays short.
    """

    def __init__(self, engine: "LocalEngine", request: VisualisationRequest) -> None:
        network = engine.network(request.model)
        if isinstance(network, EditedNetwork):
            network = independent(network)  # it goes on being edited while this work takes its steps
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


@dataclass(frozen=True, kw_only=True)
class IndexRequest:
    """A job: find the pictures of a folder to which each neuron of a model answers most."""

    model: str
    folder: Path
    limit: int | None = None
    urgent: bool = False

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"Dataset examples of {self.model} from {self.folder.resolve().name}"


class IndexWork:
    """Shows a folder's pictures to a network; product: None, at the end an `ExampleIndex`."""

    def __init__(self, engine: "LocalEngine", request: IndexRequest) -> None:
        network = engine.network(request.model)
        self.indexing = Indexing(
            network, request.folder, limit=request.limit, batch=16 if network.device.type == "cuda" else 4
        )

    def step(self) -> None:
        """One batch of pictures."""
        self.indexing.step()

    def progress(self) -> Progress:
        """In pictures."""
        return Progress(done=self.indexing.done, steps=self.indexing.total)

    def product(self) -> ExampleIndex | None:
        """The index, when it is whole."""
        return self.indexing.result() if self.indexing.finished else None


WORKS: dict[type, Callable[["LocalEngine", Any], Work]] = {
    VisualisationRequest: VisualisationWork,
    IndexRequest: IndexWork,
    ScanRequest: ScanWork,
    SaveRequest: SaveWork,
    SimilarityRequest: SimilarityWork,
    CorrelationRequest: CorrelationWork,
    PerturbationsRequest: PerturbationsWork,
    CurveRequest: CurveWork,
    DevelopmentRequest: DevelopmentWork,
}
"""Kind of request → work that does it with an engine's networks."""
