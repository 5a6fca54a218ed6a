"""A page that holds nothing but the component under test, and the Graph that brings Plotly."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import waitress
from dash import Dash, Input, Output, dcc, html
from dash.development.base_component import Component
from playwright.sync_api import Page

ASSETS = Path(__file__).resolve().parents[2] / "assets"
ONLY = r"^(?!(access|bars|colours|maps|parameter_panel|parts|perturber|unit_sliders)\.)"


class OnPage:
    """A component on its page, and what the browser says is wrong."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda message: message.type == "error" and self.errors.append(message.text))


@contextmanager
def served(components: Sequence[Component], hears: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The address of the page.

    Args:
        components: what it holds.
        hears: id and property of what the component says; `#heard` holds the newest of each as JSON.
    """
    app = Dash("small_app", assets_folder=str(ASSETS), assets_ignore=ONLY)
    graph = dcc.Graph(id="graph", style={"height": 40})
    app.layout = html.Div([*components, html.Pre(id="heard"), graph], className="small")
    app.clientside_callback(
        "(...values) => JSON.stringify(values)", Output("heard", "children"), [Input(*heard) for heard in hears]
    )
    server = waitress.create_server(app.server, host="127.0.0.1", port=0, threads=4)
    threading.Thread(target=server.run, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
