"""Heatmaps on a canvas at once, as a Plotly figure when it is quiet; and the cards of their neurons."""

import base64
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.colors
import pytest
from dash import html
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Page
from small_app import served

from perturber.figures.activations import activation_mosaic, data_uri
from perturber.figures.style import DIVERGING
from perturber.ui.components.maps import Maps, Picture, Pictures, figure_without_values, map_values, scale_ends

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 850, 230
SIDE = 6
CHANNELS = [3, 17, 40]
VALUES = np.linspace(-2.5, 2.5, 3 * SIDE * SIDE, dtype=np.float32).reshape(3, SIDE, SIDE)
ROOM = {"width": f"{WIDTH}px", "height": f"{HEIGHT}px", "display": "flex", "flexDirection": "column"}


def solid(red: int, green: int, blue: int) -> str:
    return data_uri(np.full((8, 8, 3), (red, green, blue), np.uint8))


def picture(src: str | None, title: str = "a picture", note: str = "none", progress: float | None = None) -> Picture:
    return {"src": src, "title": title, "note": note, "progress": progress}


def sides(front: Picture, back: Picture) -> Pictures:
    return {"front": front, "back": back}


def card(channel: int) -> Pictures:
    front = picture(solid(channel, 0, 0), f"visualisation of {channel}")
    return sides(front, picture(solid(0, 0, channel), f"examples of {channel}"))


def answer(values: np.ndarray = VALUES, channels: list[int] = CHANNELS, scale: float = 2.0) -> dict[str, Any]:
    """The properties that an answer about these maps brings."""
    return {
        "figure": figure_without_values(activation_mosaic(values, channels, scale=scale)),
        "values": map_values(values),
        "scale": scale,
        "ends": scale_ends(scale),
        "channels": channels,
        "aspect": values.shape[1:],
        "pictures": [card(channel) for channel in channels],
        "empty": "",
    }


class Shown:
    """The component on its page."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def take(self, **properties: Any) -> None:
        self.page.evaluate("(given) => dash_clientside.set_props('maps', given)", properties)

    def restart(self) -> None:
        """As on a page that was just opened."""
        self.page.evaluate("(style) => Object.assign(document.querySelector('#room').style, style)", ROOM)
        self.page.mouse.move(WIDTH + 20, HEIGHT + 20)
        self.take(empty="soon")
        self.page.wait_for_selector("#maps .empty")
        self.take(**answer())
        self.wait_for_figure(VALUES)

    def pixels(self) -> np.ndarray:
        """(n, height, width, 4) of the canvases."""
        shape, data = self.page.evaluate("""() => {
            const canvases = [...document.querySelectorAll("#maps canvas")];
            const [{ width, height }] = canvases;
            const read = (canvas) => [...canvas.getContext("2d").getImageData(0, 0, width, height).data];
            return [[canvases.length, height, width, 4], canvases.flatMap(read)];
        }""")
        return np.array(data).reshape(shape)

    def figure(self) -> np.ndarray:
        """The maps (n, h, w) that Plotly has drawn; empty where it has not drawn any."""
        z = self.page.evaluate("""() => {
            const traces = document.querySelector("#maps .maps > div").data || [];
            return traces.map(({ z }) => z.map((row) => [...row]));
        }""")
        return np.array(z, dtype=np.float64)

    def wait_for_figure(self, values: np.ndarray) -> None:
        for _ in range(100):
            found = self.figure()
            if found.shape == values.shape and np.array_equal(found, values, equal_nan=True):
                return
            self.page.wait_for_timeout(50)
        raise AssertionError("Plotly has not followed")

    def place(self, n: int, row: int, column: int) -> tuple[float, float]:
        """The middle of a cell on the screen."""
        box = self.page.locator("#maps .card .map").nth(n).bounding_box()
        assert box
        return box["x"] + (column + 0.5) / SIDE * box["width"], box["y"] + (row + 0.5) / SIDE * box["height"]

    def seen(self, n: int, row: int, column: int) -> np.ndarray:
        """Colour of the middle of a cell on the screen."""
        x, y = self.place(n, row, column)
        dot = self.page.screenshot(clip={"x": int(x), "y": int(y), "width": 1, "height": 1})
        return np.asarray(Image.open(io.BytesIO(dot)).convert("RGB"))[0, 0].astype(int)

    def count(self, place: int) -> int:
        """How often that was said."""
        said = self.heard()[place]
        return said["count"] if said else 0

    def heard(self) -> list[Any]:
        """What the component said last: what was clicked, which format was asked for."""
        return json.loads(self.page.locator("#heard").text_content() or "[null, null]")

    def wait_until_heard(self, place: int, what: dict[str, Any]) -> None:
        self.page.wait_for_function(
            """([place, wanted]) => {
                const said = JSON.parse(document.querySelector("#heard").textContent || "[]")[place];
                return said && Object.entries(wanted).every(([key, value]) => said[key] === value);
            }""",
            arg=[place, what],
        )

    def picture(self, n: int) -> Any:
        return self.page.locator("#maps .picture").nth(n).locator("img:not([hidden])")


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Shown]:
    maps = html.Div(Maps(id="maps", empty="soon"), style=ROOM, id="room")
    with served([maps], [("maps", "clicked")]) as url:
        page = browser.new_page(viewport={"width": 1000, "height": 500})
        shown = Shown(page)
        page.goto(url)
        page.wait_for_function("window.Plotly && document.querySelector('#maps .empty')", timeout=60_000)
        yield shown
        page.close()


@pytest.fixture
def shown(opened: Shown) -> Iterator[Shown]:
    opened.errors.clear()
    opened.restart()
    yield opened
    opened.page.unroute_all()
    assert opened.errors == []


def colours(values: np.ndarray, scale: float) -> np.ndarray:
    """Plotly's colours of values, (…, 3)."""
    shares = np.clip((values / scale + 1) / 2, 0, 1)
    texts = plotly.colors.sample_colorscale([list(stop) for stop in DIVERGING], shares.ravel().tolist())
    return np.array([plotly.colors.unlabel_rgb(text) for text in texts]).reshape(*values.shape, 3)


def test_painted_colours_are_those_of_the_figures(shown: Shown) -> None:
    maps = shown.pixels()
    np.testing.assert_allclose(maps[..., :3], colours(VALUES, 2.0), atol=2)
    assert (maps[..., 3] == 255).all()


def test_zero_is_white_and_the_ends_are_the_scale_s_own_colours(shown: Shown) -> None:
    values = np.zeros((3, SIDE, SIDE), np.float32)
    values[0, 0, :4] = [2, 9, -2, -9]
    shown.take(values=map_values(values))
    painted = shown.pixels()[0, 0, :, :3].tolist()
    red, blue = [0xB2, 0x18, 0x2B], [0x21, 0x66, 0xAC]
    assert painted == [red, red, blue, blue, [255] * 3, [255] * 3]


def test_where_there_is_no_number_it_is_clear(shown: Shown) -> None:
    values = VALUES.copy()
    values[1, 2, 3] = np.nan
    shown.take(values=map_values(values))
    np.testing.assert_array_equal(shown.pixels()[..., 3] == 0, np.isnan(values))


def test_row_0_is_at_the_top_of_the_canvas_and_of_the_figure(shown: Shown) -> None:
    values = np.full((3, SIDE, SIDE), -2, np.float32)
    values[:, 0] = 2
    shown.take(values=map_values(values))
    shown.wait_for_figure(values)
    painted = [shown.seen(1, row, 2) for row in (0, SIDE - 1)]
    shown.page.add_style_tag(content="#maps canvas { opacity: var(--canvas, 1) }")
    shown.page.evaluate("document.body.style.setProperty('--canvas', 0)")
    drawn = [shown.seen(1, row, 2) for row in (0, SIDE - 1)]
    shown.page.evaluate("document.body.style.removeProperty('--canvas')")
    np.testing.assert_allclose(painted, drawn, atol=2)
    assert painted[0][0] > painted[0][2]  # red
    assert painted[1][0] < painted[1][2]  # blue


def test_a_new_scale_alone_paints_anew(shown: Shown) -> None:
    shown.take(scale=0.5, ends=scale_ends(0.5))
    np.testing.assert_allclose(shown.pixels()[..., :3], colours(VALUES, 0.5), atol=2)
    assert shown.page.locator("#maps .low").text_content() == "−0.500"
    assert shown.page.locator("#maps .high").text_content() == "+0.500"
    shown.page.wait_for_function("document.querySelector('#maps .maps > div').data[0].zmax === 0.5")


def test_the_figure_follows_when_it_is_quiet_and_not_before(shown: Shown) -> None:
    steps = [VALUES * share for share in np.linspace(0.1, 1, 8, dtype=np.float32)]
    drawn, longest = shown.page.evaluate(
        """async (steps) => {
            const { react } = window.Plotly;
            let drawn = 0, longest = 0, last = performance.now();
            window.Plotly.react = (...given) => { drawn += 1; return react(...given); };
            for (const values of steps) {
                dash_clientside.set_props("maps", { values });
                await new Promise((resolve) => setTimeout(resolve, 30));
                longest = Math.max(longest, performance.now() - last);
                last = performance.now();
            }
            window.Plotly.react = react;
            return [drawn, longest];
        }""",
        [map_values(step) for step in steps],
    )
    assert drawn == 0 or longest > 190  # a machine that is busy makes a pause of its own
    np.testing.assert_allclose(shown.pixels()[..., :3], colours(steps[-1], 2.0), atol=2)
    shown.wait_for_figure(steps[-1])


def test_the_figure_waits_for_plotly(shown: Shown) -> None:
    shown.take(empty="soon")
    shown.page.wait_for_selector("#maps .empty")
    shown.page.evaluate("[window.kept, window.Plotly] = [window.Plotly, undefined]")
    shown.take(**answer(VALUES / 2))
    shown.page.wait_for_timeout(300)
    np.testing.assert_allclose(shown.pixels()[..., :3], colours(VALUES / 2, 2.0), atol=2)
    assert not shown.figure().size
    shown.page.evaluate("window.Plotly = window.kept")
    shown.wait_for_figure(VALUES / 2)


def test_pointing_says_channel_and_value(shown: Shown) -> None:
    shown.page.mouse.move(*shown.place(1, 2, 3))
    label = shown.page.locator("#maps .hoverlayer .hovertext")
    label.wait_for()
    assert "channel 17 · row 2, column 3" in (label.text_content() or "")
    assert f"{VALUES[1, 2, 3]:.3f}" in (label.text_content() or "").replace("−", "-")
    box = label.locator("path").bounding_box()
    assert box
    dark = shown.page.screenshot(clip={"x": box["x"] + 12, "y": box["y"] + 3, "width": 1, "height": 1})
    assert np.asarray(Image.open(io.BytesIO(dark)).convert("RGB")).max() < 90  # the canvas does not cover it


def test_a_click_names_channel_row_and_column(shown: Shown) -> None:
    count = shown.count(0)
    shown.page.mouse.click(*shown.place(2, 1, 4))
    shown.wait_until_heard(0, {"channel": 40, "row": 1, "column": 4, "count": count + 1})
    shown.page.mouse.click(*shown.place(2, 1, 4))
    shown.wait_until_heard(0, {"channel": 40, "row": 1, "column": 4, "count": count + 2})


def test_a_click_names_the_channels_that_are_seen(shown: Shown) -> None:
    shown.take(**answer(channels=[5, 6, 7]))
    shown.page.wait_for_function("document.querySelector('#maps .card').textContent.startsWith('5')")
    count = shown.count(0)
    shown.page.mouse.click(*shown.place(0, 0, 0))
    shown.wait_until_heard(0, {"channel": 5, "row": 0, "column": 0, "count": count + 1})


def test_a_card_is_turned_over_and_back(shown: Shown) -> None:
    button = shown.page.locator("#maps .flip").nth(1)
    assert button.get_attribute("title") == "examples of 17"
    button.click()
    shown.page.wait_for_selector("#maps .picture img[alt='examples of 17']:not([hidden])")
    assert button.get_attribute("title") == "visualisation of 17"
    assert shown.picture(0).get_attribute("alt") == "visualisation of 3"
    shown.take(values=map_values(VALUES / 3))
    assert shown.picture(1).get_attribute("alt") == "examples of 17"
    button.click()
    shown.page.wait_for_selector("#maps .picture img[alt='visualisation of 17']:not([hidden])")


def test_new_channels_show_their_front(shown: Shown) -> None:
    shown.page.locator("#maps .flip").first.click()
    shown.page.wait_for_selector("#maps .picture img[alt='examples of 3']:not([hidden])")
    shown.take(**answer(channels=[8, 9, 10]))
    shown.page.wait_for_selector("#maps .picture img[alt='visualisation of 8']:not([hidden])")


def test_a_picture_stays_until_the_next_has_loaded(shown: Shown) -> None:
    waiting: list[Any] = []
    shown.page.route("**/slow.png", lambda route: waiting.append(route))
    shown.page.wait_for_selector("#maps .picture img[alt='visualisation of 3']:not([hidden])")
    pictures = [sides(picture("/slow.png", "slow"), picture(None)), card(17), card(40)]
    with shown.page.expect_request("**/slow.png"):
        shown.take(pictures=pictures)
    assert shown.picture(0).get_attribute("alt") == "visualisation of 3"
    png = base64.b64decode(solid(1, 2, 3).split(",")[1])
    waiting[0].fulfill(body=png, content_type="image/png")
    shown.page.wait_for_selector("#maps .picture img[alt='slow']:not([hidden])")
    assert shown.page.locator("#maps .picture").first.locator("img").count() == 1


def test_a_picture_that_fails_shows_its_note(shown: Shown) -> None:
    shown.page.route("**/missing.png", lambda route: route.fulfill(status=404))
    missing = sides(picture("/missing.png", "examples of 3", "no examples"), picture(None))
    shown.take(pictures=[missing, card(17), card(40)])
    note = shown.page.locator("#maps .picture").first.locator(".nothing")
    note.wait_for()
    assert note.text_content() == "no examples"
    assert note.get_attribute("title") == "examples of 3"
    shown.errors[:] = [error for error in shown.errors if "404" not in error]


def test_a_picture_that_is_being_made_has_a_note_and_then_a_bar(shown: Shown) -> None:
    waits = sides(picture(None, "visualisation of 3", "waits"), picture(None))
    half = sides(picture(solid(9, 9, 9), "visualisation of 17", progress=0.5), picture(None))
    shown.take(pictures=[waits, half, card(40)])
    pictures = shown.page.locator("#maps .picture")
    pictures.first.locator(".nothing").wait_for()
    assert pictures.nth(0).text_content() == "waits"
    bar, whole = pictures.nth(1).locator(".progress").bounding_box(), pictures.nth(1).bounding_box()
    assert bar
    assert whole
    assert bar["width"] == pytest.approx(whole["width"] / 2, abs=1)
    assert bar["y"] + bar["height"] == pytest.approx(whole["y"] + whole["height"], abs=1)
    assert pictures.nth(2).locator(".progress").count() == 0


def test_words_are_text(shown: Shown) -> None:
    marked = sides(picture(None, "<b>t</b>", "<b>note</b>"), picture(None))
    shown.take(pictures=[marked, card(17), card(40)])
    shown.page.wait_for_function("document.querySelector('#maps .nothing')?.textContent === '<b>note</b>'")


def test_a_sentence_stands_instead_of_everything(shown: Shown) -> None:
    shown.take(values=map_values(VALUES / 2))
    shown.take(empty="Activations are switched off")  # before the figure has followed
    shown.page.wait_for_selector("#maps .empty")
    assert shown.page.locator("#maps").text_content() == "Activations are switched off"
    assert shown.page.locator("#maps canvas, #maps .card").count() == 0
    shown.page.wait_for_timeout(300)
    shown.take(empty="")
    shown.wait_for_figure(VALUES / 2)


def test_what_is_gone_has_left_plotly(shown: Shown) -> None:
    shown.page.evaluate("window.left = document.querySelector('#maps .js-plotly-plot')")
    shown.take(empty="soon")
    shown.page.wait_for_selector("#maps .empty")
    shown.page.wait_for_function("window.left._fullLayout === undefined && !window.left.data")


def largest(width: int, height: int, count: int, *, pictures: bool) -> int:
    """The side that squares can have in that room at most, by trying all of them: one or two squares a card."""
    for side in range(max(width, height), 24, -1):
        for across, down in [(1, 2), (2, 1)] if pictures else [(1, 1)]:
            head = 0 if pictures else 15
            columns = int((width - 40 + 4) // (across * side + 4))
            rows = int((height + 4) // (down * side + head + 4))
            if columns * rows >= count:
                return side
    return 24


@pytest.mark.parametrize("pictures", [True, False])
@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize(("width", "height"), [(850, 230), (420, 230), (560, 280), (300, 400)])
def test_maps_are_square_and_as_large_as_the_room_allows(
    shown: Shown, width: int, height: int, count: int, pictures: bool
) -> None:
    style = {"width": f"{width}px", "height": f"{height}px"}
    shown.page.evaluate("(style) => Object.assign(document.querySelector('#room').style, style)", style)
    values = np.linspace(-2, 2, count * SIDE * SIDE, dtype=np.float32).reshape(count, SIDE, SIDE)
    shown.take(**answer(values, list(range(count))) | ({} if pictures else {"pictures": None}))
    side = largest(width, height, count, pictures=pictures)
    shown.page.wait_for_function(
        """([count, side]) => {
            const maps = [...document.querySelectorAll("#maps .map")];
            return maps.length === count && maps.every(({ clientWidth, clientHeight }) =>
                Math.abs(clientWidth - side) <= 1 && clientHeight === clientWidth);
        }""",
        arg=[count, side],
    )
    boxes = [
        locator.bounding_box()
        for name in (("map", "picture") if pictures else ("map",))
        for locator in shown.page.locator(f"#maps .{name}").all()
    ]
    room = shown.page.locator("#room").bounding_box()
    for n, one in enumerate(boxes):  # all of them within the room, and none on another
        assert room["x"] <= one["x"]
        assert one["x"] + one["width"] <= room["x"] + width - 30
        assert one["y"] + one["height"] <= room["y"] + height
        for other in boxes[:n]:
            apart = max(abs(one["x"] - other["x"]) - one["width"], abs(one["y"] - other["y"]) - one["height"])
            assert apart >= -0.01
    shown.wait_for_figure(values)
    shown.page.wait_for_function("""() => {
        const { width, height } = document.querySelector("#maps .maps > div").layout;
        const box = document.querySelector("#maps .maps").getBoundingClientRect();
        return Math.abs(width - box.width) < 1 && Math.abs(height - box.height) < 1;
    }""")
    shown.page.mouse.move(*shown.place(count - 1, 2, 3))  # Plotly's maps lie where they are seen
    label = shown.page.locator("#maps .hoverlayer .hovertext")
    label.wait_for()
    assert f"channel {count - 1} · row 2, column 3" in (label.text_content() or "")
    shown.page.mouse.move(WIDTH + 100, HEIGHT + 200)
