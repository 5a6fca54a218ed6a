"""The Experiments page: the list of experiments at the left, the card of the open one at the right."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html

from perturber.experiments.measurements.measurement import Numbers as ListOfNumbers
from perturber.experiments.measurements.measurement import Pick
from perturber.parameters import Choice, Number, Parameter, Switch
from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button, dropdown, menu, named, options
from perturber.ui.components.export import export_button, export_dialog
from perturber.ui.components.tables import plain, table
from perturber.ui.experiments import EXPERIMENTS, GROUPS, Known, Numbers
from perturber.ui.experiments.choices import Channels
from perturber.ui.states.experiments import ExperimentsState

PAGE = "experiments"
BEAT_MS = 700

EMPTY = "Nothing is measured yet. Run orders it; you can leave the page meanwhile, and come back to the result."
BORDERS = "At the border of the largest region: longitude, latitude, and the probability of the classes that are right."


def part(name: str) -> str:
    """The id of a part of the page."""
    return f"{PAGE}-{name}"


def item_id(key: Any) -> dict[str, Any]:
    """The id of an entry of the list."""
    return {"page": PAGE, "open": key}


def field_id(name: Any) -> dict[str, Any]:
    """The id of a field of the open card: ``models``, ``folder``, or an option after ``o-``."""
    return {"page": PAGE, "field": name}


def view_id(name: Any) -> dict[str, Any]:
    """The id of the menu of a result's views, which comes with the result.

    Were it there from the beginning, what follows a result would wait for what it chooses, and that for this.
    """
    return {"page": PAGE, "view": name}


def experiments_page(
    state: ExperimentsState, problems: Sequence[str], known: Known, models: Mapping[str, str]
) -> html.Div:
    """The page in a state; its callback fills in what has come of it.

    Args:
        models: name → label of the networks to choose from.
    """
    return html.Div(
        [
            html.Div([html.P(one) for one in problems], className="problems", role="alert"),
            html.Div(
                [
                    html.Nav(
                        experiment_list(state),
                        id=part("list"),
                        className="list",
                        **attributes(aria_label="Experiments"),
                    ),
                    html.Section(
                        [
                            html.Div(settings_of(state, known, models), id=part("settings"), className="settings"),
                            _ordering(),
                            _result(),
                        ],
                        className="card",
                    ),
                ],
                className="sides",
            ),
            dcc.Store(id=part("facts"), data={"query": state.query(), "memory": {}}),
            dcc.Store(id=part("settled")),
            dcc.Store(id=part("address")),
            dcc.Store(id=part("followed"), data={}),
            dcc.Interval(id=part("interval"), interval=BEAT_MS, disabled=True),
            dcc.Download(id=part("file")),
            *export_dialog(PAGE),
        ],
        className="experiments",
        id=PAGE,
    )


def experiment_list(state: ExperimentsState) -> list[Any]:
    """The list, in its groups."""
    found: list[Any] = []
    for group in GROUPS:
        found.append(html.H2(group))
        for key, one in EXPERIMENTS.items():
            if one.group == group:
                here = attributes(aria_current="true") if key == state.experiment else {}
                found.append(button(item_id(key), one.title, one.asks, className="entry", **here))
    return found


def settings_of(state: ExperimentsState, known: Known, models: Mapping[str, str]) -> list[Any]:
    """What the open experiment asks, what can be chosen, and what comes out."""
    one = state.shown
    values = state.values(known)
    rows = [_networks(state, models)]
    if one.folder:
        rows.append(_folder(state, known))
    given = one.options(state.models[0], state.options, known)
    rows += [_option(option, values[option.key]) for option in given]
    return [
        html.H1(one.title),
        html.P(one.asks, className="asks"),
        html.Div(
            [
                html.Div(rows, className="fields"),
                html.Div(
                    [
                        html.P(with_indices(one.definition), tabIndex=0),
                        html.P([html.Strong("Source: "), f"{one.source}."], className="source"),
                    ],
                    className="definition",
                ),
            ],
            className="two",
        ),
    ]


def with_indices(text: str) -> list[Any]:
    """A text whose indices, as in ``s_k`` or ``E_{c,s}``, are set lower."""
    return [
        html.Sub(piece) if n % 2 else piece
        for n, piece in enumerate(re.split(r"_\{?([A-Za-z]+(?:,[A-Za-z]+)*)\}?", text))
    ]


def values_of(state: ExperimentsState, known: Known) -> dict[str, Any]:
    """Field of the card → what it shows."""
    single = state.shown.networks == 1
    found: dict[str, Any] = {"models": state.models[0] if single else list(state.models)}
    if state.shown.folder:
        found["folder"] = state.folder or None
    return found | {f"o-{key}": _value(value) for key, value in state.values(known).items()}


def _networks(state: ExperimentsState, models: Mapping[str, str]) -> html.Div:
    single = state.shown.networks == 1
    label = "Network" if single else "Networks"
    networks = dcc.Dropdown(
        id=field_id("models"),
        options=options(models.items()),
        value=state.models[0] if single else list(state.models),
        multi=not single,
        clearable=False,
        searchable=True,
    )
    return _row(label, html.Div(named(label, networks), className="networks"), "" if single else "Side by side")


def _folder(state: ExperimentsState, known: Known) -> html.Div:
    props = {
        "options": options((name, name) for name in known.collections),
        "value": state.folder or None,
        "placeholder": "No folder" if not known.collections else "Folder …",
        "disabled": not known.collections,
    }
    return _row("Folder", dropdown(field_id("folder"), "Folder of pictures", props), f"Of {state.shown.folder}")


def _option(option: Parameter, value: Any) -> html.Div:
    """A control that fits what an option can be, with its range."""
    id_, shown = field_id(f"o-{option.key}"), _value(value)
    about = option.help
    if isinstance(option, Switch):
        box = dcc.Checklist(id=id_, options=[{"value": "on", "label": option.label}], value=shown, className="checks")
        return _row("", box, about)
    if isinstance(option, Pick | Choice):
        choices = option.choices if isinstance(option, Pick) else option.options
        props = {"options": options(choices.items()), "value": shown}
        return _row(option.label, menu(id_, option.label, props, searchable=len(choices) > 8), about)
    kind: dict[str, Any] = {"type": "text"}
    if isinstance(option, Number):
        kind = {"type": "number", "min": option.minimum, "max": option.maximum, "step": 1 if option.whole else "any"}
        about = f"{about} {option.minimum:,g} to {option.maximum:,g}{_unit(option)}."
    elif isinstance(option, ListOfNumbers | Channels):
        about = f"{about} {option.allowed[:1].upper()}{option.allowed[1:]}."
    field = dcc.Input(id=id_, value=shown, debounce=True, **kind)
    return _row(option.label, named(option.label, field), about)


def _unit(option: Parameter) -> str:
    return "" if not option.unit else option.unit if option.unit == "°" else f" {option.unit}"


def _value(value: Any) -> Any:
    """A value as its control has it."""
    if isinstance(value, bool):
        return ["on"] if value else []
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _row(label: str, control: Any, about: str) -> html.Div:
    return html.Div([html.Span(label), control, html.Small(about)], className="row")


def _ordering() -> html.Div:
    return html.Div(
        [
            button(part("run"), "Run", "Measure it, in the background", className="use"),
            button(part("cancel"), "Cancel", "End this measurement", hidden=True),
            html.Progress(id=part("progress"), value="0", max="1", hidden=True, **attributes(aria_label="Progress")),
            html.Span(id=part("words"), className="words", **attributes(data_live="polite")),
            html.P(id=part("said"), className="message", role="alert"),
        ],
        className="bar ordering",
    )


def _result() -> html.Div:
    tools = [
        html.H2("Result"),
        html.Div(id=part("views"), className="views"),
        button(part("csv"), "CSV", "Download the data: a row for each picture, frequency or place"),
        button(part("json"), "JSON", "Download the data and the numbers"),
        export_button(PAGE, "result", "this figure"),
    ]
    return html.Div(
        [
            html.P(EMPTY, id=part("empty"), className="empty"),
            html.Div(
                [
                    html.Div(tools, className="bar"),
                    html.Div(
                        [
                            html.Div(id=part("figure"), className="drawn"),
                            dcc.Markdown(id=part("numbers"), className="numbers"),
                        ],
                        className="beside",
                    ),
                    html.Div(id=part("examples"), className="drawn"),
                    html.P(id=part("notes"), className="notes"),
                ],
                id=part("result"),
                className="result",
                hidden=True,
            ),
        ]
    )


def view_menu(views: Mapping[str, str], view: str) -> html.Div:
    """What of a result can be shown."""
    return dropdown(view_id("shown"), "What is shown of the result", {"options": options(views.items()), "value": view})


def graph(name: str, figure: Mapping[str, Any], label: str) -> html.Div:
    """A figure as large as it is laid out, drawn anew: Plotly's script would keep what it has made of other axes."""
    layout = figure["layout"]
    size = {side: f"{layout[side]:.0f}px" for side in ("width", "height")}
    digest = hashlib.sha256(repr(figure).encode()).hexdigest()
    drawn = dcc.Graph(id=part(name), figure=figure, config={"displayModeBar": False}, responsive=False, style=size)
    return html.Div(named(label, drawn), key=digest)


def numbers_table(numbers: Numbers) -> str:
    """Sentences and a table in Markdown."""
    head = tuple(plain(one) for one in numbers.head)
    rows = [tuple(plain(cell) for cell in row) for row in numbers.rows]
    tables = [table(head, rows, numbers=range(1, len(head)))] if rows else []
    return "\n\n".join([*map(plain, numbers.said), *tables])
