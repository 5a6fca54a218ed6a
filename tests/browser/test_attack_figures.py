"""The attack's figures below the slots: layers step by step, models side by side, a curve that a link brings back."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from gestures import choose, control, export

Open = Callable[..., Any]
LINK = "/?cards=none&c1=0&c2=0&h2=1&p1=0&p2=0"
"""Without predictions there are no feature visualisations of classes, with which other jobs would take turns."""

pytestmark = pytest.mark.browser


def open_figure(watched: Any, words: str) -> None:
    watched.page.locator(".drawer .tabs label", has_text=words).click()


def tool(name: str) -> str:
    """Selector of a setting of the open figure."""
    return f"[id='{json.dumps({'page': 'explore', 'tool': name}, separators=(',', ':'))}']"


def fill(watched: Any, name: str, value: str) -> None:
    field = watched.page.locator(tool(name))
    field.fill(value)
    field.blur()


def lines(watched: Any) -> Any:
    return watched.page.locator(".drawer .scatterlayer .trace")


def wait_for_lines(watched: Any, count: int) -> None:
    watched.page.wait_for_function(
        "(count) => document.querySelectorAll('.drawer .scatterlayer .trace').length === count", arg=count
    )


@pytest.mark.slow
def test_layers_grow_with_the_steps_and_outlast_fading(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    page.locator("details.attack summary").click()
    page.locator(control("attack-count")).fill("3")
    page.locator("details.attack button", has_text="Run").click()
    watched.wait_for("(shown.attack || '').includes('steps=3')")
    open_figure(watched, "Change by layer")
    wait_for_lines(watched, 3)  # the steps that nobody had followed were taken once more
    assert page.locator(".drawer .notes").inner_text().startswith("After step 1 the change jumps most at ")
    page.locator(f"{control('attack-alpha')} [role=slider]").press("Home")
    watched.wait_for("shown.attack_alpha === '0'")
    page.wait_for_timeout(600)
    assert lines(watched).count() == 3
    page.locator("details.attack button", has_text="PGD step").click()
    wait_for_lines(watched, 4)
    assert watched.query()["attack_figure"] == "layers"
    page.locator("details.attack button", has_text="End attack").click()
    watched.wait_for("!shown.attack")
    wait_for_lines(watched, 0)
    open_figure(watched, "History of classes")
    watched.wait_for("!shown.attack_figure")  # there is room for one
    assert page.locator(".drawer .notes").inner_text() == ""


def test_models_side_by_side(opened: Open) -> None:
    watched = opened(LINK.replace("&h2=1", ""))
    page = watched.page
    page.locator("details.attack summary").click()
    page.locator(control("attack-count")).fill("1")
    open_figure(watched, "Attack across models")
    page.locator(".drawer .use", has_text="Compare").click()
    page.locator(".drawer .notes img").nth(1).wait_for()
    titles = page.locator(".drawer .notes img").evaluate_all("(images) => images.map((image) => image.title)")
    assert [title.split(":")[0] for title in titles] == ["Model 1", "Model 2"]
    wait_for_lines(watched, 2)
    legend = page.locator(".drawer .legendtext").all_text_contents()
    assert len(legend) == 2
    assert all("% below 0.1" in words for words in legend)


@pytest.mark.slow
def test_a_curve_is_there_again_after_a_reload(opened: Open) -> None:
    watched = opened(LINK)
    page = watched.page
    open_figure(watched, "Robustness curve")
    for name, value in (("points", "2"), ("curve-steps", "1")):
        fill(watched, name, value)
    page.locator(".drawer .use", has_text="Compute").click()
    page.locator(".drawer .about", has_text="Done").wait_for()
    lines(watched).nth(1).wait_for()
    said = page.locator(".drawer .notes").inner_text()
    assert "Model 1" in said
    assert "PGD, 1 step, untargeted" in said
    assert "2 (510/255)" in said  # twice the panel's ε
    assert watched.query()["attack_figure"].startswith("curve-")
    with page.expect_download() as download:
        page.locator(".drawer .tools button", has_text="Table").click()
    rows = download.value.path().read_text().splitlines()
    assert rows[0].startswith("model,attack,norm,epsilon")
    assert len(rows) == 3
    with page.expect_download() as picture:
        export(page.locator(".drawer .tools .export"), "SVG")
    assert b"<svg" in picture.value.path().read_bytes()
    page.reload()
    watched.settle()
    lines(watched).nth(1).wait_for()
    assert page.locator(".drawer .notes").inner_text() == said
    page.locator("#explore-hue").evaluate(
        "(s) => { s.value = 0.2; s.dispatchEvent(new Event('input', { bubbles: true })); }"
    )
    page.locator(".drawer .about", has_text="of an earlier scene").wait_for()
    page.locator(".drawer .notes.old").wait_for(state="attached")


def test_a_curve_is_cancelled(opened: Open) -> None:
    watched = opened(f"{LINK}&attack_figure=curve")
    page = watched.page
    choose(watched, tool("pictures"), "variations")
    fill(watched, "pictures-count", "100")
    page.locator(".drawer .use", has_text="Compute").click()
    page.locator(".drawer .about", has_text="of").wait_for()
    page.locator(".drawer .use", has_text="Cancel").click()
    page.locator(".drawer .about", has_text="Cancelled").wait_for()
    assert page.locator(".drawer .use").inner_text() == "Compute"


@pytest.mark.parametrize("at_rest", [True, False])
def test_an_impossible_curve_gets_a_sentence(opened: Open, at_rest: bool) -> None:
    watched = opened(f"{LINK}&attack_figure=curve", wait=at_rest)
    page = watched.page
    fill(watched, "most", "999")
    page.locator(".drawer .use", has_text="Compute").click()
    page.locator("#notice", has_text="999").wait_for()
    watched.settle()
    assert watched.shown()["attack_figure"] == "curve"
