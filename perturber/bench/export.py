"""``perturber bench export``: how fast figures become files, and whether threads get their own."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from time import perf_counter

import numpy as np
import plotly.graph_objects as go

from perturber.bench.timing import table
from perturber.errors import InvalidInputError
from perturber.export import PRESETS, Format, Plotter, Provenance, export
from perturber.figures import activation_mosaic

FORMATS = (Format.SVG, Format.PDF, Format.PNG)


def run(*, exports: int, threads: int, rounds: int) -> None:
    """Print both tables.

    Args:
        exports: figures that the threads export.
        threads: that export at the same time.
        rounds: first and second exports of each format; each first one starts Chromium.

    Raises:
        NoChromiumError: there is none on this machine.
        InvalidInputError: a thread was given a figure that was not its own.
    """
    maps = np.random.default_rng(0).normal(size=(8, 14, 14)).astype(np.float32)
    figure = activation_mosaic(maps, range(8), scale=2.0, paper=True)
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for format in FORMATS:
            plotter = Plotter()
            try:
                for place in ("first", "second"):
                    start = perf_counter()
                    export(figure, format, _provenance(), by=plotter)
                    times.setdefault(f"{place} {format.upper()}", []).append((perf_counter() - start) * 1e3)
            finally:
                plotter.close()
    table(
        "First export of a process, which starts Chromium, and the second: eight maps of 14 × 14, one column",
        {name: np.array(values) for name, values in sorted(times.items())},
    )
    _export_at_once(exports, threads)


def _export_at_once(exports: int, threads: int) -> None:
    plotter = Plotter()

    def work(number: int) -> tuple[float, bool]:
        start = perf_counter()
        figure = go.Figure(go.Scatter(x=[0, 1], y=[0, number]), go.Layout(template="none", title=f"figure {number}."))
        file = export(figure, Format.SVG, _provenance(), by=plotter).decode()
        return (perf_counter() - start) * 1e3, re.findall(r"figure (\d+)\.", file) == [str(number)]

    try:
        work(0)  # starts Chromium
        start = perf_counter()
        with ThreadPoolExecutor(threads) as pool:
            results = list(pool.map(work, range(exports)))
        seconds = perf_counter() - start
    finally:
        plotter.close()
    table(f"{exports} exports by {threads} threads", {"each, with its wait": np.array([time for time, _ in results])})
    right = sum(right for _, right in results)
    print(f"{exports / seconds:.1f} a second; {right} of {exports} are the caller's own")
    if right < exports:
        raise InvalidInputError(f"{exports - right} of {exports} exports are another caller's figure.")


def _provenance() -> Provenance:
    return Provenance(link="/", kind="bench", models=(), preset=PRESETS["column"], device="cpu", date=datetime.now(UTC))
