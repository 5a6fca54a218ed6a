"""The cards of neurons in a real browser: pictures, scales, groups, marks, and what is hidden."""

import json
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gestures import box, choose, control, eventually, pixels_of
from playwright.sync_api import expect

from perturber.scene import Scene
from perturber.service import LookRequest, RankRequest, SlotRequest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LITE0 = "efficientnet_lite0"
STEM = "l1=conv_stem&p1=0&m2=efficientnet_lite1&l2=blocks.3.0&h2=1"
"""One slot without predictions, on the layer that is visualised fastest."""

FIRST = "#explore-slot-0"
SCALE = "(plot) => [plot.data[0].zmin, plot.data[0].zmax]"


def picture_sources(watched: Any) -> list[str]:
    images = watched.page.locator(f"{FIRST} .card .picture img:not([hidden])")
    return images.evaluate_all("(images) => images.map((image) => image.src)")


def wait_for_pictures(watched: Any, count: int, other_than: list[str] | None = None) -> list[str]:
    """The addresses of the cards' pictures, once they are finished."""
    watched.page.wait_for_function(
        f"""([count, old]) => {{
            const images = document.querySelectorAll('{FIRST} .card .picture img:not([hidden])');
            const sources = Array.from(images, (image) => image.src);
            return sources.length === count && sources.every((s) => s.includes('v=done') && !old.includes(s));
        }}""",
        arg=[count, other_than or []],
    )
    return picture_sources(watched)


def width_of_the_picture(watched: Any) -> int:
    return watched.page.locator(f"{FIRST} .card .picture img:not([hidden])").evaluate("(image) => image.naturalWidth")


def show_channels(watched: Any, text: str, slot: int = 0) -> None:
    field = watched.page.locator(control("channels", slot))
    field.fill(text)
    field.press("Enter")


def wait_for_channels(watched: Any, expected: list[int], slot: int = 0) -> None:
    watched.wait_for(f"shown.c{slot + 1} === given", ",".join(map(str, expected)))


def choose_group(watched: Any, label: str) -> None:
    choose(watched, control("group", 0), label)


def offered(watched: Any) -> list[str]:
    """What the menu of groups offers now."""
    menu = watched.page.locator(control("group", 0))
    menu.click()
    watched.page.locator(".dash-dropdown-content .dash-dropdown-option").first.wait_for()
    found = watched.page.locator(".dash-dropdown-content .dash-dropdown-option").all_inner_texts()
    watched.page.keyboard.press("Escape")
    expect(watched.page.locator(".dash-dropdown-content")).to_have_count(0)
    return found


def channels(watched: Any, slot: int = 0) -> list[int]:
    return [int(channel) for channel in watched.shown()[f"c{slot + 1}"].split(",")]


def ends(watched: Any, slot: int) -> float:
    """Where a slot's colours end, as the figure has it, and its label agrees."""
    frame = watched.page.locator(f"#explore-slot-{slot}")

    def scale() -> tuple[float, float]:
        low, high = frame.locator(".js-plotly-plot").evaluate(SCALE)
        label = float(frame.locator(".scale .high").inner_text())
        return abs(high / label - 1), abs(low + high)

    eventually(lambda: scale()[0] < 0.006 and scale()[1] < 1e-6)
    return frame.locator(".js-plotly-plot").evaluate(SCALE)[1]


def own_scales(site: Any, layer: str, **scene: Any) -> list[float]:
    """Four standard deviations of a layer of both models."""
    slots = tuple(SlotRequest(model=f"efficientnet_lite{n}", layer=layer, channels=(0,)) for n in (0, 1))
    looks = site.service.look(LookRequest(scene=Scene().replace(**scene), slots=slots)).slots
    return [4 * look.deviation for look in looks]


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_maps_lie_in_their_cards(opened: Open, size: tuple[int, int]) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&c1=0-7&c2=5,6,7&cards=none")
    page = watched.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.wait_for_timeout(600)
    for slot, count in ((0, 8), (1, 3)):
        frames = page.locator(f"#explore-slot-{slot} .card .map")
        assert frames.count() == count
        boxes = [frames.nth(n).bounding_box() for n in range(count)]
        for selector in (".heatmaplayer image", ".map canvas"):
            drawn = page.locator(f"#explore-slot-{slot} {selector}")
            assert drawn.count() == count
            for n, frame in enumerate(boxes):
                assert abs(frame["width"] - frame["height"]) <= 1
                place = drawn.nth(n).bounding_box()
                assert all(abs(place[key] - frame[key]) <= 2 for key in ("x", "y", "width", "height"))


@pytest.mark.slow
def test_feature_visualisations_come_stay_and_follow_the_options(opened: Open) -> None:
    watched = opened(f"/?{STEM}&c1=3,4&cards=none", fresh=True)  # no picture is there yet
    page = watched.page
    expect(page.locator(f"{FIRST} .card .picture")).to_have_count(0)
    choose(watched, control("cards"), "Visualisations")
    expect(page.locator(f"{FIRST} .card .picture")).to_have_count(2)
    first = wait_for_pictures(watched, 2)
    expect(page.locator(f"{FIRST} .making")).to_have_text("")
    assert (
        page.locator(f"{FIRST} .card img:not([hidden])")
        .first.get_attribute("title")
        .startswith("Feature visualisation of conv_stem:3, cut to what")
    )
    show_channels(watched, "3")
    wait_for_channels(watched, [3])
    assert wait_for_pictures(watched, 1) == first[:1]
    assert width_of_the_picture(watched) == 14  # what it sees

    page.reload()
    watched.settle()
    show_channels(watched, "4")  # a picture that is known is there at once
    wait_for_channels(watched, [4])
    assert wait_for_pictures(watched, 1) == first[1:]

    page.locator(".recipe summary").click()
    choose(watched, control("naive"), "Pixels (naive)")
    naive = wait_for_pictures(watched, 1, first)
    choose(watched, control("naive"), "Fourier coefficients")
    assert wait_for_pictures(watched, 1, naive) == first[1:]

    page.locator(f"{FIRST} .card .picture img").click()  # what there is of the neuron
    pictures = page.locator(".modal .enlarged figure")
    expect(pictures).to_have_text([re.compile(r"conv_stem:4"), re.compile(r"conv_stem:4, naive")])
    assert pictures.locator("img").evaluate_all("(all) => all.map((one) => one.naturalWidth)") == [14, 14]
    page.locator(".modal .btn-close").click()
    expect(pictures).to_have_count(0)
    choose(watched, control("objective"), "Objective: channel")
    channel = wait_for_pictures(watched, 1, first)
    choose(watched, control("variants"), "2 variants")
    wait_for_pictures(watched, 1, channel)
    assert width_of_the_picture(watched) == 260
    assert watched.query() == {
        **{"m1": LITE0, "l1": "conv_stem", "c1": "4", "p1": "0", "h2": "1"},
        **{"m2": "efficientnet_lite1", "l2": "blocks.3.0", "c2": "0,1,2,3,4,5,6,7"},
        **{"objective": "channel", "variants": "2"},
    }


def test_making_is_stopped_and_begun_again(opened: Open) -> None:
    stopped = ["/neurons/visualisation/"]  # what had been begun is gone when the browser asks for it
    watched = opened(f"/?{STEM}&c1=9&variants=6", expected_errors=stopped)
    making = watched.page.locator(f"{FIRST} .making")
    expect(making).to_have_attribute("title", "Stop making these feature visualisations")
    making.click()
    expect(making).to_have_text("make")
    expect(watched.page.locator(f"{FIRST} .card .nothing")).to_have_text("cancelled")
    making.click()
    expect(making).to_have_attribute("title", "Stop making these feature visualisations")
    making.click()
    expect(making).to_have_text("make")


def test_a_card_is_turned_over(opened: Open) -> None:
    """Nothing is indexed here: the card says so, asks for no picture, and shows its visualisation again."""
    watched = opened(f"/?{STEM}&c1=3")
    before = wait_for_pictures(watched, 1)
    card = watched.page.locator(f"{FIRST} .card")
    card.locator(".flip").click()
    expect(card.locator(".nothing")).to_have_text("no examples")
    assert f"perturber examples index FOLDER --model {LITE0}" in card.locator(".nothing").get_attribute("title")
    assert [url for url in watched.requests if "/neurons/examples/" in url] == []
    card.locator(".flip").click()
    assert wait_for_pictures(watched, 1) == before


def test_a_hidden_slot_uses_no_compute(opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none")
    page = watched.page
    asked: list[LookRequest] = []
    look = site.service.look
    monkeypatch.setattr(site.service, "look", lambda request: asked.append(request) or look(request))
    page.locator("#explore-slot-1 .hide").click()
    watched.wait_for("shown.h2 === '1'")
    page.locator("#explore-hue").fill("0.2")
    watched.wait_for("shown.hue === '0.2'")
    assert [slot.model for slot in asked[-1].slots] == [LITE0]
    expect(page.locator("#explore-slot-1 .predictions")).to_be_hidden()
    assert watched.query()["h2"] == "1"
    status = page.locator("#explore-status").inner_text()
    assert "Model 1" in status
    assert "Model 2" not in status
    page.locator("#explore-slot-1 .hide").click()
    watched.wait_for("!('h2' in shown)")
    expect(page.locator("#explore-slot-1 .heatmaplayer image").first).to_be_visible()
    expect(page.locator("#explore-slot-1 .bars .name")).to_have_count(5)


def test_the_edited_slot_is_empty_until_a_link_fills_it(opened: Open) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none")
    edited = watched.page.locator("#explore-slot-2")
    expect(edited.get_by_text("Empty until")).to_be_visible()
    expect(edited.locator(".hide")).to_have_count(0)
    assert "m3" not in watched.shown()
    watched = opened(f"/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none&m3={LITE0}&c3=1")
    edited = watched.page.locator("#explore-slot-2")
    assert channels(watched, 2) == [1]
    expect(edited.locator(".bars .name")).to_have_count(5)
    assert edited.evaluate("(e) => getComputedStyle(e).borderColor") == "rgb(242, 192, 55)"  # yellow
    assert watched.query()["m3"] == LITE0


def test_activation_normalisation(opened: Open, site: Any) -> None:
    watched = opened("/?m2=efficientnet_lite1&cards=none&l1=blocks.0.0&l2=blocks.0.0")
    page = watched.page
    own = own_scales(site, "blocks.0.0")
    assert own[0] != pytest.approx(own[1], rel=0.01)
    assert [ends(watched, n) for n in (0, 1)] == pytest.approx(own)

    box(watched, "boxes", "Shared").check()
    watched.wait_for("shown.shared === 'true'")
    assert [ends(watched, n) for n in (0, 1)] == pytest.approx([max(own)] * 2)
    slider = page.locator(f"{control('divisor')} [role=slider]")
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(np.log10(max(own)), abs=0.026)
    slider.press("End")
    for _ in range(5):  # half a unit each
        slider.press("PageDown")
    watched.wait_for("shown.divisor === '0.5'")
    for n in (0, 1):
        assert ends(watched, n) == pytest.approx(10**0.5)
        assert page.locator(f"#explore-slot-{n} .scale .high").inner_text() == "+3.16"
        assert page.locator(f"#explore-slot-{n} .scale .low").inner_text() == "−3.16"
    page.locator("#explore-hue").fill("0.2")  # the next picture has the same scale
    watched.wait_for("shown.hue === '0.2'")
    assert ends(watched, 0) == pytest.approx(10**0.5)
    assert watched.query()["divisor"] == "0.5"
    page.locator(control("four-sigma")).click()
    box(watched, "boxes", "Shared").uncheck()
    watched.wait_for("!('divisor' in shown) && !('shared' in shown)")
    assert [ends(watched, n) for n in (0, 1)] == pytest.approx(own_scales(site, "blocks.0.0", hue=0.2))


def test_an_answer_does_not_undo_what_was_moved_while_it_came(opened: Open) -> None:
    """A slider is moved just before an answer that would set it is shown: Dash has not yet told the page's script."""
    watched = opened("/?m2=none&cards=none&divisor=1")
    watched.page.evaluate(
        """(id) => document.querySelector("#explore").addEventListener("answer", ({ detail }) => {
            window.dash_clientside.set_props(id, { value: 2 });
            detail.props.push({ id, props: { value: 0.5 } });
        }, { capture: true, once: true })""",
        json.loads(control("divisor").removeprefix("[id='").removesuffix("']")),
    )
    watched.page.locator("#explore-hue").fill("0.2")
    watched.wait_for("shown.divisor === '2.0' && shown.hue === '0.2'")


def unit_at(watched: Any, slot: int, row: int, column: int, layer: Any) -> tuple[float, float]:
    """Where on the screen a unit of the slot's first map is."""
    place = watched.page.locator(f"#explore-slot-{slot} .card .map").first.bounding_box()
    return (
        place["x"] + (column + 0.5) / layer.width * place["width"],
        place["y"] + (row + 0.5) / layer.height * place["height"],
    )


def click_unit(watched: Any, slot: int, row: int, column: int, layer: Any) -> None:
    watched.page.locator(f"#explore-slot-{slot} .heatmaplayer image").first.wait_for()
    x, y = unit_at(watched, slot, row, column, layer)
    watched.page.mouse.move(x - 1, y)
    watched.page.mouse.move(x, y)
    watched.page.mouse.click(x, y)


@pytest.mark.parametrize(("slot", "row", "column"), [(0, 4, 9), (1, 0, 13)])
def test_a_click_shows_what_a_unit_sees(opened: Open, site: Any, slot: int, row: int, column: int) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none&c1=3,4&c2=3")
    page = watched.page
    info = site.service.model(f"efficientnet_lite{slot}")
    layer = info.layers[info.default_layer]
    field = page.locator(".input .field")
    expect(field).to_be_hidden()
    click_unit(watched, slot, row, column, layer)
    expect(field).to_be_visible()
    top, left, bottom, right = (min(max(v, 0), info.input_size) for v in layer.field.box(row, column))
    share = 224 / info.input_size
    place, picture = field.bounding_box(), page.locator("#explore-input").bounding_box()
    assert place["x"] - picture["x"] == pytest.approx(left * share, abs=1)
    assert place["y"] - picture["y"] == pytest.approx(top * share, abs=1)
    assert place["width"] == pytest.approx((right - left) * share, abs=1)
    assert place["height"] == pytest.approx((bottom - top) * share, abs=1)
    assert f":3, row {row}, column {column} sees" in page.locator(".about-input").inner_text()
    page.locator("#explore-hue").fill("0.2")  # stays with another picture
    watched.wait_for("shown.hue === '0.2'")
    expect(field).to_be_visible()
    page.wait_for_timeout(400)  # a second click is no double click
    click_unit(watched, slot, row, column, layer)
    expect(field).to_be_hidden()
    assert "Exactly what the networks see" in page.locator(".about-input").inner_text()


def test_a_mark_goes_with_its_layer(opened: Open, site: Any) -> None:
    """Row 100 of one layer is nowhere in another."""
    watched = opened("/?m2=efficientnet_lite1&l2=blocks.3.0&cards=none&l1=conv_stem&c1=3")
    layer = site.service.model(LITE0).layers["conv_stem"]
    click_unit(watched, 0, 100, 100, layer)
    expect(watched.page.locator(".input .field")).to_be_visible()
    choose(watched, control("layer", 0), "blocks.6.0  ·")
    watched.wait_for("shown.l1 === 'blocks.6.0'")
    expect(watched.page.locator(".input .field")).to_be_hidden()


def test_an_overlay_has_the_maps_colours(opened: Open, site: Any) -> None:
    watched = opened("/?l1=blocks.3.0&cards=none&c1=5,6&overlay=true&h2=1")
    page = watched.page
    overlay = page.locator(".input .overlay")
    expect(overlay).to_be_visible()
    rgba = pixels_of(overlay.get_attribute("src")).astype(int)
    info = site.service.model(LITE0)
    slots = (SlotRequest(model=LITE0, layer=info.default_layer, channels=(5,), predictions=False),)
    values = site.service.look(LookRequest(scene=Scene(), slots=slots)).slots[0].activations[0]
    assert rgba.shape[:2] == values.shape
    strong = np.abs(values) > 0.3 * np.abs(values).max()
    red = rgba[..., 0] > rgba[..., 2]
    np.testing.assert_array_equal(red[strong], values[strong] > 0)
    assert rgba[..., 3][strong].min() > rgba[..., 3][np.abs(values) < 0.02 * np.abs(values).max()].max(initial=0)
    picture, over = page.locator("#explore-input").bounding_box(), overlay.bounding_box()
    assert [over[side] for side in ("x", "y", "width", "height")] == pytest.approx(
        [picture[side] for side in ("x", "y", "width", "height")], abs=1
    )
    page.locator(f"{FIRST} .hide").click()  # no map, no overlay
    watched.wait_for("shown.h1 === '1'")
    expect(overlay).to_be_hidden()


def test_groups_that_are_computed(opened: Open, site: Any) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none&yaw=20")
    page = watched.page
    layer = site.service.model(LITE0).default_layer
    scene = Scene().replace(yaw=20)

    def expect_ranked(by: Any, **more: Any) -> None:
        request = RankRequest(by=by, scene=scene, model=LITE0, layer=layer, **more)
        wait_for_channels(watched, list(site.service.rank(request).channels))

    choose_group(watched, "Most active here")
    expect_ranked("active")
    labels = page.locator(f"{FIRST} .card .label span")
    expect(labels).to_have_text([str(c) for c in channels(watched)])
    expect(page.locator(control("channels", 0))).to_have_value(", ".join(map(str, channels(watched))))
    choose_group(watched, "Most relevant for the top class")
    expect_ranked("relevant")
    page.locator(control("group", 0)).click()
    changed = page.locator(".dash-dropdown-option", has_text="Changed most since the reference")
    expect(changed.locator("input")).to_be_disabled()
    page.keyboard.press("Escape")
    page.locator(".reference").click()
    expect(page.locator(".reference")).to_have_text("Reference ✓")
    page.locator("#explore-hue").fill("0.25")
    watched.wait_for("shown.hue === '0.25'")
    scene, reference = scene.replace(hue=0.25), scene
    choose_group(watched, "Changed most since the reference")
    expect_ranked("changed", reference=reference)


def test_a_group_is_kept_chosen_again_paged_and_removed(opened: Open, site: Any) -> None:
    watched = opened("/?m2=efficientnet_lite1&l2=blocks.3.0&cards=none&l1=blocks.1.0&c1=2,9")
    page = watched.page
    choose_group(watched, "Keep these channels")
    page.get_by_label("Name of the group").fill("My: pair")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    show_channels(watched, "1")
    wait_for_channels(watched, [1])
    choose_group(watched, "My: pair (2)")
    wait_for_channels(watched, [2, 9])

    long = [20, 3, 5, 7, 11, 13, 17, 19, 0, 2, 23]
    path = site.service.settings.data / "groups.json"  # somebody else keeps one
    path.write_text(
        json.dumps({LITE0: {"blocks.1.0": {**json.loads(path.read_text())[LITE0]["blocks.1.0"], "Long": long}}})
    )
    page.reload()
    watched.settle()
    choose_group(watched, "Long (11)")
    wait_for_channels(watched, long[:8])
    for button, expected in (("on", long[8:] + long[:5]), ("on", long[5:] + long[:2]), ("back", long[8:] + long[:5])):
        page.locator(control(button, 0)).click()
        wait_for_channels(watched, expected)
        expect(page.locator(control("channels", 0))).to_have_value(", ".join(map(str, expected)))
    page.locator(control("count", 0)).fill("2")
    wait_for_channels(watched, [0, 2])
    page.locator(control("on", 0)).click()
    wait_for_channels(watched, [23, 20])

    for name in ("My: pair", "Long"):
        choose_group(watched, f"Remove “{name}”")
        eventually(lambda name=name: f"Remove “{name}”" not in offered(watched))


def test_a_group_needs_a_name(opened: Open, site: Any) -> None:
    watched = opened("/?m2=efficientnet_lite1&l2=blocks.3.0&cards=none&l1=blocks.1.0&c1=2,9")
    choose_group(watched, "Keep these channels")
    dialog = watched.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Keep 2 channels of blocks.1.0 as a group")
    dialog.get_by_role("button", name="Keep", exact=True).click()
    expect(dialog.get_by_role("alert")).to_contain_text("1 to 60 characters")
    dialog.get_by_label("Close").click()
    expect(dialog).to_have_count(0)


def test_cards_belong_to_the_map_that_is_drawn(opened: Open, site: Any) -> None:
    """Before a slow service: the answer to the old question has the old question's labels."""
    watched = opened("/?l1=blocks.3.0&cards=none&h2=1&c1=0-7")
    page = watched.page
    page.evaluate(
        """() => {
            window.mixed = [];
            window.seen = new Set();
            const frame = document.querySelector('#explore-slot-0');
            const note = () => {
                const labels = Array.from(frame.querySelectorAll('.card .label span'), (e) => e.textContent);
                const painted = [...frame.querySelectorAll('.map canvas')].map((canvas) => canvas.width);
                window.seen.add(labels.join());
                if (painted.length !== labels.length || painted.some((width) => width !== 14))
                    window.mixed.push([labels, painted]);
                requestAnimationFrame(note);
            };
            requestAnimationFrame(note);
        }"""
    )
    site.engine.delay = 0.4
    for text in ("1", "2,3", "4-7"):
        show_channels(watched, text)
        page.wait_for_timeout(150)
    wait_for_channels(watched, [4, 5, 6, 7])
    expect(page.locator(f"{FIRST} .card .label span")).to_have_text(["4", "5", "6", "7"])
    assert page.evaluate("window.mixed") == []
    assert page.evaluate("[...window.seen]")[0] == "0,1,2,3,4,5,6,7"


CLICKABLE = """(plot) => plot.calcdata.map(([first, ...points]) => {
    const { xaxis, yaxis } = plot._fullLayout;
    const { left, top } = plot.getBoundingClientRect();
    const place = (p) => ({ x: left + xaxis._offset + xaxis.l2p(p.x), y: top + yaxis._offset + yaxis.l2p(p.y) });
    return [first, ...points].map((p) => ({ ...place(p), channel: p.data }));
})"""
"""Where the points of each line are on the screen."""


def test_all_channels_put_one_into_the_view(opened: Open, site: Any) -> None:
    watched = opened("/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none&c1=0-7&c2=1")
    page = watched.page
    tabs = page.locator(control("drawer"))
    plot = page.locator(".drawer .plot .js-plotly-plot")
    lines = page.locator(".drawer .plot .scatterlayer .trace")
    for label, count in (("All channels", 2), ("Figures: none", None), ("All channels", 2)):
        tabs.get_by_text(label).click()
        if count is None:
            expect(plot).to_be_hidden()
        else:
            expect(lines).to_have_count(count)
    info = site.service.model(LITE0)
    slots = (SlotRequest(model=LITE0, layer=info.default_layer, channels=(0,), summary=True, predictions=False),)
    expected_means = site.service.look(LookRequest(scene=Scene(), slots=slots)).slots[0].means
    name, means = plot.evaluate("({ data, calcdata }) => [data[0].name, calcdata[0].map((point) => point.y)]")
    assert name == f"Model 1 · {info.default_layer}"
    np.testing.assert_allclose(means, np.sort(expected_means)[::-1], atol=1e-5)
    for slot, before in ((0, [0, 1, 2, 3, 4, 5, 6]), (1, [1])):
        points = plot.evaluate(CLICKABLE)[slot]
        point = next(p for p in points if p["channel"] > 7)  # one that is not shown yet
        page.mouse.move(point["x"] - 2, point["y"])
        page.mouse.move(point["x"], point["y"])
        hover = page.locator(".drawer .hoverlayer .hovertext", has_text="channel").first
        channel = int(re.findall(r"channel (\d+)", hover.text_content())[0])
        page.mouse.click(point["x"], point["y"])
        wait_for_channels(watched, [*before, channel], slot)
    tabs.get_by_text("Figures: none").click()
    watched.wait_for("!('summary' in shown)")


def test_a_link_restores_how_things_are_shown(opened: Open) -> None:
    link = (
        "/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=none&divisor=-0.35&overlay=true&naive=true"
        "&objective=channel&variants=3&h1=1&shared=true"
    )
    watched = opened(link)
    page = watched.page
    expect(page.locator(control("cards"))).to_have_text("Maps only")
    slider = page.locator(f"{control('divisor')} [role=slider]")
    assert float(slider.get_attribute("aria-valuenow")) == pytest.approx(-0.35)
    page.locator(".recipe summary").click()
    for name, words in (("objective", "Objective: channel"), ("variants", "3 variants"), ("naive", "Pixels (naive)")):
        expect(page.locator(control(name))).to_have_text(words)
    for label in ("Overlay", "Shared"):
        expect(box(watched, "boxes", label)).to_be_checked()
    assert ends(watched, 1) == pytest.approx(10**-0.35)
    expect(page.locator(f"{FIRST} .predictions")).to_be_hidden()
    page.locator(f"{FIRST} .hide").click()
    watched.wait_for("!('h1' in shown)")
    query = watched.query()
    assert {key: query[key] for key in ("cards", "divisor", "overlay", "naive", "objective", "variants", "shared")} == {
        "cards": "none", "divisor": "-0.35", "overlay": "true", "naive": "true", "objective": "channel",
        "variants": "3", "shared": "true",
    }  # fmt: skip


def test_wrong_options_of_a_link_are_named(opened: Open) -> None:
    watched = opened(
        "/?l1=blocks.3.0&m2=efficientnet_lite1&l2=blocks.3.0&cards=all&variants=7&divisor=x&pinned=5000&hue=0.1"
    )
    problems = watched.page.locator("#explore-problems p").all_inner_texts()
    assert len(problems) == 4
    for said in ("visualisation, examples, none", "1 to 6", "-3 to 3", "0 to 999"):
        assert any(said in problem for problem in problems)
    assert watched.shown()["hue"] == "0.1"
    expect(watched.page.locator(f"{FIRST} .bars .name")).to_have_count(5)
