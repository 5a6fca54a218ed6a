"""The prediction views in a real browser: pinned classes, examples of classes, what speaks for one, the history."""

import csv
import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from gestures import choose, control, notice
from PIL import Image
from playwright.sync_api import expect

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
    watched.wait_for("(shown.pinned || '') === given", ",".join(map(str, expected)))
    expect(watched.page.locator(f"{FRAME} .pins .row")).to_have_count(len(expected))
    assert pins(watched) == expected


def pin(watched: Any, search: str, option: str) -> None:
    """Find a class by letters of its name, and choose it."""
    choose(watched, control("pin"), re.compile(rf"^\s*{re.escape(option)}\s*$"), search)


def test_classes_are_pinned_and_let_go(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}")
    page = watched.page
    pin(watched, "ox", "ox (345)")  # one of many names that hold these letters
    wait_for_pins(watched, [345])
    pin(watched, "tabby", "tabby (281)")
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

    for name, index in (("goldfish", 1), ("hammerhead", 4), ("tench", 0), ("ostrich", 9), ("bulbul", 16)):
        pin(watched, name, f"{name} ({index})")
        watched.wait_for("shown.pinned.endsWith(given)", f",{index}")
    wait_for_pins(watched, [345, 1, 4, 0, 9, 16])
    pin(watched, "jay", "jay (17)")
    notice(watched, "Up to 6 classes")
    assert len(pins(watched)) == 6
    rows.first.click()
    wait_for_pins(watched, [1, 4, 0, 9, 16])
    assert page.locator("#notice").inner_text() == ""


def test_what_speaks_for_a_class(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}&pinned=281")
    page = watched.page
    cam, gradient = (page.locator(f"{FRAME} .evidence .{name} img:not([hidden])") for name in ("cam", "gradient"))
    expect(cam).to_have_count(0)
    choose(watched, control("explain"), "Grad-CAM: top class")
    watched.wait_for("shown.explain === 'top'")
    best = looked(site).top[0].name
    for picture in (cam, gradient):
        expect(picture).to_have_attribute("alt", re.compile(re.escape(best)))
        expect(picture).to_be_visible()
        assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 224
    top = [picture.get_attribute("src") for picture in (cam, gradient)]
    choose(watched, control("explain"), "Grad-CAM: tabby")
    watched.wait_for("shown.explain === '281'")
    for picture, old in zip((cam, gradient), top, strict=True):
        expect(picture).to_have_attribute("alt", re.compile("tabby"))
        assert picture.get_attribute("src") != old
    assert watched.query()["explain"] == "281"
    page.locator(f"{FRAME} .pins .row").click()  # whoever lets the class go gets the top class
    watched.wait_for("shown.explain === 'top' && !('pinned' in shown)")
    choose(watched, control("explain"), "Grad-CAM off")
    watched.wait_for("!('explain' in shown)")
    expect(cam).to_have_count(0)


def test_without_a_folder_a_stand_in_says_so(opened: Open) -> None:
    watched = opened(f"/?{ALONE}&variants=5")  # nobody has made them yet
    caption = watched.page.locator(f"{FRAME} .example figcaption")
    caption.wait_for()
    name = watched.page.locator(f"{FRAME} .bars .name").first.inner_text()
    assert caption.text_content() == f"{name}: its logit’s feature visualisation"
    assert "PERTURBER_EXAMPLES" in caption.get_attribute("title")
    expect(watched.page.locator(f"{FRAME} .making")).to_have_attribute("title", re.compile("Stop making"))


def test_examples_from_a_folder(opened: Open, site: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    top = looked(site).top
    colours = [(200, 30, 30), (30, 200, 30)]
    for score, colour in zip(top, colours, strict=False):
        wnid = CLASS_LISTS["imagenet1k"][score.index].wnid
        Image.new("RGB", (300, 250), colour).save(tmp_path / f"{wnid}_{score.index}.JPEG")
    monkeypatch.setattr(site.service, "settings", replace(site.service.settings, examples=tmp_path))
    watched = opened(f"/?{ALONE}")
    page = watched.page

    def wait_for_colour(expected: tuple[int, int, int]) -> None:
        page.wait_for_function(
            """(expected) => {
                const image = document.querySelector('#explore-slot-0 .example img:not([hidden])');
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
    expect(caption).to_have_text(f"{top[2].name}: its logit’s feature visualisation")
    assert "none of this class" in caption.get_attribute("title")
    assert [url for url in watched.requests if f"/classes/{LITE0}/{top[2].index}.jpg" in url] == []
    page.locator("h1").first.hover()
    wait_for_colour(colours[0])


def test_the_history_is_saved(opened: Open, site: Any) -> None:
    watched = opened(f"/?{ALONE}&pinned=281")
    page = watched.page
    page.locator("#explore-hue").fill("0.2")
    watched.wait_for("shown.hue === '0.2'")
    drawer = page.locator(".drawer")
    drawer.locator(".tabs label", has_text="History of classes").click()
    lines = drawer.locator(".plot .scatterlayer .trace")
    expect(lines).to_have_count(2)
    expect(drawer.locator(".plot .ytitle")).to_have_text("probability")
    choose(watched, control("measure"), "logit")
    expect(drawer.locator(".plot .ytitle")).to_have_text("logit")
    with page.expect_download() as download:
        drawer.get_by_role("button", name="Table").click()
    assert download.value.suggested_filename == "history.csv"
    with open(download.value.path(), encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "update", "time", "slot", "model", "kind", "class_index", "class", "logit", "probability", "scene",
    ]  # fmt: skip
    assert {(row["slot"], row["model"]) for row in rows} == {("Model 1", LITE0)}
    kinds = [f"top {n}" for n in range(1, 6)] + ["pinned"]
    assert json.loads(rows[0]["scene"]) == {}
    for update, scene in ((rows[0]["update"], {}), (rows[-1]["update"], {"hue": 0.2})):
        mine = [row for row in rows if row["update"] == update]
        assert [row["kind"] for row in mine] == kinds
        assert json.loads(mine[0]["scene"]) == scene
        expected = looked(site, pinned=(281,), **scene)
        for row, score in zip(mine, [*expected.top, *expected.pinned], strict=True):
            assert (int(row["class_index"]), row["class"]) == (score.index, score.name)
            assert float(row["logit"]) == pytest.approx(score.logit, abs=1e-4)
            assert float(row["probability"]) == pytest.approx(score.probability, abs=1e-5)
    drawer.get_by_role("button", name="Clear").click()
    expect(lines).to_have_count(0)
    expect(drawer.locator(".plot")).to_contain_text("appear here with the next look")
    page.locator("#explore-hue").fill("0.1")
    expect(lines).to_have_count(2)


def test_a_link_restores_pins_and_explanation(opened: Open) -> None:
    watched = opened(f"/?{ALONE}&pinned=281,345&explain=345")
    assert pins(watched) == [281, 345]
    expect(watched.page.locator(control("explain"))).to_have_text("Grad-CAM: ox")
    expect(watched.page.locator(f"{FRAME} .cam img:not([hidden])")).to_be_visible()
    query = watched.query()
    assert (query["pinned"], query["explain"]) == ("281,345", "345")
