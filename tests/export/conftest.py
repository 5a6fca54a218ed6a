"""Figures to export, and what draws them."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime

import numpy as np
import plotly.graph_objects as go
import pytest

from perturber.chromium import find
from perturber.export import PRESETS, Plotter, Provenance, Weights

GREYS = [[0, "#000000"], [1, "#ffffff"]]


@pytest.fixture(scope="session")
def plotter() -> Iterator[Plotter]:
    """One Chromium for all tests."""
    if find() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("no Chromium on this machine")
        pytest.skip("no Chromium on this machine")
    drawing = Plotter()
    yield drawing
    drawing.close()


@pytest.fixture
def provenance() -> Provenance:
    """Of a figure with all that a link, a name and a file format may trip over."""
    return Provenance(
        link='/?object=dog_cat&code=if (a < b && c > d) { "]]>" } // Größe \'%\\',
        kind="activations </script> — “ε”",
        models=(
            Weights(name="efficientnet_lite0", sha256="0123456789abcdef" * 4),
            Weights(name="mix(a+b;<0.5)", checkpoint="400"),
        ),
        preset=PRESETS["column"],
        seed=7,
        device="cpu",
        date=datetime(2026, 5, 1, 12, 30, 15, 250_000, tzinfo=UTC),
    )


@pytest.fixture
def cells() -> np.ndarray:
    """Values (14, 14) from 0 to 1."""
    return np.random.default_rng(5).random((14, 14)).astype(np.float32)


@pytest.fixture
def heatmap(cells: np.ndarray) -> go.Figure:
    """The values as greys, over the whole of a square figure, row 0 at the top."""
    trace = go.Heatmap(z=cells, zmin=0, zmax=1, colorscale=GREYS, showscale=False)
    figure = go.Figure(
        trace, go.Layout(template="none", margin={"l": 0, "r": 0, "t": 0, "b": 0}, width=400, height=400)
    )
    figure.update_xaxes(visible=False, range=[-0.5, 13.5]).update_yaxes(visible=False, range=[13.5, -0.5])
    return figure
