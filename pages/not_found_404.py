"""What an address shows that is none of ours."""

import dash
from dash import dcc, html

dash.register_page(__name__, title="Perturber · Not found", order=99)


def layout(**_: str) -> html.Div:
    """The page."""
    return html.Div(
        [
            html.H1("There is no page at this address"),
            html.P(
                [
                    "Look at a scene in ",
                    dcc.Link("Explore", href="/"),
                    ", or read the ",
                    dcc.Link("help", href="/help"),
                    ".",
                ]
            ),
        ],
        className="help",
    )
