"""The parameter panel: one control for each row of the parameter table, in groups that fold."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, TypedDict, Unpack, get_args

from perturber import objects
from perturber.parameters import GROUPS, PARAMETERS, Choice, Number, Parameter, Switch, Text, Value
from perturber.scene import SceneBase
from perturber.ui.callbacks.messages import Answer
from perturber.ui.components.base import Component
from perturber.ui.components.controls import options

Kind = Literal["object", "background"]


class Row(TypedDict):
    """What every control has.

    Attributes:
        key, label: of the parameter.
        help: tooltip.
        default: value to which ↺ brings it back.
        words: what the search field finds it by.
    """

    key: str
    label: str
    help: str
    default: Value
    words: str


class NumberRow(Row):
    """A slider with a field beside it.

    Attributes:
        min, max, step: of the slider.
        whole: whether only whole numbers are allowed.
        unit: stands behind the field.
    """

    kind: Literal["number"]
    min: float
    max: float
    step: float
    whole: bool
    unit: str


class SwitchRow(Row):
    """A box to tick."""

    kind: Literal["switch"]


class TextRow(Row):
    """A field for text.

    Attributes:
        lines: its height; one line ends with Enter.
    """

    kind: Literal["text"]
    lines: int


class ChoiceRow(Row):
    """A menu, with a button for things of one's own.

    Attributes:
        options: of the menu.
        adds: what the button adds.
    """

    kind: Literal["choice"]
    options: Sequence[Mapping[str, str]]
    adds: Kind


class PanelGroup(TypedDict):
    """A heading and its controls.

    Attributes:
        name, help: of the group.
        unfolded: whether it is so at first.
        rows: its controls.
    """

    name: str
    help: str
    unfolded: bool
    rows: list[NumberRow | SwitchRow | TextRow | ChoiceRow]


class Heading(TypedDict):
    """A heading that depends on a parameter.

    Attributes:
        key: of the parameter.
        titles: its value → heading.
    """

    key: str
    titles: Mapping[str, str]


class Added(TypedDict):
    """The user's wish to add a thing of their own.

    Attributes:
        kind: of what.
        count: of the wishes so far, this one included.
    """

    kind: Kind
    count: int


class ParameterPanelProperties(TypedDict, total=False):
    """What goes into the browser, and what comes back.

    Attributes:
        className: further class names.
        groups: of the panel, in order.
        value: parameter → value, of the whole scene; written by the browser, too, where a number that is none and a
            text that nobody has checked yet stand as they were typed.
        problems: parameter → sentence below its control.
        headings: group → its heading, where that is not its name.
        options: parameter → options that a menu has by now, or None.
        slopes: parameter → properties of the elements that lie on its slider: ``slope`` bars and ``flip`` marks.
        add: what is to be added; written by the browser.
        request: what the page asks about this scene (see `perturber.ui.callbacks.messages`); written by the browser.
        answer: what the page is told. Both pass through the panel because Dash tells a component of a new property at
            once; a ``dcc.Store`` and a clientside callback take 8 ms more on a page of some hundred components.
    """

    className: str
    groups: Sequence[PanelGroup]
    value: Mapping[str, Value]
    problems: Mapping[str, str]
    headings: Mapping[str, Heading]
    options: Mapping[str, Sequence[Mapping[str, str]]] | None
    slopes: Mapping[str, Sequence[Mapping[str, Any]]]
    add: Added | None
    request: dict[str, Any] | None
    answer: Answer | None


class ParameterPanel(Component):
    """Controls that follow the pointer at the browser's own rate (``assets/parameter_panel.js``)."""

    properties = tuple(name for name in ParameterPanelProperties.__annotations__ if name != "className")

    def __init__(self, id: Any = None, **properties: Unpack[ParameterPanelProperties]) -> None:
        """See `ParameterPanelProperties`."""
        super().__init__(id=id, **properties)


def parameter_panel(page: str, scene: SceneBase) -> ParameterPanel:
    """Every parameter's control; a parameter's slider, field, box or menu has the id ``<page>-<key>``."""
    return ParameterPanel(
        id=f"{page}-panel",
        groups=panel_groups(),
        value=scene.as_dict(),
        problems={},
        headings={"Morph": Heading(key="object", titles=morph_titles())},
    )


def panel_groups() -> list[PanelGroup]:
    """The parameter table as the panel shows it."""
    return [
        PanelGroup(name=name, help=GROUPS[name].help, unfolded=GROUPS[name].unfolded, rows=[_row(row) for row in rows])
        for name, rows in groupby(PARAMETERS.values(), key=lambda parameter: parameter.group)
    ]


def panel_choices() -> dict[str, Any]:
    """Properties of a panel that follow from the objects and backgrounds that there are."""
    choices = {kind: options(objects.names(kind).items()) for kind in get_args(Kind)}
    return {"options": choices, "headings": {"Morph": Heading(key="object", titles=morph_titles())}}


def morph_titles() -> dict[str, str]:
    """Object → heading of its morph parameters: how much it is its pair's second object ("Catness")."""
    ends = {name: label.split(" ↔ ") for name, label in objects.names("object").items()}
    return {
        name: f"{pair[1]}{'-' * (' ' in pair[1])}ness" if len(pair) == 2 else "Morph" for name, pair in ends.items()
    }


def _row(parameter: Parameter) -> NumberRow | SwitchRow | TextRow | ChoiceRow:
    common = Row(
        key=parameter.key,
        label=parameter.label,
        help=f"{parameter.help}{_default(parameter)}",
        default=parameter.default,
        words=f"{parameter.group} {parameter.label} {parameter.key}".lower(),
    )
    if isinstance(parameter, Number):
        return NumberRow(
            kind="number",
            min=parameter.minimum,
            max=parameter.maximum,
            step=parameter.step,
            whole=parameter.whole,
            unit=parameter.unit,
            **common,
        )
    if isinstance(parameter, Switch):
        return SwitchRow(kind="switch", **common)
    if isinstance(parameter, Text):
        return TextRow(kind="text", lines=parameter.lines, **common)
    if isinstance(parameter, Choice):
        return ChoiceRow(kind="choice", options=options(parameter.options.items()), adds=parameter.kind, **common)
    raise TypeError(f"no control for {parameter!r}")


def _default(parameter: Parameter) -> str:
    """A sentence with a space before it; empty for a text, which may be long."""
    if isinstance(parameter, Number):
        space = "" if parameter.unit in ("", "°") else " "
        return f" Default: {parameter.default:g}{space}{parameter.unit}."
    if isinstance(parameter, Switch):
        return f" Default: {'on' if parameter.default else 'off'}."
    if isinstance(parameter, Choice):
        return f" Default: {parameter.options.get(parameter.default, parameter.default)}."
    return ""
