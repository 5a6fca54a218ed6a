"""The attack panel: attack, see the prediction change, fade it out, see it return, click to end it."""

from collections.abc import Callable
from typing import Any

import pytest
from gestures import choose, control

Open = Callable[..., Any]
LINK = "/?cards=none&c1=0&c2=0"

pytestmark = pytest.mark.browser


def top(watched: Any, slot: int = 0) -> str:
    return watched.page.locator(".slot").nth(slot).locator(".bars .name").first.inner_text()


def button(watched: Any, words: str) -> Any:
    return watched.page.locator("details.attack button", has_text=words)


def fade(watched: Any, name: str, *keys: str) -> None:
    """Press keys on a share's handle."""
    handle = watched.page.locator(f"{control(name)} [role=slider]")
    for key in keys:
        handle.press(key)


def progress(watched: Any) -> str:
    return watched.page.locator("details.attack summary").inner_text()


def test_attack_fade_and_end(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    before = top(watched)
    page.locator("details.attack summary").click()
    page.locator(control("attack-count")).fill("6")
    button(watched, "Run").click()
    watched.wait_for("shown.attack === 'pgd(l2=1,steps=6;efficientnet_lite0)'")
    assert "step 6 · ‖δ‖₂" in progress(watched)
    assert top(watched) != before
    first, second, energy = page.locator("details.attack pre").inner_text().splitlines()
    assert first.startswith(f"✗ Model 1: {before} ")
    assert f"now {top(watched)} " in first
    assert "Model 2: " in second
    assert energy.endswith("% of the perturbation’s energy is low-frequency")
    pictures = page.locator("details.attack .result img:visible")
    assert pictures.evaluate_all("(images) => images.map((one) => one.naturalWidth > 0)") == [True] * 3
    assert "of the energy lies below" in (pictures.nth(2).get_attribute("title") or "")
    assert watched.query()["attack"] == "pgd(l2=1,steps=6;efficientnet_lite0)"

    fade(watched, "attack-alpha", "Home")
    watched.wait_for("shown.attack_alpha === '0'")
    assert top(watched) == before
    fade(watched, "attack-alpha", "End")
    watched.wait_for("!shown.attack_alpha")
    assert top(watched) != before
    assert "step 6 ·" in progress(watched)  # no step was taken for it

    box = page.locator(".pointer").bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 40)
    watched.wait_for("!shown.attack")
    assert top(watched) == before
    assert "attack" not in watched.query()
    assert progress(watched).strip() == "Attack"
    assert page.locator("details.attack pre").inner_text() == ""
    assert page.locator("details.attack .result img:visible").count() == 0


def test_one_step_then_another_scene(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    for step in (1, 2):
        button(watched, "PGD step").click()
        watched.wait_for("shown.attack === given", f"pgd(l2=1,steps={step};efficientnet_lite0)")
    page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.2; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    watched.wait_for("shown.hue === '0.2' && !shown.attack")


def test_another_method_begins_anew(opened: Open) -> None:
    watched = opened(f"{LINK}&attack=pgd(l2=1,steps=2;efficientnet_lite0)")
    page = watched.page
    choose(watched, control("attack-method"), "FGSM")
    watched.wait_for("!shown.attack")
    assert page.locator(control("attack-run")).is_disabled()
    page.locator(control("attack-step"), has_text="Attack").click()
    watched.wait_for("(shown.attack || '').startsWith('fgsm(linf=')")
    assert "steps=1;" in watched.shown()["attack"]


def test_a_long_run_is_stopped(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    assert page.locator(control("attack-stop")).is_disabled()
    page.locator(control("attack-count")).fill("200")
    button(watched, "Run").click()
    page.locator("details.attack .facts", has_text="of 200").wait_for()
    button(watched, "Stop").click()
    watched.wait_for("shown.attack && !shown.attack.includes('=200')")
    steps = int(watched.shown()["attack"].partition("steps=")[2].partition(";")[0])
    assert 0 < steps < 200
    assert f"step {steps} ·" in progress(watched)
    assert page.locator(control("attack-stop")).is_disabled()


def test_a_link_brings_the_attack_back(opened: Open) -> None:
    watched = opened(f"{LINK}&attack=fgsm(linf=0.02,steps=1;lite0_adversarial)")
    page = watched.page
    assert "step 1 ·" in progress(watched)
    assert page.locator(control("attack-slot")).inner_text() == "Model 2"
    assert page.locator(control("attack-method")).inner_text() == "FGSM, L∞"
    assert page.locator("details.attack .scaled").inner_text() == "= 5.1/255"


def test_a_link_brings_all_steps_and_its_momentum_back(opened: Open) -> None:
    attack = "mifgsm(linf=0.02,steps=5,momentum=0.5;efficientnet_lite0)"
    watched = opened(f"{LINK}&attack={attack}")
    assert "step 5 ·" in progress(watched)
    assert watched.shown()["attack"] == attack
    assert watched.query()["attack"] == attack
    button(watched, "PGD step").click()
    watched.wait_for("shown.attack === given", attack.replace("=5", "=6"))


def test_an_invalid_attack_in_a_link_gets_a_sentence(opened: Open) -> None:
    watched = opened(f"{LINK}&attack=pgd(l7=1;efficientnet_lite0)")
    assert "l7" in watched.page.locator("#explore-problems").inner_text()
    assert "attack" not in watched.shown()
