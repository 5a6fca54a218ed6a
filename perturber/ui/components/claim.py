"""The Test page: two scenes and what differs, over what it is tested, and what has come of it."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from dash import dcc, html
from dash.development.base_component import Component

from perturber import objects
from perturber.experiments.claims import ABOUT, MAX_VIEWS, OF_THE_OBJECT, Thing
from perturber.experiments.smallest import named as parameter_name
from perturber.experiments.smallest import written
from perturber.experiments.tested import Outcome
from perturber.figures import as_json, data_uri
from perturber.figures.claims import effects_figure
from perturber.groups.subjects import SUBJECTS
from perturber.scene import SceneBase
from perturber.ui.components.controls import button, dropdown, labelled, named, options
from perturber.ui.components.export import export_button, export_dialog
from perturber.ui.components.tables import plain, table
from perturber.ui.states.claim import LONGEST, ClaimState

PAGE = "test"

EMPTY = "Nothing is tested yet. Run orders it; you can leave the page meanwhile, and come back to the result."
POLL_MS = 500
SIDE = 168
"""Pixels of a picture of the page."""

FIELDS = (
    "models", "measure", "wanted", "objects", "backgrounds", "seeds", "views", "yaw", "pitch", "distance", "seed",
    "pictures",
)  # fmt: skip

DOWNLOADS = {
    "csv": ("CSV", "All pairs as a table"),
    "json": ("JSON", "The result, all settings and all pairs"),
    "html": ("Report", "A page that needs no network: pictures, method, settings, hashes"),
    "pdf": ("Report as PDF", "The report, printed by the server's Chromium"),
}


def part(name: str) -> str:
    """The id of a part of the page."""
    return f"{PAGE}-{name}"


def claim_page(
    state: ClaimState, problems: Sequence[str], *, models: Mapping[str, str], classes: Mapping[str, str], folder: bool
) -> html.Div:
    """The page in a state; its callbacks fill in what is shown.

    Args:
        models: name → label of those that can be chosen.
        classes: WordNet identifier or name of each class of the first network → its name.
        folder: whether there is a folder of example pictures.
    """
    return html.Div(
        [
            html.Div([html.P(p) for p in problems], className="problems", role="alert"),
            html.Div([html.Section([*_scenes(), *_settings(state, models, classes, folder=folder)]), _result()]),
            dcc.Store(id=part("facts"), data={"query": state.query(), "memory": {}}),
            *(dcc.Store(id=part(name)) for name in ("settled", "address", "job")),
            dcc.Interval(id=part("interval"), interval=POLL_MS, disabled=True),
            dcc.Download(id=part("download")),
            *export_dialog(PAGE),
        ],
        className="claim",
        id=PAGE,
    )


def _scenes() -> list[Component]:
    link = dcc.Input(id=part("link"), placeholder="Link of a scene of this app", maxLength=LONGEST, className="wide")
    snapshot: dict[str, Any] = {"options": [], "value": None, "placeholder": "Snapshot of the session …"}
    return [
        html.H1("Test"),
        html.Div(id=part("scenes"), className="scenes"),
        html.Div(
            [labelled("A from", [dropdown(part("snapshot"), "Snapshot as A", snapshot, wide=True)])], className="bar"
        ),
        html.Div(
            [
                labelled("Or link", [named("Link of A", link)]),
                button(part("take"), "Use as A", "Take the scene of this link, or of the snapshot, in place of A"),
                button(part("swap"), "Swap", "Make A of B, and B of A"),
            ],
            className="bar",
        ),
        html.P(id=part("said"), className="message", role="alert"),
    ]


def _settings(
    state: ClaimState, models: Mapping[str, str], classes: Mapping[str, str], *, folder: bool
) -> list[Component]:
    things = {
        **{str(Thing(one.pair, one.morph)): name for name, one in SUBJECTS.items()},
        **{name: label for name, label in objects.names("object").items() if objects.is_own(name)},
    }
    wanted = {OF_THE_OBJECT: "The object’s own classes", **classes}
    known = {**models, **{name: name for name in state.models if name not in models}}

    def many(name: str, label: str, given: Mapping[str, str], empty: str) -> html.Div:
        menu = {"options": options(given.items()), "value": list(getattr(state, name)), "multi": True}
        made = dropdown(part(name), label, menu, wide=True, searchable=True, placeholder=empty)
        return html.Div(labelled(label, [made]), className="bar")

    def number(name: str, label: str, step: Any, top: float, unit: str = "") -> list[Component]:
        field = dcc.Input(
            id=part(name), type="number", value=getattr(state, name), min=0, max=top, step=step, debounce=True
        )
        return [labelled(label, [named(label, field), html.Span(unit)], className="number")]

    seeds = dcc.Input(id=part("seeds"), value=state.seeds, placeholder="A’s", debounce=True, maxLength=1000)
    measure = {"options": options(ABOUT.items()), "value": state.measure}
    of_class = {"options": options(wanted.items()), "value": state.wanted}
    return [
        html.H2("What"),
        many("models", "Networks", known, "Choose networks"),
        html.Div(labelled("Measure", [dropdown(part("measure"), "Measure", measure, wide=True)]), className="bar"),
        html.Div(
            labelled("Of", [dropdown(part("wanted"), "Class", of_class, wide=True, searchable=True)]), className="bar"
        ),
        html.H2("Over"),
        many("objects", "Objects", {**things, **_without_end(state)}, "A’s"),
        many("backgrounds", "Backgrounds", objects.names("background"), "A’s"),
        html.Div(
            [
                *number("views", "Views", 1, MAX_VIEWS, "each"),
                *number("yaw", "Yaw ±", "any", 180, "°"),
                *number("pitch", "Pitch ±", "any", 90, "°"),
                *number("distance", "Distance ±", "any", 10, "radii"),
            ],
            className="numbers",
        ),
        html.Div(
            [
                labelled("Seeds", named("Seeds of what is random in the scenes", seeds), className="number seeds"),
                *number("seed", "Seed of views", 1, 2**31),
                html.Div(number("pictures", "Or pictures", 1, 10_000, "of the folder"), hidden=not folder),
            ],
            className="numbers",
        ),
    ]


def _without_end(state: ClaimState) -> dict[str, str]:
    """Objects of the state that are in A's morph."""
    return {name: Thing.parse(name).label for name in state.objects if ":" not in name}


def _result() -> html.Section:
    bar = [
        button(part("run"), "Run", "Look at all pairs", className="use"),
        button(part("cancel"), "Cancel", "Stop; what was looked at is kept", hidden=True),
        html.Span(id=part("estimate"), className="about"),
        html.Span(id=part("progress"), className="about", role="status"),
    ]
    files = [button(part(name), words, title) for name, (words, title) in DOWNLOADS.items()]
    keep = dcc.Input(id=part("name"), placeholder="Name", maxLength=100)
    tools = [
        *files,
        export_button(PAGE, "effects", "effects with their intervals"),
        named("Name of the test in the session", keep),
        button(part("keep"), "Keep in session", "Keep this result in the session that is open in this tab"),
    ]
    return html.Section(
        [
            html.Div(bar, className="bar"),
            html.P(id=part("wrong"), className="message", role="alert"),
            html.Div(html.P(EMPTY, className="empty"), id=part("result")),
            html.Div(tools, className="bar tools", id=part("tools"), hidden=True),
            html.P(id=part("done"), className="message fine", role="status"),
        ],
        className="result",
    )


def scenes_parts(
    pictures: Sequence[np.ndarray], scenes: Sequence[SceneBase], differs: Sequence[str], left_out: Sequence[str]
) -> list[Component]:
    """A and B beside one another, what differs in words, and sentences about what of them is not tested."""
    figures = [
        html.Figure(
            [
                html.Img(src=data_uri(picture), width=SIDE, height=SIDE, alt=f"Scene {name}"),
                html.Figcaption(html.Strong(name)),
            ]
        )
        for name, picture in zip("AB", pictures, strict=True)
    ]
    a, b = scenes
    rows = [tuple(plain(text) for text in (parameter_name(key), _short(key, a), _short(key, b))) for key in differs]
    words = table(("What differs", "A", "B"), rows) if rows else "Nothing differs: choose another A."
    return [*figures, dcc.Markdown(words, className="differs"), *(html.P(one, className="left") for one in left_out)]


def _short(key: str, scene: SceneBase) -> str:
    text = written(key, getattr(scene, key)).replace("-", "−")
    return text if len(text) <= 60 else f"{text[:60]}…"


def result_parts(found: Outcome) -> list[Component]:
    """What has come of a test."""
    figure = as_json(effects_figure(found))
    size = figure["layout"]
    graph = dcc.Graph(
        figure=figure, config={"displayModeBar": False}, style={"width": size["width"], "height": size["height"]}
    )
    notes = [html.Li(note) for note in found.notes]
    return [
        html.P(found.sentence, className="sentence"),
        html.P(f"{found.about} {found.independence}", className="about"),
        named("Effects with their intervals", graph),
        dcc.Markdown(effects_table(found)),
        html.P(
            "p: sign-flip test. Holm: corrected for the number of networks, or of differences between networks; "
            "objects by themselves are not corrected.",
            className="about",
        ),
        *([html.Ul(notes, className="notes")] if notes else []),
    ]


def effects_table(found: Outcome) -> str:
    """All effects in Markdown."""
    rows = [
        (
            plain(" − ".join(found.labels[model] for model in row.models)),
            plain(row.group or "All"),
            _number(row.mean, "+#.3g"),
            f"{_number(row.low, '+#.3g')} … {_number(row.high, '+#.3g')}" if row.low == row.low else "–",
            _number(row.p, ".4f"),
            _number(row.holm, ".4f"),
            f"{row.pairs} / {row.units}",
        )
        for row in found.rows
    ]
    head = ("Network", "Over", f"B − A ({found.unit})", "95 % interval", "p", "Holm", "Pairs / units")
    return table(head, rows, numbers=range(2, 7))


def _number(value: float, how: str) -> str:
    return format(value, how).rstrip(".").replace("-", "−") if value == value else "–"
