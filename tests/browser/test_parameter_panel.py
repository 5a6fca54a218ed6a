"""The parameter panel: what its controls say, and what they show of what comes from elsewhere."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from dash import html
from playwright.sync_api import Browser, Locator, expect
from small_app import OnPage, served

from perturber.parameters import GROUPS, PARAMETERS, Number
from perturber.scene import Scene
from perturber.ui.components.parameter_panel import parameter_panel

pytestmark = pytest.mark.browser

START = Scene().as_dict()
PROBLEM = "Yaw (yaw) cannot be 'abc'. Allowed: a number from -180 to 180°."
ROOM = {"width": 540, "height": 1600, "display": "flex", "flexDirection": "column"}


class Shown(OnPage):
    """The component on its page."""

    def take(self, **properties: Any) -> None:
        """From the server, or from a drag of the camera."""
        self.page.evaluate("(given) => dash_clientside.set_props('explore-panel', given)", properties)

    def value(self) -> dict[str, Any]:
        return json.loads(self.page.locator("#heard").text_content() or "[{}]")[0]

    def wait_for(self, **values: Any) -> None:
        self.page.wait_for_function(
            """(wanted) => {
                const value = JSON.parse(document.querySelector("#heard").textContent)[0];
                return Object.entries(wanted).every(([key, own]) => value[key] === own);
            }""",
            arg=values,
        )

    def wait_for_added(self, kind: str, count: int) -> None:
        self.page.wait_for_function(
            """([kind, count]) => {
                const added = JSON.parse(document.querySelector("#heard").textContent)[1];
                return added && added.kind === kind && added.count === count;
            }""",
            arg=[kind, count],
        )

    def control(self, key: str) -> Locator:
        return self.page.locator(f"#explore-{key}")

    def row(self, key: str) -> Locator:
        return self.page.locator(f"#explore-panel [data-key={key}]")

    def field(self, key: str) -> Locator:
        return self.row(key).get_by_label(f"{PARAMETERS[key].label}, value", exact=True)

    def group(self, name: str) -> Locator:
        return self.page.locator(f"details[data-group='{name}']")

    def unfold(self) -> None:
        self.page.evaluate("document.querySelectorAll('.groups details').forEach((group) => (group.open = true))")


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Shown]:
    panel = html.Div(parameter_panel("explore", Scene()), style=ROOM)
    with served([panel], [("explore-panel", "value"), ("explore-panel", "add")]) as url:
        page = browser.new_page(viewport={"width": 560, "height": 900})
        page.set_default_timeout(10_000)
        shown = Shown(page)
        page.goto(url)
        page.wait_for_selector("#explore-object", timeout=60_000)
        yield shown
        page.close()


@pytest.fixture
def shown(opened: Shown) -> Iterator[Shown]:
    opened.page.get_by_label("Find a parameter by name").fill("")
    opened.page.get_by_label("Find a parameter by name").blur()
    opened.page.wait_for_timeout(200)  # what the last case changed is told after a pause
    opened.take(value=START, problems={}, options=None)
    opened.wait_for(**START)
    yield opened
    assert opened.errors == []


def test_every_parameter_has_one_labelled_control(shown: Shown) -> None:
    for key, parameter in PARAMETERS.items():
        assert shown.control(key).count() == 1, key
        assert shown.row(key).locator("label").text_content() == parameter.label
        assert shown.row(key).locator("label").get_attribute("for") == f"explore-{key}"
        assert shown.row(key).get_by_label(f"Reset {parameter.label}", exact=True).count() == 1
        assert (shown.row(key).get_attribute("title") or "").startswith(parameter.help)
        if isinstance(parameter, Number):
            assert float(shown.field(key).input_value()) == parameter.default
            assert float(shown.control(key).input_value()) == pytest.approx(parameter.default)


def test_groups_are_folded_as_the_table_says(shown: Shown) -> None:
    names = shown.page.locator("details .name").all_text_contents()
    assert names == ["Catness" if name == "Morph" else name for name in GROUPS]
    for name, group in GROUPS.items():
        assert shown.group(name).evaluate("(e) => e.open") is group.unfolded
        assert shown.group(name).locator("summary").get_attribute("title") == group.help


def test_a_slider_is_heard_at_every_step_and_leaves_the_rest_alone(shown: Shown) -> None:
    shown.control("alpha").fill("0.4")
    shown.wait_for(**{**START, "alpha": 0.4})
    assert shown.field("alpha").input_value() == "0.4"
    shown.control("alpha").press("ArrowRight")
    shown.wait_for(alpha=0.41)


def test_two_changes_in_one_go_both_count(shown: Shown) -> None:
    shown.page.evaluate(
        """() => {
            for (const [key, value] of [["alpha", 0.5], ["hue", 0.25]]) {
                const slider = document.getElementById(`explore-${key}`);
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
        }"""
    )
    shown.wait_for(alpha=0.5, hue=0.25)


def test_a_slider_event_is_short(shown: Shown) -> None:
    median = shown.page.evaluate(
        """async () => {
            const slider = document.getElementById("explore-alpha");
            const times = [];
            for (let i = 0; i < 60; i++) {
                const start = performance.now();
                slider.value = i / 60;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                times.push(performance.now() - start);
                await new Promise(requestAnimationFrame);
            }
            return times.sort((a, b) => a - b)[30];
        }"""
    )
    assert median <= 2


def test_a_number_counts_when_it_is_finished(shown: Shown) -> None:
    field = shown.field("yaw")
    field.fill("12.34")
    assert shown.value()["yaw"] == START["yaw"]
    field.press("Enter")
    shown.wait_for(yaw=12.34)
    assert float(shown.control("yaw").input_value()) == pytest.approx(12.3)  # its step
    field.fill("-7")
    field.blur()
    shown.wait_for(yaw=-7)


def test_arrow_keys_step_a_number(shown: Shown) -> None:
    field = shown.field("hue")
    field.press("ArrowUp")
    shown.wait_for(hue=0.005)
    field.fill("0.2")
    field.press("ArrowDown")
    shown.wait_for(hue=0.195)
    assert field.input_value() == "0.195"


@pytest.mark.parametrize("text", ["abc", "", "1,5", "Infinity"])
def test_what_is_not_a_number_goes_to_the_server_as_it_is(shown: Shown, text: str) -> None:
    shown.field("yaw").fill(text)
    shown.field("yaw").press("Enter")
    shown.wait_for(yaw=text)
    shown.take(problems={"yaw": PROBLEM})
    expect(shown.row("yaw").get_by_role("alert")).to_have_text(PROBLEM)
    assert shown.field("yaw").input_value() == text
    assert "wrong" in (shown.field("yaw").get_attribute("class") or "")
    shown.page.get_by_label("Reset Yaw", exact=True).click()
    shown.wait_for(yaw=START["yaw"])
    shown.take(problems={})
    expect(shown.row("yaw").get_by_role("alert")).to_have_count(0)
    assert shown.field("yaw").input_value() == "-35"


def test_values_from_elsewhere_move_the_controls(shown: Shown) -> None:
    shown.unfold()
    others = {"yaw": 10, "plane": True, "plane_neuron": "stem:1", "custom_code": "a\nb", "background": "street"}
    shown.take(value={**START, **others})
    expect(shown.field("yaw")).to_have_value("10")
    assert shown.control("yaw").input_value() == "10"
    assert shown.control("plane").is_checked()
    assert shown.control("plane_neuron").input_value() == "stem:1"
    assert shown.control("custom_code").input_value() == "a\nb"
    expect(shown.control("background")).to_contain_text("Street")


def test_a_drag_of_the_camera_leaves_a_field_that_is_typed_in_alone(shown: Shown) -> None:
    shown.field("alpha").press_sequentially("0.")
    typed = shown.field("alpha").input_value()
    for yaw in range(20):
        shown.take(value={**shown.value(), "yaw": yaw})
    expect(shown.field("yaw")).to_have_value("19")
    assert shown.field("alpha").input_value() == typed


def test_only_rows_with_another_value_are_touched(shown: Shown) -> None:
    shown.page.evaluate(
        """() => {
            window.touched = new Set();
            window.watcher = new MutationObserver((changes) => {
                for (const { target } of changes) {
                    const row = target.parentElement.closest("[data-key]");
                    if (row) window.touched.add(row.dataset.key);
                }
            });
            const all = { subtree: true, childList: true, attributes: true, characterData: true };
            window.watcher.observe(document.getElementById("explore-panel"), all);
        }"""
    )
    shown.take(value={**START, "yaw": 5})
    expect(shown.field("yaw")).to_have_value("5")
    assert set(shown.page.evaluate("[...(window.watcher.disconnect(), window.touched)]")) <= {"yaw"}


def test_a_switch(shown: Shown) -> None:
    shown.unfold()
    shown.control("plane").check()
    shown.wait_for(plane=True)
    shown.control("plane").uncheck()
    shown.wait_for(plane=False)


def test_a_text_of_one_line_ends_with_enter(shown: Shown) -> None:
    shown.unfold()
    shown.control("plane_neuron").fill("stem:3")
    assert shown.value()["plane_neuron"] == START["plane_neuron"]
    shown.control("plane_neuron").press("Enter")
    shown.wait_for(plane_neuron="stem:3")


def test_a_text_of_many_lines_counts_when_typing_pauses(shown: Shown) -> None:
    code = shown.control("custom_code")
    code.fill("")
    code.press_sequentially("one\ntwo")
    assert shown.value()["custom_code"] == START["custom_code"]
    shown.wait_for(custom_code="one\ntwo")
    code.press_sequentially(" more")
    shown.take(value={**START, "custom_code": "one\r\ntwo"})  # a late echo
    assert code.input_value() == "one\ntwo more"
    code.blur()
    shown.wait_for(custom_code="one\ntwo more")


def test_reset_group_and_reset_all_take_back_what_was_not_understood(shown: Shown) -> None:
    shown.take(value={**START, "hue": 0.2, "custom_code": "nonsense", "yaw": "abc", "low_alpha": 0.5})
    heading = shown.group("Post-processing").locator(".name")
    expect(heading).to_have_text("Post-processing · 2 changed")
    assert shown.row("hue").evaluate("(e) => e.classList.contains('changed')")
    shown.page.locator("[data-reset-group='Post-processing']").click()
    shown.wait_for(hue=0, custom_code=START["custom_code"], yaw="abc", low_alpha=0.5)
    expect(heading).to_have_text("Post-processing")
    assert shown.group("Post-processing").evaluate("(e) => e.open")
    assert shown.control("custom_code").input_value() == START["custom_code"]
    shown.page.get_by_role("button", name="Reset all").click()
    shown.wait_for(**START)
    assert shown.page.locator("#explore-panel .changed").count() == 0


def test_search_finds_and_unfolds(shown: Shown) -> None:
    shown.page.evaluate("document.querySelectorAll('.groups details').forEach((e) => (e.open = false))")
    shown.group("Camera").locator(".name").click()
    field = shown.page.get_by_label("Find a parameter by name")
    field.fill("blur")
    names = shown.page.locator(".control:visible label").all_inner_texts()
    assert {"Texture Blur", "Background Blur", "Glass Blur", "Zoom Blur"} <= set(names)
    assert "Yaw" not in names
    field.fill("Blur glass")
    assert shown.page.locator(".control:visible label").all_inner_texts() == ["Glass Blur"]
    field.fill("no such thing")
    assert shown.page.get_by_text("No parameter has such a name.").is_visible()
    field.fill("")
    assert not shown.page.get_by_text("No parameter has such a name.").is_visible()
    expect(shown.control("yaw")).to_be_visible()
    assert [name for name in GROUPS if shown.group(name).evaluate("(e) => e.open")] == ["Camera"]
    shown.unfold()


def test_a_choice_and_its_heading(shown: Shown) -> None:
    shown.control("object").click()
    shown.page.locator(".dash-dropdown-option, .dash-options-list-option").filter(has_text="Fire Truck").first.click()
    shown.wait_for(object="firetruck_racecar")
    expect(shown.group("Morph").locator(".name")).to_have_text("Race Car-ness")


def test_a_choice_has_what_was_added_meanwhile(shown: Shown) -> None:
    shown.take(
        options={"background": [{"value": "own", "label": "My <b>own</b>"}]}, value={**START, "background": "own"}
    )
    expect(shown.control("background")).to_contain_text("My <b>own</b>")
    assert shown.control("background").locator("b").count() == 0


def test_buttons_that_add(shown: Shown) -> None:
    shown.page.get_by_title("Add your own object").click()
    shown.wait_for_added("object", 1)
    shown.page.get_by_title("Add your own background").click()
    shown.wait_for_added("background", 2)


def test_everything_has_room(shown: Shown) -> None:
    shown.unfold()
    wide = shown.page.evaluate(
        """[...document.querySelectorAll("#explore-panel .control")]
            .filter((row) => row.scrollWidth > row.clientWidth + 1).map((row) => row.dataset.key)"""
    )
    assert wide == []
