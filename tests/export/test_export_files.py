"""Exported figures: their size, sharp cells, text, and data, seen by other programs than those that wrote them."""

import base64
import csv
import io
import json
import re
from dataclasses import replace

import numpy as np
import plotly.graph_objects as go
import pypdf
import pypdfium2
import pytest
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.export import PRESETS, Format, Plotter, Preset, Provenance, export, read_provenance
from perturber.export import data as packing
from perturber.export.table import rows

EDGE_MM = 0.16
"""On both sides of an edge between cells: a pixel of the picture that a PDF holds, in figures of 85 mm."""


def with_numbers(provenance: Provenance, figure: go.Figure) -> Provenance:
    """What a file says that `export` has put the figure's numbers into."""
    values = packing.numbers(*rows(figure))
    return provenance.model_copy(update={"data_sha256": packing.digest(values), "data": packing.packed(values)})


def by(preset: Preset, provenance: Provenance) -> Provenance:
    return provenance.model_copy(update={"preset": preset})


def labelled() -> go.Figure:
    figure = go.Figure(go.Bar(x=["Dog", "Größe"], y=[1, 2], marker={"color": "#1f4e8c"}), go.Layout(template="none"))
    return figure.update_layout(xaxis_title="animals", title="Scores of “Lite0”")


def wrong_cells(picture: Image.Image, cells: np.ndarray, millimetres: float) -> float:
    """Share of pixels, away from the cells' edges, that have not their cell's grey."""
    grey = np.asarray(picture.convert("L"), float)
    inside, cell = [], []
    for size, count in zip(grey.shape, cells.shape, strict=True):
        place = (np.arange(size) + 0.5) / size * count
        inside.append(np.minimum(place % 1, 1 - place % 1) * millimetres / count > EDGE_MM)
        cell.append(np.minimum(place.astype(int), count - 1))
    expected = cells[np.ix_(*cell)] * 255
    return float((np.abs(grey - expected) > 2)[np.ix_(*inside)].mean())


@pytest.mark.browser
def test_a_pdf_has_sharp_cells_its_size_and_its_provenance(
    plotter: Plotter, heatmap: go.Figure, cells: np.ndarray, provenance: Provenance
) -> None:
    file = export(heatmap, Format.PDF, provenance, by=plotter)
    document = pypdf.PdfReader(io.BytesIO(file))
    (page,) = document.pages
    assert [float(side) / 72 * 25.4 for side in (page.mediabox.width, page.mediabox.height)] == pytest.approx([85, 85])
    drawn = pypdfium2.PdfDocument(file)[0].render(scale=600 / 72).to_pil()
    assert drawn.width == pytest.approx(85 / 25.4 * 600, abs=1.5)
    assert wrong_cells(drawn, cells, 85) == 0
    # Other viewers smooth the picture that is in the file.
    (picture,) = (image.image for image in page.images)
    assert picture is not None
    assert wrong_cells(picture.resize(drawn.size, Image.Resampling.BILINEAR), cells, 85) == 0
    small = Image.fromarray((cells * 255).round().astype(np.uint8))
    assert (
        wrong_cells(small.resize(drawn.size, Image.Resampling.BILINEAR), cells, 85) > 0.5
    )  # as without repeating them
    assert len(file) < 40_000
    assert read_provenance(file) == with_numbers(provenance, heatmap)
    assert document.xmp_metadata is not None
    assert document.xmp_metadata.dc_title == {"x-default": provenance.kind}
    assert document.metadata is not None
    assert document.metadata.subject == provenance.link


@pytest.mark.browser
def test_an_svg_has_sharp_cells_its_size_and_its_provenance(
    plotter: Plotter, heatmap: go.Figure, cells: np.ndarray, provenance: Provenance
) -> None:
    file = export(heatmap, Format.SVG, by(PRESETS["page"], provenance), by=plotter)
    text = file.decode()
    sizes = re.search(r'width="([\d.]+)" height="([\d.]+)"', text)
    assert sizes is not None
    assert [float(side) / 96 * 25.4 for side in sizes.groups()] == pytest.approx([175, 175], abs=0.01)
    data = re.findall(r'"data:image/png;base64,([^"]+)"', text)
    picture = Image.open(io.BytesIO(base64.b64decode(max(data, key=len))))
    assert picture.size == (560, 560)
    assert wrong_cells(picture.resize((4134, 4134), Image.Resampling.BILINEAR), cells, 85) == 0
    assert "http" not in text.replace("http://www.w3.org/", "")
    assert read_provenance(file) == with_numbers(by(PRESETS["page"], provenance), heatmap)


@pytest.mark.browser
@pytest.mark.parametrize(
    ("preset", "size"),
    [
        (replace(PRESETS["column"], dpi=600), (2008, 2008)),
        (PRESETS["slide"], (1920, 1080)),
    ],
)
def test_a_png_has_its_pixels_and_says_how_large_they_are(
    plotter: Plotter,
    heatmap: go.Figure,
    cells: np.ndarray,
    provenance: Provenance,
    preset: Preset,
    size: tuple[int, int],
) -> None:
    file = export(heatmap, Format.PNG, by(preset, provenance), by=plotter)
    picture = Image.open(io.BytesIO(file))
    assert picture.size == size
    assert picture.info["dpi"] == pytest.approx((preset.dpi,) * 2, abs=0.05)
    assert wrong_cells(picture, cells, 85) == 0
    assert json.loads(picture.text["perturber"])["link"] == provenance.link  # type: ignore[attr-defined]
    assert read_provenance(file) == with_numbers(by(preset, provenance), heatmap)


@pytest.mark.browser
@pytest.mark.parametrize("font", ["sans", "serif"])
def test_text_of_a_pdf_is_text_in_embedded_fonts_of_the_size_asked_for(
    plotter: Plotter, provenance: Provenance, font: str
) -> None:
    preset = replace(PRESETS["column"], font=font, points=10)
    figure = labelled().update_layout(font_size=11)
    file = export(figure, Format.PDF, by(preset, provenance), by=plotter)
    page = pypdf.PdfReader(io.BytesIO(file)).pages[0]
    text = page.extract_text()
    for label in ("Dog", "Größe", "animals", "Scores of “Lite0”", "0.5"):
        assert label in text
    fonts = [entry.get_object() for entry in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    descriptors = [f.get("/FontDescriptor") or f["/DescendantFonts"][0].get_object()["/FontDescriptor"] for f in fonts]
    assert fonts
    for descriptor in descriptors:
        assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(descriptor.get_object())
    textpage = pypdfium2.PdfDocument(file)[0].get_textpage()
    place = textpage.get_text_range().index("Dog")
    left, bottom, right, top = textpage.get_charbox(place, loose=True)
    assert top - bottom == pytest.approx(10 * 1.15, rel=0.06)  # ascent and descent of such fonts
    assert right > left


def test_an_html_page_holds_all_that_it_needs(heatmap: go.Figure, provenance: Provenance) -> None:
    file = export(heatmap, Format.HTML, provenance)
    head, script = file[:20_000].decode(), file.decode()
    assert "<script src" not in script
    assert not re.search(r"<(link|img|iframe)\b[^>]*(href|src)=", head)
    assert len(file) > 3_000_000  # Plotly's script
    assert read_provenance(file) == with_numbers(provenance, heatmap)


def test_csv_is_read_to_the_bit(heatmap: go.Figure, cells: np.ndarray, provenance: Provenance) -> None:
    file = export(heatmap, Format.CSV, provenance)
    lines = [line for line in file.decode().splitlines() if not line.startswith("#")]
    rows = list(csv.DictReader(lines))
    found = np.full((14, 14), np.nan, np.float32)
    for row in rows:
        found[int(row["y"]), int(row["x"])] = np.float32(row["z"])
    np.testing.assert_array_equal(found, cells)
    assert read_provenance(file) == with_numbers(provenance, heatmap)


def test_json_holds_the_figure_and_the_same_data(heatmap: go.Figure, cells: np.ndarray, provenance: Provenance) -> None:
    file = export(heatmap, Format.JSON, provenance)
    content = json.loads(file)
    again = export(go.Figure(content["figure"]), Format.JSON, provenance)
    assert json.loads(again)["rows"] == content["rows"]
    z = content["columns"].index("z")
    np.testing.assert_array_equal(np.float32([row[z] for row in content["rows"]]).reshape(14, 14), cells)
    assert read_provenance(file) == with_numbers(provenance, heatmap)


def test_a_png_may_not_have_too_many_pixels(provenance: Provenance) -> None:
    preset = replace(PRESETS["column"], width=900, dpi=1200)
    with pytest.raises(InvalidInputError, match="64 million pixels, and this one would have 42520 × "):
        export(labelled(), Format.PNG, by(preset, provenance))
