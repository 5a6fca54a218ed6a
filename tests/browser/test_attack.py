"""The attack panel: attack, see the prediction change, fade it out, see it return, click to end it."""

from collections.abc import Callable
from typing import Any

import pytest

Open = Callable[..., Any]
LINK = "/?cards=none&c1=0&c2=0"
BUTTON = "details.attack button"

pytestmark = pytest.mark.browser


def top(watched: Any, slot: int = 0) -> str:
    return watched.page.locator(f"#explore-slot-{slot} .bars .name").first.inner_text()


def test_attack_fade_and_end(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    before = top(watched)
    page.locator("details.attack summary").click()
    page.locator("#attack-count").fill("6")
    page.locator(BUTTON, has_text="Run").click()
    watched.wait_for(
        "shown.attack && window.perturber.page.attack.look && window.perturber.page.attack.look.done === 6"
    )
    assert top(watched) != before
    rows = page.locator("details.attack .outcomes tr")
    assert rows.count() == 3
    assert before in rows.first.inner_text() + rows.nth(1).inner_text()
    assert page.locator("details.attack .perturbations img").count() == 2
    assert "% low" in page.locator("details.attack .spectrum figcaption").inner_text()
    assert watched.query()["attack"] == "pgd(l2=1,steps=6;efficientnet_lite0)"

    slider = page.get_by_label("Attack Alpha", exact=True)
    slider.evaluate("(s) => { s.value = 0; s.dispatchEvent(new Event('input', { bubbles: true })); }")
    watched.wait_for("shown.attack_alpha === 0")
    assert top(watched) == before
    slider.evaluate("(s) => { s.value = 1; s.dispatchEvent(new Event('input', { bubbles: true })); }")
    watched.wait_for("shown.attack_alpha === 1")
    assert top(watched) != before

    box = page.locator("#explore-pointer").bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 40)
    watched.wait_for("!shown.attack")
    assert top(watched) == before
    assert "attack" not in watched.query()
    assert page.locator("details.attack .outcomes tr").count() == 0


def test_one_step_then_another_scene(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    page.locator(BUTTON, has_text="PGD step").click()
    watched.wait_for("shown.attack === 'pgd(l2=1,steps=1;efficientnet_lite0)'")
    page.locator(BUTTON, has_text="PGD step").click()
    watched.wait_for("shown.attack === 'pgd(l2=1,steps=2;efficientnet_lite0)'")
    page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.2; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    watched.wait_for("shown.scene.hue === 0.2 && !shown.attack")


def test_a_link_brings_the_attack_back(opened: Open) -> None:
    watched = opened(LINK + "&attack=fgsm(linf=0.02,steps=1;efficientnet_lite1)")
    watched.wait_for("window.perturber.page.attack.look && window.perturber.page.attack.look.done === 1")
    page = watched.page
    assert page.locator("#attack-model").input_value() == "1"
    assert page.locator("#attack-method").input_value() == "fgsm linf"
    assert page.locator("details.attack .scaled").inner_text() == "= 5.1/255"


def test_a_link_brings_all_steps_back(opened: Open) -> None:
    watched = opened(LINK + "&attack=pgd(l2=1,steps=5;efficientnet_lite0)")
    watched.wait_for("window.perturber.page.attack.done === 5")
    assert watched.query()["attack"] == "pgd(l2=1,steps=5;efficientnet_lite0)"


def test_a_wrong_attack_in_a_link_gets_a_sentence(opened: Open) -> None:
    watched = opened(LINK + "&attack=pgd(l7=1;efficientnet_lite0)")
    assert "l7" in watched.page.locator("#explore-problems").inner_text()
    assert "attack" not in watched.shown()
