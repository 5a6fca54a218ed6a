"""The prediction views in a real browser: pinned classes, examples of classes, what speaks for one, the history."""

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest
from perturber.zoo.classes import CLASS_LISTS

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LITE0 = "efficientnet_lite0"
ALONE = "cards=none&a1=0&h2=1"
"""One slot, predictions only."""

FRAME = "#explore-slot-0"


def looked(site: Any, pinned: tuple[int, ...] = (), explain: Any = None, **scene: Any) -> Any:
    """What the service says of the first slot."""
    slot = SlotRequest(model=LITE0, pinned=pinned, explain=explain)
    return site.service.look(LookRequest(scene=Scene().replace(**scene), slots=(slot,))).slots[0]


def pins(watched: Any) -> list[int]:
    rows = watched.page.locator(f"{FRAME} .pins .row")
    return [int(n) for n in rows.evaluate_all("(rows) => rows.map((row) => row.dataset.index)")]


def wait_for_pins(watched: Any, expected: list[int]) -> None:
    watched.wait_for("String(shown.view.pinned) === String(given)", expected)
    assert pins(watched) == expected


def test_classes_are_pinned_and_let_go(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}")
    page = watched.page
    field = page.locator("#explore-pin")
    field.fill("ox")  # one of many names that hold these letters
    field.press("Enter")
    wait_for_pins(watched, [345])
    field.fill("tabby")
    field.press("Enter")
    wait_for_pins(watched, [345, 281])
    scores = looked(site, pinned=(345, 281)).pinned
    rows = page.locator(f"{FRAME} .pins .row")
    assert rows.locator(".name").all_inner_texts() == [score.name for score in scores]
    assert rows.locator(".length").all_inner_texts() == [f"{score.logit:.2f}" for score in scores]
    assert rows.locator(".share").all_inner_texts() == [f"{score.probability * 100:.1f} %" for score in scores]

    best = looked(site).top[0].index
    page.locator(f"{FRAME} .bars .row").first.click()
    wait_for_pins(watched, [345, 281, best])
    assert watched.query()["pinned"] == f"345,281,{best}"
    rows.nth(1).click()
    wait_for_pins(watched, [345, best])
    page.locator(f"{FRAME} .bars .row").first.click()
    wait_for_pins(watched, [345])

    for text in ("goldfish", "hammerhead", "tench", "ostrich", "bulbul"):
        field.fill(text)
        field.press("Enter")
    wait_for_pins(watched, [345, 1, 4, 0, 9, 16])
    field.fill("jay")
    field.press("Enter")
    page.wait_for_function("() => document.getElementById('notice').textContent.startsWith('Up to 6 classes')")
    assert len(pins(watched)) == 6
    field.fill("no such class")
    field.press("Enter")
    page.wait_for_function("() => document.getElementById('notice').textContent.includes('“no such class”')")


def test_what_speaks_for_a_class(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}&pinned=281")
    page = watched.page
    cam, gradient = (page.locator(f"{FRAME} .evidence .{name} img") for name in ("cam", "gradient"))
    assert cam.count() == 0
    menu = page.locator("#explore-explain")
    menu.select_option("top")
    watched.wait_for("shown.view.explain === 'top'")
    best = looked(site).top[0].name
    for picture in (cam, gradient):
        assert best in picture.get_attribute("alt")
        assert picture.is_visible()
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 224
    top = [picture.get_attribute("src") for picture in (cam, gradient)]
    menu.select_option("281")
    watched.wait_for("shown.view.explain === 281")
    assert "tabby" in cam.get_attribute("alt")
    assert all(picture.get_attribute("src") != old for picture, old in zip((cam, gradient), top, strict=True))
    assert watched.query()["explain"] == "281"
    page.locator(f"{FRAME} .pins .row").click()  # whoever lets the class go gets the top class
    watched.wait_for("shown.view.explain === 'top' && shown.view.pinned.length === 0")
    menu.select_option("none")
    watched.wait_for("shown.view.explain === null")
    assert not cam.is_visible()


def test_without_a_folder_a_stand_in_says_so(opened: Open) -> None:
    watched = opened(f"/?{ALONE}")
    caption = watched.page.locator(f"{FRAME} .example figcaption")
    name = watched.page.locator(f"{FRAME} .bars .name").first.inner_text()
    assert caption.text_content() == f"{name}: its logit’s feature visualisation"
    assert "PERTURBER_EXAMPLES" in caption.get_attribute("title")
    making = watched.page.locator(f"{FRAME} .making")
    making.locator("button").wait_for(state="attached")


def test_examples_from_a_folder(opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    top = looked(site).top
    colours = [(200, 30, 30), (30, 200, 30)]
    for score, colour in zip(top, colours, strict=False):
        wnid = CLASS_LISTS["imagenet1k"][score.index].wnid
        Image.new("RGB", (300, 250), colour).save(tmp_path / f"{wnid}_{score.index}.JPEG")
    monkeypatch.setattr(site.service, "settings", replace(site.service.settings, examples=tmp_path))
    watched = opened(f"/?{ALONE}", expected_errors=["404"])
    page = watched.page

    def wait_for_colour(expected: tuple[int, int, int]) -> None:
        page.wait_for_function(
            """(expected) => {
                const image = document.querySelector('#explore-slot-0 .example img');
                if (!image || !image.complete) return false;
                const canvas = Object.assign(document.createElement('canvas'), { width: 1, height: 1 });
                const context = canvas.getContext('2d');
                context.drawImage(image, 0, 0, 1, 1);
                const [...pixel] = context.getImageData(0, 0, 1, 1).data;
                return expected.every((value, i) => Math.abs(value - pixel[i]) < 12);
            }""",
            arg=list(expected),
        )

    caption = page.locator(f"{FRAME} .example figcaption")
    rows = page.locator(f"{FRAME} .bars .row")
    wait_for_colour(colours[0])
    assert caption.text_content() == f"{top[0].name}: an example"
    rows.nth(1).hover()
    wait_for_colour(colours[1])
    assert caption.text_content() == f"{top[1].name}: an example"
    page.locator("h1").first.hover()
    wait_for_colour(colours[0])
    rows.nth(2).hover()  # has none
    page.wait_for_function(
        "() => document.querySelector('#explore-slot-0 figcaption').textContent.includes('its logit')"
    )
    assert "no picture of this class" in caption.get_attribute("title")
    assert len([url for url in watched.requests if f"/classes/{LITE0}/{top[2].index}.jpg" in url]) == 1


def test_the_history_is_saved(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}&pinned=281")
    page = watched.page
    page.locator("#explore-hue").fill("0.2")
    watched.wait_for("shown.scene.hue === 0.2")
    page.get_by_role("button", name="History of classes").click()
    page.wait_for_function("() => document.querySelectorAll('.drawer .plot .scatterlayer .trace').length === 2")
    with page.expect_download() as download:
        page.locator(".drawer .csv").click()
    assert download.value.suggested_filename == "history.csv"
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "update", "time", "slot", "model", "kind", "class_index", "class", "logit", "probability", "scene",
    ]  # fmt: skip
    assert {(row["slot"], row["model"]) for row in rows} == {("Model 1", LITE0)}
    kinds = [f"top {n}" for n in range(1, 6)] + ["pinned"]
    for update, scene in ((rows[0]["update"], {}), (rows[-1]["update"], {"hue": 0.2})):
        mine = [row for row in rows if row["update"] == update]
        assert [row["kind"] for row in mine] == kinds
        assert json.loads(mine[0]["scene"]) == scene
        expected = looked(site, pinned=(281,), **scene)
        for row, score in zip(mine, [*expected.top, *expected.pinned], strict=True):
            assert (int(row["class_index"]), row["class"]) == (score.index, score.name)
            assert float(row["logit"]) == pytest.approx(score.logit, abs=1e-4)
            assert float(row["probability"]) == pytest.approx(score.probability, abs=1e-5)
    page.get_by_role("button", name="Clear").click()
    page.wait_for_function("() => document.querySelectorAll('.drawer .plot .scatterlayer .trace').length === 0")
    page.get_by_role("link", name="Help").click()
    page.locator("table").wait_for()
    page.wait_for_timeout(200)


def test_a_link_restores_pins_and_explanation(opened: Open) -> None:
    watched = opened(f"/?{ALONE}&pinned=281,345&explain=345")
    assert pins(watched) == [281, 345]
    assert watched.page.locator("#explore-explain").input_value() == "345"
    assert watched.page.locator(f"{FRAME} .cam img").is_visible()
    query = watched.query()
    assert (query["pinned"], query["explain"]) == ("281,345", "345")
