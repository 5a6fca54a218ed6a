"""The Compare page in a real browser."""

from collections.abc import Callable
from typing import Any

import pytest

from perturber.scene import Scene
from perturber.service.comparing import CompareRequest

pytestmark = pytest.mark.browser

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"
PRUNED = "prune(efficientnet_lite0;blocks.3=0.1-1)"

Open = Callable[..., Any]


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_first_visit(opened: Open, site: Any, size: tuple[int, int]) -> None:
    watched = opened("/compare")
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    expected = site.service.compare(CompareRequest(scene=Scene(), models=(LITE0, PRUNED)))
    for place, column in enumerate(expected.columns):
        frame = page.locator(".model").nth(place)
        assert frame.locator(".top span:first-child").all_inner_texts() == [score.name for score in column.top]
    found = expected.columns[1].agreement
    texts = page.locator(".model").nth(1).locator(".agreement td").all_inner_texts()
    assert texts == ["✓" if found.same_top1 else "✗", f"{found.shared_top5} of 5", f"{found.jensen_shannon:.3f} bit"]
    assert page.locator(".plot .heatmaplayer image").count() == 1
    overflow = page.evaluate(
        """() => ['html', 'main', 'main > div', '.explore'].map((s) => {
            const e = document.querySelector(s);
            return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth];
        }).flat()"""
    )
    assert max(overflow) <= 0


def test_models_come_and_go(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    page.select_option("#compare-model-2", LITE1)
    watched.wait_for("shown.models[1] === given", LITE1)
    page.locator(".hint", has_text="different architectures").wait_for()
    page.get_by_role("button", name="+ Add a model").click()
    watched.wait_for("shown.models.length === 3")
    page.get_by_role("button", name="+ Add a model").click()
    watched.wait_for("shown.models.length === 4")
    assert page.locator(".add-model").is_disabled()
    assert page.locator(".model .top").count() == 20

    page.select_option("#compare-model-4", label="Another model or an edit …")
    page.locator("#compare-model-text").fill("prune(efficientnet_lite0; blocks.5 = 0.3-1)")
    page.locator("dialog .use").click()
    watched.wait_for("shown.models[3] === 'prune(efficientnet_lite0;blocks.5=0.3-1)'")
    page.get_by_role("button", name="Remove model 2").click()
    watched.wait_for("shown.models.length === 3")
    page.select_option("#compare-b", "3")
    watched.wait_for("shown.b === 3")
    page.locator(".plot .heatmaplayer image").wait_for()
    query = watched.query()
    assert (query["m1"], query["m3"], query["b"]) == (LITE0, "prune(efficientnet_lite0;blocks.5=0.3-1)", "3")


def test_the_scene_drives_all(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    before = page.locator("#compare-input").get_attribute("src")
    slider = page.locator("#compare-yaw")
    slider.evaluate("e => { e.value = 40; e.dispatchEvent(new Event('input', { bubbles: true })); }")
    watched.wait_for("shown.scene.yaw === 40")
    assert page.locator("#compare-input").get_attribute("src") != before
    assert watched.query()["yaw"] == "40"
    page.reload()
    watched.settle()
    assert watched.shown()["scene"] == {"yaw": 40}


def test_channels_of_an_edit(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    first = int(page.locator(".aside li button span").first.inner_text())
    assert first not in watched.shown()["channels"]
    page.locator(".aside li button").first.click()
    watched.wait_for("shown.channels.includes(given)", first)
    page.locator(".aside li button").first.click()
    watched.wait_for("!shown.channels.includes(given)", first)
    page.locator("#compare-most").click()
    watched.wait_for("shown.channels[0] === given", first)
    page.locator("#compare-channels").fill("1, 4-6")
    page.locator("#compare-channels").press("Enter")
    watched.wait_for("shown.channels.join() === '1,4,5,6'")
    page.locator("#compare-channels").fill("9999")
    page.locator("#compare-channels").press("Enter")
    page.wait_for_function("() => document.getElementById('notice').textContent.includes('are not 1 to 8 channels')")
    page.select_option("#compare-layer", "conv_stem")
    watched.wait_for("shown.layer === 'conv_stem'")
    assert watched.query()["layer"] == "conv_stem"


def test_pinned_classes(opened: Open) -> None:
    watched = opened("/compare")
    page = watched.page
    page.locator("#compare-pin").fill("golden retr")
    page.locator("#compare-pin").press("Enter")
    watched.wait_for("shown.pinned.join() === '207'")
    rows = page.locator(".agreement .pinned")
    assert rows.locator("th").all_inner_texts() == ["golden retriever"] * 2
    assert page.locator(".agreement .pinned b").count() == 1  # the difference to model 1
    page.locator(".model").nth(0).locator(".top").first.click()
    watched.wait_for("shown.pinned.length === 2")
    rows.first.click()
    watched.wait_for("shown.pinned.length === 1 && shown.pinned[0] !== 207")


def test_depth_tells_where_they_part(opened: Open) -> None:
    watched = opened("/compare?tab=depth")
    page = watched.page
    page.locator(".aside", has_text="from blocks.3.0.conv_pw on").wait_for()
    assert page.locator(".plot .scatterlayer .trace").count() == 2
    page.get_by_role("tab", name="Channels").click()
    page.locator(".plot .heatmaplayer image").wait_for()
    with page.expect_download() as download:
        page.locator(".tab .figure").hover()
        page.locator(".tab .save button", has_text="SVG").click()
    assert download.value.suggested_filename == "compare-channels.svg"


def test_cka_is_computed_and_survives_a_reload(opened: Open) -> None:
    watched = opened(f"/compare?m2={LITE1}&tab=cka&count=3&yaw=77")
    page = watched.page
    page.locator(".hint", has_text="choose Compute").wait_for()
    page.locator("#compare-compute").click()
    page.locator(".steps", has_text="done").wait_for()
    assert page.locator(".plot .heatmaplayer image").count() == 1
    assert "3 pictures" in page.locator(".aside").inner_text()
    page.wait_for_timeout(400)
    page.reload()
    watched.settle()
    page.locator(".steps", has_text="done").wait_for()
    page.locator(".plot .heatmaplayer image").wait_for()
    assert sum(url.endswith("/compare/job") for url in watched.requests) < 200
    page.locator("#compare-count").fill("4")
    page.locator("#compare-count").press("Enter")
    page.locator(".hint", has_text="choose Compute").wait_for()  # another state, another computation


def test_a_job_is_cancelled(opened: Open) -> None:
    watched = opened("/compare?tab=cka&count=128&yaw=78")
    page = watched.page
    page.locator("#compare-compute:enabled").click()
    page.locator("#compare-compute", has_text="Cancel").click()
    page.locator(".hint", has_text="cancelled").wait_for()
    assert page.locator("#compare-compute").inner_text() == "Compute"


def test_same_channels(opened: Open) -> None:
    watched = opened("/compare?tab=same&count=3&layer=blocks.2.0&other=blocks.2.0")
    page = watched.page
    page.locator("#compare-compute:enabled").click()
    page.locator(".aside", has_text="40 of 40 channels").wait_for()
    page.select_option("#compare-matched", "yes")
    page.wait_for_function("() => document.querySelector('.plot').textContent.includes('by best partner')")
    assert watched.query()["matched"] == "true"


def test_what_is_wrong_in_a_link_is_said(opened: Open) -> None:
    watched = opened("/compare?m2=nobody&tab=depth&count=5000")
    problems = watched.page.locator("#compare-problems p").all_inner_texts()
    assert len(problems) == 2
    assert watched.shown()["tab"] == "depth"


def test_to_explore_and_back(opened: Open) -> None:
    watched = opened("/compare?yaw=33")
    page = watched.page
    page.get_by_role("link", name="Explore").click()
    page.locator("#explore-stage").wait_for()
    watched.settle()
    page.get_by_role("link", name="Compare").click()
    page.locator("#compare-stage").wait_for()
    watched.settle()
    assert watched.shown()["scene"] == {"yaw": 33}
