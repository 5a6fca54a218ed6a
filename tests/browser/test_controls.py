"""Every control of the parameter panel, in a real browser."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gestures import choose, model_input, wait_for_scene
from playwright.sync_api import expect

from perturber.parameters import GROUPS, PARAMETERS, Number, Switch, Text

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

QUIET = "a1=0&p1=0&a2=0&p2=0"
"""Nothing but the picture: this is about the controls."""

CONTEXT = {
    "cutoff": "high_alpha=0",
    "noise_seed": "noise=0.2",
    "patch_seed": "patch_shuffle=4",
    "corruption_seed": "corruption_fog=4",
    "plane_neuron": "plane=1",
}
"""What must be on before a parameter can change anything."""

VALUES = {"plane_neuron": "blocks.0.0:3", "custom_code": "color.rgb = color.bgr * value;"}


GROWING = "() => /: step [1-9]/.test(document.getElementById('explore-status').textContent)"
"""The status line tells how far the feature visualisation on the plane has come."""


def unfold(watched: Any) -> None:
    watched.page.evaluate("document.querySelectorAll('.groups details').forEach((group) => (group.open = true))")


def other_value(parameter: Number) -> str:
    ends = (parameter.maximum, parameter.minimum)
    value = next(
        parameter.default + 0.5 * (end - parameter.default) for end in ends if abs(end - parameter.default) > 1e-9
    )
    return str(round(value) if parameter.whole else round(value / parameter.step) * parameter.step)


def move(watched: Any, key: str) -> None:
    """Set a control as a user would, to another value."""
    page, parameter = watched.page, PARAMETERS[key]
    if isinstance(parameter, Number):
        page.locator(f"#explore-{key}").fill(other_value(parameter))
    elif isinstance(parameter, Switch):
        page.locator(f"#explore-{key}").check()
    elif isinstance(parameter, Text):
        page.locator(f"#explore-{key}").fill(VALUES[key])
        page.locator(f"#explore-{key}").blur()
    else:
        choose(watched, f"#explore-{key}", {"object": "Fire Truck", "background": "Street"}[key])
    watched.wait_for("given in shown", key)
    if key == "plane_neuron":  # its picture is grey until the first step of its making
        watched.page.wait_for_function(GROWING)


@pytest.mark.slow
@pytest.mark.parametrize("group", GROUPS)
def test_every_control_changes_the_model_input_and_goes_back(opened: Open, group: str) -> None:
    """…and ↺ brings back exactly what was there before."""
    keys = [key for key, parameter in PARAMETERS.items() if parameter.group == group]
    for context in dict.fromkeys(CONTEXT.get(key, "") for key in keys):
        watched = opened(f"/?{QUIET}&{context}")
        unfold(watched)
        before = model_input(watched)
        for key in (key for key in keys if CONTEXT.get(key, "") == context):
            move(watched, key)
            changed = np.abs(model_input(watched).astype(int) - before)
            assert changed.mean() > 0.1, key
            watched.page.locator(f"[data-reset={key}]").click()
            watched.wait_for("!(given in shown)", key)
            if key not in ("plane", "plane_neuron"):  # a feature visualisation goes on growing
                np.testing.assert_array_equal(model_input(watched), before, err_msg=key)


def test_reset_group_and_reset_all(opened: Open) -> None:
    watched = opened(f"/?{QUIET}&hue=0.2&noise=0.1&low_alpha=0.5&yaw=10")
    page = watched.page
    heading = page.locator("details[data-group='Post-processing'] summary")
    assert heading.locator(".name").inner_text() == "Post-processing · 2 changed"
    page.locator("[data-reset-group='Post-processing']").click()
    wait_for_scene(watched, low_alpha=0.5, yaw=10)
    assert heading.locator(".name").inner_text() == "Post-processing"
    assert page.locator("details[data-group='Post-processing']").get_attribute("open") is not None
    page.locator("[data-reset=all]").click()
    wait_for_scene(watched)


def test_search_finds_and_unfolds(opened: Open) -> None:
    watched = opened(f"/?{QUIET}")
    page = watched.page
    folded = page.locator("details[data-group=Corruptions]")
    assert folded.get_attribute("open") is None
    field = page.get_by_label("Find a parameter by name")
    field.fill("blur")
    visible = page.locator(".control:visible label").all_inner_texts()
    assert {"Texture Blur", "Background Blur", "Glass Blur", "Zoom Blur"} <= set(visible)
    assert "Yaw" not in visible
    field.fill("no such thing")
    assert page.locator(".nothing").is_visible()
    field.fill("")
    assert folded.get_attribute("open") is None
    assert page.locator("#explore-yaw").is_visible()


def test_the_morph_group_is_called_after_what_the_object_becomes(opened: Open) -> None:
    watched = opened(f"/?{QUIET}")
    title = watched.page.locator("details[data-group=Morph] .name")
    assert title.inner_text() == "Catness"
    choose(watched, "#explore-object", "Fire Truck")
    watched.wait_for("shown.object === 'firetruck_racecar'")
    assert title.inner_text() == "Race Car-ness"


def test_a_mistake_in_the_code_keeps_the_last_good_effect(opened: Open) -> None:
    watched = opened(f"/?{QUIET}")
    page = watched.page
    unfold(watched)
    field = page.locator("#explore-custom_code")
    field.fill("color.rgb = color.bgr;")
    wait_for_scene(watched, custom_code="color.rgb = color.bgr;")
    good = model_input(watched)
    field.fill("color.rgb = color.bgr;\ncolor.r = colour.g;")
    message = page.locator("[data-key=custom_code] .message")
    expect(message).to_contain_text("ine 2")
    assert "colour" in message.inner_text()
    watched.settle()
    np.testing.assert_array_equal(model_input(watched), good)
    assert watched.shown()["custom_code"] == "color.rgb = color.bgr;"
    page.locator("[data-reset=custom_code]").click()
    wait_for_scene(watched)
    expect(message).to_have_count(0)


def test_a_neuron_that_does_not_exist(opened: Open) -> None:
    watched = opened(f"/?{QUIET}")
    unfold(watched)
    field = watched.page.locator("#explore-plane_neuron")
    field.fill("blocks.3.0:9999")
    field.press("Enter")
    expect(watched.page.locator("[data-key=plane_neuron] .message")).to_contain_text("0 to 79")
    watched.settle()
    wait_for_scene(watched)
