"""The Checkpoints page in a real browser: scrub, play, curves, small multiples, links."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import GO, VIEWPORT, Site, Watched
from gestures import export
from PIL import Image
from playwright.sync_api import Browser

from perturber.bench import chromium
from perturber.bench.first_visit import CURVES, VISITS
from perturber.config import Settings

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LINK = "/checkpoints?m1=lite0_adversarial@10&m2=lite0_adversarial@0&layer=blocks.3.0&channels=3,7&count=3"
STEPS = (0, 10, 50, 200, 500, 1000, 2800)


def words(watched: Any, slot: int) -> str:
    return watched.page.locator(f"#checkpoints-words-{slot}").text_content()


def wait_for_words(watched: Any, slot: int, start: str) -> None:
    watched.page.wait_for_function(
        "([slot, start]) => document.getElementById(`checkpoints-words-${slot}`).textContent.startsWith(start)",
        arg=[slot, start],
    )


def drag_to(watched: Any, slot: int, place: int, *, hold: bool = False) -> None:
    """Take a slider's thumb to a checkpoint."""
    thumb = watched.page.locator(f"#checkpoints-slot-{slot} [role=slider]").bounding_box()
    track = watched.page.locator(f"#checkpoints-slot-{slot} .dash-slider-track").bounding_box()
    y = thumb["y"] + thumb["height"] / 2
    watched.page.mouse.move(thumb["x"] + thumb["width"] / 2, y)
    watched.page.mouse.down()
    watched.page.mouse.move(track["x"] + 8 + (track["width"] - 16) * place / (len(STEPS) - 1), y, steps=6)
    if not hold:
        watched.page.mouse.up()


def open_tab(watched: Any, name: str) -> None:
    watched.page.locator(".checkpoints .tab-names label", has_text=name).click()


def drawn(watched: Any, panel: str, condition: str) -> None:
    """Wait until a JavaScript expression of a figure's `plot`, as Plotly has it, is true."""
    watched.page.wait_for_function(
        f"""(panel) => {{
            const plot = document.querySelector(`.panel.${{panel}} .js-plotly-plot`);
            return plot && plot.data && ({condition});
        }}""",
        arg=panel,
    )


def marks(watched: Any, panel: str) -> list[float]:
    """Where a figure's lines stand."""
    return watched.page.evaluate(
        """(panel) => {
            const { layout } = document.querySelector(`.panel.${panel} .js-plotly-plot`);
            return (layout.shapes || []).map(({ x0 }) => x0);
        }""",
        panel,
    )


def test_a_first_visit_finds_every_curve_also_behind_the_jobs_of_explore(browser: Browser, tmp_path: Path) -> None:
    site = Site(Settings(data=tmp_path, examples=None))
    page = browser.new_page(viewport=VIEWPORT, storage_state=chromium.been_here(site.url))
    page.set_default_timeout(60_000)
    try:
        watched = Watched(page)
        page.goto(site.url)
        watched.settle()
        page.evaluate(GO, "/checkpoints")
        page.locator(".checkpoints").wait_for()
        watched.settle()
        page.wait_for_function(CURVES, timeout=60_000)
        assert page.locator("#checkpoints-hint").text_content().startswith("Correlations over 412 pictures")
        assert marks(watched, "weights") == [len(STEPS) - 1]
        assert watched.errors == []
    finally:
        page.close()
        site.close()


@pytest.mark.parametrize("name", VISITS)
@pytest.mark.usefixtures("ready_pictures")
def test_a_first_visit_is_complete(browser: Browser, tmp_path: Path, name: str) -> None:
    """On a fresh data folder every picture and curve is there, and none of them is made: no job is ever ordered."""
    site = Site(Settings(data=tmp_path, examples=None))
    page = browser.new_page(viewport=VIEWPORT, storage_state=chromium.been_here(site.url))
    try:
        address, conditions = VISITS[name]
        page.goto(site.url + address)
        page.wait_for_function("() => " + " && ".join(f"({one})()" for one in conditions), timeout=60_000)
        page.wait_for_timeout(1000)
        assert site.service.jobs.all() == []
        assert not page.get_by_text("not made").count()
        assert not page.locator(".picture .progress").count()
        assert not (tmp_path / "visualisations").exists()
    finally:
        page.close()
        site.close()


def test_a_link_opens_and_is_written_again(opened: Open) -> None:
    watched = opened(f"{LINK}&yaw=12&of=2&tab=kernels&naive=true&objective=channel")
    expected = {"m1": "lite0_adversarial@10", "m2": "lite0_adversarial@0", "of": "2", "tab": "kernels", "yaw": "12"}
    assert expected.items() <= watched.shown().items()
    assert watched.query() == watched.shown()
    assert (words(watched, 0)[:7], words(watched, 1)) == ("step 10", "step 0 · the base")


def test_what_is_at_hand_follows_a_slider_and_the_scene_follows_when_it_is_let_go(opened: Open) -> None:
    watched = opened(LINK)
    drawn(watched, "errors", "plot.data.length === 3")
    sequence = watched.sequence()
    drag_to(watched, 0, 4, hold=True)
    wait_for_words(watched, 0, "step 500")
    drawn(watched, "errors", "plot.layout.shapes && plot.layout.shapes[0].x0 === 4")
    assert marks(watched, "errors") == [4, 0]
    assert "step 500" in watched.page.locator("#checkpoints-preview-0").get_attribute("title")
    assert watched.sequence() == sequence  # no weights are loaded on the way
    assert watched.shown()["m1"] == "lite0_adversarial@10"
    watched.page.mouse.up()
    watched.wait_for("shown.m1 === given", "lite0_adversarial@500")
    assert marks(watched, "errors") == [4, 0]
    assert watched.query()["m1"] == "lite0_adversarial@500"


def test_a_slider_moves_by_the_keyboard(opened: Open) -> None:
    watched = opened(LINK)
    watched.page.locator("#checkpoints-slot-1 [role=slider]").press("ArrowRight")
    watched.wait_for("shown.m2 === given", "lite0_adversarial@10")
    wait_for_words(watched, 1, "step 10 ")


def test_playing_goes_through_the_checkpoints_until_it_is_stopped(opened: Open) -> None:
    watched = opened(LINK)
    play = watched.page.locator("#checkpoints-slot-0 .play")
    play.click()
    wait_for_words(watched, 0, "step 50 ")
    assert play.text_content() == "■"
    wait_for_words(watched, 0, "step 200 ")
    play.click()
    watched.page.wait_for_function("() => document.querySelector('#checkpoints-slot-0 .play').textContent === '▶'")
    watched.wait_for("true")
    stopped = watched.shown()["m1"]
    watched.page.wait_for_timeout(1500)
    watched.settle()
    assert watched.shown()["m1"] == stopped


def test_playing_ends_at_the_last_checkpoint(opened: Open) -> None:
    watched = opened(LINK.replace("@10&", "@1000&"))
    watched.page.locator("#checkpoints-slot-0 .play").click()
    wait_for_words(watched, 0, "step 2800 ")
    watched.page.wait_for_function("() => document.querySelector('#checkpoints-slot-0 .play').textContent === '▶'")
    watched.wait_for("shown.m1 === given", "lite0_adversarial@2800")


def test_another_training_is_another_slider(opened: Open) -> None:
    watched = opened(LINK)
    watched.page.locator("#checkpoints-slot-0 .dash-dropdown").click()
    watched.page.locator(".dash-dropdown-content .dash-dropdown-option", has_text="stylised").click()
    watched.wait_for("shown.m1 === given", "lite0_stylised@2800")
    wait_for_words(watched, 0, "step 2800 ")
    assert "2800" in watched.page.locator("#checkpoints-slot-0 .slide").text_content()
    drawn(watched, "errors", "plot.layout.xaxis.ticktext.at(-1) === '2800'")
    watched.page.wait_for_function(
        "() => document.querySelector('.panel.errors .js-plotly-plot').layout.shapes?.length === 1"
    )  # Model 2 shows another training


def test_curves_are_computed_on_order(opened: Open) -> None:
    watched = opened(LINK)
    drawn(watched, "predictions", "plot.data.length === 5")
    drawn(watched, "weights", "plot.layout.annotations?.[0].text.includes('Compute')")
    watched.page.locator(".compute").click()
    watched.page.locator(".cancel").wait_for(state="visible")
    drawn(watched, "weights", "plot.data.some(({ line }) => line && line.width === 3)")
    watched.page.wait_for_function(
        "() => document.querySelector('.compute').disabled && !document.querySelector('.compute').hidden"
    )
    assert "Correlations over 3 pictures" in watched.page.locator("#checkpoints-hint").text_content()
    assert watched.page.locator("#checkpoints-progress").is_hidden()
    assert marks(watched, "weights") == [1, 0]


def test_the_prediction_follows_the_scene(opened: Open) -> None:
    watched = opened(LINK)
    drawn(watched, "predictions", "plot.data.length === 5")
    before = watched.page.evaluate("JSON.stringify(document.querySelector('.panel.predictions .js-plotly-plot').data)")
    watched.page.locator("#checkpoints-stage .pointer").press("ArrowLeft")
    watched.page.wait_for_function(
        "(before) => JSON.stringify(document.querySelector('.panel.predictions .js-plotly-plot').data) !== before",
        arg=before,
    )


def test_feature_visualisations_are_made_on_order_and_can_be_cancelled(opened: Open) -> None:
    watched = opened(f"{LINK}&tab=pictures".replace("3,7", "5"))
    drawn(
        watched, "multiples", "(plot.layout.annotations || []).filter(({ text }) => text === 'not made').length === 7"
    )
    make, cancel = watched.page.locator(".make"), watched.page.locator(".cancel")
    assert make.text_content() == "Make 7"
    make.click()
    cancel.wait_for(state="visible")
    drawn(watched, "multiples", "(plot.layout.images || []).length > 0")  # it is seen as it grows
    watched.page.wait_for_function("() => document.getElementById('checkpoints-progress').value > 0")
    cancel.click()
    make.wait_for(state="visible")
    drawn(watched, "multiples", "(plot.layout.annotations || []).some(({ text }) => text === 'cancelled')")


def test_the_current_column_is_marked(opened: Open) -> None:
    watched = opened(f"{LINK}&tab=pictures")
    drawn(watched, "multiples", "plot.layout.shapes && plot.layout.shapes.length === 1")
    before = marks(watched, "multiples")[0]
    drag_to(watched, 0, 3)
    watched.wait_for("shown.m1 === given", "lite0_adversarial@200")
    drawn(watched, "multiples", f"Math.abs(plot.layout.shapes[0].x0 - {before} - 2.2) < 0.01")


@pytest.mark.parametrize(("name", "tab", "count"), [("Activations", "maps", 2), ("Filters", "kernels", 1)])
def test_small_multiples_of_all_checkpoints(opened: Open, name: str, tab: str, count: int) -> None:
    watched = opened(LINK)
    open_tab(watched, name)
    watched.wait_for("shown.tab === given", tab)
    drawn(watched, "multiples", f"plot.data.length === {count} && plot.data[0].type === 'heatmap'")
    plot = watched.page.locator(".panel.multiples .js-plotly-plot")
    box, frame = plot.bounding_box(), watched.page.locator(".checkpoints .panels").bounding_box()
    assert box["width"] == pytest.approx(frame["width"], abs=2)  # it was hidden before, and fills its room
    steps = "(plot.layout.annotations || []).filter(({ text }) => text.startsWith('step ')).length"
    drawn(watched, "multiples", f"{steps} >= {len(STEPS)}")
    open_tab(watched, "Curves")
    drawn(watched, "errors", "plot.data.length === 3 && plot.clientWidth > 200")


def test_a_figure_is_saved(opened: Open, tmp_path: Path) -> None:
    watched = opened(f"{LINK}&tab=maps")
    drawn(watched, "multiples", "plot.data.length === 2")
    watched.page.locator(".panel.multiples").hover()
    with watched.page.expect_download() as saved:
        export(watched.page.locator(".panel.multiples > .export"), "PNG", **{"Width in millimetres": "85"})
    assert saved.value.suggested_filename == "checkpoints-maps.png"
    saved.value.save_as(tmp_path / "maps.png")
    width, height = Image.open(tmp_path / "maps.png").size
    assert width == pytest.approx(85 / 25.4 * 300, abs=1)
    assert height < width / 2


def test_wrong_channels_get_a_sentence_and_the_field_goes_back(opened: Open) -> None:
    watched = opened(LINK)
    field = watched.page.locator(".checkpoints .tools input.channels, .checkpoints .tools .channels input").first
    field.fill("3, 99")
    field.press("Enter")
    watched.page.wait_for_function("() => document.getElementById('notice').textContent.includes('99')")
    watched.page.wait_for_function("(field) => field.value === '3, 7'", arg=field.element_handle())
    assert watched.shown()["channels"] == "3,7"


@pytest.mark.parametrize(("name", "slots"), [("Explore", "#explore"), ("Compare", "#compare")])
def test_both_checkpoints_open_elsewhere(opened: Open, name: str, slots: str) -> None:
    watched = opened(f"{LINK}&yaw=12")
    link = watched.page.locator(f"#checkpoints-open-{name.lower()}")
    assert "m1=lite0_adversarial@10&m2=efficientnet_lite0" in link.get_attribute("href")
    link.click()
    watched.page.locator(f"{slots}[data-sequence]").wait_for()
    watched.settle()
    expected = {"m1": "lite0_adversarial@10", "m2": "efficientnet_lite0", "yaw": "12"}
    assert expected.items() <= watched.shown().items()
