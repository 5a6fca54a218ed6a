"""The cards of neurons in a real browser: pictures, scales, groups, marks, and what is hidden."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gestures import part

from perturber.scene import Scene
from perturber.service import LookRequest, RankRequest, SlotRequest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LITE0 = "efficientnet_lite0"
STEM = "l1=conv_stem&p1=0&h2=1"
"""One slot without predictions, on the layer that is visualised fastest."""

FIRST = "#explore-slot-0"


def sent(watched: Any, path: str) -> list[dict[str, Any]]:
    """Keeps what the page asks an address for from now on."""
    bodies: list[dict[str, Any]] = []
    watched.page.on("request", lambda r: r.url.endswith(path) and bodies.append(json.loads(r.post_data)))
    return bodies


def plot(watched: Any, slot: int, expression: str) -> Any:
    return watched.page.evaluate(
        f"() => {{ const plot = document.querySelector('#explore-slot-{slot} .js-plotly-plot'); return {expression}; }}"
    )


def picture_sources(watched: Any) -> list[str]:
    images = watched.page.locator(f"{FIRST} .card .picture img")
    return images.evaluate_all("(images) => images.map((image) => image.src)")


def wait_for_pictures(watched: Any, count: int, other_than: list[str] | None = None) -> list[str]:
    """The addresses of the cards' pictures, once they are finished."""
    watched.page.wait_for_function(
        f"""([count, old]) => {{
            const sources = Array.from(document.querySelectorAll('{FIRST} .card .picture img'), (i) => i.src);
            return sources.length === count && sources.every((s) => s.endsWith('v=done') && !old.includes(s));
        }}""",
        arg=[count, other_than or []],
    )
    return picture_sources(watched)


def show_channels(watched: Any, text: str, slot: int = 0) -> None:
    field = watched.page.locator(part("channels", slot))
    field.fill(text)
    field.press("Enter")


def choose_group(watched: Any, value: str) -> None:
    menu = watched.page.locator(f"{FIRST} .groups-menu select")
    menu.focus()
    menu.select_option(value)


def channels(watched: Any, slot: int = 0) -> list[int]:
    return watched.shown()["slots"][slot]["channels"]


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_maps_lie_in_their_cards(opened: Open, size: tuple[int, int]) -> None:
    watched = opened("/?c1=0-7&c2=5,6,7&cards=none")
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(300)
    for slot, count in ((0, 8), (1, 3)):
        frames = page.locator(f"#explore-slot-{slot} .card .map")
        assert frames.count() == count
        strip = page.locator(f"#explore-slot-{slot} .heatmaplayer image").bounding_box()
        boxes = [frames.nth(n).bounding_box() for n in range(count)]
        pitch = (strip["width"] + boxes[0]["width"] * 0.2) / count  # about: maps of 14 cells, gaps of three
        for n, box in enumerate(boxes):
            assert abs(box["y"] - strip["y"]) <= 2
            assert abs(box["height"] - strip["height"]) <= 2
            assert abs(box["width"] - box["height"]) <= 1
            assert abs(box["x"] - strip["x"] - n * pitch) <= 3
        assert abs(boxes[0]["x"] - strip["x"]) <= 2
        assert abs(boxes[-1]["x"] + boxes[-1]["width"] - strip["x"] - strip["width"]) <= 2


def test_feature_visualisations_come_stay_and_follow_the_options(opened: Open) -> None:
    watched = opened(f"/?{STEM}&c1=3,4&cards=none", fresh=True)  # no picture is there yet
    page = watched.page
    asked = sent(watched, "/neurons/visualisations")
    page.locator("#explore-cards").select_option("visualisation")
    page.wait_for_function(f"() => document.querySelectorAll('{FIRST} .card .picture').length === 2")
    first = wait_for_pictures(watched, 2)
    assert asked[0]["items"][0] == {"model": LITE0, "layer": "conv_stem", "numbers": [3, 4]}
    assert page.locator(f"{FIRST} .making").inner_text() == ""
    assert page.evaluate(f"() => document.querySelector('{FIRST} .card .picture img').naturalWidth") == 128

    page.reload()
    watched.settle()
    assert wait_for_pictures(watched, 2) == first

    show_channels(watched, "4")  # a picture that is known is there at once, without another question
    watched.wait_for("shown.slots[0].channels.join() === '4'")
    assert wait_for_pictures(watched, 1) == first[1:]

    page.locator(".recipe summary").click()
    page.locator("#explore-naive").check()
    naive = wait_for_pictures(watched, 1, first)
    page.locator("#explore-naive").uncheck()
    assert wait_for_pictures(watched, 1, naive) == first[1:]
    page.locator("#explore-objective").select_option("channel")
    channel = wait_for_pictures(watched, 1, first)
    page.locator("#explore-variants").select_option("2")
    wait_for_pictures(watched, 1, channel)
    assert page.evaluate(f"() => document.querySelector('{FIRST} .card .picture img').naturalWidth") == 260
    assert watched.query() == {
        **{"m1": LITE0, "l1": "conv_stem", "c1": "4", "p1": "0", "h2": "1"},
        **{"m2": "efficientnet_lite1", "l2": "blocks.3.0", "c2": "0,1,2,3,4,5,6,7"},
        **{"objective": "channel", "variants": "2"},
    }


def test_making_is_stopped_and_begun_again(opened: Open) -> None:
    watched = opened(f"/?{STEM}&c1=9&variants=6")
    making = watched.page.locator(f"{FIRST} .making")
    making.get_by_title("Stop making").click()
    making.get_by_text("make", exact=True).wait_for()
    assert watched.page.locator(f"{FIRST} .card .nothing").inner_text() == "cancelled"
    making.get_by_text("make", exact=True).click()
    making.get_by_title("Stop making").click()
    making.get_by_text("make", exact=True).wait_for()


def test_a_card_is_turned_over(opened: Open) -> None:
    """Nothing is indexed here: the card says so, asks once, and shows its visualisation again."""
    watched = opened(f"/?{STEM}&c1=3", expected_errors=["404"])
    before = wait_for_pictures(watched, 1)
    card = watched.page.locator(f"{FIRST} .card")
    card.locator(".flip").click()
    card.get_by_text("no examples").wait_for()
    assert f"perturber examples index FOLDER --model {LITE0}" in card.locator(".nothing").get_attribute("title")
    watched.page.wait_for_timeout(800)
    asked = [url for url in watched.requests if "/neurons/examples/" in url]
    assert len(asked) == 2  # the picture, and the sentence that says why there is none
    card.locator(".flip").click()
    assert wait_for_pictures(watched, 1) == before


def test_a_hidden_slot_costs_nothing(opened: Open) -> None:
    watched = opened("/?cards=none")
    page = watched.page
    looks = sent(watched, "/explore/look")
    page.locator("#explore-slot-1 .hide").click()
    watched.wait_for("shown.slots[1].hidden")
    assert looks[-1]["slots"][1]["hidden"] is True
    assert not page.locator("#explore-slot-1 .predictions").is_visible()
    assert page.evaluate("() => window.perturber.page.displayed.answer.slots[1]") is None
    assert watched.query()["h2"] == "1"
    before = page.locator("#explore-status").inner_text()
    assert "Model 1" in before
    assert "Model 2" not in before
    page.locator("#explore-slot-1 .hide").click()
    watched.wait_for("!shown.slots[1].hidden")
    assert page.locator("#explore-slot-1 .heatmaplayer image").is_visible()
    assert page.locator("#explore-slot-1 .bars .name").count() == 5


def test_the_edited_slot_is_empty_until_a_link_fills_it(opened: Open) -> None:
    watched = opened("/?cards=none")
    edited = watched.page.locator("#explore-slot-2")
    assert edited.get_by_text("Empty until").is_visible()
    assert not edited.locator(".hide").is_visible()
    assert watched.shown()["slots"][2] is None
    watched = opened(f"/?cards=none&m3={LITE0}&c3=1")
    edited = watched.page.locator("#explore-slot-2")
    assert watched.shown()["slots"][2]["channels"] == [1]
    assert edited.locator(".bars .name").count() == 5
    assert edited.evaluate("(e) => getComputedStyle(e).borderColor") == "rgb(242, 192, 55)"  # yellow
    assert watched.query()["m3"] == LITE0


def test_activation_normalisation(opened: Open) -> None:
    watched = opened("/?cards=none&l1=blocks.0.0")
    page = watched.page
    own = [plot(watched, n, "plot.data[0].zmax") for n in (0, 1)]
    scales = page.evaluate("() => window.perturber.page.displayed.answer.slots.map((s) => s && s.scale)")
    assert own == pytest.approx(scales[:2])
    assert own[0] != pytest.approx(own[1], rel=0.01)

    page.locator("#explore-shared").check()
    assert [plot(watched, n, "plot.data[0].zmax") for n in (0, 1)] == pytest.approx([max(own)] * 2)
    page.locator("#explore-divisor").fill("0.5")
    for n in (0, 1):
        assert plot(watched, n, "[plot.data[0].zmin, plot.data[0].zmax]") == pytest.approx([-(10**0.5), 10**0.5])
        assert page.locator(f"#explore-slot-{n} .scale .high").inner_text() == "+3.16"
        assert page.locator(f"#explore-slot-{n} .scale .low").inner_text() == "−3.16"
    page.locator("#explore-hue").fill("0.2")  # the next picture has the same scale
    watched.wait_for("shown.scene.hue === 0.2")
    assert plot(watched, 0, "plot.data[0].zmax") == pytest.approx(10**0.5)
    assert watched.query()["divisor"] == "0.5"
    page.get_by_text("4 σ").click()
    page.locator("#explore-shared").uncheck()
    scales = page.evaluate("() => window.perturber.page.displayed.answer.slots.map((s) => s && s.scale)")
    assert [plot(watched, n, "plot.data[0].zmax") for n in (0, 1)] == pytest.approx(scales[:2])
    assert not {"divisor", "shared"} & set(watched.query())


def unit_at(watched: Any, slot: int, row: int, column: int, layer: Any) -> tuple[float, float]:
    """Where on the screen a unit of the slot's first map is."""
    box = watched.page.locator(f"#explore-slot-{slot} .card .map").first.bounding_box()
    x = box["x"] + (column + 0.5) / layer.width * box["width"]
    return x, box["y"] + (row + 0.5) / layer.height * box["height"]


@pytest.mark.parametrize(("slot", "row", "column"), [(0, 4, 9), (1, 0, 13)])
def test_a_click_shows_what_a_unit_sees(opened: Open, site: Any, slot: int, row: int, column: int) -> None:
    watched = opened("/?cards=none&c1=3,4&c2=3")
    page = watched.page
    info = site.service.model(f"efficientnet_lite{slot}")
    layer = info.layers[info.default_layer]
    field = page.locator(".input .field")
    assert not field.is_visible()
    page.mouse.click(*unit_at(watched, slot, row, column, layer))
    field.wait_for()
    top, left, bottom, right = (min(max(v, 0), info.input_size) for v in layer.field.box(row, column))
    share = 224 / info.input_size
    box, picture = field.bounding_box(), page.locator("#explore-input").bounding_box()
    assert box["x"] - picture["x"] == pytest.approx(left * share, abs=1)
    assert box["y"] - picture["y"] == pytest.approx(top * share, abs=1)
    assert box["width"] == pytest.approx((right - left) * share, abs=1)
    assert box["height"] == pytest.approx((bottom - top) * share, abs=1)
    assert f":3, row {row}, column {column} sees" in page.locator(".about-input").inner_text()
    page.locator("#explore-hue").fill("0.2")  # stays with another picture
    watched.wait_for("shown.scene.hue === 0.2")
    assert field.is_visible()
    page.mouse.click(*unit_at(watched, slot, row, column, layer))
    field.wait_for(state="hidden")
    assert "Exactly what the networks see" in page.locator(".about-input").inner_text()


def test_a_mark_goes_with_its_layer(opened: Open, site: Any) -> None:
    """Row 100 of one layer is nowhere in another."""
    watched = opened("/?cards=none&l1=conv_stem&c1=3")
    layer = site.service.model(LITE0).layers["conv_stem"]
    watched.page.mouse.click(*unit_at(watched, 0, 100, 100, layer))
    watched.page.locator(".input .field").wait_for()
    watched.page.locator(part("layer", 0)).click()
    option = watched.page.locator(".dash-dropdown-content .dash-dropdown-option", has_text="blocks.6.0  ·").first
    option.click()
    watched.wait_for("shown.slots[0].layer === 'blocks.6.0'")
    assert not watched.page.locator(".input .field").is_visible()


def test_an_overlay_has_the_maps_colours(opened: Open, site: Any) -> None:
    watched = opened("/?cards=none&c1=5,6&overlay=true&h2=1")
    page = watched.page
    colours = np.array(
        page.evaluate(
            """() => {
                const canvas = document.querySelector('.input .overlay');
                const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
                return [canvas.width, canvas.height, ...data];
            }"""
        )
    )
    width, height = colours[:2]
    rgba = colours[2:].reshape(height, width, 4)
    info = site.service.model(LITE0)
    slots = (SlotRequest(model=LITE0, layer=info.default_layer, channels=(5,), predictions=False),)
    values = site.service.look(LookRequest(scene=Scene(), slots=slots)).slots[0].activations[0]
    assert rgba.shape[:2] == values.shape
    strong = np.abs(values) > 0.3 * np.abs(values).max()
    red = rgba[..., 0] > rgba[..., 2]
    np.testing.assert_array_equal(red[strong], values[strong] > 0)
    assert rgba[..., 3][strong].min() > rgba[..., 3][np.abs(values) < 0.02 * np.abs(values).max()].max(initial=0)
    page.locator(f"{FIRST} .hide").click()  # no map, no overlay
    watched.wait_for("shown.slots[0].hidden")
    assert not page.locator(".input .overlay").is_visible()


def test_groups_that_are_computed(opened: Open, site: Any) -> None:
    watched = opened("/?cards=none&yaw=20")
    page = watched.page
    layer = site.service.model(LITE0).default_layer
    scene = Scene().replace(yaw=20)

    def expect(by: Any, **more: Any) -> None:
        request = RankRequest(by=by, scene=scene, model=LITE0, layer=layer, **more)
        watched.wait_for("String(shown.slots[0].channels) === String(given)", list(site.service.rank(request).channels))

    choose_group(watched, "active")
    expect("active")
    assert page.locator(f"{FIRST} .card .label span").all_text_contents() == [str(c) for c in channels(watched)]
    choose_group(watched, "relevant")
    expect("relevant")
    menu = page.locator(f"{FIRST} .groups-menu select")
    menu.focus()
    assert menu.locator("option[value=changed]").is_disabled()
    page.locator(".reference").click()
    page.locator("#explore-hue").fill("0.25")
    watched.wait_for("shown.scene.hue === 0.25")
    scene, reference = scene.replace(hue=0.25), scene
    choose_group(watched, "changed")
    expect("changed", reference=reference)


def test_a_group_is_kept_chosen_again_paged_and_removed(opened: Open, site: Any) -> None:
    watched = opened("/?cards=none&l1=blocks.1.0&c1=2,9")
    page = watched.page
    choose_group(watched, "keep")
    page.get_by_label("Name of the group").fill("My: pair")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_function("() => document.querySelector('#explore-slot-0 option[value=\"own:My: pair\"]')")
    show_channels(watched, "1")
    watched.wait_for("shown.slots[0].channels.join() === '1'")
    choose_group(watched, "own:My: pair")
    watched.wait_for("shown.slots[0].channels.join() === '2,9'")

    long = [20, 3, 5, 7, 11, 13, 17, 19, 0, 2, 23]
    address = f"/neurons/groups/{LITE0}/blocks.1.0"
    site.app.server.test_client().post(address, json={"name": "Long", "channels": long})
    page.reload()
    watched.settle()
    page.wait_for_function("() => document.querySelector('#explore-slot-0 option[value=\"own:Long\"]')")
    choose_group(watched, "own:Long")
    watched.wait_for("shown.slots[0].channels.join() === given", ",".join(map(str, long[:8])))
    for button, expected in (("on", long[8:] + long[:5]), ("on", long[5:] + long[:2]), ("back", long[8:] + long[:5])):
        page.locator(part(button, 0)).click()
        watched.wait_for("shown.slots[0].channels.join() === given", ",".join(map(str, expected)))
        assert page.locator(part("channels", 0)).input_value() == ", ".join(map(str, expected))
    page.locator(part("count", 0)).fill("2")
    watched.wait_for("shown.slots[0].channels.length === 2")
    page.locator(part("on", 0)).click()
    watched.wait_for("shown.slots[0].channels.join() === given", "23,20")

    for name in ("My: pair", "Long"):
        choose_group(watched, f"drop:{name}")
        page.wait_for_function(
            "(value) => !document.querySelector(`#explore-slot-0 option[value='${value}']`)", arg=f"own:{name}"
        )


def test_cards_belong_to_the_map_that_is_drawn(opened: Open, site: Any) -> None:
    """Before a slow service: the answer to the old question has the old question's labels."""
    watched = opened("/?cards=none&h2=1&c1=0-7")
    page = watched.page
    page.evaluate(
        """() => {
            window.mixed = [];
            const note = () => {
                const { page } = window.perturber;
                const frame = document.querySelector('#explore-slot-0');
                const labels = Array.from(frame.querySelectorAll('.card .label span'), (e) => e.textContent);
                const shown = page.displayed.state.slots[0].channels;
                const columns = frame.querySelector('.js-plotly-plot').data[0].z[0].length;
                if (labels.join() !== shown.join() || columns !== 17 * shown.length - 3)
                    window.mixed.push([labels, shown, columns]);
                requestAnimationFrame(note);
            };
            requestAnimationFrame(note);
        }"""
    )
    site.engine.delay = 0.4
    for text in ("1", "2,3", "4-7"):
        show_channels(watched, text)
        page.wait_for_timeout(150)
    watched.wait_for("shown.slots[0].channels.join() === '4,5,6,7'")
    assert page.evaluate("window.mixed") == []


def test_the_summary_puts_a_channel_into_the_view(opened: Open, site: Any) -> None:
    watched = opened("/?cards=none&c1=0-7&c2=1")
    page = watched.page
    tab = page.get_by_role("button", name="All channels of the layers")
    lines = "() => document.querySelectorAll('.drawer .plot .scatterlayer .trace').length"
    for count in (2, 0, 2):  # it listens after it was closed and opened, too
        tab.click()
        page.wait_for_function(f"{lines} === {count}")
    name, means = page.evaluate(
        """() => {
            const { data, calcdata } = document.querySelector('.drawer .plot');
            return [data[0].name, calcdata[0].map((point) => point.y)];
        }"""
    )
    info = site.service.model(LITE0)
    slots = (SlotRequest(model=LITE0, layer=info.default_layer, channels=(0,), summary=True, predictions=False),)
    expected_means = site.service.look(LookRequest(scene=Scene(), slots=slots)).slots[0].means
    assert name == f"Model 1 · {info.default_layer}"
    np.testing.assert_allclose(means, np.sort(expected_means)[::-1], atol=1e-5)
    page.evaluate(
        """() => {
            const plot = document.querySelector('.drawer .plot');
            plot.emit('plotly_click', { points: [{ data: plot.data[0], customdata: 33 }] });
            plot.emit('plotly_click', { points: [{ data: plot.data[1], customdata: 44 }] });
        }"""
    )
    watched.wait_for("[0, 1].map((n) => shown.slots[n].channels.at(-1)).join() === '33,44'")
    assert channels(watched) == [0, 1, 2, 3, 4, 5, 6, 33]
    assert channels(watched, 1) == [1, 44]
    page.get_by_role("link", name="Help").click()  # and goes in peace
    page.locator("table").wait_for()
    page.wait_for_timeout(200)


def test_a_link_restores_how_things_are_shown(opened: Open) -> None:
    link = "/?cards=none&divisor=-0.35&overlay=true&naive=true&objective=channel&variants=3&h1=1&shared=true"
    watched = opened(link)
    page = watched.page
    assert page.locator("#explore-cards").input_value() == "none"
    assert page.locator("#explore-divisor").input_value() == "-0.35"
    assert page.locator("#explore-objective").input_value() == "channel"
    assert page.locator("#explore-variants").input_value() == "3"
    for box in ("overlay", "naive", "shared"):
        assert page.locator(f"#explore-{box}").is_checked()
    assert plot(watched, 1, "plot.data[0].zmax") == pytest.approx(10**-0.35)
    assert not page.locator(f"{FIRST} .predictions").is_visible()
    page.locator(f"{FIRST} .hide").click()
    watched.wait_for("!shown.slots[0].hidden")
    query = watched.query()
    assert {key: query[key] for key in ("cards", "divisor", "overlay", "naive", "objective", "variants", "shared")} == {
        "cards": "none", "divisor": "-0.35", "overlay": "true", "naive": "true", "objective": "channel",
        "variants": "3", "shared": "true",
    }  # fmt: skip


def test_wrong_options_of_a_link_are_named(opened: Open) -> None:
    watched = opened("/?cards=all&variants=7&divisor=x&pinned=5000&hue=0.1")
    problems = watched.page.locator("#explore-problems p").all_inner_texts()
    assert len(problems) == 4
    for said in ("visualisation, examples, none", "1 to 6", "-3 to 3", "0 to 999"):
        assert any(said in problem for problem in problems)
    assert watched.shown()["scene"] == {"hue": 0.1}
    assert watched.page.locator(f"{FIRST} .bars .name").count() == 5
