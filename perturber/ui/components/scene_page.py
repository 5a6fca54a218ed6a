"""What all pages with a scene have in common: the scene at the left, what is made of it at the right."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from dash import dcc, html

from perturber.ui.components.controls import button, dialog
from perturber.ui.components.export import export_dialog
from perturber.ui.components.parameter_panel import parameter_panel
from perturber.ui.components.scene_view import CameraFacts, camera_facts, scene_view
from perturber.ui.components.session_bar import session_bar
from perturber.ui.states.page import PageState

ALIVE = "/alive"
"""What a page asks to see whether the server is there."""

WORKING = "Still working …"

LOST = "The server does not answer; trying again …"

ENDED = "You are not logged in any more. Log in again in another tab, and this page goes on."

KEPT = 400
"""Looks that a page remembers for its history."""

POLL_MS = 500
"""Between two looks at the jobs of a page."""


class PageFacts(TypedDict):
    """What ``assets/page.js`` knows of the page that it serves.

    Attributes:
        page, path: its name and its address.
        query, memory: of its state (see `PageState`).
        camera: of the view of the scene.
        alive, lost, working, ended: whom to ask whether the server is there, and what to say where it is not, where it
            is slow, and where it lets nobody in.
        kept: how many looks to remember.
    """

    page: str
    path: str
    query: str
    memory: Mapping[str, Any]
    camera: CameraFacts
    alive: str
    lost: str
    ended: str
    working: str
    kept: int


def scene_page(
    page: str,
    path: str,
    state: PageState,
    main: html.Section,
    *,
    problems: Sequence[str],
    caption: str,
    over_input: Sequence[Any] = (),
    buttons: Sequence[Any] = (),
    above_parameters: Sequence[Any] = (),
) -> html.Div:
    """The page. Its root says what it shows: ``data-state`` is the query of the state that is drawn,
    ``data-sequence`` the number of the look, ``data-busy`` whether a newer one is on its way.

    Args:
        page: its name, with which ids begin and whose style it has.
        path: its address.
        state: what it shows first.
        main: what stands at the right.
        problems: sentences about what was wrong in the link.
        caption: under the model input.
        over_input: elements that lie over the model input.
        buttons: beside the one that saves the model input.
        above_parameters: elements between the pictures and the panel.
    """
    left = [_pictures(page, caption, over_input, buttons), *above_parameters, parameter_panel(page, state.scene)]
    facts = PageFacts(
        page=page,
        path=path,
        query=state.query(),
        memory=state.memory(),
        camera=camera_facts(),
        alive=ALIVE,
        lost=LOST,
        ended=ENDED,
        working=WORKING,
        kept=KEPT,
    )
    return html.Div(
        [
            html.Div([html.P(p) for p in problems], id=f"{page}-problems", className="problems", role="alert"),
            html.Div([html.Section(left, className="scene"), main], className="columns"),
            html.Footer(id=f"{page}-status", className="status"),
            *session_bar(page),
            dcc.Store(id=f"{page}-facts", data=dict(facts)),
            *(dcc.Store(id=f"{page}-{name}") for name in ("heard", "settled", "followed", "enlarged")),
            dcc.Interval(id=f"{page}-interval", interval=POLL_MS, disabled=True),
            dcc.Download(id=f"{page}-download"),
            dialog(page),
            *export_dialog(page),
        ],
        className=" ".join(dict.fromkeys(("explore", page))),
        id=page,
    )


def _pictures(page: str, caption: str, over_input: Sequence[Any], buttons: Sequence[Any]) -> html.Div:
    picture = html.Img(id=f"{page}-input", width=224, height=224, alt="The picture that the networks see")
    about = html.Span(caption, id=f"{page}-about-input", className="about-input")
    save = button(f"{page}-save-input", "Save", "Save as PNG")
    return html.Div(
        [
            html.Figure([html.H1("Scene"), scene_view(page)]),
            html.Figure(
                [
                    html.H2("Model input"),
                    html.Div([picture, *over_input], className="input"),
                    html.Figcaption([about, html.Span([*buttons, save])]),
                ]
            ),
        ],
        className="pictures",
    )
