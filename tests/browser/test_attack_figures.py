"""The attack's figures below the slots: layers step by step, models side by side, a curve that a link brings back."""

from collections.abc import Callable
from typing import Any

import pytest

Open = Callable[..., Any]
LINK = "/?cards=none&c1=0&c2=0&h2=1&p1=0&p2=0"
"""Without predictions there are no feature visualisations of classes, with which other jobs would take turns."""

pytestmark = pytest.mark.browser


def choose(watched: Any, words: str) -> None:
    watched.page.locator("details.attack .figures button", has_text=words).click()


def test_layers_grow_with_the_steps_and_outlast_fading(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    page.locator("#attack-count").fill("3")
    page.locator("details.attack button", has_text="Run").click()
    watched.wait_for("window.perturber.page.attack.done === 3")
    choose(watched, "Change by layer")
    drawn = "document.querySelectorAll('.attack-figures .scatterlayer .trace').length"
    watched.wait_for(f"{drawn} === 3")  # the steps that nobody had followed were taken once more
    assert page.locator(".attack-figures .aside").inner_text().startswith("After step 1 the change jumps most at ")
    page.get_by_label("Attack Alpha", exact=True).evaluate(
        "(s) => { s.value = 0.5; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    watched.wait_for("shown.attack_alpha === 0.5")
    assert watched.page.evaluate("window.perturber.page.displayed.answer.attack.layers") is None
    assert page.evaluate(drawn) == 3
    page.locator("details.attack button", has_text="PGD step").click()
    watched.wait_for(f"{drawn} === 4")
    assert watched.query()["attack_figure"] == "layers"
    page.locator("details.attack button", has_text="End attack").click()
    watched.wait_for(f"!shown.attack && {drawn} === 0")
    page.locator(".drawer button", has_text="History").click()
    assert page.locator(".attack-figures").is_hidden()  # there is room for one


def test_models_side_by_side(opened: Open) -> None:
    watched = opened(LINK.replace("&h2=1", ""))
    page = watched.page
    page.locator("details.attack summary").click()
    page.locator("#attack-count").fill("1")
    choose(watched, "Compare across models")
    page.locator(".attack-figures .use", has_text="Compare").click()
    page.locator(".attack-figures .pictures-of img").nth(1).wait_for()
    captions = page.locator(".attack-figures figcaption").all_inner_texts()
    assert [caption.split(":")[0] for caption in captions] == ["Model 1", "Model 2"]
    legend = page.locator(".attack-figures .legendtext").all_text_contents()
    assert len(legend) == 2
    assert all("% below 0.1" in words for words in legend)


def test_a_curve_is_there_again_after_a_reload(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    choose(watched, "Robustness curve")
    for key, value in (("points", "2"), ("steps", "1")):
        page.locator(f"#attack-curve-{key}").fill(value)
        page.locator(f"#attack-curve-{key}").blur()
    page.locator(".attack-figures .use", has_text="Compute").click()
    page.locator(".attack-figures .scatterlayer .trace").nth(1).wait_for()
    page.wait_for_function("() => window.perturber.page.figures.jobs.curve.state === 'done'")
    said = page.locator(".attack-figures .aside").inner_text()
    assert "Model 1" in said
    assert "PGD, 1 step, untargeted" in said
    assert "2 (510/255)" in said  # twice the panel's ε
    assert watched.query()["attack_figure"].startswith("curve-")
    page.locator(".attack-figures .figure").hover()
    with page.expect_download() as download:
        page.locator(".attack-figures .save button", has_text="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("model,attack,norm,epsilon")
    assert len(lines) == 3
    page.reload()
    watched.settle()
    page.locator(".attack-figures .scatterlayer .trace").nth(1).wait_for()
    assert page.locator(".attack-figures .aside").inner_text() == said
    page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.2; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.locator(".attack-figures.old .about", has_text="of an earlier scene").wait_for()


def test_a_curve_is_cancelled(opened: Open) -> None:
    watched = opened(LINK + "&attack_figure=curve")
    page = watched.page
    page.locator("#attack-curve-pictures").select_option("variations")
    page.locator("#attack-curve-count").fill("100")
    page.locator("#attack-curve-count").blur()
    page.locator(".attack-figures .use", has_text="Compute").click()
    page.locator(".attack-figures progress").wait_for()
    page.locator(".attack-figures .use", has_text="Cancel").click()
    page.locator(".attack-figures .about", has_text="cancelled").wait_for()
    assert page.locator(".attack-figures .use").inner_text() == "Compute"
