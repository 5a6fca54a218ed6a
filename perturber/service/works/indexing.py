"""A job: which pictures of a folder each neuron of a model answers to most."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from perturber.config import Settings
from perturber.examples import ExampleIndex, Indexing, index_path
from perturber.service.aside import MOMENT, Aside
from perturber.service.requests import Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does

BATCH = {"cpu": 4, "cuda": 16}
"""Pictures a step."""


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
        return f"Dataset examples for {self.model} from {self.folder.resolve().name}"


@does(IndexRequest)
class IndexWork:
    """Shows a folder's pictures to a network, then stores the index; product: None, at the end an `ExampleIndex`."""

    def __init__(self, resources: Resources, request: IndexRequest) -> None:
        self.settings = resources.settings
        network = resources.networks.get(request.model)
        batch = BATCH.get(network.device.type, 4)
        self.indexing = Indexing(network, request.folder, limit=request.limit, batch=batch, patience=MOMENT)
        self.storing: Aside[ExampleIndex] | None = None
        self.index: ExampleIndex | None = None

    def step(self) -> None:
        """One batch of pictures; after the last one, the index, which is packed and written aside.

        Raises:
            InvalidInputError: the index cannot be written.
        """
        if not self.indexing.finished:
            self.indexing.step()
        elif self.storing is None:
            self.storing = Aside(partial(_stored, self.indexing.result(), self.settings))
        elif self.storing.ready():
            self.index = self.storing.result()

    def progress(self) -> Progress:
        """In pictures; the last one counts when the index is written."""
        total = self.indexing.total
        return Progress(done=total if self.index else min(self.indexing.done, total - 1), steps=total)

    def product(self) -> ExampleIndex | None:
        """The index, when it is whole."""
        return self.index


def _stored(index: ExampleIndex, settings: Settings) -> ExampleIndex:
    index.save(index_path(settings.data, index.fingerprint))
    return index
