"""What the figures of the Checkpoints page show: of all checkpoints of a series, or of its log."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from textwrap import wrap
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError
from perturber.figures import SLOT_COLOURS, SLOT_NAMES, empty_figure
from perturber.figures.style import plain
from perturber.figures.training import (
    activation_multiples,
    column_mark,
    correlations,
    errors,
    kernel_sheet,
    picture_multiples,
    place_line,
    probabilities,
)
from perturber.service import VARIATION, JobState, LookRequest, Progress, SlotLook, SlotRequest, job_id, kept
from perturber.training import Development
from perturber.ui.context import service
from perturber.ui.looks import looked
from perturber.ui.showing.checkpoints import Made
from perturber.ui.showing.notices import network_notices
from perturber.ui.states.checkpoints import CheckpointState

FOLLOWED = 5
"""Classes whose probability is drawn."""

LINE = 60
"""Letters of a line in a figure that says why there is nothing to see."""


def said(sentence: str) -> Figure:
    """A figure that says why there is nothing to see."""
    return empty_figure("<br>".join(plain(line) for line in wrap(sentence, LINE)))


def marks(state: CheckpointState, places: Sequence[int]) -> list[dict[str, Any]]:
    """Where the sliders stand, for the ``shapes`` of a figure: through curves a line of each slot of this series.

    Args:
        places: of both sliders.
    """
    if state.tab == "pictures":
        n = state.of - 1
        return [column_mark(places[n], len(state.channels), SLOT_COLOURS[n])]
    shown = [n for n, (series, _) in enumerate(state.slots) if series.name == state.series.name]
    return [place_line(places[n], SLOT_COLOURS[n], SLOT_NAMES[n]) for n in shown]


def error_curves(state: CheckpointState) -> Figure:
    """From the training's log."""
    series = state.series
    try:
        drawn = errors(series.metrics(), series.steps)
    except InvalidInputError as error:
        return said(f"{error} Errors cannot be drawn without it.")
    return drawn or said(f"The log {series.log.name!r} holds no errors.")


def predictions(state: CheckpointState, client: str) -> Figure:
    """What each checkpoint makes of the scene: the classes that any of them finds most probable.

    Raises:
        OvertakenError: a newer question of the same visit was faster.
    """
    try:
        names = service().model(state.series.name).classes
        every = tuple(range(len(names)))  # which ones are most probable anywhere shows when all have answered
        seen = [slot.pinned for slot in _seen(state, client, predictions=False, pinned=every)]
    except InvalidInputError as error:
        return said(str(error))
    values = np.array([[score.probability for score in scores] for scores in seen])
    best = np.argsort(-np.nan_to_num(values).max(0), kind="stable")[:FOLLOWED]
    return probabilities(state.series.steps, [names[index] for index in best], values[:, best])


def of_all(state: CheckpointState, client: str) -> tuple[Figure, str]:
    """What the tabs "maps" and "kernels" show, and a note.

    Raises:
        OvertakenError: a newer question of the same visit was faster.
    """
    return activation_maps(state, client) if state.tab == "maps" else kernels(state)


def activation_maps(state: CheckpointState, client: str) -> tuple[Figure, str]:
    """How the chosen channels respond to the scene at each checkpoint, and a note.

    Raises:
        OvertakenError: a newer question of the same visit was faster.
    """
    try:
        seen = _seen(state, client, layer=state.layer, channels=state.channels, predictions=False)
    except InvalidInputError as error:
        return said(str(error)), ""
    maps = np.stack([slot.activations for slot in seen if slot.activations is not None])
    note = "Red: excitation, blue: inhibition. The colours of each row end at its largest value, given at the left."
    return activation_multiples(maps, state.channels, state.series.steps), " ".join([note, *network_notices(seen)])


def kernels(state: CheckpointState) -> tuple[Figure, str]:
    """The filters of the first layer at each checkpoint and how far they have moved, and a note."""
    series = state.series
    try:
        found = [service().kernels(model) for model in series.models]
    except InvalidInputError as error:
        return said(str(error)), ""
    if found[0] is None:
        return said(f"{series.label} has no convolution that looks at the picture itself."), ""
    known = np.stack([one for one in found if one is not None])
    scale, moved = float(np.abs(known).max()), known - known[0]
    change = float(np.abs(moved).max())
    rows = [[kernel_sheet(one, scale) for one in known], [kernel_sheet(one, change) for one in moved]]
    names = [f"filters<br>± {scale:.2g}", f"change since<br>step {series.steps[0]}<br>± {change:.2g}"]
    note = (
        f"The {len(found[0])} filters of the first convolution, weights as RGB: grey is 0, white and black are "
        f"± {scale:.2g}, the largest weight of all checkpoints (second row: ± {change:.2g}, the largest change)."
    )
    return picture_multiples(rows, names, series.steps), note


def correlation_curves(state: CheckpointState, found: Development) -> tuple[Figure, Figure, str]:
    """How far activations and weights have moved, and what the pictures were."""
    draw = partial(correlations, state.series.steps)
    least, most = min(found.samples.values()), max(found.samples.values())
    fewer = "" if least == most else f", {least:,} where maps are small"
    note = f"Correlations over {found.pictures} pictures, {most:,} values of each channel{fewer}. {about(state)}"
    weights = next((name for name in found.weights if f"{name}.".startswith(f"{state.layer}.")), None)
    return draw(found.layers, state.layer), draw(found.weights, weights), note


def about(state: CheckpointState) -> str:
    """Which pictures the correlations are taken over."""
    if state.pictures == "examples":
        return "Pictures of the configured folder of examples, evenly spread."
    return f"The scene and random variations of it, the same ones each time (seed 0): {VARIATION}."


def visualisations(state: CheckpointState, made: Sequence[Sequence[Made]], **options: Any) -> Figure:
    """The feature visualisations of the shown series as far as they have come, one column a checkpoint.

    Args:
        made: of each checkpoint, of each channel.
        options: of `picture_multiples`.
    """
    rows = list(zip(*made, strict=True))
    names = [str(channel) for channel in state.channels]
    figure = picture_multiples(
        [[one.picture for one in row] for row in rows],
        names,
        state.series.steps,
        notes=[[one.note for one in row] for row in rows],
        titles=[[one.title for one in row] for row in rows],
        **options,
    )
    return figure.update_xaxes(fixedrange=False).update_yaxes(fixedrange=False)  # details can be looked at


@dataclass(frozen=True, kw_only=True)
class Correlated:
    """Where the correlations of a series stand.

    Attributes:
        name: of the job.
        state: of the job, or None where nobody has ordered it.
        product: what is known so far.
        error: why there are none.
    """

    name: str = ""
    state: JobState | None = None
    progress: Progress = Progress(done=0, steps=1)  # noqa: RUF009  # a frozen value
    product: Development | None = None
    error: str | None = None

    @property
    def known(self) -> int:
        """Values that are known."""
        layers = [] if self.product is None else list(self.product.layers.values())
        return sum(int(np.isfinite(one).sum()) for one in layers)

    @property
    def why(self) -> str:
        """Why there is nothing to see."""
        if self.error:
            return self.error
        return {
            None: "Not computed for these pictures yet. Choose Compute.",
            JobState.WAITING: "Queued.",
            JobState.CANCELLED: "Cancelled. Choose Compute to begin again.",
        }.get(self.state, "Making the pictures and showing them to the checkpoints …")


def correlated(state: CheckpointState, order: str | None = None) -> Correlated:
    """The correlations of the shown series.

    Args:
        order: ``compute`` begins to compute them, ``cancel`` stops it.

    Raises:
        InvalidInputError: they cannot be computed, or too many jobs wait.
    """
    request = state.development(service().model, service().settings)
    name = job_id(request)
    found = kept(request, service().settings)
    if found is not None:
        return Correlated(name=name, state=JobState.DONE, product=found)
    if order == "compute":
        service().jobs.submit(request, again=True)
    with suppress(InvalidInputError):  # nobody has ordered it
        if order == "cancel":
            service().jobs.cancel(name)
        status = service().jobs.status(name)
        product = service().jobs.product(name)
        return Correlated(name=name, state=status.state, progress=status.progress, product=product, error=status.error)
    return Correlated(name=name)


def _seen(state: CheckpointState, client: str, **slot: Any) -> tuple[SlotLook, ...]:
    """What each checkpoint of the shown series makes of the scene."""
    slots = tuple(SlotRequest(model=model, **slot) for model in state.series.models)
    # Whoever follows the page follows this, too: what an older question asked for is overtaken.
    return looked(LookRequest(scene=state.scene, slots=slots, client=f"{client} over"))[0].slots
