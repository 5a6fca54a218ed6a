"""The Figures page in a browser: panels are dragged into order, and the PDF holds them all."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gestures import eventually, export, shuts_nobody_out
from playwright.sync_api import Page, expect

from perturber.ui.states.figures import FiguresState, PanelState

pypdf = pytest.importorskip("pypdf")
pdfium = pytest.importorskip("pypdfium2")

pytestmark = pytest.mark.browser

QUIET = "c1=3,7&c2=1,5&cards=none"
PANELS = [
    (f"/?{QUIET}&yaw={yaw}", f"activations-model-{model}", f"Yaw {yaw}, model {model}")
    for model in (1, 2)
    for yaw in (0, 40, 80)
]
STATE = FiguresState(
    panels=tuple(PanelState(link=link, kind=kind, caption=caption) for link, kind, caption in PANELS), shared=True
)
LINK = f"/figures?{STATE.query()}"

ORDER = """[...document.querySelectorAll(".ag-row")]
    .sort((a, b) => a.getAttribute("row-index") - b.getAttribute("row-index"))
    .map((row) => row.querySelector("[col-id=caption]").innerText)"""

Open = Callable[..., Any]


@pytest.fixture
def builder(opened: Open) -> Page:
    page = opened(LINK, wait=False, fresh=True).page
    page.locator("#figures-preview .main-svg").first.wait_for()
    eventually(lambda: len(page.evaluate(ORDER)) == len(PANELS))
    return page


def row(page: Page, number: int) -> Any:
    return page.locator(f".ag-row[row-index='{number}']")


def captions() -> list[str]:
    return [caption for *_, caption in PANELS]


@pytest.mark.slow
def test_panels_are_dragged_and_moved_by_keys(builder: Page) -> None:
    page, order = builder, captions()
    handle, place = row(page, 0).locator(".ag-drag-handle").bounding_box(), row(page, 3).bounding_box()
    assert handle is not None
    assert place is not None
    page.mouse.move(handle["x"] + 5, handle["y"] + 5)
    page.mouse.down()
    page.mouse.move(handle["x"] + 10, handle["y"] + 30, steps=5)
    page.mouse.move(place["x"] + 40, place["y"] + place["height"] - 4, steps=10)
    page.wait_for_timeout(300)
    page.mouse.up()
    order = [*order[1:4], order[0], *order[4:]]
    eventually(lambda: page.evaluate(ORDER) == order)
    eventually(lambda: FiguresState.from_query(query_of(page))[0].panels[3].caption == order[3])
    expect(page.locator("#figures-preview")).to_contain_text("Yaw 40, model 1")

    row(page, 5).locator("[col-id=what]").click()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(row(page, 4)).to_have_attribute("aria-selected", "true")
    page.wait_for_timeout(300)  # the list says so a moment later
    page.locator("#figures-earlier").focus()
    page.keyboard.press("Enter")
    order = [*order[:3], order[4], order[3], order[5]]
    eventually(lambda: page.evaluate(ORDER) == order, 30)

    row(page, 0).locator("[col-id=caption]").dblclick()
    page.keyboard.press("Control+A")
    page.keyboard.type("<b>new</b>")
    page.keyboard.press("Enter")
    expect(page.locator("#figures-preview")).to_contain_text("<b>new</b>")

    page.get_by_role("link", name="Help").click()
    page.locator(".help").wait_for()
    page.get_by_role("link", name="Figures").click()  # the tab has kept it
    eventually(lambda: page.evaluate(ORDER) == ["<b>new</b>", *order[1:]])


def query_of(page: Page) -> dict[str, str]:
    return page.evaluate("Object.fromEntries(new URLSearchParams(location.search))")


@pytest.mark.slow
def test_six_panels_are_in_the_pdf_that_is_downloaded(builder: Page, tmp_path: Path) -> None:
    with builder.expect_download() as download:
        export(builder.locator("#figures .export"), "PDF")
    path = tmp_path / "figure.pdf"
    download.value.save_as(path)
    content = path.read_bytes()
    document = pypdf.PdfReader(io.BytesIO(content)).pages[0]
    assert float(document.mediabox.width) == pytest.approx(175 / 25.4 * 72, abs=0.1)
    words = document.extract_text().split()
    assert list(dict.fromkeys(word for word in words if word in "abcdef")) == list("abcdef")
    assert words.count("Yaw") == 6
    pixels = np.asarray(pdfium.PdfDocument(content)[0].render(scale=2).to_pil().convert("RGB"), np.int32)
    coloured = np.ptp(pixels, axis=2) > 24
    height, width = coloured.shape
    cells = [
        coloured[top * height // 2 : (top + 1) * height // 2, left * width // 3 : (left + 1) * width // 3]
        for top in (0, 1)
        for left in (0, 1, 2)
    ]
    assert all(cell.mean() > 0.02 for cell in cells)
    builder.keyboard.press("Escape")


@pytest.mark.slow
@pytest.mark.parametrize("link", ["/figures", LINK])
def test_the_page_shuts_nobody_out(opened: Open, link: str) -> None:
    page = opened(link, wait=False, fresh=True).page
    page.locator("#figures-grid .ag-header").wait_for()
    page.wait_for_timeout(3000 if link == LINK else 800)
    shuts_nobody_out(page)


@pytest.mark.slow
def test_another_page_adds_its_figure_and_is_described(opened: Open) -> None:
    page = opened("/checkpoints?tab=curves&m1=lite0_adversarial@50", fresh=True).page
    page.locator(".panel .export").first.click(force=True)
    page.locator("#checkpoints-export-add").click()
    expect(page.locator("#checkpoints-export-said")).to_contain_text("It is panel a of the figure")
    page.locator("#checkpoints-export-describe").click()
    expect(page.locator("#checkpoints-export-text")).to_contain_text("2800 steps of 16 pictures")
    expect(page.locator("#checkpoints-export-works")).to_contain_text("@inproceedings{madry2018,")
    shuts_nobody_out(page)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Figures").click()
    eventually(lambda: page.locator(".ag-row").count() == 1)
    expect(row(page, 0)).to_contain_text("Checkpoints · Errors")
