"""A job: what neurons are selective for, and to what they are invariant (see `perturber.experiments.hypothesis`)."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
import torch

from perturber import zoo
from perturber.errors import InvalidInputError
from perturber.experiments.hypothesis import FEWEST, Finding, hypotheses, sentence
from perturber.experiments.measures import Column, Measure, Pooling, Seen, value
from perturber.experiments.space import Span
from perturber.groups.subjects import BACKGROUNDS
from perturber.scene import SceneBase
from perturber.service.aside import Aside
from perturber.service.batches import pictures_a_step, variations
from perturber.service.requests import PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does

MAX_NEURONS = 8
MAX_VIEWS = 1_000
MAX_PICTURES = 20_000


@dataclass(frozen=True, kw_only=True)
class HypothesisRequest:
    """A job: what some neurons of a layer depend on; result: a `Hypothesis`.

    Attributes:
        scene: around which views are drawn at random (see `views`).
        model, layer: whose neurons.
        channels: of the layer.
        spans: parameters, and the ranges to whose ends they are moved in each view.
        views: how many, half of them held out.
        pooling: of an activation's map.
        seed: of the views, and of everything that is drawn later.
        fingerprint: of the model.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: no neuron or parameter or one of them twice, or too many pictures or too few.
    """

    scene: SceneBase
    model: str
    layer: str
    channels: tuple[int, ...]
    spans: tuple[Span, ...]
    views: int = 60
    pooling: Pooling = "mean"
    seed: int = 0
    fingerprint: str = ""
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = False

    def __post_init__(self) -> None:
        for channel in self.channels:
            Measure(kind="activation", layer=self.layer, channel=channel, pooling=self.pooling)
        if not 1 <= len(set(self.channels)) == len(self.channels) <= MAX_NEURONS:
            raise InvalidInputError(f"Name 1 to {MAX_NEURONS} different neurons, not {len(self.channels)}.")
        keys = [span.key for span in self.spans]
        if not keys or len(set(keys)) < len(keys):
            raise InvalidInputError("Name a parameter at least, and each of them once.")
        if not 2 * FEWEST <= self.views <= MAX_VIEWS:
            raise InvalidInputError(
                f"A neuron cannot be tested on {self.views:,} views. Allowed: {2 * FEWEST} to {MAX_VIEWS:,}."
            )
        if self.pictures > MAX_PICTURES:
            raise InvalidInputError(
                f"{self.views:,} views with both ends of {len(keys)} parameters are {self.pictures:,} pictures. "
                f"Allowed: up to {MAX_PICTURES:,}."
            )

    @property
    def pictures(self) -> int:
        """Of all views, as they are and with each parameter at both ends of its range."""
        return self.views * (1 + 2 * len(self.spans))

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"What {self.layer}:{','.join(map(str, self.channels))} of {self.model} depends on"


@dataclass(frozen=True, kw_only=True, eq=False)
class Hypothesis:
    """What is known of some neurons.

    Attributes:
        spans: P parameters and the ranges to whose ends they were moved.
        findings: of each channel one for each parameter; none where the neuron responds to all views alike.
        sentences: of each channel, in words.
        start: (N, C) float64 responses to the views.
        ends: (N, P, 2, C) float64 with each parameter at the lower and at the upper end of its range.
    """

    model: str
    layer: str
    channels: tuple[int, ...]
    spans: tuple[Span, ...]
    findings: tuple[tuple[Finding, ...], ...]
    sentences: tuple[str, ...]
    start: np.ndarray = field(repr=False)
    ends: np.ndarray = field(repr=False)

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Head and rows: one row of each neuron and parameter."""
        head = ["neuron", "parameter", "from", "to", "verdict", "effect", "low", "high", "q", "stronger", "weaker"]
        rows: list[list[object]] = [
            [f"{self.layer}:{channel}", one.parameter, span.low, span.high, one.verdict, one.effect, one.low, one.high,
             one.q, one.stronger, one.weaker, *one.change]
            for channel, findings in zip(self.channels, self.findings, strict=True)
            for span, one in zip(self.spans, findings, strict=bool(findings))
        ]  # fmt: skip
        return [*head, "change", "change at most"], rows

    def csv(self) -> str:
        """The table as CSV."""
        head, rows = self.table()
        file = io.StringIO()
        csv.writer(file).writerows([head, *rows])
        return file.getvalue()

    def told(self, *, responses: bool = True) -> dict[str, Any]:
        """All of it as values of JSON.

        Args:
            responses: whether those to each picture are among them.
        """
        found = {
            "model": self.model,
            "layer": self.layer,
            "spans": [asdict(span) for span in self.spans],
            "neurons": [
                {"channel": channel, "sentence": text, "findings": [asdict(one) for one in findings]}
                for channel, text, findings in zip(self.channels, self.sentences, self.findings, strict=True)
            ],
        }
        return {**found, "start": self.start.tolist(), "ends": self.ends.tolist()} if responses else found


def views(scene: SceneBase, count: int, seed: int) -> list[SceneBase]:
    """Random ones around a scene, as `variations` has them, each before one of the backgrounds."""
    backgrounds = sorted({*BACKGROUNDS, scene.background})
    chosen = np.random.default_rng((seed, 1)).integers(len(backgrounds), size=count)
    drawn = variations(scene, count + 1, seed)[1:]
    return [view.replace(background=backgrounds[n]) for view, n in zip(drawn, chosen, strict=True)]


@does(HypothesisRequest)
class HypothesisWork:
    """Shows each view, and the same with one parameter after the other at its ends; product: a `Hypothesis`."""

    def __init__(self, resources: Resources, request: HypothesisRequest) -> None:
        self.resources, self.request = resources, request
        (self.network,) = resources.networks.steady((request.model,))
        zoo.check_layer(request.model, self.network.layers, request.layer, request.channels)
        self.scenes = [
            moved for view in views(request.scene, request.views, request.seed) for moved in self._moved(view)
        ]
        self.responses = np.full((len(self.scenes), len(request.channels)), np.nan)
        self.done = 0
        self.result: Hypothesis | None = None
        self._steps = self._go()

    def step(self) -> None:
        """Some pictures are made, or shown to the network."""
        next(self._steps, None)

    def progress(self) -> Progress:
        """In pictures; one more for what comes of them."""
        return Progress(done=self.done + (self.result is not None), steps=len(self.scenes) + 1)

    def product(self) -> Hypothesis | None:
        """The result; None before it is there."""
        return self.result

    def _moved(self, view: SceneBase) -> list[SceneBase]:
        """A view as it is, then with each parameter at the lower and at the upper end of its range."""
        ends = [(span.key, end) for span in self.request.spans for end in (span.low, span.high)]
        return [view, *(view.replace(**{key: end}) for key, end in ends)]

    def _go(self) -> Iterator[None]:
        a_step = pictures_a_step(self.resources.device)
        for first in range(0, len(self.scenes), a_step):
            some = self.scenes[first : first + a_step]
            with torch.inference_mode():
                images = self.resources.pictures([PictureRequest(scene=one, plane=self.request.plane) for one in some])
            yield
            self.responses[first : first + len(some)] = self._read(images)
            self.done += len(some)
            yield
        self.result = yield from Aside(self._result).waited()

    @torch.inference_mode()
    def _read(self, images: torch.Tensor) -> np.ndarray:
        request = self.request
        probe = self.network.look(self.network.preprocess(images), layers=(request.layer,), logits=False)
        seen = {request.model: Seen(None, probe.activations)}
        measures = (
            Measure(kind="activation", layer=request.layer, channel=channel, pooling=request.pooling)
            for channel in request.channels
        )
        return torch.stack([value(Column(one, (request.model,)), seen, {}) for one in measures], 1).cpu().numpy()

    def _result(self) -> Hypothesis:
        request = self.request
        of_views = self.responses.reshape(request.views, 1 + 2 * len(request.spans), -1)
        start, ends = of_views[:, 0], of_views[:, 1:].reshape(request.views, len(request.spans), 2, -1)
        keys = [span.key for span in request.spans]
        findings = hypotheses(keys, ends[:, :, 0], ends[:, :, 1], start, seed=request.seed)
        return Hypothesis(
            model=request.model,
            layer=request.layer,
            channels=request.channels,
            spans=request.spans,
            findings=findings,
            sentences=_sentences(request, findings),
            start=start,
            ends=ends,
        )


def _sentences(request: HypothesisRequest, findings: Sequence[Sequence[Finding]]) -> tuple[str, ...]:
    spans = {span.key: span for span in request.spans}
    return tuple(
        sentence(f"{request.layer}:{channel}", own, spans)
        for channel, own in zip(request.channels, findings, strict=True)
    )
