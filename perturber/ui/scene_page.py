"""What all pages with a scene have in common: the scene at the left, what is made of it at the right."""

from collections.abc import Sequence
from typing import Any

from dash import dcc, html

from perturber.figures import empty_figure
from perturber.scene import SceneBase
from perturber.service import Progress
from perturber.ui.parameter_panel import parameter_panel
from perturber.ui.scene_view import scene_view


def scene_page(
    page: str,
    scene: SceneBase,
    main: html.Section,
    facts: dict[str, Any],
    *,
    problems: Sequence[str],
    caption: str,
    over_input: Sequence[Any] = (),
    buttons: Sequence[Any] = (),
    above_parameters: Sequence[Any] = (),
    loads_plotly: bool = False,
) -> html.Div:
    """The page; its script (``assets/<page>.js``) finds its parts by ``<page>-…`` ids.

    Args:
        page: its name, with which ids begin and whose style it has.
        scene: what the panel shows first.
        main: what stands at the right.
        facts: what the script needs to know.
        problems: sentences about what was wrong in the link.
        caption: under the model input.
        over_input: elements that lie over the model input.
        buttons: beside the one that saves the model input.
        above_parameters: elements between the pictures and the panel.
        loads_plotly: for pages without graphs of Dash's, whose scripts draw figures: Dash brings Plotly with a graph.
    """
    picture = html.Img(id=f"{page}-input", width=224, height=224, alt="The picture that the networks see")
    save = html.Button("Save", id=f"{page}-save-input", className="quiet", title="Save as PNG")
    pictures = html.Div(
        [
            html.Figure([html.H1("Scene"), scene_view(page)]),
            html.Figure(
                [
                    html.H1("Model input"),
                    html.Div([picture, *over_input], className="input"),
                    html.Figcaption([html.Span(caption, className="about-input"), html.Span([*buttons, save])]),
                ]
            ),
        ],
        className="pictures",
    )
    return html.Div(
        [
            html.Div([html.P(p) for p in problems], id=f"{page}-problems", className="problems", role="alert"),
            html.Div(
                [html.Section([pictures, *above_parameters, parameter_panel(page, scene)], className="scene"), main],
                className="columns",
            ),
            html.Footer([html.Span(id=f"{page}-status"), html.Span(id=f"{page}-rate")], className="status"),
            *([html.Div(dcc.Graph(figure=empty_figure()), hidden=True)] if loads_plotly else []),
            dcc.Store(id=f"{page}-facts", data=facts),
            dcc.Store(id=f"{page}-state"),
        ],
        className=" ".join(dict.fromkeys(("explore", page))),
        id=page,
    )


def plane_facts(progress: Progress | None) -> dict[str, Any] | None:
    """How far the feature visualisation on the scene's plane has come, for ``assets/scene_control.js``."""
    return None if progress is None else {"done": progress.done, "finished": progress.finished}
