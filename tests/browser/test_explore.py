"""The Explore page in a real browser: what a researcher does with mouse and keyboard, and what is then on the page."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pypdf
import pytest
from gestures import (
    box,
    choose,
    control,
    drag,
    drawn_scene,
    eventually,
    export,
    figure_values,
    model_input,
    notice,
    painted,
    wait_for_scene,
)
from PIL import Image
from playwright.sync_api import expect

from perturber.figures import DIVERGING, SIGMAS
from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest
from perturber.ui.states.explore import SlotState

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def test_first_visit_shows_everything(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    assert model_input(watched).shape == (224, 224, 3)
    slots = tuple(SlotRequest(model=name) for name in ("efficientnet_lite0", "lite0_adversarial"))
    expected = site.service.look(LookRequest(scene=Scene(), slots=slots))
    np.testing.assert_array_equal(model_input(watched), expected.image)
    for slot in (0, 1):
        frame = page.locator(f"#explore-slot-{slot}")
        names = frame.locator(".bars .name").all_text_contents()
        assert names == [score.name for score in expected.slots[slot].top or ()]
        shares = frame.locator(".bars .share").all_inner_texts()
        assert shares == [f"{score.probability * 100:.1f} %" for score in expected.slots[slot].top or ()]
        expect(frame.locator(".heatmaplayer image")).to_have_count(8)
    page.locator("#explore-hue").fill("0.37")  # another visit may have asked for the first scene before
    watched.wait_for("shown.hue === '0.37'")
    status = page.locator("#explore-status").inner_text()
    assert all(word in status for word in ("Render", "Model 1", "Model 2", "service", "ms"))


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_three_columns_without_scrolling(opened: Open, size: tuple[int, int]) -> None:
    watched = opened()
    watched.page.set_viewport_size({"width": size[0], "height": size[1]})
    overflow = watched.page.evaluate(
        """() => ['html', 'main', 'main > div', '.explore'].map((s) => {
            const e = document.querySelector(s);
            return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth];
        }).flat()"""
    )
    assert max(overflow) <= 0
    boxes = [watched.page.locator(s).bounding_box() for s in (".scene", ".slots", ".predictions >> nth=0")]
    assert boxes[0]["x"] < boxes[1]["x"] < boxes[2]["x"]
    assert boxes[2]["x"] + boxes[2]["width"] <= size[0]


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1920, 1080), (2560, 1440), (3840, 2160)])
def test_room_is_used(opened: Open, size: tuple[int, int]) -> None:
    """Maps and pictures cover most of their room; nothing lies on something else, and no words are cut off."""
    watched = opened()
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_function(
        """() => [...document.querySelectorAll(".slot > .figure")].every((figure) => {
            const { width, height } = figure.getBoundingClientRect();
            const shown = [...figure.querySelectorAll(".map, .picture")].map((e) => e.getBoundingClientRect());
            const inside = shown.every(({ right, bottom }) => {
                const room = figure.getBoundingClientRect();
                return right <= room.right && bottom <= room.bottom + 1;
            });
            const area = shown.reduce((sum, box) => sum + box.width * box.height, 0);
            return inside && area >= 0.7 * width * height;
        })"""
    )
    found = page.evaluate(
        """() => {
            const on = (a, b) =>
                a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
            const boxes = (selector, root = document) =>
                [...root.querySelectorAll(selector)].map((e) => [e, e.getBoundingClientRect()]);
            const overlaps = (all) => all.flatMap(([a, one], n) => {
                const others = all.slice(n + 1).filter(([, other]) => on(one, other));
                return others.map(([b]) => `${a.className} on ${b.className}`);
            });
            const slots = boxes(".slot:not(.vacant)").map(([slot]) => slot);
            const texts = ".headings *, .slot > .bar *, .evidence figcaption, .bars .share, .drawer > .tabs *, .badge";
            const cut = [...document.querySelectorAll(texts)].filter((e) => {
                const clips = ["hidden", "clip"].includes(getComputedStyle(e).overflowX);
                return clips && e.clientWidth && e.scrollWidth > e.clientWidth + 1;
            });
            return {
                overlaps: [
                    ...overlaps(boxes(".headings > *")),
                    ...slots.flatMap((slot) => overlaps(boxes(".bar > *", slot))),
                    ...slots.flatMap((slot) => overlaps(boxes(".map, .picture", slot))),
                    ...slots.flatMap((slot) => overlaps(boxes(".bars .share, .evidence figcaption", slot))),
                    ...overlaps(boxes(".slots > *, .scene > *")),
                ],
                cut: cut.map((e) => `${e.className}: ${e.textContent}`),
                beyond: boxes(".headings > *, .slot .bar > *").filter(([, box]) => box.right > innerWidth - 12)
                    .map(([e]) => e.className),
            };
        }"""
    )
    assert found == {"overlaps": [], "cut": [], "beyond": []}
    channels = page.locator(f"{control('channels', 0)}").bounding_box()
    assert channels["width"] >= 58 + 150  # eight numbers of three digits


def test_pointer_moves_the_camera(opened: Open) -> None:
    watched = opened()
    drag(watched, 50, 20)
    wait_for_scene(watched, yaw=-15, pitch=-20)
    before = model_input(watched)
    drag(watched, 30, 30, button="middle")
    watched.wait_for("shown.pan_x > 0.2 && shown.pan_y < -0.2")
    assert np.abs(model_input(watched).astype(int) - before).mean() > 2
    watched.page.keyboard.down("Shift")
    drag(watched, -30, -30)
    watched.page.keyboard.up("Shift")
    watched.wait_for("!('pan_x' in shown) && !('pan_y' in shown)")
    watched.page.mouse.wheel(0, 200)
    watched.wait_for("shown.distance > 4.5")
    watched.page.locator(".pointer").dblclick()
    wait_for_scene(watched)


def test_dragging_to_the_right_turns_the_front_to_the_right(opened: Open, site: Any) -> None:
    """The view, the model input and the pointer agree: what is dragged follows."""
    watched = opened("/?yaw=0&pitch=0")
    drag(watched, 60, 0)
    wait_for_scene(watched, yaw=24, pitch=0)
    expected = site.service.look(LookRequest(scene=Scene().replace(yaw=24, pitch=0)))
    np.testing.assert_array_equal(model_input(watched), expected.image)


def test_keys_turn_and_dolly(opened: Open) -> None:
    watched = opened()
    watched.page.locator(".pointer").focus()
    for key in ("ArrowRight", "ArrowUp", "+"):
        watched.page.keyboard.press(key)
    wait_for_scene(watched, yaw=-30, pitch=-7, distance=3.6)


def test_sliders_fields_and_resets(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    slider = page.locator("#explore-texture_blur")
    slider.scroll_into_view_if_needed()
    place = slider.bounding_box()
    page.mouse.move(place["x"] + 8, place["y"] + place["height"] / 2)
    page.mouse.down()
    page.mouse.move(place["x"] + place["width"] * 0.8, place["y"] + place["height"] / 2, steps=10)
    page.mouse.up()
    watched.wait_for("shown.texture_blur > 3")
    expected = site.service.look(LookRequest(scene=Scene.parse(drawn_scene(watched))))
    np.testing.assert_array_equal(model_input(watched), expected.image)

    field = page.get_by_label("Hue, value", exact=True)
    field.fill("0.25")
    field.press("Enter")
    watched.wait_for("shown.hue === '0.25'")
    page.locator("[data-reset=texture_blur]").click()
    wait_for_scene(watched, hue=0.25)
    page.locator("[data-reset=all]").click()
    wait_for_scene(watched)
    assert page.locator(".control.changed").count() == 0


def test_a_number_out_of_range_gets_a_sentence(opened: Open) -> None:
    watched = opened()
    before = model_input(watched)
    row = watched.page.locator("[data-key=hue]")
    field = row.get_by_label("Hue, value", exact=True)
    field.fill("7")
    field.press("Enter")
    notice(watched, "-0.5 to 0.5")
    expect(row.locator(".message")).to_contain_text("Hue (hue) cannot be 7")
    assert field.input_value() == "7"  # it can be put right there
    watched.settle()
    assert drawn_scene(watched) == {}
    np.testing.assert_array_equal(model_input(watched), before)
    watched.page.locator("[data-reset=hue]").click()
    expect(row.locator(".message")).to_have_count(0)
    assert field.input_value() == "0"
    assert watched.page.locator("#notice").inner_text() == ""


def test_object_and_background_menus(opened: Open) -> None:
    watched = opened()
    choose(watched, "#explore-object", "Fire Truck")
    watched.wait_for("shown.object === 'firetruck_racecar'")
    choose(watched, "#explore-background", "Street")
    watched.wait_for("shown.background === 'street'")
    assert watched.page.locator(".bars .name").first.inner_text() == "fire engine"


def test_switching_models_layers_and_channels(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    choose(watched, control("model", 0), "Lite1")
    watched.wait_for("shown.m1 === 'efficientnet_lite1'")
    layers = list(site.service.model("efficientnet_lite1").layers)
    choose(watched, control("layer", 0), layers[0])
    watched.wait_for("shown.l1 === given", layers[0])

    field = page.locator(control("channels", 0))
    field.fill("3, 5, 8-10")
    field.press("Enter")
    watched.wait_for("shown.c1 === '3,5,8,9,10'")
    count = page.locator(control("count", 0))
    assert count.input_value() == "5"
    labels = page.locator("#explore-slot-0 .card .label span").all_text_contents()
    assert labels == ["3", "5", "8", "9", "10"]

    page.locator(control("on", 0)).click()
    watched.wait_for("shown.c1 === '8,10,13,14,15'")
    assert field.input_value() == "8, 10, 13, 14, 15"
    count.fill("2")
    watched.wait_for("shown.c1 === '8,10'")

    field.fill("everything")
    field.press("Enter")
    notice(watched, "'everything' is not a list of channels")
    watched.settle()
    assert watched.shown()["c1"] == "8,10"


def test_heatmap_shows_the_layers_values(opened: Open, site: Any) -> None:
    watched = opened("/?yaw=20&c1=4,7")
    watched.page.locator("#explore-hue").fill("0.1")  # the second answer changes the figure of the first
    wait_for_scene(watched, yaw=20, hue=0.1)
    activations, _ = _maps(site, Scene().replace(yaw=20, hue=0.1))
    eventually(lambda: np.allclose(figure_values(watched, 0), activations, atol=1e-6))


def test_what_is_painted_are_the_values(opened: Open, site: Any) -> None:
    """Plotly follows later: what is seen meanwhile has the colours of the newest answer's values."""
    watched = opened("/?c1=4,7&c2=0")
    watched.page.locator("#explore-hue").fill("0.3")
    wait_for_scene(watched, hue=0.3)
    colours = painted(watched, 0).astype(float)
    activations, end = _maps(site, Scene().replace(hue=0.3))
    assert (colours[..., 3] == 255).all()
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in DIVERGING], float)
    shares = (activations / end).clip(-1, 1) / 2 + 0.5
    expected = np.stack([np.interp(shares, [place for place, _ in DIVERGING], stops[:, i]) for i in range(3)], -1)
    assert np.abs(colours[..., :3] - expected).max() <= 2


def _maps(site: Any, scene: Scene) -> tuple[np.ndarray, float]:
    """What the first model's layer shows of channels 4 and 7, and where the colours end."""
    info = site.service.model("efficientnet_lite0")
    slots = (SlotRequest(model=info.name, layer=SlotState.first(info).layer, channels=(4, 7)),)
    (slot,) = site.service.look(LookRequest(scene=scene, slots=slots)).slots
    assert slot.activations is not None
    return slot.activations, SIGMAS * slot.deviation


def test_switching_off(opened: Open) -> None:
    watched = opened()
    page = watched.page
    box(watched, "shows", "Predictions", 1).uncheck()
    watched.wait_for("shown.p2 === '0'")
    assert page.locator("#explore-slot-1 .predictions .empty").inner_text() == "Predictions are switched off"
    box(watched, "shows", "Activations", 0).uncheck()
    watched.wait_for("shown.a1 === '0'")
    assert page.locator("#explore-slot-0 .heatmaps").inner_text() == "Activations are switched off"
    assert page.locator("#explore-slot-0 .bars .name").count() == 5
    query = watched.query()
    assert query["a1"] == "0"
    assert query["p2"] == "0"
    box(watched, "shows", "Activations", 0).check()
    watched.wait_for("!('a1' in shown)")
    expect(page.locator("#explore-slot-0 .heatmaplayer image")).to_have_count(8)


def test_a_link_shows_a_colleague_the_same(opened: Open) -> None:
    mine = opened("/?object=firetruck_racecar&background=street&l1=blocks.1.1&c1=2,9&p2=0")
    mine.page.locator("#explore-hue").fill("0.2")
    drag(mine, 40, -15)
    mine.wait_for("shown.hue === '0.2' && shown.yaw === '-19'")
    mine.query()
    theirs = opened(mine.page.url[mine.page.url.index("/?") :])
    assert theirs.shown() == mine.shown()
    np.testing.assert_array_equal(model_input(theirs), model_input(mine))
    assert theirs.page.locator(control("channels", 0)).input_value() == "2, 9"


def test_a_wrong_link_says_so_and_shows_the_rest(opened: Open) -> None:
    watched = opened("/?yaw=twelve&hue=0.25&m1=resnet9000&c2=1,9999&colour=3")
    problems = watched.page.locator("#explore-problems p").all_inner_texts()
    assert len(problems) == 4
    assert any("resnet9000" in p and "efficientnet_lite0" in p for p in problems)
    assert drawn_scene(watched) == {"hue": "0.25"}
    assert "Traceback" not in watched.page.content()


def test_figures_are_exported(opened: Open) -> None:
    page = (watched := opened("/?cards=none")).page
    maps = page.locator("#explore-slot-0 .export.of-activations")
    bars = page.locator("#explore-slot-1 .export.of-predictions")
    with page.expect_download() as download:
        export(maps, "PDF", **{"Width in millimetres": "120"})
    assert download.value.suggested_filename == "explore-activations-model-1.pdf"
    with pypdf.PdfReader(download.value.path()) as file:
        (drawn,) = file.pages
        text = "".join(drawn.extract_text().split())  # where its words end is a guess
        fonts = str(drawn["/Resources"]["/Font"].get_object())
    assert float(drawn.mediabox.width) == pytest.approx(120 / 25.4 * 72, abs=0.1)
    assert watched.shown()["c1"].replace(",", "") in text
    assert "−" in text
    assert fonts != "{}"
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        export(bars, "PNG")
    expect(page.locator(".looks").get_by_label("Width in millimetres")).to_have_value("120")  # as of the last file
    assert download.value.suggested_filename == "explore-predictions-model-2.png"
    with Image.open(download.value.path()) as picture:
        assert picture.width == round(120 / 25.4 * 300)
    page.keyboard.press("Escape")
    with page.expect_download() as download:
        page.locator("#explore-save-input").click()
    with Image.open(download.value.path()) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), model_input(watched))


def test_fields_that_do_not_matter_cannot_be_changed(opened: Open) -> None:
    page = (watched := opened("/?cards=none")).page
    page.locator("#explore-slot-0 .export.of-activations").click(force=True)
    width, points, dpi = (page.locator(".looks input[type=number]").nth(n) for n in range(3))
    for format, open_ones in (("PNG", (True, True, True)), ("CSV", (False,) * 3), ("SVG", (True, True, False))):
        page.locator(".looks label", has_text=format).click()
        for field, is_open in zip((width, points, dpi), open_ones, strict=True):
            expect(field).to_be_enabled(enabled=is_open)
    choose(watched, ".looks .menu[title=Size] .dash-dropdown", "Slide")
    expect(width).to_have_value("508")
    expect(points).to_have_value("24")
    width.fill("5")
    page.locator("#explore-export-go").click()
    expect(page.locator("#explore-export-said")).to_contain_text("The width must be a number from 20 to 1000 mm.")
    page.keyboard.press("Escape")


def test_help_lists_every_parameter(opened: Open) -> None:
    watched = opened("/help", wait=False)
    watched.page.locator("table").last.wait_for()
    codes = watched.page.locator("td:nth-child(3) code").all_inner_texts()
    assert codes == list(Scene().as_dict())


def test_nothing_leaves_the_host(opened: Open, site: Any) -> None:
    watched = opened(fresh=True)
    choose(watched, control("model", 0), "Lite1")
    watched.wait_for("shown.m1 === 'efficientnet_lite1'")
    with watched.page.expect_download():
        export(watched.page.locator("#explore-slot-0 .export.of-activations"), "PNG")
    watched.page.keyboard.press("Escape")
    watched.page.get_by_role("link", name="Help").click()
    watched.page.locator("table").first.wait_for()
    foreign = [url for url in watched.requests if not url.startswith((site.url + "/", "data:", "blob:"))]
    assert foreign == []
    assert any(url.endswith("/bootstrap.css") for url in watched.requests)


@pytest.mark.parametrize("corner", [(-1, 1), (1, 1), (-1, -1), (1, -1)])
def test_heatmaps_lie_as_their_input(opened: Open, site: Any, corner: tuple[int, int]) -> None:
    """A bright patch in a corner of the input lights the same corner of an early layer's map, as it is drawn."""
    layer = next(iter(site.service.model("efficientnet_lite0").layers))
    scene = {
        "distance": 12, "pan_x": 1.6 * corner[0], "pan_y": 1.6 * corner[1], "texture_influence": 0,
        "lighting_influence": 0, "background_blur": 8, "background": "street",
    }  # fmt: skip
    channel = _most_excited(site, layer, scene)
    query = "&".join(f"{k}={v}" for k, v in scene.items())
    watched = opened(f"/?{query}&l1={layer}&c1={channel}")
    picture = model_input(watched).astype(float)
    assert _side_of_centre(picture.min(-1) > 250) == (corner[0], -corner[1])

    image = watched.page.locator("#explore-slot-0 .map canvas")
    pixels = np.asarray(Image.open(io.BytesIO(image.screenshot())).convert("RGB")).astype(float)
    red = pixels[..., 0] - pixels[..., 2]
    border = 0.08 * np.array(red.shape)  # of the map, where padding shows
    middle = red[int(border[0] * 2) : -int(border[0]), int(border[1]) : -int(border[1])]
    assert _side_of_centre(middle > 0.7 * middle.max()) == (corner[0], -corner[1])


def _most_excited(site: Any, layer: str, scene: dict[str, Any]) -> int:
    """The channel in which the patch stands out most."""
    channels = tuple(range(site.service.model("efficientnet_lite0").layers[layer].channels))
    slots = (SlotRequest(model="efficientnet_lite0", layer=layer, channels=channels, predictions=False),)
    here = Scene.parse(scene)
    elsewhere = here.replace(pan_x=-here.pan_x, pan_y=-here.pan_y)
    maps = [site.service.look(LookRequest(scene=s, slots=slots)).slots[0].activations for s in (here, elsewhere)]
    inner = (maps[0] - maps[1])[:, 8:-8, 8:-8]
    return int(inner.max((1, 2)).argmax())


def _side_of_centre(mask: np.ndarray) -> tuple[int, int]:
    """(−1 left | 1 right, −1 upper | 1 lower) of the mask's centre of mass."""
    row, column = (axis.mean() for axis in mask.nonzero())
    return (1 if column > mask.shape[1] / 2 else -1, 1 if row > mask.shape[0] / 2 else -1)
