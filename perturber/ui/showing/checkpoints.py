"""What the slots of the Checkpoints page show, and what its controls do."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from html import escape
from typing import Any

import numpy as np
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.featurevis import Window, cut
from perturber.service import JobState, Progress, Visualised
from perturber.training import Series
from perturber.ui.components.controls import At, Controls, options
from perturber.ui.context import service
from perturber.ui.showing.pictures import jpeg
from perturber.ui.showing.visualisations import part_of
from perturber.ui.states.channels import written
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.reading import layer_options

SIDE = 50
"""Pixels of a feature visualisation beside a slot's bars."""

SPACE = 3
"""Pixels between two of them."""

SHARPER = 3
"""Pixels of the picture itself for one of these: it is shown larger when it is pointed at."""

NOT_MADE = "Choose “Make them” under Feature visualisations"


@dataclass(frozen=True, kw_only=True)
class Made:
    """A feature visualisation as far as it has come.

    Attributes:
        found: where it stands; without a key where the checkpoint cannot be loaded or has no such layer.
        title: what it shows.
        part: of the picture that is shown, or None for all of it.
    """

    found: Visualised
    title: str
    part: Window | None = None

    @property
    def open(self) -> bool:
        """Whether it is being made."""
        return not self.found.state.over and self.found.job is not None

    @property
    def done(self) -> bool:
        """Whether it is final."""
        return self.found.state is JobState.DONE

    @property
    def share(self) -> float:
        """How much of it is made, 0 to 1."""
        progress = self.found.progress
        return 1.0 if self.done else progress.done / (progress.steps or 1)

    @property
    def picture(self) -> np.ndarray | None:
        """(S, S, 3) uint8, or None."""
        if not self.found.key or not (self.done or self.open):
            return None
        pictures = service().visualisations.pictures(self.found.key)
        return None if pictures is None else cut(pictures, self.part)[0]

    @property
    def note(self) -> str:
        """A word or two where there is no picture."""
        if self.picture is not None:
            return ""
        if self.found.absent:
            return "not made"
        return {JobState.WAITING: "queued", JobState.RUNNING: f"{100 * self.share:.0f} %"}.get(
            self.found.state, str(self.found.state)
        )

    @property
    def signature(self) -> str:
        """Tells whether it looks as before."""
        return f"{self.found.key} {self.found.state} {round(20 * self.share)} {self.found.job}"


def all_made(state: CheckpointState, series: Series, *, order: bool = False) -> list[list[Made]]:
    """Where the feature visualisations of a series stand: of each checkpoint, of each channel.

    Args:
        order: whether those that are missing are ordered, also again.

    Raises:
        InvalidInputError: too many jobs wait.
    """
    return [made(state, series, place, order=order) for place in range(len(series.models))]


def made(state: CheckpointState, series: Series, place: int, *, order: bool = False) -> list[Made]:
    """Where one checkpoint's feature visualisations stand; one that cannot be loaded says why.

    Raises:
        InvalidInputError: they are ordered, and too many jobs wait.
    """
    moment = series.moments[place]
    try:
        found = service().visualise(moment.model, state.targets, state.recipe, order=order, again=order)
    except InvalidInputError as error:
        if order:
            raise
        failed = Visualised(key="", state=JobState.FAILED, progress=Progress(done=0, steps=1), error=str(error))
        found = [failed] * len(state.channels)
    info = service().model(series.name)
    parts = [part_of(info, target, state.recipe) for target in state.targets]
    names = [f"Feature visualisation of {state.layer}:{channel}, step {moment.step}" for channel in state.channels]
    return [
        Made(found=one, title=_title(name, one), part=part) for name, one, part in zip(names, found, parts, strict=True)
    ]


def preview(state: CheckpointState, number: int, place: int) -> tuple[str, str]:
    """A slot's feature visualisations at a place of its series in one picture.

    Returns:
        Its address, and what it shows.
    """
    series, _ = state.slots[number]
    if state.layer not in service().model(series.name).layers:
        return sheet(((None, "no such layer"),)), f"{series.label} has no layer {state.layer}"
    found = made(state, series, place)
    cells = tuple((_small(one.picture), one.note) for one in found)
    channels = written(state.channels)
    missing = f". {NOT_MADE}" if any(one.found.absent for one in found) else ""
    step = series.steps[place]
    return sheet(cells), f"Feature visualisations of {state.layer}: {channels}, step {step}{missing}"


def sheet(cells: Sequence[tuple[str | None, str]]) -> str:
    """Pictures in two rows as one SVG in a ``data:`` address.

    Args:
        cells: of each the address of a picture, or None and what stands in for it.
    """
    rows = 1 if len(cells) == 1 else 2
    columns = -(-len(cells) // rows)
    width, height = (n * (SIDE + SPACE) - SPACE for n in (columns, rows))
    parts = []
    for n, (source, note) in enumerate(cells):
        x, y = n % columns * (SIDE + SPACE), n // columns * (SIDE + SPACE)
        if source is None:
            parts.append(f'<rect x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" fill="#eef0f2"/>')
            place = f'x="{x + SIDE / 2}" y="{y + SIDE / 2 + 3}"'
            parts.append(f'<text {place} text-anchor="middle">{escape(note)}</text>')
        else:
            parts.append(f'<image x="{x}" y="{y}" width="{SIDE}" height="{SIDE}" href="{source}"/>')
    style = 'font-family="sans-serif" font-size="9" fill="#6c757d"'
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    text = f'<svg xmlns="http://www.w3.org/2000/svg" {size} {style}>{"".join(parts)}</svg>'
    return "data:image/svg+xml;base64," + base64.b64encode(text.encode()).decode()


def words(series: Series, place: int) -> str:
    """What a checkpoint is."""
    moment = series.moments[place]
    if moment.step == 0:
        return "step 0 · the base"
    seen = "" if moment.epoch is None else f" · epoch {float(f'{moment.epoch:.2g}'):g}"
    return f"step {moment.step}{seen}"


def control_props(state: CheckpointState, series: Mapping[str, Series]) -> Controls:
    """What each control shows."""
    info = service().model(state.series.name)
    sources = [("scene", "scene variations")]
    if service().settings.examples is not None or state.pictures == "examples":
        sources.append(("examples", "example pictures"))
    controls: dict[At, dict[str, Any]] = {
        At("of"): {"options": options([(1, "Model 1"), (2, "Model 2")]), "value": state.of},
        At("tab"): {"value": state.tab},
        At("layer"): {"options": layer_options(info), "value": state.layer},
        At("channels"): {"value": written(state.channels)},
        At("count"): {"value": str(state.count)},
        At("pictures"): {"options": options(sources), "value": state.pictures},
        At("naive"): {
            "options": options([("fourier", "Fourier coefficients"), ("naive", "pixels (naive)")]),
            "value": "naive" if state.naive else "fourier",
        },
        At("objective"): {"options": options([("neuron", "neuron"), ("channel", "channel")]), "value": state.objective},
    }
    for number in (0, 1):
        controls |= _slot_controls(state, number, series)
    return controls


def _slot_controls(state: CheckpointState, number: int, series: Mapping[str, Series]) -> dict[At, dict[str, Any]]:
    (shown, _), place = state.slots[number], state.places[number]
    playing = state.playing[number] is not None
    title = "Stop" if playing else "Play: go through all checkpoints"
    trainings = [(name, f"{one.training} · {one.label}") for name, one in series.items()]
    return {
        At("series", number): {"options": options(trainings), "value": shown.name},
        At("place", number): {
            "min": 0,
            "max": max(1, len(shown.steps) - 1),
            "marks": {n: str(step) for n, step in enumerate(shown.steps)},
            "disabled": len(shown.steps) == 1,
            "value": place,
        },
        At("play", number): {"children": "■" if playing else "▶", "title": title, "className": "quiet play"},
    }


def _title(name: str, found: Visualised) -> str:
    if found.error:
        return f"{name}: {found.error}"
    absent = found.state is JobState.WAITING and found.job is None
    return f"{name}. {NOT_MADE}" if absent else name


def _small(picture: np.ndarray | None) -> str | None:
    return None if picture is None else _shrunk(picture.tobytes(), picture.shape)


@lru_cache(maxsize=512)
def _shrunk(pixels: bytes, shape: tuple[int, ...]) -> str:
    image = Image.fromarray(np.frombuffer(pixels, np.uint8).reshape(shape))
    return jpeg(np.asarray(image.resize((SIDE * SHARPER, SIDE * SHARPER), Image.Resampling.LANCZOS)))
