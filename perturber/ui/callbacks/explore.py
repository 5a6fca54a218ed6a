"""What Explore does apart from looking and following: groups of neurons that are kept, figures for a paper, tools."""

from collections.abc import Callable, Mapping
from typing import Any

import dash_bootstrap_components as dbc
import numpy as np
from dash import ALL, MATCH, Input, Output, State, callback, dcc, html, no_update, set_props

from perturber.errors import InvalidInputError, PerturberError
from perturber.featurevis import cut
from perturber.figures import SLOT_NAMES, activation_mosaic, prediction_bars
from perturber.own_groups import MAX_NAME, OwnGroups
from perturber.service import SlotLook
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.messages import triggered_part, triggered_value
from perturber.ui.callbacks.saving import Saved, saved_figure
from perturber.ui.components.attack_form import attack_parts
from perturber.ui.components.controls import Controls, control_id, dialog_title
from perturber.ui.components.drawer import drawer_tools, open_figure, tools_class
from perturber.ui.components.maps import Picture
from perturber.ui.context import service
from perturber.ui.files import index_version, sheet
from perturber.ui.limits import SAVES, limited
from perturber.ui.looks import look_to_save
from perturber.ui.showing.groups import KEEP, group_options
from perturber.ui.showing.slots import scales
from perturber.ui.showing.visualisations import neuron_pictures, part_of
from perturber.ui.states import reading
from perturber.ui.states.explore import SLOTS, ExploreState
from perturber.ui.states.page import parse_query

PAPER = {"maps": (900, 240), "bars": (320, 260)}
"""Of a saved figure, in pixels."""

NAMES = {"maps": "activations", "bars": "predictions"}
"""With which the name of a saved file begins."""


def explore_callbacks(page: str, controls: Callable[[ExploreState], Controls]) -> None:
    """The callbacks; to be called once as the page's module is imported.

    Args:
        controls: what each control shows.
    """
    _attack(page, controls)
    _tools(page)
    _channels(page)
    _groups(page)
    _figures(page)


def state_of(settled: object, facts: Mapping[str, Any]) -> ExploreState:
    """The state that a page shows at rest, or that it was opened with where it has not come to rest yet.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    sent = Settled.latest(settled, facts)
    return ExploreState.from_query(parse_query(sent.query), service().model)[0].recalling(sent.memory)


def neuron_views(slot: Any, channel: int, settled: object, facts: dict[str, Any]) -> list[Picture]:
    """What belongs beside a neuron's picture that is enlarged.

    Raises:
        InvalidInputError: there is no such slot or channel.
    """
    state = state_of(settled, facts)
    own = state.slot(reading.whole("slot", slot, 0, len(state.slots) - 1))
    info = service().model(own.model)
    (target,) = state.view.targets(own.layer, (channel,))
    return neuron_pictures(info, target, state.view.recipe, index_version(info))


def own_groups() -> OwnGroups:
    """The groups that the team has kept."""
    return OwnGroups(service().settings.data)


def _attack(page: str, controls: Callable[[ExploreState], Controls]) -> None:
    @callback(
        Output(f"{page}-attack-parts", "children"),
        Input(f"{page}-attack-title", "n_clicks"),
        State(control_id(page, "attack-method", ALL), "value"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def unfolded(_: object, there: list[Any], settled: object, facts: dict[str, Any]) -> Any:
        return no_update if there else attack_parts(page, controls(state_of(settled, facts)))


def _tools(page: str) -> None:
    @callback(
        Output(f"{page}-tools", "children"),
        Output(f"{page}-tools", "className"),
        Input(control_id(page, "drawer"), "value"),
        State(f"{page}-tools", "className"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def tools(name: object, present: object, settled: object, facts: dict[str, Any]) -> Any:
        shown, state = tools_class(str(name or "")), state_of(settled, facts)
        if shown == present:  # an answer has confirmed the choice: what was set since stays
            return no_update, no_update
        return drawer_tools(page, str(name or ""), state, examples=service().settings.examples is not None), shown


def _channels(page: str) -> None:
    @callback(
        Output(control_id(page, "add"), "value"),
        Output(f"{page}-figure", "clickData"),
        Input(f"{page}-figure", "clickData"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def add(clicked: object, settled: object, facts: dict[str, Any]) -> Any:
        state = state_of(settled, facts)
        if not isinstance(clicked, dict) or open_figure(state) != "summary":
            return no_update, no_update
        point = clicked["points"][0]
        drawn = [number for number, slot in state.shown.items() if slot.activations]
        return {"slot": drawn[point["curveNumber"]], "channel": point["customdata"]}, None


def _groups(page: str) -> None:
    @callback(
        Output(f"{page}-dialog", "is_open", allow_duplicate=True),
        Output(f"{page}-dialog", "children", allow_duplicate=True),
        Input(control_id(page, "group", ALL), "value"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def ask(_: object, settled: object, facts: dict[str, Any]) -> Any:
        if triggered_value() != KEEP:
            return no_update, no_update
        number = triggered_part("slot", range(SLOTS))
        slot = state_of(settled, facts).slot(number)
        return True, _question(page, number, f"{len(slot.group or slot.channels)} channels of {slot.layer}")

    @callback(
        Output(_part(page, "said", MATCH), "children"),  # nothing else: Dash wants MATCH in every output
        Input(_part(page, "keep", MATCH), "n_clicks"),
        Input(_part(page, "name", MATCH), "n_submit"),
        State(_part(page, "name", MATCH), "value"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def keep(clicks: object, submits: object, name: object, settled: object, facts: dict[str, Any]) -> Any:
        if not (clicks or submits):
            return no_update
        number = triggered_part("slot", range(SLOTS))
        state = state_of(settled, facts)
        slot, groups = state.slot(number), own_groups()
        try:
            limited("groups", SAVES)
            groups.keep(slot.model, slot.layer, name, slot.group or slot.channels)
        except PerturberError as error:
            return str(error)
        info = service().model(slot.model)
        options = group_options(state, number, slot, info, groups.of(slot.model, slot.layer))
        set_props(control_id(page, "group", number), {"options": options})
        set_props(f"{page}-dialog", {"is_open": False})
        return ""


def _part(page: str, part: str, number: Any) -> dict[str, Any]:
    """The id of a part of the dialog that asks for a group's name."""
    return {"page": page, "naming": part, "slot": number}


def _question(page: str, number: int, what: str) -> list[Any]:
    field = dcc.Input(
        id=_part(page, "name", number), type="text", maxLength=MAX_NAME, placeholder="for example Fur detectors"
    )
    return [
        dialog_title(f"Keep {what} as a group"),
        dbc.ModalBody(
            [
                html.Label(["Name of the group", field]),
                html.P(id=_part(page, "said", number), className="message", role="alert"),
            ]
        ),
        dbc.ModalFooter(html.Button("Keep", id=_part(page, "keep", number), n_clicks=0, className="use")),
    ]


def _figures(page: str) -> None:
    @callback(
        Output(f"{page}-saved", "data"),
        Input(control_id(page, "maps", ALL), "save"),
        Input(control_id(page, "bars", ALL), "save"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def save(_: object, __: object, settled: object, facts: dict[str, Any]) -> Saved | Any:
        wish = triggered_value()
        if not isinstance(wish, dict):
            return no_update
        what, number = triggered_part("control", NAMES), triggered_part("slot", range(SLOTS))
        state = state_of(settled, facts)
        drawn = paper_figure(state, what, number)
        return saved_figure(drawn, str(wish.get("format")), figure_name(what, number), *PAPER[what])


def figure_name(what: str, number: int) -> str:
    """What a slot's figure is called."""
    return f"{NAMES[what]}-{SLOT_NAMES[number].lower().replace(' ', '-')}"


def paper_figure(state: ExploreState, what: str, number: int) -> Any:
    """A slot's activations or predictions as a labelled figure, from the state that is shown.

    Raises:
        InvalidInputError: the slot shows no model, or what it shows is not finished.
    """
    state.slot(number)
    answer, unfinished = look_to_save(state.request(None))
    if unfinished is not None:
        raise InvalidInputError(unfinished)
    looks = dict(zip(state.shown, answer.slots, strict=True))
    look = looks[number]
    if what != "maps" or look.activations is None:
        return prediction_bars(look.top or (), slot=number)
    scale = scales(looks, state.view)[number]
    pictures = _pictures(state, look) if state.view.cards == "visualisation" else []
    return activation_mosaic(look.activations, look.channels, scale=scale, pictures=pictures, paper=True)


def _pictures(state: ExploreState, look: SlotLook) -> list[np.ndarray | None]:
    targets = state.view.targets(look.layer or "", look.channels)
    info, recipe = service().model(look.model), state.view.recipe
    found = service().visualise(look.model, targets, recipe)
    made = [service().visualisations.pictures(one.key) for one in found]
    parts = [part_of(info, target, recipe) for target in targets]
    return [
        None if picture is None else sheet(list(cut(picture, part)), columns=2)
        for picture, part in zip(made, parts, strict=True)
    ]
