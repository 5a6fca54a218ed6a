"""The Sweep page: what is gone through at the left, what comes of it at the right."""

from collections.abc import Mapping, Sequence
from typing import Any

from dash import dcc, html

from perturber.experiments.measures import ABOUT
from perturber.experiments.sweep import MAX_AXES, MAX_SAMPLED, Axis, Grid, Range
from perturber.figures import empty_figure
from perturber.parameters import Choice, Number, Switch, get
from perturber.service import ModelInfo
from perturber.ui.components.controls import button, labelled, menu, named, options
from perturber.ui.components.export import export_button, export_dialog
from perturber.ui.states.explore import SLOTS
from perturber.ui.states.sweep import (
    COUNT,
    MAX_SEED,
    PICTURES,
    SAMPLES,
    SweepState,
    axes_of,
    effects,
    first_axis,
    is_even,
    numbers,
    parameters,
)

PAGE = "sweep"

POLL_MS = 700
"""Between two looks at a sweep that is under way."""

DESIGNS = (("grid", "Every combination"), ("latin", "Latin hypercube"), ("pictures", "Pictures"))

NO_FOLDERS = "This server offers no folders of pictures. PERTURBER_COLLECTIONS names the folder that they lie in."

POOLINGS = (("mean", "mean"), ("max", "maximum"), ("place", "at a place"))

KINDS = {
    "logit": "Logit of a class",
    "probability": "Probability of a class",
    "margin": "Margin of a class",
    "rank": "Rank of a class",
    "entropy": "Entropy",
    "activation": "Activation of a neuron",
    "change": "Distance from the start",
    "agreement": "Same top class",
    "divergence": "Divergence of two networks",
}
"""Kind of a measure → how menus call it."""

ROWS = range(1, MAX_SAMPLED + 1)
OF_ROWS = ("key", "low", "high")
OF_AXES = ("count", "values")

HEADS = ("Parameter", "From", "To", "Values")
"""Above the fields of rows that have a range."""

FIELDS = (
    "design",
    *(f"{name}{n}" for n in ROWS for name in (*OF_ROWS, *(OF_AXES if n <= MAX_AXES else ()))),
    "samples",
    "seed",
    "folder",
    "pictures",
    *(f"m{n}" for n in range(1, SLOTS + 1)),
    "shown",
)
"""Fields whose values are the page's state."""


def part(name: str) -> str:
    """The id of a part of the page."""
    return f"{PAGE}-{name}"


def sweep_page(
    state: SweepState, facts: Mapping[str, Any], problems: Sequence[str], models: Mapping[str, ModelInfo],
    words: Sequence[str], folders: Sequence[str] = (),
) -> html.Div:  # fmt: skip
    """The page in a state; its callbacks fill in what is computed.

    Args:
        facts: what the browser remembers of it.
        models: that can be chosen.
        words: what each measure is.
        folders: names of those whose pictures can be gone through.
    """
    form = [*_start(), *_design(state, folders), *_networks(state, models), *_measures(state, words)]
    return html.Div(
        [
            html.Div([html.P(p) for p in problems], className="problems", role="alert"),
            html.Div([html.Section(form, className="form"), html.Section([*_result(), *_selected(state)])]),
            dcc.Store(id=part("facts"), data=dict(facts)),
            *(dcc.Store(id=part(name)) for name in ("settled", "address", "followed", "chosen-ones")),
            dcc.Interval(id=part("interval"), interval=POLL_MS, disabled=True),
            dcc.Download(id=part("file")),
            *export_dialog(PAGE),
        ],
        className=PAGE,
        id=PAGE,
    )


def _start() -> list[Any]:
    picture = html.Img(id=part("start"), width=224, height=224, alt="The scene from which the sweep starts")
    about = html.Div(
        [
            html.P(id=part("changes")),
            html.A("Change it in Explore", id=part("explore"), href="/"),
        ]
    )
    return [html.H1("Start"), html.Div([picture, about], className="start")]


# ---- what is gone through -----------------------------------------------------------------------------------------


def _design(state: SweepState, folders: Sequence[str]) -> list[Any]:
    values = fields_of(state)
    choice = dcc.RadioItems(
        id=part("design"), options=options(DESIGNS), value=values["design"], inline=True, className="tabs"
    )
    shapes = shapes_of(values)
    sampled = [
        labelled("Scenes", _number("samples", "Scenes of the Latin hypercube", values)),
        labelled("Seed", _number("seed", "Seed of the Latin hypercube", values)),
    ]
    known = {"options": options((name, name) for name in folders), "value": values["folder"]}
    pictured = [
        menu(
            part("folder"), "Folder of pictures", known, searchable=True, className="folder",
            placeholder="Folder …" if folders else "No folder", disabled=not folders,
        ),
        labelled("Pictures", _number("pictures", "Pictures of the folder, at most", values)),
    ]  # fmt: skip
    return [
        html.H2("Parameters"),
        named("Which scenes", choice),
        html.Div(pictured, className=shapes[-1], id=part("pictured")),
        html.Div([html.Span(words) for words in HEADS], className="axis heads"),
        *(_row(n, values, shapes[n - 1]) for n in ROWS),
        html.Div(sampled, className=shapes[-2], id=part("sampled")),
    ]


def _row(n: int, values: Mapping[str, Any], shape: str) -> html.Div:
    known = {
        "options": offered(n, values["design"]),
        "value": values[f"key{n}"],
    }
    key = menu(
        part(f"key{n}"), f"Parameter {n}", known, searchable=True, className="key", clearable=True,
        placeholder=f"Parameter {n} …", maxHeight=360,
    )  # fmt: skip
    made: list[Any] = [
        key,
        _number(f"low{n}", f"Parameter {n}: from", values),
        _number(f"high{n}", f"Parameter {n}: to", values),
    ]
    if n <= MAX_AXES:
        listed = {"options": values_of(values[f"key{n}"]), "value": values[f"values{n}"]}
        made += [
            _number(f"count{n}", f"Parameter {n}: how many values", values),
            menu(part(f"values{n}"), f"Parameter {n}: values", listed, multi=True, searchable=True, className="listed"),
        ]
    return html.Div(made, className=shape, id=part(f"axis{n}"))


def _number(name: str, label: str, values: Mapping[str, Any]) -> dcc.Input:
    field = dcc.Input(id=part(name), type="number", step="any", debounce=True, value=values[name], className="count")
    return named(label, field)


def offered(n: int, design: object) -> list[dict[str, Any]]:
    """The parameters that a row may be about, for a menu."""
    every = parameters() if n <= MAX_AXES else numbers()
    return options((effects() if n == 1 and design == "pictures" else every).items())


def values_of(key: str | None) -> list[dict[str, Any]]:
    """The values that a parameter without a range may have, for a menu."""
    parameter = None if key is None else get(key)
    if isinstance(parameter, Switch):
        return options([("false", "off"), ("true", "on")])
    return options(parameter.options.items()) if isinstance(parameter, Choice) else []


def fields_of(state: SweepState) -> dict[str, Any]:
    """What the fields show."""
    found: dict[str, Any] = dict.fromkeys(FIELDS)
    found |= {"samples": SAMPLES, "seed": 0, "pictures": PICTURES, "shown": state.shown}
    found |= {f"m{n}": model for n, model in enumerate(state.models, 1)}
    if isinstance(state.design, Grid):
        found["design"] = "grid"
        if (pictures := state.design.pictures) is not None:
            found |= {"design": "pictures", "folder": pictures.folder.name, "pictures": len(pictures.values)}
        for n, axis in enumerate(axes_of(state.design), 1):
            found |= fields_of_axis(n, axis)
    else:
        found |= {"design": "latin", "samples": state.design.count, "seed": state.design.seed}
        for n, one in enumerate(state.design.ranges, 1):
            found |= fields_of_range(n, one)
    return found


def fields_of_axis(n: int, axis: Axis) -> dict[str, Any]:
    """What the fields of a row show of an axis."""
    if not isinstance(get(axis.key), Number):
        values = [str(value).lower() if isinstance(value, bool) else value for value in axis.values]
        return {f"key{n}": axis.key, f"values{n}": values, f"low{n}": None, f"high{n}": None, f"count{n}": None}
    ends = {f"low{n}": axis.values[0], f"high{n}": axis.values[-1], f"count{n}": len(axis.values)}
    return {f"key{n}": axis.key, f"values{n}": None, **ends} if is_even(axis) else {f"key{n}": axis.key, **ends}


def fields_of_range(n: int, one: Range) -> dict[str, Any]:
    """What the fields of a row show of a range."""
    return {f"key{n}": one.key, f"low{n}": one.low, f"high{n}": one.high}


def first_fields(n: int, key: str, *, grid: bool) -> dict[str, Any]:
    """What the fields of a row show as its parameter was just chosen.

    Raises:
        InvalidInputError: it is none that can be gone through.
    """
    axis = first_axis(key)
    found = fields_of_axis(n, axis)
    return found if grid else {name: found[name] for name in (f"key{n}", f"low{n}", f"high{n}")}


def shapes_of(fields: Mapping[str, Any]) -> list[str]:
    """The class of each row, of the fields of a Latin hypercube and those of pictures: which of them there are."""
    grid, pictures = fields["design"] != "latin", fields["design"] == "pictures"
    most = 1 if pictures else MAX_AXES if grid else MAX_SAMPLED
    found = []
    for n in ROWS:
        key = fields[f"key{n}"]
        if n > most:
            found.append("axis gone")
        elif not isinstance(key, str) or key not in parameters():
            before = n == 1 or fields[f"key{n - 1}"] is not None
            found.append("axis free" if before else "axis gone")
        elif key not in numbers():
            found.append("axis listing")
        else:
            found.append("axis ranging" if grid else "axis sampling")
    return [*found, "sampled gone" if grid else "sampled", "sampled" if pictures else "sampled gone"]


# ---- networks and measures ----------------------------------------------------------------------------------------


def _networks(state: SweepState, models: Mapping[str, ModelInfo]) -> list[Any]:
    choices = options((info.name, info.label) for info in models.values())
    found = []
    for n in range(1, SLOTS + 1):
        value = state.models[n - 1] if n <= len(state.models) else None
        props = {"options": choices, "value": value, "clearable": n > 1, "placeholder": f"Network {n} …"}
        found.append(menu(part(f"m{n}"), f"Network {n}", props, className="network"))
    return [html.H2("Networks"), *found]


def _measures(state: SweepState, words: Sequence[str]) -> list[Any]:
    drawn = dcc.RadioItems(
        id=part("shown"), options=options(enumerate(words)), value=state.shown, className="measures-drawn"
    )

    def choose(name: str, label: str, props: Mapping[str, Any], **more: Any) -> dcc.Dropdown:
        return menu(part(name), label, props, className=name, **more)

    def index(name: str, label: str) -> dcc.Input:
        return named(label, dcc.Input(id=part(name), type="number", min=0, step=1, value=0, className=f"count {name}"))

    kinds = {"options": options(KINDS.items()), "value": "probability"}
    editor = [
        choose("kind", "Measure", kinds, maxHeight=300),
        choose(
            "class", "Class", {"options": [], "value": None}, searchable=True, clearable=True,
            placeholder="the start’s first class",
        ),
        choose("layer", "Layer", {"options": [], "value": None}, searchable=True),
        index("channel", "Channel"),
        choose("pooling", "Over its map", {"options": options(POOLINGS), "value": "mean"}),
        index("row", "Row of the map"),
        index("column", "Column of the map"),
        button(part("add"), "Add", "Measure this as well"),
    ]  # fmt: skip
    return [
        html.H2("Measures"),
        html.Div(
            [
                named("Measure that is drawn", drawn),
                button(part("remove"), "Remove", "Remove the measure that is drawn"),
            ],
            className="bar drawn",
        ),
        html.Div(editor, className="measuring of-class", id=part("editor"), title=ABOUT["probability"]),
    ]


# ---- what comes of it ---------------------------------------------------------------------------------------------


def _result() -> list[Any]:
    bar = [
        html.H2("Result"),
        html.Span(id=part("progress"), className="said", role="status"),
        html.Button("Run", id=part("run"), n_clicks=0, className="use", title="Look at all scenes that are not known"),
        button(part("cancel"), "Cancel", "Stop it; what is known is kept", disabled=True),
        button(part("csv"), "CSV", "Download the table as CSV"),
        button(part("parquet"), "Parquet", "Download the table as a Parquet file"),
        export_button(PAGE, "measure", "the measure that is drawn"),
    ]
    config: Any = {"displayModeBar": False, "responsive": False}
    graph = dcc.Graph(id=part("graph"), figure=empty_figure(), config=config, clear_on_unhover=True)
    number = named("Number of a scene", dcc.Input(id=part("number"), type="number", min=1, step=1, className="count"))
    return [
        html.Div(bar, className="bar"),
        html.P(id=part("about"), className="about", role="status"),
        html.P(id=part("said"), className="message", role="alert"),
        html.P(id=part("wrong"), className="message", role="alert"),
        html.P(id=part("empty"), className="empty"),
        html.Div(
            [named("Sweep", graph), dcc.Tooltip(id=part("tooltip"), direction="bottom")],
            id=part("sheet"),
            className="figure",
            hidden=True,
        ),
        html.Div(
            [
                labelled("Scene", number, "Number of a scene, from 1, in the order of the table"),
                html.Span(id=part("scene"), className="about"),
            ],
            className="bar",
        ),
    ]


SELECT_PICTURES = "Drag a box over the figure to select pictures. Point at one to see it."
SELECT = "Drag a box over the figure to select scenes. Point at one to see it; a click opens it in Explore."


def select_words(state: SweepState) -> str:
    """How to select what is gone through."""
    return SELECT if state.pictures is None else SELECT_PICTURES


def _selected(state: SweepState) -> list[Any]:
    session = menu(part("session"), "Session", {"options": []}, placeholder="Session …", className="session")
    return [
        html.Div(
            [
                html.H2("Selected scenes"),
                html.Span(id=part("kept"), className="said", role="status"),
                session,
                button(part("keep"), "Keep as snapshots", "Put the selected scenes into the session"),
            ],
            className="bar",
        ),
        html.Div(id=part("list"), className="list", children=html.P(select_words(state), className="about")),
    ]  # fmt: skip


__all__ = ["COUNT", "FIELDS", "KINDS", "MAX_SEED", "PAGE", "fields_of", "part", "shapes_of", "sweep_page"]
