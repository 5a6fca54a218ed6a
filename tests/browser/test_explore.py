"""The Explore page in a real browser: what a researcher does with mouse and keyboard, and what is then on the page."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gestures import choose, drag, model_input, part
from PIL import Image

from perturber.figures import DIVERGING
from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]


def test_first_visit_shows_everything(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    assert model_input(watched).shape == (224, 224, 3)
    slots = tuple(SlotRequest(model=name) for name in ("efficientnet_lite0", "efficientnet_lite1"))
    expected = site.service.look(LookRequest(scene=Scene(), slots=slots))
    np.testing.assert_array_equal(model_input(watched), expected.image)
    for slot in (0, 1):
        frame = page.locator(f"#explore-slot-{slot}")
        names = frame.locator(".bars .name").all_inner_texts()
        assert names == [score.name for score in expected.slots[slot].top or ()]
        shares = frame.locator(".bars .share").all_inner_texts()
        assert shares == [f"{score.probability * 100:.1f} %" for score in expected.slots[slot].top or ()]
        assert frame.locator(".heatmaplayer image").count() == 1
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


def test_pointer_moves_the_camera(opened: Open) -> None:
    watched = opened()
    drag(watched, 50, 20)
    watched.wait_for("shown.scene.yaw === -15 && shown.scene.pitch === -20")
    before = model_input(watched)
    drag(watched, 30, 30, button="middle")
    watched.wait_for("shown.scene.pan_x > 0.2 && shown.scene.pan_y < -0.2")
    assert np.abs(model_input(watched).astype(int) - before).mean() > 2
    watched.page.keyboard.down("Shift")
    drag(watched, -30, -30)
    watched.page.keyboard.up("Shift")
    watched.wait_for("shown.scene.pan_x === undefined && shown.scene.pan_y === undefined")
    watched.page.mouse.wheel(0, 200)
    watched.wait_for("shown.scene.distance > 4.5")
    watched.page.locator("#explore-pointer").dblclick()
    watched.wait_for("Object.keys(shown.scene).length === 0")


def test_dragging_to_the_right_turns_the_front_to_the_right(opened: Open, site: Any) -> None:
    """The view, the model input and the pointer agree: what is dragged follows."""
    watched = opened("/?yaw=0&pitch=0")
    drag(watched, 60, 0)
    watched.wait_for("shown.scene.yaw === 24")
    expected = site.service.look(LookRequest(scene=Scene().replace(yaw=24, pitch=0)))
    np.testing.assert_array_equal(model_input(watched), expected.image)


def test_keys_turn_and_dolly(opened: Open) -> None:
    watched = opened()
    watched.page.locator("#explore-pointer").focus()
    for key in ("ArrowRight", "ArrowUp", "+"):
        watched.page.keyboard.press(key)
    watched.wait_for("shown.scene.yaw === -30 && shown.scene.pitch === -7 && shown.scene.distance === 3.6")


def test_sliders_fields_and_resets(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    slider = page.locator("#explore-texture_blur")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    page.mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, box["y"] + box["height"] / 2, steps=10)
    page.mouse.up()
    watched.wait_for("shown.scene.texture_blur > 3")
    expected = site.service.look(LookRequest(scene=Scene.parse(watched.shown()["scene"])))
    np.testing.assert_array_equal(model_input(watched), expected.image)

    field = page.get_by_label("Hue, value", exact=True)
    field.fill("0.25")
    field.press("Enter")
    watched.wait_for("shown.scene.hue === 0.25")
    page.locator("[data-reset=texture_blur]").click()
    watched.wait_for("!('texture_blur' in shown.scene) && shown.scene.hue === 0.25")
    page.locator("[data-reset=all]").click()
    watched.wait_for("Object.keys(shown.scene).length === 0")
    assert page.locator(".control.changed").count() == 0


def test_a_number_out_of_range_gets_a_sentence(opened: Open) -> None:
    watched = opened()
    before = model_input(watched)
    field = watched.page.get_by_label("Hue, value", exact=True)
    field.fill("7")
    field.press("Enter")
    watched.page.wait_for_function("() => document.getElementById('notice').textContent.includes('-0.5 to 0.5')")
    assert field.input_value() == "0"
    np.testing.assert_array_equal(model_input(watched), before)


def test_object_and_background_menus(opened: Open) -> None:
    watched = opened()
    menu = "[id='{}']"
    choose(watched, menu.format('{"key":"object","type":"explore-choice"}'), "Fire Truck")
    watched.wait_for("shown.scene.object === 'firetruck_racecar'")
    choose(watched, menu.format('{"key":"background","type":"explore-choice"}'), "Street")
    watched.wait_for("shown.scene.background === 'street'")
    assert watched.page.locator(".bars .name").first.inner_text() == "fire engine"


def test_switching_models_layers_and_channels(opened: Open, site: Any) -> None:
    watched = opened()
    page = watched.page
    choose(watched, part("model", 0), "Lite1")
    watched.wait_for("shown.slots[0].model === 'efficientnet_lite1'")
    layers = list(site.service.model("efficientnet_lite1").layers)
    choose(watched, part("layer", 0), layers[0])
    watched.wait_for("shown.slots[0].layer === given", layers[0])

    field = page.locator(part("channels", 0))
    field.fill("3, 5, 8-10")
    field.press("Enter")
    watched.wait_for("shown.slots[0].channels.join() === '3,5,8,9,10'")
    assert page.locator(part("count", 0)).input_value() == "5"
    labels = page.locator("#explore-slot-0 .card .label span").all_text_contents()
    assert labels == ["3", "5", "8", "9", "10"]

    page.locator(part("on", 0)).click()
    watched.wait_for("shown.slots[0].channels.join() === '8,10,13,14,15'")
    page.locator(part("count", 0)).fill("2")
    watched.wait_for("shown.slots[0].channels.join() === '8,10'")

    field.fill("everything")
    field.press("Enter")
    page.wait_for_function("() => document.querySelector('#explore-slot-0 .message').textContent.includes('12-15')")
    assert watched.shown()["slots"][0]["channels"] == [8, 10]


def test_heatmap_shows_the_layers_values(opened: Open, site: Any) -> None:
    watched = opened("/?yaw=20&c1=4,7")
    plot = "document.querySelector('.js-plotly-plot')"
    watched.page.evaluate("window.perturber.gate.offer({...window.perturber.page.displayed.state, again: 1})")
    watched.settle()  # the second answer changes the figure of the first
    z = watched.page.evaluate(f"Array.from({plot}.data[0].z, (row) => Array.from(row))")
    drawn = np.array([[np.nan if v is None else v for v in row] for row in z], float)
    info = site.service.model("efficientnet_lite0")
    slots = (SlotRequest(model=info.name, layer=info.default_layer, channels=(4, 7)),)
    (slot,) = site.service.look(LookRequest(scene=Scene().replace(yaw=20), slots=slots)).slots
    assert slot.activations is not None
    side = slot.activations.shape[-1]
    np.testing.assert_allclose(drawn[-side:, :side], slot.activations[0], atol=1e-6)
    np.testing.assert_allclose(drawn[-side:, -side:], slot.activations[1], atol=1e-6)


def test_what_is_painted_are_the_values(opened: Open) -> None:
    """Plotly follows later: what is seen meanwhile has the colours of the newest answer's values."""
    watched = opened("/?c1=4,7&c2=0")
    watched.page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.3; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    watched.wait_for("shown.scene.hue === 0.3")
    z, end, pixels = watched.page.evaluate(
        """() => {
            const frame = document.getElementById('explore-slot-0');
            const canvas = frame.querySelector('.maps canvas');
            const [{ z, zmax }] = frame.querySelector('.js-plotly-plot').data;
            const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            return [Array.from(z, (row) => Array.from(row)), zmax, Array.from(data)];
        }"""
    )
    values = np.array([[np.nan if v is None else v for v in row] for row in z], float)
    colours = np.array(pixels, float).reshape(*values.shape, 4)
    known = ~np.isnan(values)
    assert (colours[..., 3] == 255 * known).all()
    stops = np.array([[int(c[i : i + 2], 16) for i in (1, 3, 5)] for _, c in DIVERGING], float)
    shares = (values[known] / end).clip(-1, 1) / 2 + 0.5
    expected = np.stack([np.interp(shares, [place for place, _ in DIVERGING], stops[:, i]) for i in range(3)], -1)
    assert np.abs(colours[known][:, :3] - expected).max() <= 2


def test_switching_off(opened: Open) -> None:
    watched = opened()
    page = watched.page
    page.locator(part("show-predictions", 1)).locator("input").uncheck()
    watched.wait_for("shown.slots[1].predictions === false")
    assert page.locator("#explore-slot-1 .bars").inner_text() == "Predictions are switched off"
    page.locator(part("show-activations", 0)).locator("input").uncheck()
    watched.wait_for("shown.slots[0].activations === false")
    assert not page.locator("#explore-slot-0 .graph").is_visible()
    assert page.locator("#explore-slot-0 .bars .name").count() == 5
    query = watched.query()
    assert query["a1"] == "0"
    assert query["p2"] == "0"


def test_a_link_shows_a_colleague_the_same(opened: Open) -> None:
    mine = opened("/?object=firetruck_racecar&background=street&l1=blocks.1.1&c1=2,9&p2=0")
    mine.page.locator("#explore-hue").fill("0.2")
    drag(mine, 40, -15)
    mine.wait_for("shown.scene.hue === 0.2 && shown.scene.yaw === -19")
    mine.query()
    theirs = opened(mine.page.url[mine.page.url.index("/?") :])
    assert theirs.shown() == mine.shown()
    np.testing.assert_array_equal(model_input(theirs), model_input(mine))
    assert theirs.page.locator(part("channels", 0)).input_value() == "2, 9"


def test_a_wrong_link_says_so_and_shows_the_rest(opened: Open) -> None:
    watched = opened("/?yaw=twelve&hue=0.25&m1=resnet9000&c2=1,9999&colour=3")
    problems = watched.page.locator("#explore-problems p").all_inner_texts()
    assert len(problems) == 4
    assert any("resnet9000" in p and "efficientnet_lite0" in p for p in problems)
    assert watched.shown()["scene"] == {"hue": 0.25}
    assert "Traceback" not in watched.page.content()


def test_figures_are_saved(opened: Open) -> None:
    watched = opened()
    page = watched.page
    for figure in ("activations-model-1", "predictions-model-2"):
        with page.expect_download() as download:
            page.locator(f"[data-save=svg][data-name={figure}]").click(force=True)
        svg = download.value.path().read_bytes()
        assert download.value.suggested_filename == f"{figure}.svg"
        assert svg.startswith(b"<svg")
        with page.expect_download() as download:
            page.locator(f"[data-save=png][data-name={figure}]").click(force=True)
        with Image.open(download.value.path()) as picture:
            assert picture.format == "PNG"
            assert picture.width > 800
    with page.expect_download() as download:
        page.locator("#explore-save-input").click()
    with Image.open(download.value.path()) as picture:
        np.testing.assert_array_equal(np.asarray(picture.convert("RGB")), model_input(watched))


def test_help_lists_every_parameter(opened: Open) -> None:
    watched = opened("/help", wait=False)
    watched.page.locator("table").wait_for()
    codes = watched.page.locator("td:nth-child(3) code").all_inner_texts()
    assert codes == list(Scene().as_dict())


def test_nothing_leaves_the_host(opened: Open, site: Any) -> None:
    watched = opened(fresh=True)
    choose(watched, part("model", 0), "Lite1")
    watched.wait_for("shown.slots[0].model === 'efficientnet_lite1'")
    with watched.page.expect_download():
        watched.page.locator("[data-save=png][data-name=activations-model-1]").click(force=True)
    watched.page.get_by_role("link", name="Help").click()
    watched.page.locator("table").wait_for()
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

    image = watched.page.locator("#explore-slot-0 .heatmaplayer image")
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
