"""Sliders of a network's parts: what they say, and what they show of what comes from elsewhere."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from dash import html
from playwright.sync_api import Browser, Locator, expect
from small_app import OnPage, served

from perturber.ui.components.unit_sliders import UnitSliders

pytestmark = pytest.mark.browser

UNITS = ["stem", "blocks.0", "blocks.1", "a.part.whose.name.is.longer.than.any.column.head"]
SHARES: dict[str, Any] = {
    "units": UNITS,
    "value": {unit: [0] for unit in UNITS},
    "default": [0],
    "explained": "Share of Model 2",
    "empty": "",
    "disabled": False,
    "moved": None,
}
RANGES: dict[str, Any] = {**SHARES, "value": {unit: [0, 1] for unit in UNITS}, "default": [0, 1]}
ROOM = {"width": 540, "height": 400, "display": "flex", "flexDirection": "column"}


class Shown(OnPage):
    """The component on its page."""

    def take(self, **properties: Any) -> None:
        """From the server."""
        self.page.evaluate("(given) => dash_clientside.set_props('units', given)", properties)
        wanted = {key: value for key, value in properties.items() if key in ("value", "moved")}
        self.wait_until_heard(**wanted)

    def wait_until_heard(self, **wanted: Any) -> None:
        """What the component says by now."""
        self.page.wait_for_function(
            """(wanted) => {
                const [value, moved] = JSON.parse(document.querySelector("#heard").textContent || "[]");
                const said = { value, moved: moved ?? null };
                return Object.entries(wanted).every(([key, own]) => JSON.stringify(said[key]) === own);
            }""",
            arg={key: json.dumps(value, separators=(",", ":")) for key, value in wanted.items()},
        )

    def slider(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def drag(self, label: str, values: Sequence[float], *, end: bool = True) -> None:
        """Move a slider step by step, and let go of it."""
        self.slider(label).evaluate(
            """(slider, [values, end]) => {
                for (const value of values) {
                    slider.value = value;
                    slider.dispatchEvent(new Event("input", { bubbles: true }));
                }
                if (end) slider.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            [list(values), end],
        )

    def at(self, label: str) -> float:
        return float(self.slider(label).input_value())

    def row(self, unit: str | None) -> Locator:
        return self.page.locator("#units .master" if unit is None else f"#units [data-unit='{unit}']")

    def number(self, unit: str | None) -> str:
        return self.row(unit).locator("output").inner_text()


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Shown]:
    sliders = html.Div(UnitSliders(id="units", **SHARES), style=ROOM)
    with served([sliders], [("units", "value"), ("units", "moved")]) as url:
        page = browser.new_page(viewport={"width": 560, "height": 500})
        shown = Shown(page)
        page.goto(url)
        page.wait_for_selector("#units .master", timeout=60_000)
        yield shown
        page.close()


@pytest.fixture
def shares(opened: Shown) -> Iterator[Shown]:
    opened.take(**SHARES)
    yield opened
    assert opened.errors == []


@pytest.fixture
def ranges(opened: Shown) -> Iterator[Shown]:
    opened.take(**RANGES)
    yield opened
    assert opened.errors == []


def test_each_step_of_a_drag_is_told_and_then_its_end(shares: Shown) -> None:
    moved = {unit: [0] for unit in UNITS}
    shares.drag("blocks.0", [0.2], end=False)
    shares.wait_until_heard(value={**moved, "blocks.0": [0.2]}, moved={"unit": "blocks.0", "done": False, "count": 1})
    shares.drag("blocks.0", [0.3, 0.4])
    shares.wait_until_heard(value={**moved, "blocks.0": [0.4]}, moved={"unit": "blocks.0", "done": True, "count": 4})
    assert shares.number("blocks.0") == "0.40"
    assert "changed" in str(shares.row("blocks.0").get_attribute("class"))
    assert "changed" not in str(shares.row("stem").get_attribute("class"))


def test_a_hand_moves_a_slider(shares: Shown) -> None:
    box = shares.slider("blocks.1").bounding_box()
    assert box is not None
    middle = box["y"] + box["height"] / 2
    shares.page.mouse.move(box["x"] + 8, middle)
    shares.page.mouse.down()
    shares.page.mouse.move(box["x"] + box["width"] / 2, middle, steps=5)
    shares.page.mouse.up()
    expect(shares.row("blocks.1").locator("output")).to_have_text("0.50")
    shares.page.wait_for_function("JSON.parse(document.querySelector('#heard').textContent)[1]?.done")
    value, moved = json.loads(shares.page.locator("#heard").inner_text())
    assert (value["blocks.1"], moved["unit"]) == ([shares.at("blocks.1")], "blocks.1")


def test_the_keyboard_moves_a_slider(shares: Shown) -> None:
    shares.slider("stem").press("ArrowRight")
    shares.wait_until_heard(
        value={**{unit: [0] for unit in UNITS}, "stem": [0.01]}, moved={"unit": "stem", "done": True, "count": 2}
    )


def test_all_parts_move_at_once_and_their_mean_is_shown(shares: Shown) -> None:
    shares.drag("All parts", [0.5])
    shares.wait_until_heard(value={unit: [0.5] for unit in UNITS}, moved={"unit": None, "done": True, "count": 2})
    assert [shares.at(unit) for unit in UNITS] == [0.5] * 4
    assert "mixed" not in str(shares.row(None).get_attribute("class"))
    shares.drag("stem", [1])
    expect(shares.row(None).locator("output")).to_have_text("0.63")  # (1 + 3 · 0.5) / 4 = 0.625
    assert shares.at("All parts") == pytest.approx(0.625, abs=0.006)  # as near as the slider's steps are
    assert "mixed" in str(shares.row(None).get_attribute("class"))


def test_the_ends_of_a_range_push_each_other_along(ranges: Shown) -> None:
    assert ranges.number("stem") == "0.00 – 1.00"
    ranges.drag("stem, from", [0.25])
    ranges.drag("stem, to", [0.1])
    expect(ranges.row("stem").locator("output")).to_have_text("0.10 – 0.10")
    assert (ranges.at("stem, from"), ranges.at("stem, to")) == (0.1, 0.1)
    ranges.drag("stem, from", [0.75])
    ranges.wait_until_heard(value={**{unit: [0, 1] for unit in UNITS}, "stem": [0.75, 0.75]})
    ranges.drag("All parts, to", [0.5])
    value = {unit: [0.1875, 0.5] for unit in UNITS}  # from is the mean, which was shown
    ranges.wait_until_heard(value=value)


def test_what_comes_from_elsewhere_is_shown_and_not_told_again(shares: Shown) -> None:
    shares.take(value={**{unit: [0] for unit in UNITS}, "stem": [0.1234]})
    expect(shares.row("stem").locator("output")).to_have_text("0.12")
    assert shares.at("stem") == pytest.approx(0.12)
    assert json.loads(shares.page.locator("#heard").inner_text())[1] is None
    shares.take(**RANGES)
    assert shares.page.locator("#units input").count() == 2 * (len(UNITS) + 1)
    shares.take(**{**SHARES, "units": UNITS[:2], "value": {unit: [1] for unit in UNITS[:2]}})
    expect(shares.page.locator("#units .list .unit")).to_have_count(2)
    assert shares.number(None) == "1.00"


def test_a_sentence_stands_in_for_sliders(shares: Shown) -> None:
    expect(shares.page.locator("#units .explained")).to_have_text("Share of Model 2")
    shares.take(empty="These models cannot be mixed.")
    expect(shares.page.locator("#units .empty")).to_have_text("These models cannot be mixed.")
    assert shares.page.locator("#units input").count() == 0
    shares.take(empty="", units=[], value={})
    assert shares.page.locator("#units input").count() == 0


def test_disabled_sliders_cannot_be_moved(shares: Shown) -> None:
    shares.take(disabled=True)
    assert shares.page.locator("#units").evaluate("(units) => units.inert")
    shares.take(disabled=False)
    assert not shares.page.locator("#units").evaluate("(units) => units.inert")


@pytest.mark.slow
@pytest.mark.parametrize("label", ["blocks.30", "All parts"])
def test_a_step_costs_little_with_sixty_parts(shares: Shown, label: str) -> None:
    units = [f"blocks.{number}" for number in range(60)]
    shares.take(units=units, value={unit: [0] for unit in units})
    measured = shares.page.context.new_cdp_session(shares.page)
    measured.send("Performance.enable")

    def spent() -> float:
        metrics = measured.send("Performance.getMetrics")["metrics"]
        return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "ScriptDuration")

    before = spent()
    shares.slider(label).evaluate(
        """async (slider) => {
            for (let step = 1; step <= 100; step++) {
                slider.value = step / 100;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                await new Promise(requestAnimationFrame);
            }
        }"""
    )
    cost = (spent() - before) / 100
    assert shares.number(label if label in units else None) == "1.00"
    print(f"{label}: {cost:.2f} ms of script a step")
    assert cost < 15  # several times what it takes: the machine may be busy
