"""What Explore does apart from looking and following: groups of neurons that are kept, tools."""

from collections.abc import Callable, Mapping
from typing import Any

import dash_bootstrap_components as dbc
from dash import ALL, MATCH, Input, Output, State, callback, dcc, html, no_update, set_props

from perturber.errors import PerturberError
from perturber.own_groups import MAX_NAME, OwnGroups
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.messages import triggered_part, triggered_value
from perturber.ui.components.attack_form import attack_parts
from perturber.ui.components.controls import Controls, control_id, dialog_title
from perturber.ui.components.drawer import drawer_tools, open_figure, tools_class
from perturber.ui.components.maps import Picture
from perturber.ui.context import service
from perturber.ui.files import index_version
from perturber.ui.limits import SAVES, limited
from perturber.ui.showing.groups import KEEP, group_options
from perturber.ui.showing.visualisations import neuron_pictures
from perturber.ui.states import reading
from perturber.ui.states.explore import SLOTS, ExploreState
from perturber.ui.states.page import parse_query


def explore_callbacks(page: str, controls: Callable[[ExploreState], Controls]) -> None:
    """The callbacks; to be called once as the page's module is imported.

    Args:
        controls: what each control shows.
    """
    _attack(page, controls)
    _tools(page)
    _channels(page)
    _groups(page)


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
