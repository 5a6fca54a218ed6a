"""The first visit: how long after the server is ready a page is complete, on a data folder in which nothing is."""

import tempfile
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from perturber.bench.browser import READY
from perturber.bench.chromium import been_here, launch
from perturber.bench.screenshot import COMPLETE, SIZE
from perturber.bench.server import serving
from perturber.config import Settings

PATIENCE_SECONDS = 60
"""For a page that does not become complete."""

CURVES = """() => {
    const plots = [...document.querySelectorAll(".checkpoints .panel:not(.multiples) .js-plotly-plot")];
    const progress = document.getElementById("checkpoints-progress");
    return plots.length === 4 && plots.every((plot) => plot.querySelector(".js-line")) && progress.hidden;
}"""
"""Whether Checkpoints has a curve in each of its four figures, and nothing more is computed for them."""

PREVIEWS = """() => {
    const previews = [...document.querySelectorAll(".checkpoints .previews img")].map(({ src }) => src.split(",")[1]);
    return previews.length === 2 && previews.every((svg) => svg && !atob(svg).includes("<text"));
}"""
"""Whether both checkpoints' feature visualisations are there: no words stand in for any of them."""

VISITS = {"Explore": ("/", (READY, COMPLETE)), "Checkpoints": ("/checkpoints", (READY, CURVES, PREVIEWS))}
"""Page → its address, and what holds once it is complete."""


def run(settings: Settings) -> None:
    """Print the table; each page has a server, a data folder and a browser of its own."""
    print("\nFirst visit on a fresh data folder\nfrom the ready line to the complete page")
    for name, (address, conditions) in VISITS.items():
        seconds = _visit(settings, address, conditions)
        print(f"{name:14}{f'> {PATIENCE_SECONDS}' if seconds is None else f'{seconds:.1f}':>6}  s")


def _visit(settings: Settings, address: str, conditions: tuple[str, ...]) -> float | None:
    """Seconds; None where it would take longer than anybody waits."""
    from playwright.sync_api import TimeoutError as TooLong

    complete = "() => " + " && ".join(f"({condition})()" for condition in conditions)
    with (
        tempfile.TemporaryDirectory(prefix="perturber-bench-") as folder,
        launch() as browser,
        serving(replace(settings, data=Path(folder))) as server,
    ):
        since = perf_counter()
        page = browser.new_page(viewport=SIZE, storage_state=been_here(server.url))  # type: ignore[arg-type]
        page.goto(server.url + address)
        try:
            page.wait_for_function(complete, timeout=PATIENCE_SECONDS * 1000)
        except TooLong:
            return None
        return perf_counter() - since
