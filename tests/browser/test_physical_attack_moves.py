"""The physical attack in a browser: sliders that move by themselves, step by step, stop, undo."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from gestures import choose, control, drawn_scene, eventually
from playwright.sync_api import Page, expect

Open = Callable[..., Any]
LINK = "/?cards=none&a1=0&a2=0&yaw=150.5"
NEVER = f"{LINK}&physical=1&physical_moves=light&physical_renders=5000&physical_target=0"
"""Light does not make a tench of a dog."""

pytestmark = pytest.mark.browser


def button(page: Page, words: str) -> Any:
    return page.locator("details.attack").get_by_role("button", name=words, exact=True)


def sliders(page: Page) -> dict[str, str]:
    """Parameter → what its slider says."""
    found = page.locator("#explore-panel input[type=range]")
    return dict(found.evaluate_all("(all) => all.map((one) => [one.id.replace('explore-', ''), one.value])"))


def said(page: Page) -> Any:
    return page.locator("#explore-outcome")


def test_started_by_hand_stopped_and_undone(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    first, scene = sliders(page), drawn_scene(watched)
    page.locator("#explore-attack-title").click()
    expect(page.locator(control("attack-epsilon"))).to_be_visible()
    expect(page.locator(control("attack-moves"))).to_be_hidden()
    choose(watched, control("attack-method"), "Physical (scene parameters)")
    watched.wait_for("shown.physical === '1'")
    for gone in ("attack-epsilon", "attack-step", "attack-alpha", "attack-start"):
        expect(page.locator(control(gone))).to_be_hidden()
    choose(watched, control("attack-keeps"), "Part it from Model 2")
    watched.wait_for("shown.physical === '1-2'")
    choose(watched, control("attack-keeps"), "Fool it")
    for group in ("Surface", "Morph"):
        choose(watched, control("attack-moves"), group)
        page.keyboard.press("Escape")
    choose(watched, control("attack-target"), "tench")
    page.locator(control("attack-count")).fill("4000")
    page.keyboard.press("Enter")
    watched.wait_for("shown.physical === '1' && shown.physical_renders === '4000' && shown.physical_target === '0'")
    assert watched.query()["physical_moves"] == "camera,light,backdrop,post-processing"
    button(page, "Start").click()
    expect(page.locator("#explore-attack-progress")).to_have_text(re.compile(r"^\d+ of at most 4000 renders$"))
    eventually(lambda: sliders(page) != first, 60)
    expect(said(page)).to_have_text(re.compile("logits away|looked for"))
    button(page, "Stop").click()
    expect(said(page)).to_have_text(re.compile("^Stopped; the sliders stay where they are. Undo"))
    expect(page.locator("#explore-attack-progress")).to_be_empty()
    watched.settle()
    moved = sliders(page)
    assert moved != first
    assert {key for key in moved if moved[key] != first[key]} <= set(drawn_scene(watched))
    page.wait_for_timeout(1200)
    assert sliders(page) == moved
    button(page, "Undo").click()
    eventually(lambda: sliders(page) == first)
    watched.settle()
    assert drawn_scene(watched) == scene
    assert "physical_from" not in watched.query()
    expect(said(page)).to_be_empty()
    expect(button(page, "Undo")).to_be_disabled()


def test_it_ends_with_a_sentence_at_the_scene_that_it_names(opened: Open) -> None:
    watched = opened(f"{LINK}&physical=1&physical_moves=post-processing&physical_renders=12")
    page = watched.page
    names = page.locator("[aria-label='Model 1'] .bars .name")
    before = names.first.inner_text()
    button(page, "Start").click()
    expect(said(page)).to_have_text(re.compile(r" after \d+ renders\."), timeout=60_000)
    found = re.match(r"Model 1 says (.*?) \([\d.]+%\) in place of (.*?) \([\d.]+%\), with ", said(page).inner_text())
    assert found
    watched.settle()
    assert (names.first.inner_text(), before) == found.groups()
    assert watched.query()["physical_from"]


def test_who_drags_a_slider_takes_over(opened: Open) -> None:
    watched = opened(NEVER)
    page = watched.page
    first = sliders(page)
    button(page, "Start").click()
    eventually(lambda: sliders(page) != first, 60)
    page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.2; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    watched.wait_for("shown.hue === '0.2'")
    expect(button(page, "Stop")).to_be_disabled()
    assert sliders(page)["hue"] == "0.2"
    button(page, "Undo").click()
    eventually(lambda: sliders(page) == {**first, "hue": "0.2"})
