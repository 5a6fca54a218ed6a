"""The controls of a page: their ids, what they show, and the few builders that give them one look."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from perturber.figures import SLOT_COLOURS

TITLE = "dialog-title"
"""Id of the title of the dialog that is open."""

Named = TypeVar("Named", bound=Component)


class At(NamedTuple):
    """Which control of a page."""

    control: str
    slot: int | str | None = None


Controls = Mapping[At, dict[str, Any]]
"""Control → the properties that follow from the page's state."""


def control_id(page: str, control: Any, slot: Any = None) -> dict[str, Any]:
    """The id of a control; everything with such an id is heard by the page (see `look_callbacks`)."""
    return {"page": page, "control": control, "slot": "" if slot is None else slot}


def order_id(page: str, order: Any, slot: Any = "") -> dict[str, Any]:
    """The id of a button that orders or cancels something (see `follow_callbacks`)."""
    return {"page": page, "order": order, "slot": slot}


def tool_id(page: str, tool: Any) -> dict[str, Any]:
    """The id of a setting that belongs to an order, and to no link."""
    return {"page": page, "tool": tool}


def named(label: str, component: Named) -> Named:
    """One of Dash's own components with a name for who cannot see it: ``assets/access.js`` gives it to its element."""
    component._valid_wildcard_attributes = ["aria-"]
    setattr(component, "aria-label", label)
    return component


def dropdown(
    id_: Any, label: str, props: Mapping[str, Any], *, wide: bool = False, searchable: bool = False, **more: Any
) -> html.Div:
    """A menu.

    Args:
        label: what it is, for a tooltip and for who cannot see it.
        props: of the state: options and value.
        wide: whether it takes the room that is left.
    """
    made = dcc.Dropdown(id=id_, **{"clearable": False, "searchable": searchable, **props, **more})
    return html.Div(named(label, made), className="menu wide" if wide else "menu", title=label)


def menu(
    id_: Any, label: str, props: Mapping[str, Any], *, className: str = "", searchable: bool = False, **more: Any
) -> dcc.Dropdown:
    """A menu without a wrapper, for pages where every component counts; its options say what it is.

    Args:
        label: what it is, for who cannot see it.
        props: of the state: options and value.
    """
    given = {"clearable": False, "searchable": searchable, "className": f"menu {className}", **props, **more}
    return named(label, dcc.Dropdown(id=id_, **given))


def options(pairs: Iterable[tuple[Any, str]]) -> list[dict[str, Any]]:
    """Options of a menu, from values and labels."""
    return [{"value": value, "label": label} for value, label in pairs]


def button(id_: Any, words: str, title: str, *, className: str = "quiet", **more: Any) -> html.Button:
    """A button; its title says what it does."""
    return html.Button(words, id=id_, title=title, className=className, n_clicks=0, **more)


def dialog(page: str) -> dbc.Modal:
    """The page's dialog, closed; what it asks begins with its `dialog_title`."""
    return dbc.Modal(id=f"{page}-dialog", is_open=False, centered=True, labelledby=TITLE)


def dialog_title(words: str) -> dbc.ModalHeader:
    """What a dialog is about."""
    return dbc.ModalHeader(dbc.ModalTitle(words, id=TITLE))


def slot_style(colour: str, text: str) -> dict[str, str]:
    """The style of what has a model's colour: one of the slots' is lighter at night (see ``assets/colours.css``).

    Args:
        colour, text: of the model, and of text on it.
    """
    variable = dict(zip(SLOT_COLOURS, ("--model-1", "--model-2", "--edited"), strict=True)).get(colour)
    return {"--slot": f"var({variable})" if variable else colour, "--slot-text": text}


def labelled(words: str, control: Component | Sequence[Component], title: str = "", className: str = "") -> html.Label:
    """A control with its name before it."""
    controls = [control] if isinstance(control, Component) else list(control)
    return html.Label([html.Span(words), *controls], title=title, className=f"labelled {className}")


def checks(id_: Any, boxes: Sequence[tuple[str, str, str]], props: Mapping[str, Any], className: str = "") -> Any:
    """Boxes to tick, in one control whose value is the list of those that are.

    Args:
        boxes: value, label and tooltip of each.
    """
    made = [{"value": value, "label": label, "title": title} for value, label, title in boxes]
    return dcc.Checklist(id=id_, **{"options": made, "className": f"checks {className}", "inline": True, **props})
