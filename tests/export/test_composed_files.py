"""Composed figures as files: a panel alone looks as before, and all panels of a grid are there."""

import io

import numpy as np
import plotly.graph_objects as go
import pytest
from PIL import Image

from perturber.export import Format, Plotter, Provenance, export
from perturber.figures.compose import Panel, compose
from perturber.figures.style import DIVERGING, base_layout

pypdf = pytest.importorskip("pypdf")
pdfium = pytest.importorskip("pypdfium2")


def maps(values: np.ndarray) -> go.Figure:
    trace = go.Heatmap(z=values, zmin=-1, zmax=1, zmid=0, colorscale=DIVERGING, showscale=False)
    figure = go.Figure(trace, base_layout(margin={"l": 20, "r": 10, "t": 20, "b": 30}, width=330, height=330))
    figure.update_xaxes(visible=False, range=[-0.5, values.shape[1] - 0.5], constrain="domain")
    figure.update_yaxes(visible=False, range=[values.shape[0] - 0.5, -0.5], constrain="domain", scaleanchor="x")
    figure.add_annotation(x=0, y=-0.5, text="map 7", showarrow=False, yanchor="bottom", xanchor="left")
    figure.add_shape(type="rect", x0=0.5, x1=3.5, y0=0.5, y1=2.5)
    return figure


def lines() -> go.Figure:
    figure = go.Figure(layout=base_layout(margin={"l": 52, "r": 12, "t": 10, "b": 40}, width=330, height=240))
    figure.add_scatter(x=[0, 1, 2], y=[0.1, 0.9, 0.4], mode="lines+markers", line={"color": "#1f4e8c"})
    figure.add_bar(x=[0, 1, 2], y=[0.2, 0.1, 0.3], marker={"color": "#f2c037"})
    figure.add_hline(y=0.5, line={"dash": "dot"})
    font = {"size": 11}
    figure.update_xaxes(title={"text": "step", "standoff": 4, "font": font}, gridcolor="#f1f3f5")
    return figure.update_yaxes(title={"text": "share", "font": font}, tickformat=".0%", range=[0, 1.02])


def pixels(content: bytes) -> np.ndarray:
    """As grey values, so coarse that a shift by part of a pixel of the page does not count."""
    picture = Image.open(io.BytesIO(content)).convert("L")
    return np.asarray(picture.resize((picture.width // 4, picture.height // 4), Image.Resampling.BOX), np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["maps", "lines"])
def test_one_panel_looks_as_the_figure_alone(
    name: str, plotter: Plotter, provenance: Provenance, cells: np.ndarray
) -> None:
    figure = maps(cells * 2 - 1) if name == "maps" else lines()
    width, height = figure.layout.width, figure.layout.height
    composed = compose([Panel(figure=figure)], rows=1, columns=1, width=width, height=height, letters=False)
    alone, together = (pixels(export(one, Format.PNG, provenance, by=plotter)) for one in (figure, composed))
    assert alone.shape == together.shape
    assert np.ptp(alone) > 100
    difference = np.abs(alone - together)
    assert difference.mean() < 1
    assert (difference > 50).mean() < 0.005


def test_six_panels_are_in_the_pdf(plotter: Plotter, provenance: Provenance) -> None:
    colours = [-0.9, -0.6, -0.3, 0.3, 0.6, 0.9]
    panels = [Panel(figure=maps(np.full((3, 3), value)), caption=f"Caption {n}") for n, value in enumerate(colours)]
    composed = compose(panels, rows=2, columns=3, width=331.3)
    content = export(composed, Format.PDF, provenance, by=plotter)
    words = pypdf.PdfReader(io.BytesIO(content)).pages[0].extract_text().split()
    assert [word for word in words if word in "abcdef"] == list("abcdef")
    assert words.count("Caption") == 6
    page = np.asarray(pdfium.PdfDocument(content)[0].render(scale=3).to_pil().convert("RGB"), np.int32)
    for n in range(6):
        axes = composed.layout[f"xaxis{n + 1 if n else ''}"], composed.layout[f"yaxis{n + 1 if n else ''}"]
        column, row = (sum(axis.domain) / 2 for axis in axes)
        seen = page[round((1 - row) * page.shape[0]), round(column * page.shape[1])]
        wanted = np.interp(colours[n], np.linspace(-1, 1, 5), range(5))
        stops = np.array([[int(colour[k : k + 2], 16) for k in (1, 3, 5)] for _, colour in DIVERGING])
        expected = stops[int(wanted)] + (wanted % 1) * (stops[min(int(wanted) + 1, 4)] - stops[int(wanted)])
        assert np.abs(seen - expected).max() < 12
