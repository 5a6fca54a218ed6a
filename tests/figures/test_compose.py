"""Figures composed of others: nothing lost, nothing twice, squares stay square, and words have room."""

import re
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest
from plotly.subplots import make_subplots

from perturber.attack import CurveResult
from perturber.errors import InvalidInputError
from perturber.experiments import Divergence, Similarity
from perturber.export import table
from perturber.export.data import numbers
from perturber.figures import activation_mosaic, as_json, empty_figure, prediction_bars, robustness
from perturber.figures.comparison import cka_heatmap, correlation_heatmap, difference_mosaic, divergence_lines
from perturber.figures.compose import Panel, arranged, compose, letter
from perturber.figures.placing import text_width, wrapped
from perturber.figures.style import DIVERGING
from perturber.figures.training import activation_multiples, correlations, picture_multiples
from perturber.service.requests import ClassScore

RANDOM = np.random.default_rng(3)
LAYERS = tuple(f"blocks.{stage}.{unit}" for stage in range(6) for unit in range(3))
NAMES = ("efficientnet_lite0", "lite0_adversarial")
REFERENCES = ("anchor", "overlaying", "matches", "scaleanchor")


def maps(count: int = 3, scale: float = 2.0) -> go.Figure:
    return activation_mosaic(RANDOM.normal(size=(count, 7, 7)), range(count), scale=scale, paper=True)


def curve() -> go.Figure:
    values = np.linspace(1, 0, 11)
    results = [
        CurveResult(attack="PGD", norm="l2", epsilons=tuple(np.linspace(0, 2, 11)), count=64, accuracy=v, margin=5 * v)
        for v in (values, values**2)
    ]
    return robustness([0, 1], results).update_layout(width=760, height=320)


def bars() -> go.Figure:
    scores = [ClassScore(index=n, name=f"class <{n}>", logit=9.0 - n, probability=0.5 / (n + 1)) for n in range(5)]
    return prediction_bars(scores, slot=0).update_layout(width=320, height=260)


def depth() -> go.Figure:
    found = Divergence(layers=LAYERS, cosine=RANDOM.random((18, 1)), relative=RANDOM.random((18, 1)))
    return divergence_lines({1: found}, NAMES, [("#1f4e8c", "#fff"), ("#6baed6", "#000")])


def odd() -> go.Figure:
    """All kinds of references at once: overlaid axes, colour axes, arrows, shapes, pictures, of paper and of axes."""
    figure = make_subplots(2, 2, specs=[[{"secondary_y": True}, {}], [{"colspan": 2}, None]], shared_xaxes=True)
    figure.add_scatter(x=[1, 2], y=[3, 4], row=1, col=1, marker={"color": [1, 2], "coloraxis": "coloraxis"})
    figure.add_scatter(x=[1, 2], y=[5, 3], row=1, col=1, secondary_y=True, legendgroup="g")
    figure.add_heatmap(z=[[1, 2], [3, 4]], row=1, col=2, coloraxis="coloraxis2")
    figure.add_bar(x=["a", "b"], y=[1, 2], row=2, col=1, offsetgroup="o")
    figure.add_annotation(x=1, y=3, ax=2, ay=4, xref="x", yref="y", axref="x", ayref="y", text="arrow")
    figure.add_annotation(x=0.5, y=1, xref="x2 domain", yref="paper", text="mixed", showarrow=False)
    figure.add_shape(type="line", x0=0, x1=1, y0=0.5, y1=0.5, xref="paper", yref="y4")
    figure.add_shape(
        type="rect", x0=-4, x1=4, xsizemode="pixel", xanchor=0.5, xref="paper", y0=0, y1=1, yref="y3 domain"
    )
    figure.add_layout_image(source="data:,", x=0.25, y=0.75, sizex=0.5, sizey=0.25)
    figure.update_layout(coloraxis={"colorbar": {"title": {"text": "one"}}}, barmode="group", width=600, height=400)
    return figure.update_xaxes(matches="x", row=2, col=1)


FIGURES = {
    "maps": maps,
    "curve": curve,
    "bars": bars,
    "depth": depth,
    "odd": odd,
    "cka": lambda: cka_heatmap(Similarity(rows=LAYERS, columns=LAYERS, cka=RANDOM.random((18, 18)), count=9), NAMES),
    "correlation": lambda: correlation_heatmap(RANDOM.random((9, 9)), NAMES, ("blocks.3.0", "blocks.3.0")),
    "difference": lambda: difference_mosaic(
        RANDOM.random((2, 7, 7)), RANDOM.random((2, 7, 7)), (1, 2), scale=1, names=NAMES, layer="blocks.3.0"
    ),
    "correlations": lambda: correlations((0, 10, 50), {layer: RANDOM.random(3) for layer in LAYERS}),
    "multiples": lambda: activation_multiples(RANDOM.normal(size=(4, 2, 7, 7)), (1, 2), (0, 10, 50, 100)),
    "pictures": lambda: picture_multiples([[np.zeros((8, 8, 3), np.uint8)] * 3], ["row"], (0, 10, 2000)),
    "empty": lambda: empty_figure("This figure is empty: there is nothing to save yet."),
}


def all_of_them(width: float = 682.0, **options: Any) -> tuple[list[go.Figure], go.Figure]:
    figures = [make() for make in FIGURES.values()]
    panels = [Panel(figure=figure, caption=name) for name, figure in zip(FIGURES, figures, strict=True)]
    return figures, compose(panels, **{"rows": 4, "columns": 3, "width": width, **options})


@pytest.mark.parametrize("shared", [False, True])
def test_the_numbers_are_those_of_the_panels(shared: bool) -> None:
    figures, composed = all_of_them(shared=shared)
    assert len(composed.data) == sum(len(figure.data) for figure in figures)
    columns, rows = table.rows(composed)
    mine = iter(rows)
    for figure in figures:
        names, theirs = table.rows(figure)
        chosen = [columns.index(name) for name in names]
        given = [next(mine) for _ in theirs]
        there, here = numbers(names, theirs), numbers(names, [[row[n] for n in chosen] for row in given])
        assert np.array_equal(there[:, 1:], here[:, 1:], equal_nan=True)  # but for the trace's number
        assert [row[1:3] for row in theirs] == [row[1:3] for row in given]
    assert next(mine, None) is None


@pytest.mark.parametrize("width", [331.3, 682.0])
def test_every_reference_leads_somewhere_within_its_panel(width: float) -> None:
    figures, composed = all_of_them(width)
    layout = composed.layout.to_plotly_json()
    axes = {key.replace("axis", ""): layout[key] for key in layout if re.fullmatch(r"[xy]axis\d*", key)}
    used = [t[f"{along}axis"] for t in composed.data for along in "xy"]
    assert set(used) <= axes.keys()
    for axis in axes.values():
        assert all(axis.get(name) in (None, "free", False, *axes) for name in REFERENCES)
        start, end = axis["domain"]
        assert 0 <= start < end <= 1
    for part in ("annotations", "shapes", "images"):
        for one in layout.get(part, ()):
            for along in "xy":
                for given in (one[f"{along}ref"], one.get(f"a{along}ref", "pixel")):
                    assert given in ("paper", "pixel") or given.removesuffix(" domain") in axes
    for trace in composed.data:
        parts = [trace, getattr(trace, "marker", None)]
        assert all(part is None or "coloraxis" not in part or part.coloraxis in (None, *layout) for part in parts)
        assert trace.type in ("heatmap", "image") or not trace.showlegend or trace.legend in layout
    # no two panels share an axis or a legend
    owner: dict[str, int] = {}
    traces = iter(composed.data)
    for number, figure in enumerate(figures):
        for trace in (next(traces) for _ in figure.data):
            listed = getattr(trace, "showlegend", None) and trace.legend
            for name in filter(None, (trace.xaxis, trace.yaxis, listed)):
                assert owner.setdefault(name, number) == number


def test_what_lay_somewhere_lies_there_still() -> None:
    figure = odd()
    composed = compose([Panel(figure=figure)], rows=1, columns=1, width=600, height=400, letters=False)
    x, y = composed.layout.xaxis2.domain, composed.layout.yaxis4.domain
    assert composed.layout.xaxis.domain[0] == pytest.approx(80 / 600)
    assert composed.layout.yaxis2.overlaying == "y"
    assert composed.layout.annotations[0].axref == "x"
    assert composed.layout.annotations[1].xref == "x2 domain"
    assert composed.layout.shapes[0].x0 == pytest.approx(80 / 600)
    assert composed.layout.shapes[0].yref == "y4"
    picture = composed.layout.images[0]
    plot = (x[1] - 80 / 600) / figure.layout.xaxis2.domain[1]
    assert (picture.x - 80 / 600) / plot == pytest.approx(0.25, abs=0.02)  # the gap beside it keeps its pixels
    assert picture.sizex / plot == pytest.approx(0.5)
    assert 0 < y[0] < y[1] < picture.y < 1
    bars = [composed.layout.coloraxis.colorbar, composed.layout.coloraxis2.colorbar]
    assert all(x[1] < bar.x < 1 for bar in bars)


@pytest.mark.parametrize("name", ["maps", "correlation", "difference", "multiples", "pictures"])
@pytest.mark.parametrize("width", [331.3, 682.0])
def test_maps_stay_square(name: str, width: float) -> None:
    composed = compose([Panel(figure=FIGURES[name]()), Panel(figure=curve())], rows=1, columns=2, width=width)
    layout = composed.layout
    lengths = []
    for axis, whole in ((layout.xaxis, layout.width), (layout.yaxis, layout.height)):
        lengths.append((axis.domain[1] - axis.domain[0]) * whole / abs(axis.range[1] - axis.range[0]))
    assert lengths[0] == pytest.approx(lengths[1], rel=1e-6)


def test_one_scale_for_all_maps_of_activations() -> None:
    panels = [Panel(figure=maps(scale=2)), Panel(figure=bars()), Panel(figure=maps(scale=5))]
    panels += [Panel(figure=FIGURES[name]()) for name in ("cka", "multiples", "difference")]
    composed = compose(panels, rows=2, columns=3, width=682, shared=True)
    scales = {t.xaxis: (t.zmin, t.zmax) for t in composed.data if t.type == "heatmap"}
    assert list(scales.values()) == [(-5, 5), (-5, 5), (0, 1), scales["x5"], (-5, 5)]
    assert scales["x5"] != (-5, 5)  # a row of these maps has a scale of its own, which is written beside it
    shown = [t for t in composed.data if t.type == "heatmap" and t.showscale is not False]
    assert [t.xaxis for t in shown] == ["x", "x4"]
    assert shown[0].colorbar.x > max(axis.domain[1] for axis in composed.select_xaxes())
    assert any(one.text.replace("<br>", " ") == "act. in a, c, f" for one in composed.layout.annotations)
    alone = compose(panels[1:2], rows=1, columns=1, width=682, shared=True)
    assert alone.to_json() == compose(panels[1:2], rows=1, columns=1, width=682).to_json()


def test_letters_captions_and_title_are_plain_text_in_their_cells() -> None:
    panels = [
        Panel(figure=bars(), caption="A <b>bold</b> & $x$ caption that takes more than a line of its cell")
        for _ in "ab"
    ]
    composed = compose(panels, rows=1, columns=2, width=331, title="<i>Title</i>")
    texts = [one.text for one in composed.layout.annotations]
    assert texts[:2] == ["<b>&#60;i&#62;Title&#60;/i&#62;</b>", "<b>a</b>"]
    caption = next(text for text in texts if "bold" in text)
    assert "<b>" not in caption
    assert 1 < len(caption.split("<br>")) < 6
    places = {one.text: one.x for one in composed.layout.annotations if one.text in ("<b>a</b>", "<b>b</b>")}
    assert places["<b>a</b>"] == 0
    assert places["<b>b</b>"] == pytest.approx(0.5, abs=0.05)
    without = compose(panels, rows=1, columns=2, width=331, letters=False)
    assert "<b>a</b>" not in [one.text for one in without.layout.annotations]


def test_labels_have_room() -> None:
    composed = compose([Panel(figure=curve()), Panel(figure=depth())], rows=1, columns=2, width=331)
    for axis in composed.select_xaxes():
        if axis.tickvals is None or axis.showticklabels is False:
            continue
        room = (axis.domain[1] - axis.domain[0]) * 331
        lies = abs(axis.tickangle or 0) < 30
        size = axis.tickfont.size or 11
        texts = axis.ticktext if axis.ticktext is not None else axis.tickvals
        needed = max(text_width(str(text), size) for text in texts) if lies else size
        assert len(axis.tickvals) * needed <= room + needed
    title = composed.layout.xaxis.title.text
    assert "<br>" in title
    assert title.replace("<br>", " ") == curve().layout.xaxis.title.text
    legends = [composed.layout[name] for name in composed.layout if re.fullmatch(r"legend\d*", name)]
    assert len(legends) >= 2
    assert len({(one.x, one.y) for one in legends}) == len(legends)


def test_wide_panels_and_rows() -> None:
    assert arranged([1, 2, 1, 3, 1], 4, 3) == [(0, 0), (0, 1), (1, 0), (2, 0), (3, 0)]
    with pytest.raises(InvalidInputError, match="2 panels do not fit into 1 × 2 cells; they take 2 rows"):
        arranged([2, 1], 1, 2)
    with pytest.raises(InvalidInputError, match="3 columns of a figure that has 2"):
        arranged([3], 1, 2)
    wide = compose([Panel(figure=bars(), across=2), Panel(figure=bars())], rows=1, columns=3, width=600)
    lengths = [axis.domain[1] - axis.domain[0] for axis in wide.select_xaxes()]
    assert lengths[0] > 2 * lengths[1]
    assert [letter(n) for n in (0, 25, 26, 701)] == ["a", "z", "aa", "zz"]


def test_a_height_is_kept() -> None:
    panels = [Panel(figure=maps()), Panel(figure=curve()), Panel(figure=bars(), caption="c")]
    assert compose(panels, rows=2, columns=2, width=660, height=371).layout.height == pytest.approx(371)


def test_what_cannot_be_a_panel() -> None:
    with pytest.raises(InvalidInputError, match="There is no panel yet"):
        compose([], rows=1, columns=1, width=300)
    with pytest.raises(InvalidInputError, match="kind 'pie' cannot be a panel"):
        compose([Panel(figure=go.Figure(go.Pie(values=[1])))], rows=1, columns=1, width=300)
    two = [go.Figure(go.Bar(y=[1]), {"barmode": mode}) for mode in ("stack", "group")]
    with pytest.raises(InvalidInputError, match="differ in their barmode"):
        compose([Panel(figure=one) for one in two], rows=1, columns=2, width=300)


def test_panels_stay_as_they_are() -> None:
    figures, before = [], []
    for make in FIGURES.values():
        figures.append(make())
        before.append(as_json(figures[-1]))
    compose([Panel(figure=one) for one in figures], rows=4, columns=3, width=400, shared=True)
    assert [as_json(one) for one in figures] == before


def test_colours_are_those_that_a_panel_has_alone() -> None:
    lines = go.Figure([go.Scatter(y=[1, 2]), go.Scatter(y=[2, 1]), go.Bar(y=[1, 2])])
    composed = compose([Panel(figure=maps()), Panel(figure=lines)], rows=1, columns=2, width=400)
    first, second, third = composed.data[1:]
    assert [first.line.color, second.line.color, third.marker.color] == ["#1F77B4", "#FF7F0E", "#2CA02C"]
    assert list(map(tuple, composed.data[0].colorscale)) == list(DIVERGING)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two", ["one two"]),
        ("one two three four", ["one two", "three four"]),
        ("prune(efficientnet_lite0;blocks=1)", ["prune(", "efficientnet_", "lite0;", "blocks=1)"]),
        ("a&#38;&#38;&#38;&#38;&#38;&#38;&#38;&#38;&#38;&#38;&#38;b", ["a&#38;" + 8 * "&#38;", "&#38;&#38;b"]),
        ("", []),
    ],
)
def test_words_are_broken_where_they_may_be(text: str, lines: list[str]) -> None:
    found = wrapped(text, 60, 10)
    assert "".join(found).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 10) <= 80 for line in found)
    if "&" not in text:
        assert found == lines
