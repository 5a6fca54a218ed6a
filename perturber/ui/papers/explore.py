"""The figures of Explore: the model input, what each slot shows of it, and the figures below the slots."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from plotly.graph_objects import Figure
from pydantic import Field

from perturber.errors import InvalidInputError
from perturber.featurevis import cut
from perturber.figures import (
    SLOT_NAMES,
    activation_mosaic,
    amplified,
    cam_picture,
    channel_summary,
    gradient_picture,
    layer_changes,
    prediction_bars,
    robustness,
)
from perturber.figures.pictures import picture_grid
from perturber.service import CurveRequest, Curves, JobState, Look, Perturbations, PerturbationsRequest, SlotLook
from perturber.ui.context import service
from perturber.ui.files import sheet
from perturber.ui.papers.base import Paper, Wish, product, seen, shown, sized, weights
from perturber.ui.papers.orders import kept, ordered
from perturber.ui.showing.attack_jobs import curve_request, perturbations_request
from perturber.ui.showing.drawer import ORDERS, channel_means, spectra_figure
from perturber.ui.showing.history import CheckedRecord, drawn_of, history_figure
from perturber.ui.showing.slots import NO_ACTIVATIONS, NO_PREDICTIONS, scales
from perturber.ui.showing.visualisations import part_of
from perturber.ui.states.explore import SLOTS, ExploreState
from perturber.ui.states.page import Sent, parse_query

SIZES = {"activations": (900, 240), "predictions": (320, 260)}
"""Of figures of a slot, in pixels."""

WIDE = (900, 320)
"""Of figures below the slots."""

COLUMNS = 4
"""Feature visualisations side by side."""

OF_A_SLOT = {
    "activations": "Activations",
    "predictions": "Predictions",
    "visualisations": "Feature visualisations",
    "explanations": "Grad-CAM and input gradient",
}
OF_ALL = {
    "input": "Model input",
    "history": "History of classes",
    "summary": "All channels",
    "layers": "Change by layer",
    "models": "Attack across models: spectra",
    "perturbations": "Attack across models: amplified perturbations",
    "curve": "Robustness curve",
}


def slot_kind(what: str, number: int) -> str:
    """Name of a slot's figure.

    Args:
        what: one of `OF_A_SLOT`.
    """
    return f"{what}-{SLOT_NAMES[number].lower().replace(' ', '-')}"


SLOT_KINDS = {slot_kind(what, number): (what, number) for what in OF_A_SLOT for number in range(SLOTS)}
"""Name of a slot's figure → what it shows, and of which slot."""


class Memory(Sent):
    """What Explore's figures need and no link holds.

    Attributes:
        records: looks of the history, as `perturber.ui.showing.history.drawn_of` keeps them.
        measure: what the history draws.
        order: the job of the figure.
    """

    records: list[CheckedRecord] = Field(default=[], max_length=1000)
    measure: Literal["probability", "logit"] = "probability"
    order: dict[str, Any] | None = None


class ExplorePapers:
    """See `PaperPage`."""

    path = "/"
    kinds: Mapping[str, str] = MappingProxyType(
        {kind: f"{OF_A_SLOT[what]}: {SLOT_NAMES[number]}" for kind, (what, number) in SLOT_KINDS.items()} | OF_ALL
    )

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """What the history needs beside its link."""
        if kind != "history":
            return {}
        state = ExploreState.from_query(parse_query(query), service().model)[0].recalling(memory)
        found = Memory.read({"records": records, "measure": state.measure})
        return {"records": drawn_of(found.records, state.view.pinned, state.since), "measure": state.measure}

    def draw(self, wish: Wish) -> Paper:
        """One of the figures."""
        state, problems = ExploreState.from_query(parse_query(wish.query), service().model)
        memory = Memory.read(dict(wish.memory))
        attack = state.attack.attack
        if attack is not None:
            state = state.model_copy(update={"attack": replace(state.attack, done=attack.steps)})
        if wish.kind in ORDERED:
            return self._of_job(state, wish, memory, tuple(problems))
        kept_memory: dict[str, Any] = {}
        if wish.kind in SLOT_KINDS:
            figure = _of_slot(state, *SLOT_KINDS[wish.kind], wait=wish.wait)
        elif wish.kind == "history":
            figure = sized(_history(state, memory), WIDE)
            kept_memory = memory.model_dump(mode="json", include={"records", "measure"})
        else:
            figure = FIGURES[wish.kind](state, wish.wait)
        return Paper(
            figure=figure,
            name=wish.kind,
            models=weights(slot.model for slot in state.slots if slot is not None),
            notes=tuple(problems),
            seed=None if attack is None else attack.seed,
            memory=kept_memory,
        )

    def _of_job(self, state: ExploreState, wish: Wish, memory: Memory, problems: tuple[str, ...]) -> Paper:
        """A figure of a job: the one that was kept, else the one that the link names, else one of the link's state."""
        name, kind, draw = ORDERED[wish.kind]
        kept_one = None if memory.order is None else ordered(kind, memory.order)
        request = kept_one or _named(state, kind) or _new(state, name)
        figure = draw(product(request, wait=wish.wait, button=ORDERS[name]))
        seed = request.attack.seed if isinstance(request, PerturbationsRequest) else request.seed
        return Paper(
            figure=figure,
            name=wish.kind,
            models=weights(request.models),
            notes=problems,
            seed=seed,
            memory={"order": kept(request)},
        )


# ---- slots --------------------------------------------------------------------------------------------------------


def _of_slot(state: ExploreState, what: str, number: int, *, wait: bool) -> Figure:
    slot = state.slot(number)
    if what == "visualisations":
        if not slot.layer:
            raise InvalidInputError(NO_ACTIVATIONS)
        pictures = visualised(state, number, slot.channels, wait=wait)
        if any(picture is None for picture in pictures):
            raise InvalidInputError("Not all of these feature visualisations are made. Save the figure when they are.")
        return picture_grid(pictures, [str(channel) for channel in slot.channels], columns=COLUMNS)
    if slot.hidden:
        raise InvalidInputError(f"{SLOT_NAMES[number]} is hidden. Show it to save its figures.")
    if what == "explanations" and state.view.explain is None:
        state = state.with_view(explain="top")
    answer = seen(state.request(None), wait=wait)
    looks = dict(zip(state.shown, answer.slots, strict=True))
    if what == "explanations":
        return _explanations(answer, looks[number])
    if what == "predictions":
        if looks[number].top is None:
            raise InvalidInputError(f"{NO_PREDICTIONS}.")
        return sized(prediction_bars(looks[number].top or (), slot=number), SIZES[what])
    return sized(_activations(state, looks, number, wait=wait), SIZES[what])


def _activations(state: ExploreState, looks: Mapping[int, SlotLook], number: int, *, wait: bool) -> Figure:
    look = looks[number]
    if look.activations is None:
        raise InvalidInputError(f"{NO_ACTIVATIONS}.")
    pictures = visualised(state, number, look.channels, wait=wait) if state.view.cards == "visualisation" else []
    scale = scales(looks, state.view)[number]
    return activation_mosaic(look.activations, look.channels, scale=scale, pictures=pictures, paper=True)


def _explanations(answer: Look, look: SlotLook) -> Figure:
    if look.explanation is None:
        raise InvalidInputError(f"{NO_PREDICTIONS}, and with them what explains them.")
    found = look.explanation
    pictures = [cam_picture(answer.image, found.cam), gradient_picture(found.gradient)]
    return picture_grid(pictures, [f"Grad-CAM: {found.score.name}", "Gradient of its logit"], columns=2)


def visualised(state: ExploreState, number: int, channels: tuple[int, ...], *, wait: bool) -> list[np.ndarray | None]:
    """The feature visualisations of some channels of a slot: (S, S, 3) uint8, or None where it is not finished.

    Raises:
        InvalidInputError: one of them was cancelled or has failed, and whoever asks waits for it.
    """
    slot = state.slot(number)
    info, recipe = service().model(slot.model), state.view.recipe
    targets = state.view.targets(slot.layer, channels)
    found = service().visualise(slot.model, targets, recipe, order=wait)
    if wait:
        for one in found:
            if one.state is not JobState.DONE and one.job is not None:
                service().wait(one.job)
        found = service().visualise(slot.model, targets, recipe, order=False)
    made = [service().visualisations.pictures(one.key) if one.state is JobState.DONE else None for one in found]
    return [
        None if picture is None else sheet(list(cut(picture, part_of(info, target, recipe))), columns=2)
        for picture, target in zip(made, targets, strict=True)
    ]


# ---- below the slots ----------------------------------------------------------------------------------------------


def _input(state: ExploreState, wait: bool) -> Figure:
    return picture_grid([seen(state.request(None), wait=wait).image], [""])


def _summary(state: ExploreState, wait: bool) -> Figure:
    state = state.with_view(summary=True)
    means = channel_means(state, seen(state.request(None), wait=wait))
    return sized(shown(channel_summary(means) if means else None, f"{NO_ACTIVATIONS}."), WIDE)


def _layers(state: ExploreState, wait: bool) -> Figure:
    state = state.model_copy(update={"attack": replace(state.attack, figure="layers")})
    answer = seen(state.request(None), wait=wait)
    layers = None if answer.attack is None else answer.attack.layers
    if layers is None:
        raise InvalidInputError("There is no attack in this state, so that no layer moves. Take a step of one.")
    return sized(layer_changes(layers.layers, layers.change), WIDE)


def _history(state: ExploreState, memory: Memory) -> Figure:
    if not memory.records:
        raise InvalidInputError(
            "A link holds no history: it is of the looks of one visit. Save it on the page where it was seen."
        )
    return shown(history_figure(memory.records, state.view.pinned, memory.measure), "No class is in this history.")


FIGURES: dict[str, Callable[[ExploreState, bool], Figure]] = {"input": _input, "summary": _summary, "layers": _layers}


# ---- jobs ---------------------------------------------------------------------------------------------------------


def _named(state: ExploreState, kind: type[Any]) -> Any:
    """The request of the job that the link names, where it is known and of this kind."""
    if state.attack.job is None:
        return None
    try:
        request = service().jobs.request(state.attack.job)
    except InvalidInputError:  # it is forgotten, or was another server's
        return None
    return request if isinstance(request, kind) else None


def _new(state: ExploreState, name: str) -> PerturbationsRequest | CurveRequest:
    return perturbations_request(state) if name == "models" else curve_request(state, {})


def _spectra(found: Perturbations) -> Figure:
    return sized(spectra_figure(found), WIDE)


def _perturbations(found: Perturbations) -> Figure:
    pictures = [amplified(one.perturbation) for one in found.found]
    return picture_grid(pictures, [SLOT_NAMES[one.slot] for one in found.found], columns=len(pictures))


def _robustness(found: Curves) -> Figure:
    return sized(robustness(found.request.slots, found.results), WIDE)


ORDERED: dict[str, tuple[str, type[Any], Callable[[Any], Figure]]] = {
    "models": ("models", PerturbationsRequest, _spectra),
    "perturbations": ("models", PerturbationsRequest, _perturbations),
    "curve": ("curve", CurveRequest, _robustness),
}
"""Name of a figure → whose button orders its job on the page, what is ordered, and how it is drawn."""
