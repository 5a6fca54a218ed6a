"""What the Compare page is made of: models in columns, and below them what lies between two of them."""

from typing import Any

import dash_bootstrap_components as dbc
from dash import dcc, html

from perturber.service import MAX_MODELS, MAX_PICTURES, MIN_PICTURES
from perturber.ui.components.attributes import attributes
from perturber.ui.components.bars import Bars
from perturber.ui.components.controls import At, Controls, button, control_id, dialog_title, menu, named, order_id
from perturber.ui.components.export import export_button
from perturber.ui.components.maps import Maps
from perturber.ui.states.channels import MAX_NEURONS

SIDES = ("a", "b", "difference")

TABS = {
    "channels": ("Channels", "The same channels of A and B, and their difference"),
    "depth": ("Depth", "Where do the networks begin to disagree?"),
    "cka": ("CKA", "How alike are the layers of A and B over many pictures?"),
    "same": ("Same channel?", "Which channel of A responds like which channel of B?"),
}
"""Tab → its label, and the question that it answers."""

DEPTH = "Every model of A’s architecture, compared with A layer by layer for this picture"
AGREEMENT = (
    "Same top class: whether the most probable class is that of model 1.\n"
    "Shared top 5: classes among the first five of both.\n"
    "JS divergence: Jensen–Shannon divergence of the probabilities; 0 the same, 1 disjoint."
)
ORDER = "Order of B’s channels: if only their order differs, ordering by best partner shows a diagonal"
HIDDEN = {"visibility": "hidden"}
"""Style of a figure that is not there; a Graph follows no other change of how it looks."""

GRAPH: Any = {"displayModeBar": False, "responsive": True}


def comparison(page: str, controls: Controls) -> html.Section:
    """Columns and tabs.

    Args:
        controls: what each control shows (see `compare_controls`).
    """
    chosen = {**controls[At("pin")], "clearable": True, "placeholder": "Pin a class …"}
    pin = menu(control_id(page, "pin"), "Pin a class", chosen, searchable=True)
    add = html.Button(
        "+ Add a model", id=control_id(page, "add"), className="quiet add-model", n_clicks=0, **controls[At("add")]
    )
    holds = dcc.Input(id=control_id(page, "named"), type="hidden", **controls[At("named")])
    columns = html.Div(
        [_column(page, n, controls) for n in range(MAX_MODELS)],
        id=control_id(page, "columns"),
        disable_n_clicks=True,
        **controls[At("columns")],
    )
    tab = html.Section(
        [_tabs(page, controls), html.Div(_tools(page, controls), className="tools bar"), _body(page, controls)],
        id=control_id(page, "frame"),
        disable_n_clicks=True,
        **controls[At("frame")],
    )
    return html.Section(
        [html.Div([html.H2("Models"), pin, add, holds], className="models-title"), columns, tab],
        className="comparison",
    )


def _column(page: str, n: int, controls: Controls) -> html.Section:
    """A model; its number stands before the menu, as the style says."""
    title = f"Remove model {n + 1}"
    return html.Section(
        [
            menu(control_id(page, "model", n), f"Model {n + 1}", controls[At("model", n)], maxHeight=420),
            button(control_id(page, "remove", n), "×", title, className="quiet remove"),
            Bars(id=control_id(page, "bars", n), compact=True),
            dcc.Markdown(id=f"{page}-agreement-{n}", className="agreement"),
        ],
        id=control_id(page, "column", n),
        disable_n_clicks=True,
        title=AGREEMENT if n else "",
        **controls[At("column", n)],
        **attributes(aria_label=f"Model {n + 1}"),
    )


def _tabs(page: str, controls: Controls) -> html.Div:
    made = [{"value": tab, "label": label, "title": title} for tab, (label, title) in TABS.items()]
    choice = dcc.RadioItems(id=control_id(page, "tab"), options=made, className="tabs", **controls[At("tab")])
    tabs = named("What is compared", choice)
    pair = [
        html.Label([side.upper(), menu(control_id(page, side), title, controls[At(side)])], title=title)
        for side, title in (("a", "The model that is A"), ("b", "The model that is B"))
    ]
    return html.Div([tabs, *pair], className="tab-bar")


def _tools(page: str, controls: Controls) -> list[Any]:
    """The controls of all tabs; each is shown in those that its class names."""

    def number(name: str, label: str, least: int, tabs: str, title: str) -> html.Label:
        id_ = control_id(page, name)
        field = dcc.Input(
            id=id_, type="number", min=least, step=1, className="count", debounce=True, **controls[At(name)]
        )
        return html.Label([label, field], title=title, className=tabs)

    def layers(name: str, label: str, tabs: str) -> html.Label:
        field = menu(control_id(page, name), label, controls[At(name)], searchable=True, maxHeight=420)
        return html.Label([label, field], className=f"layers {tabs}")

    channels = dcc.Input(
        id=control_id(page, "channels"), type="text", className="channels", debounce=True, **controls[At("channels")]
    )
    about = "Which channels to show: numbers and ranges, for example 0, 5, 12-15"
    pictures = html.Label(
        [menu(control_id(page, "pictures"), "Which pictures", controls[At("pictures")])],
        title="Variations of this scene, or pictures of a folder",
        className="pictures-of in-cka in-same",
    )
    return [
        layers("layer", "Layer", "in-channels in-same"),
        layers("other", "Layer of B", "in-same"),
        html.Label(
            [menu(control_id(page, "matched"), "Order of B’s channels", controls[At("matched")])],
            title=ORDER,
            className="matched in-same",
        ),
        number("number", "Count", 1, "in-channels", f"1 to {MAX_NEURONS}"),
        html.Label(["Channels", channels], title=about, className="in-channels"),
        button(
            control_id(page, "most"), "Show those that differ most", "Show the channels that differ most now",
            className="quiet in-channels",
        ),
        html.Span(DEPTH, className="about in-depth"),
        number("count", "Over", MIN_PICTURES, "in-cka in-same", f"{MIN_PICTURES} to {MAX_PICTURES} pictures"),
        pictures,
        *_orders(page),
    ]  # fmt: skip


def _orders(page: str) -> list[Any]:
    compute = button(
        order_id(page, "compute"),
        "Compute",
        "Compute this over the pictures",
        className="use in-cka in-same",
        disabled=True,
    )
    cancel = button(
        order_id(page, "cancel"), "Cancel", "Cancel this for everybody who waits for it", className="use gone"
    )
    return [
        compute,
        cancel,
        dbc.Progress(id=f"{page}-progress", class_name="gone"),
        html.Span(id=f"{page}-steps", className="about in-cka in-same", **attributes(data_live="polite")),
    ]


def _body(page: str, controls: Controls) -> html.Div:
    rows = [Maps(id=f"{page}-maps-{side}", className=side) for side in SIDES]
    graphs = [
        named(
            label,
            dcc.Graph(
                id=control_id(page, "graph", name),
                config=GRAPH,
                responsive=True,
                className=f"chart {name}",
                style=HIDDEN,
                **controls[At("graph", name)],
            ),
        )
        for name, label in (("depth", "Divergence over the depth"), ("job", "Similarity of layers or channels"))
    ]
    hint = [
        html.Div(id=f"{page}-hint"),
        button(control_id(page, "to-cka"), "Compare their layers by CKA", "Open the tab CKA", className="use"),
    ]
    exports = [export_button(page, tab, label, className=f"in-{tab}") for tab, (label, _) in TABS.items()]
    aside = [
        html.H2(id=control_id(page, "heading"), disable_n_clicks=True, **controls[At("heading")]),
        html.P(id=f"{page}-note", className="result"),
        Bars(id=control_id(page, "bars", "most"), compact=True, className="most"),
        html.P(id=control_id(page, "about"), className="about", disable_n_clicks=True, **controls[At("about")]),
    ]
    figure = [
        html.Div(rows, className="rows", id=f"{page}-rows"),
        *graphs,
        html.Div(hint, className="hint", id=f"{page}-hints"),
        *exports,
    ]
    return html.Div([html.Div(figure, className="figure"), html.Aside(aside, className="aside")], className="tab-body")


def name_dialog(page: str, number: int) -> list[Any]:
    """What the dialog holds that asks for a model.

    Args:
        number: of the column, from 0.
    """
    text = dcc.Input(
        id=f"{page}-model-text", type="text", debounce=False, placeholder="prune(efficientnet_lite0;blocks.3=0.1-1)"
    )
    return [
        dialog_title(f"Model {number + 1}"),
        dbc.ModalBody(
            [
                html.Label(
                    ["Name of a model, or an edit: prune(model;unit=low-high), mix(model,model;unit=amount)", text]
                ),
                html.P(id=f"{page}-model-message", className="message"),
                dcc.Store(id=f"{page}-model-number", data=number),
            ]
        ),
        dbc.ModalFooter(
            [
                html.Button("Cancel", id=f"{page}-model-cancel", className="quiet", n_clicks=0),
                html.Button("Show it", id=f"{page}-model-use", className="use", n_clicks=0),
            ]
        ),
    ]
