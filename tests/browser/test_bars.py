"""Scores as bars, pinned classes, and the pictures that go with them."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from dash import html
from playwright.sync_api import Browser
from small_app import OnPage, served

from perturber.figures.activations import data_uri
from perturber.service import ClassScore
from perturber.ui.components.bars import Bars, Evidence, bar_rows

pytestmark = pytest.mark.browser

LONG = "a name that is so long that no column of a slot could ever hold it"
SCORES = [
    ClassScore(index=index, name=name, logit=logit, probability=probability)
    for index, name, logit, probability in [
        (281, "tabby", 12.34, 0.848),
        (9, LONG, 6.17, 0.09),
        (3, "<b>lynx</b>", 3.085, 0.03),
        (761, "remote control", -1.0, 0.001),
    ]
]
ROOM = {
    "width": 270,
    "height": 330,
    "display": "flex",
    "flexDirection": "column",
    "--slot": "#f2c037",
    "--slot-text": "#14233a",
}


def evidence(kind: Any, caption: str) -> Evidence:
    source = data_uri(np.full((8, 8, 3), len(caption), np.uint8))
    return {"kind": kind, "caption": caption, "src": source, "title": f"T {caption}", "note": "", "progress": None}


START: dict[str, Any] = {
    "rows": bar_rows(SCORES, action="Pin it: click"),
    "pinned": [],
    "empty": "",
    "evidence": [evidence("example", "tabby: an example")],
    "examples": {},
    "compact": False,
    "hovered": None,
}


class Shown(OnPage):
    """The component on its page."""

    def take(self, **properties: Any) -> None:
        self.page.evaluate("(given) => dash_clientside.set_props('bars', given)", properties)

    def all(self, selector: str) -> Any:
        return self.page.locator(f"#bars {selector}")

    def widths(self, selector: str) -> list[float]:
        boxes = [box.bounding_box() for box in self.all(selector).all()]
        return [box["width"] if box else 0.0 for box in boxes]

    def style(self, selector: str, name: str) -> str:
        return self.all(selector).first.evaluate("(e, name) => getComputedStyle(e).getPropertyValue(name)", name)

    def wait_for_caption(self, text: str) -> None:
        self.page.wait_for_function(
            "(text) => document.querySelector('#bars .example figcaption').textContent === text", arg=text
        )

    def heard(self) -> list[Any]:
        """What the component said last: class clicked, class pointed at, format asked for."""
        return json.loads(self.page.locator("#heard").text_content() or "[null, null, null]")

    def wait_until_heard(self, place: int, what: Any) -> None:
        self.page.wait_for_function(
            """([place, wanted]) => {
                const said = JSON.parse(document.querySelector("#heard").textContent || "[]")[place] ?? null;
                const same = ([key, value]) => said && said[key] === value;
                return wanted instanceof Object ? Object.entries(wanted).every(same) : said === wanted;
            }""",
            arg=[place, what],
        )


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Shown]:
    bars = html.Div(Bars(id="bars", **START), style=ROOM, id="room")
    with served([bars], [("bars", "clicked"), ("bars", "hovered")]) as url:
        page = browser.new_page(viewport={"width": 900, "height": 600})
        shown = Shown(page)
        page.goto(url)
        page.wait_for_selector("#bars .bars", timeout=60_000)
        yield shown
        page.close()


@pytest.fixture
def shown(opened: Shown) -> Iterator[Shown]:
    opened.page.mouse.move(600, 500)
    opened.take(**START)
    opened.page.wait_for_function("document.querySelectorAll('#bars .bars .row').length === 4")
    yield opened
    assert opened.errors == []


def test_bars_are_as_long_as_their_logits_relative_to_the_largest(shown: Shown) -> None:
    longest = shown.widths(".bars")[0]
    expected = [longest, longest / 2, longest / 4, 1]  # a negative one leaves a mark
    assert shown.widths(".bars .length") == pytest.approx(expected, abs=1)


def test_names_logits_and_probabilities(shown: Shown) -> None:
    assert shown.all(".name").all_text_contents() == ["tabby", LONG, "<b>lynx</b>", "remote control"]
    assert shown.all(".length").all_text_contents() == ["12.34", "6.17", "3.08", "-1.00"]
    assert shown.all(".share").all_text_contents() == ["84.8 %", "9.0 %", "3.0 %", "0.1 %"]


def test_markup_in_a_name_is_text(shown: Shown) -> None:
    assert shown.all("b").count() == 0
    assert (
        shown.all(
            ".name",
        )
        .nth(2)
        .inner_text()
        == "<b>lynx</b>"
    )
    shown.take(empty="<i>none</i>")
    shown.page.wait_for_function("document.querySelector('#bars .empty')?.textContent === '<i>none</i>'")


def test_a_long_name_is_cut_off_and_whole_in_the_tooltip(shown: Shown) -> None:
    name = shown.all(".row .name").nth(1)
    assert name.evaluate("(e) => e.scrollWidth > e.clientWidth && getComputedStyle(e).textOverflow") == "ellipsis"
    assert shown.all(".row").nth(1).get_attribute("title") == f"{LONG} (class 9), logit 6.17. Pin it: click"
    box, room = shown.all(".row").nth(1).bounding_box(), shown.page.locator("#room").bounding_box()
    assert box
    assert room
    assert box["width"] <= room["width"]


def test_bars_have_the_colours_of_the_slot_and_the_first_class_is_bold(shown: Shown) -> None:
    assert shown.style(".length", "background-color") == "rgb(242, 192, 55)"
    assert shown.style(".length", "color") == "rgb(20, 35, 58)"
    weights = [int(e.evaluate("(e) => getComputedStyle(e).fontWeight")) for e in shown.all(".bars .name").all()]
    assert weights == [600, 400, 400, 400]


def test_new_scores_keep_the_rows(shown: Shown) -> None:
    shown.page.evaluate("window.kept = document.querySelector('#bars .row')")
    shown.take(rows=bar_rows(SCORES[::-1][1:]))
    shown.page.wait_for_function("document.querySelector('#bars .name').textContent === '<b>lynx</b>'")
    assert shown.page.evaluate("window.kept.isConnected")
    assert shown.all(".row").count() == 3


def test_pinned_classes_have_their_logits_at_the_right_and_no_bar(shown: Shown) -> None:
    shown.take(pinned=bar_rows(SCORES[1:3], action="Unpin it: click"))
    pins = shown.all(".pins .length")
    pins.nth(1).wait_for()
    assert pins.all_text_contents() == ["6.17", "3.08"]
    boxes = [pin.bounding_box() for pin in pins.all()]
    room = shown.page.locator("#room").bounding_box()
    assert room
    for box in boxes:
        assert box
        assert box["x"] + box["width"] == pytest.approx(room["x"] + room["width"], abs=1)
    assert shown.style(".pins .length", "text-align") == "right"
    assert shown.style(".pins .length", "background-color") == "rgba(0, 0, 0, 0)"


def test_a_click_names_the_class(shown: Shown) -> None:
    count = (shown.heard()[0] or {"count": 0})["count"]
    shown.all(".bars .row").nth(3).click()
    shown.wait_until_heard(0, {"index": 761, "count": count + 1})
    shown.take(pinned=bar_rows(SCORES[1:2]))
    shown.all(".pins .row").click()
    shown.wait_until_heard(0, {"index": 9, "count": count + 2})


def test_pointing_at_a_class_swaps_in_its_example(shown: Shown) -> None:
    shown.take(examples={"9": evidence("example", "long: an example"), "3": evidence("example", "lynx: an example")})
    shown.all(".bars .row").nth(1).hover()
    shown.wait_for_caption("long: an example")
    shown.wait_until_heard(1, 9)
    shown.all(".bars .row").nth(2).hover()
    shown.wait_for_caption("lynx: an example")
    shown.page.wait_for_selector("#bars .example img[alt='T lynx: an example']:not([hidden])")
    shown.page.mouse.move(600, 500)
    shown.wait_for_caption("tabby: an example")
    shown.wait_until_heard(1, None)


def test_pointing_keeps_what_speaks_for_the_class(shown: Shown) -> None:
    pictures = [("example", "tabby"), ("cam", "Grad-CAM"), ("gradient", "Input gradient")]
    shown.take(
        evidence=[evidence(kind, caption) for kind, caption in pictures],
        examples={"9": evidence("example", "long")},
    )
    shown.all(".evidence .gradient img").wait_for()
    shown.all(".bars .row").nth(1).hover()
    shown.wait_for_caption("long")
    assert shown.all("figcaption").all_text_contents() == ["long", "Grad-CAM", "Input gradient"]
    assert len(set(shown.widths(".evidence .picture"))) == 1
    assert sum(shown.widths(".evidence figure")) < 270


def test_a_sentence_stands_instead_of_the_bars(shown: Shown) -> None:
    shown.take(empty="Predictions are switched off", evidence=[])
    shown.all(".empty").wait_for()
    assert shown.all(".empty").text_content() == "Predictions are switched off"
    assert shown.all(".row").count() == shown.all(".evidence").count() == 0


def test_compact_rows_are_single_lines(shown: Shown) -> None:
    shown.take(compact=True, evidence=[])
    tops = shown.all(".top")
    tops.nth(3).wait_for()
    assert tops.all_text_contents() == ["tabby84.8 %", f"{LONG}9.0 %", "<b>lynx</b>3.0 %", "remote control0.1 %"]
    assert shown.widths(".top") == pytest.approx([270] * 4, abs=1)
    assert tops.nth(1).evaluate("(e) => e.style.getPropertyValue('--share')") == "50%"
    assert "50%" in tops.nth(1).evaluate("(e) => getComputedStyle(e).backgroundImage")
    assert shown.all(".length").count() == 0
    count = (shown.heard()[0] or {"count": 0})["count"]
    tops.nth(2).click()
    shown.wait_until_heard(0, {"index": 3, "count": count + 1})


@pytest.mark.parametrize("height", [120, 150, 200, 230, 330, 460])
def test_everything_has_room(shown: Shown, height: int) -> None:
    shown.take(pinned=bar_rows(SCORES[:2]))
    shown.page.evaluate("(height) => (document.querySelector('#room').style.height = height + 'px')", height)
    shown.page.wait_for_function("(h) => document.querySelector('#bars').clientHeight === h", arg=height)
    room, picture = shown.page.locator("#room").bounding_box(), shown.all(".evidence .picture").bounding_box()
    shown.page.evaluate("document.querySelector('#room').style.height = '330px'")
    assert room
    assert picture
    assert picture["y"] + picture["height"] <= room["y"] + height + 1
