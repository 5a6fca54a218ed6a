"""The Compare page in a real browser."""

import json
from collections.abc import Callable
from typing import Any

import pypdf
import pytest
from gestures import choose, export
from playwright.sync_api import Locator, expect

from perturber.scene import Scene
from perturber.service import CompareRequest

pytestmark = pytest.mark.browser

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"
OTHER = "prune(efficientnet_lite0;blocks.5=0.3-1)"

Open = Callable[..., Any]


def control(name: str, slot: int | str = "") -> str:
    """Selector of a control of the page."""
    return f"[id='{json.dumps({'control': name, 'page': 'compare', 'slot': slot}, separators=(',', ':'))}']"


def order(name: str) -> str:
    """Selector of a button that orders or cancels."""
    return f"[id='{json.dumps({'order': name, 'page': 'compare', 'slot': ''}, separators=(',', ':'))}']"


def columns(watched: Any) -> Locator:
    """The models that are shown."""
    return watched.page.locator(".model:visible")


def tab(watched: Any, name: str) -> None:
    watched.page.locator(".tabs label", has_text=name).click()


def fill(watched: Any, name: str, text: str) -> None:
    field = watched.page.locator(control(name))
    field.fill(text)
    field.press("Enter")


def linked(watched: Any, part: str) -> None:
    """Wait until the address says this."""
    watched.page.wait_for_function(
        "(part) => location.search.slice(1).split('&').some((one) => one.startsWith(part))", arg=part
    )


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_first_visit(opened: Open, site: Any, size: tuple[int, int]) -> None:
    watched = opened("/compare")
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expected = site.service.compare(CompareRequest(scene=Scene(), models=(LITE0, PRUNED)))
    for place, column in enumerate(expected.columns):
        names = columns(watched).nth(place).locator(".top .name").all_inner_texts()
        assert names == [score.name for score in column.top]
    found = expected.columns[1].agreement
    cells = columns(watched).nth(1).locator(".agreement td:last-child")
    cells.first.wait_for()
    wanted = ["✓" if found.same_top1 else "✗", f"{found.shared_top5} of 5", f"{found.jensen_shannon:.3f} bit"]
    assert cells.all_inner_texts() == wanted
    assert "|" not in columns(watched).nth(1).locator(".agreement").inner_text()  # the table alone, not its source
    for side in ("a", "b", "difference"):
        page.locator(f"#compare-maps-{side} .heatmaplayer image").first.wait_for()
    page.locator("main :is(.side, .dash-dropdown)").first.wait_for()
    page.wait_for_function(  # Plotly fits a figure to its frame a moment after it has drawn it
        """() => ['html', 'main', 'main > div', '.explore', '.comparison'].every((s) => {
            const e = document.querySelector(s);
            return e.scrollHeight <= e.clientHeight && e.scrollWidth <= e.clientWidth;
        })"""
    )


def test_models_come_and_go(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    choose(watched, control("model", 1), "EfficientNet-Lite1")
    watched.wait_for("shown.m2 === given", LITE1)
    page.locator(".hint", has_text="different architectures").wait_for()
    page.get_by_role("button", name="+ Add a model").click()
    watched.wait_for("'m3' in shown")
    page.get_by_role("button", name="+ Add a model").click()
    watched.wait_for("'m4' in shown")
    assert page.locator(".add-model").is_disabled()
    assert columns(watched).locator(".top").count() == 20

    choose(watched, control("model", 3), "Another model or an edit")
    page.locator("#compare-model-text").fill("nobody")
    page.get_by_role("button", name="Show it").click()
    page.locator("#compare-model-message", has_text="Unknown model").wait_for()
    page.locator("#compare-model-text").fill("prune(efficientnet_lite0; blocks.5 = 0.3-1)")
    page.locator("#compare-model-text").press("Enter")
    watched.wait_for("shown.m4 === given", OTHER)
    page.locator(".modal").wait_for(state="detached")
    page.get_by_title("Remove model 2").click()
    watched.wait_for("!('m4' in shown)")
    choose(watched, control("b"), "3 ·")
    watched.wait_for("shown.b === '3'")
    choose(watched, control("a"), "3 ·")
    watched.wait_for("shown.a === '3' && shown.b === '1'")  # they change places
    page.locator("#compare-maps-a .heatmaplayer image").first.wait_for()
    linked(watched, "b=1")
    query = watched.query()
    assert (query["m1"], query["m3"], query["b"]) == (LITE0, OTHER, "1")


def test_the_scene_drives_all(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    before = page.locator("#compare-input").get_attribute("src")
    pointer = page.locator(control("grab"))
    pointer.focus()
    pointer.press("ArrowRight")
    watched.wait_for("'yaw' in shown")
    assert page.locator("#compare-input").get_attribute("src") != before
    yaw = watched.shown()["yaw"]
    linked(watched, f"yaw={yaw}")
    page.reload()
    watched.settle()
    assert watched.shown()["yaw"] == yaw


def test_channels_of_an_edit(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    most = page.locator(".most .top")
    first = most.first.get_attribute("data-index")
    channels = "shown.channels.split(',')"
    assert first not in watched.shown()["channels"].split(",")
    most.first.click()
    watched.wait_for(f"{channels}.includes(given)", first)
    assert most.first.locator(".name").inner_text() == f"✓ {first}"
    most.first.click()
    watched.wait_for(f"!{channels}.includes(given)", first)
    page.get_by_role("button", name="Show those that differ most").click()
    watched.wait_for(f"{channels}[0] === given", first)
    fill(watched, "channels", "1, 4-6")
    watched.wait_for("shown.channels === '1,4,5,6'")
    assert page.locator("#compare-maps-difference .label").all_inner_texts() == ["1", "4", "5", "6"]
    fill(watched, "channels", "9999")
    page.locator("#notice", has_text="has no channel '9999'").wait_for()
    assert page.locator(control("channels")).input_value() == "1, 4, 5, 6"
    fill(watched, "number", "2")
    watched.wait_for("shown.channels === '1,4'")
    choose(watched, control("layer"), "conv_stem")
    watched.wait_for("shown.layer === 'conv_stem'")
    linked(watched, "layer=conv_stem")


def test_pinned_classes(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    choose(watched, control("pin"), "golden retriever", search="golden retr")
    watched.wait_for("shown.pinned === '207'")
    rows = page.locator(".model:visible .pins .row")
    assert rows.locator(".name").all_inner_texts() == ["golden retriever"] * 2
    assert rows.locator(".length:visible").count() == 1  # the difference to model 1
    columns(watched).nth(0).locator(".top").first.click()
    watched.wait_for("shown.pinned.split(',').length === 2")
    rows.first.click()
    watched.wait_for("shown.pinned.split(',').length === 1 && shown.pinned !== '207'")


def test_depth_tells_where_they_diverge(opened: Open) -> None:
    watched = opened("/compare?tab=depth")
    page = watched.page
    page.locator(".aside", has_text="from blocks.3.0.conv_pw on").wait_for()
    points = page.locator(f"{control('graph', 'depth')} .scatterlayer .trace .point")
    points.first.wait_for()
    assert page.locator(f"{control('graph', 'depth')} .scatterlayer .trace").count() == 2
    for _ in range(2):  # the same point leads there each time
        watched.settle()
        points.first.wait_for()
        box = points.nth(26).bounding_box()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x - 2, y)
        page.mouse.move(x, y)
        page.locator(".hoverlayer .hovertext").first.wait_for()  # Plotly looks for points some times a second
        page.mouse.click(x, y)
        watched.wait_for("shown.tab === 'channels'")
        tab(watched, "Depth")
        watched.wait_for("shown.tab === 'depth'")
    assert watched.shown()["layer"] != "blocks.3.0"


def test_a_figure_is_exported(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    page.wait_for_timeout(600)  # at rest
    page.locator(".tab-body > .figure").hover()
    expect(page.locator(".tab-body .export:visible")).to_have_count(1)
    with page.expect_download() as download:
        export(page.locator(".tab-body .export.in-channels"), "PDF")
    assert download.value.suggested_filename == "compare-channels.pdf"
    with pypdf.PdfReader(download.value.path()) as file:
        text = "".join(file.pages[0].extract_text().split())
    assert "A−B" in text
    assert watched.shown()["channels"].replace(",", "") in text


def test_cka_is_computed_and_survives_a_reload(opened: Open) -> None:
    watched = opened(f"/compare?m2={LITE1}&tab=cka&count=3&yaw=77")
    page = watched.page
    page.locator(".hint", has_text="Choose Compute").wait_for()
    page.locator(order("compute")).click()
    page.locator("#compare-steps", has_text="done").wait_for()
    graph = page.locator(f"{control('graph', 'job')} .heatmaplayer image")
    graph.wait_for()
    assert "3 pictures" in page.locator(".aside").inner_text()
    page.wait_for_timeout(400)
    page.reload()
    watched.settle()
    page.locator("#compare-steps", has_text="done").wait_for()
    graph.wait_for()
    fill(watched, "count", "4")
    page.locator(".hint", has_text="Choose Compute").wait_for()  # another state, another computation
    assert not graph.is_visible()
    fill(watched, "count", "3")
    graph.wait_for()
    page.locator(f"{control('graph', 'job')} .nsewdrag").first.click()
    watched.wait_for("shown.tab === 'same'")


def test_a_job_is_cancelled(opened: Open) -> None:
    watched = opened("/compare?tab=cka&count=128&yaw=78")
    page = watched.page
    page.locator(f"{order('compute')}:enabled").click()
    page.locator(order("cancel")).click()
    page.locator(".hint", has_text="Cancelled").wait_for()
    page.locator(f"{order('compute')}:enabled").wait_for()


def test_same_channels(opened: Open) -> None:
    watched = opened("/compare?tab=same&count=3&layer=blocks.2.0&other=blocks.2.0")
    page = watched.page
    page.locator(f"{order('compute')}:enabled").click()
    page.locator(".aside", has_text="40 of 40 channels").wait_for()
    choose(watched, control("matched"), "B by best partner")
    page.locator(control("graph", "job"), has_text="by best partner").wait_for()
    linked(watched, "matched=true")


def test_what_is_wrong_in_a_link_is_said(opened: Open) -> None:
    watched = opened("/compare?m2=nobody&tab=depth&count=5000&hello=1")
    problems = watched.page.locator("#compare-problems p").all_inner_texts()
    assert len(problems) == 3
    assert watched.shown()["tab"] == "depth"


def test_to_explore_and_back(opened: Open) -> None:
    watched = opened("/compare?yaw=33")
    page = watched.page
    linked(watched, "m1=")
    page.get_by_role("link", name="Explore").click()
    page.locator("#explore-stage").wait_for()
    watched.settle()
    page.get_by_role("link", name="Compare").click()
    page.locator("#compare-stage").wait_for()
    watched.settle()
    assert watched.shown()["yaw"] == "33"
