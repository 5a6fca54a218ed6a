"""The Mixing page in a real browser: sliders become weights, and what three models then say is on the page."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from edited_models import LITE0, LITE1, TWIN, twin
from gestures import export
from playwright.sync_api import Locator, expect

from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest
from perturber.zoo import own

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

PARTNER = "lite0_adversarial"
"""The first of Lite0's architecture."""

EDIT = f"mix({LITE0},{TWIN};blocks.3=0.5)"

DRAWN = """([page, key, wanted]) => {
    const { state, busy } = document.getElementById(page)?.dataset ?? {};
    return state !== undefined && busy === "false" && new URLSearchParams(state).get(key) === wanted;
}"""


@pytest.fixture(scope="module", autouse=True)
def partner(site: Any) -> Iterator[None]:
    """A second model of Lite0's architecture, for the time of this module."""
    settings = site.service.settings
    twin(settings)
    yield
    for name in own.tables(settings):
        own.remove(name, settings)


def mixing(opened: Open, edit: str = EDIT, **more: str) -> Any:
    watched = opened("/mixing?" + "&".join(f"{k}={v}" for k, v in {"edit": edit, **more}.items()))
    shown(watched, edit)
    return watched


def shown(watched: Any, edit: str, page: str = "mixing", key: str = "edit") -> None:
    """Wait until an edit is drawn."""
    watched.page.wait_for_function(DRAWN, arg=[page, key, edit])


@contextmanager
def answered(watched: Any) -> Iterator[None]:
    """Wait until what is done here is drawn."""
    before = watched.page.locator("#mixing").get_attribute("data-sequence")
    yield
    watched.page.wait_for_function(
        "(before) => document.getElementById('mixing').dataset.sequence !== before", arg=before
    )
    watched.settle()


def control(watched: Any, name: str, slot: str = "") -> Locator:
    id_ = json.dumps({"control": name, "page": "mixing", "slot": slot}, separators=(",", ":"))
    return watched.page.locator(f"[id='{id_}']")


def choose(watched: Any, name: str, option: str) -> None:
    """Choose in a menu what is called so."""
    control(watched, name).click()
    options = watched.page.locator(".dash-dropdown-content .dash-dropdown-option")
    with answered(watched):
        options.filter(has_text=re.compile(rf"^{re.escape(option)}")).first.click()


def slider(watched: Any, label: str) -> Locator:
    return watched.page.get_by_label(label, exact=True)


def set_slider(watched: Any, label: str, *values: float) -> None:
    """Drag a slider over some values."""
    with answered(watched):
        slider(watched, label).evaluate(
            """(slider, values) => {
                for (const value of values) {
                    slider.value = value;
                    slider.dispatchEvent(new Event("input", { bubbles: true }));
                }
                slider.dispatchEvent(new Event("change", { bubbles: true }));
            }""",
            values,
        )


def values(watched: Any, unit: str) -> list[str]:
    return watched.page.locator(f".unit[data-unit='{unit}'] output").inner_text().split(" – ")


def column(watched: Any, slot: int) -> list[tuple[str, str]]:
    """Name and logit of each class."""
    rows = watched.page.locator(f"#mixing-outcome-{slot} .bars .row")
    return list(zip(rows.locator(".name").all_inner_texts(), rows.locator(".length").all_text_contents(), strict=True))


def expected(site: Any, model: str) -> list[tuple[str, str]]:
    (slot,) = site.service.look(LookRequest(scene=Scene(), slots=(SlotRequest(model=model),))).slots
    return [(score.name, f"{score.logit:.2f}") for score in slot.top or ()]


# ---- the edit -----------------------------------------------------------------------------------------------------


def test_sliders_are_the_edit(opened: Open, site: Any) -> None:
    watched = opened("/mixing")
    shown(watched, f"mix({LITE0},{PARTNER})")  # a partner is found
    assert [column(watched, slot) for slot in (0, 1, 2)] == [expected(site, m) for m in (LITE0, PARTNER, LITE0)]
    set_slider(watched, "blocks.1", 0.2, 0.6, 0.75)
    edit = f"mix({LITE0},{PARTNER};blocks.1=0.75)"
    shown(watched, edit)
    assert column(watched, 2) == expected(site, edit)
    assert values(watched, "blocks.1") == ["0.75"]
    assert watched.query()["edit"] == edit
    set_slider(watched, "All parts", 1)
    assert "conv_stem=1" in watched.shown()["edit"]
    assert column(watched, 2) == column(watched, 1)
    set_slider(watched, "All parts", 0)
    shown(watched, f"mix({LITE0},{PARTNER})")


def test_bars_of_all_columns_are_compared(opened: Open) -> None:
    watched = mixing(opened)
    lengths = watched.page.locator(".outcome .bars .length").evaluate_all(
        "(bars) => bars.map((bar) => [Number(bar.textContent), bar.getBoundingClientRect().width])"
    )
    largest = max(logit for logit, _ in lengths)
    longest = max(width for _, width in lengths)
    for logit, width in lengths:
        assert width / longest == pytest.approx(logit / largest, abs=0.02)


def test_a_dragged_slider_stays_under_the_hand(opened: Open, site: Any) -> None:
    """Answers that are late do not take it back; the last one is of where it was let go."""
    watched = mixing(opened)
    site.engine.delay = 0.3
    box = slider(watched, "blocks.1").bounding_box()
    mouse = watched.page.mouse
    mouse.move(box["x"] + 8, box["y"] + box["height"] / 2)
    mouse.down()
    before = 0.0
    for step in range(1, 21):
        mouse.move(box["x"] + 8 + (box["width"] - 16) * step / 20, box["y"] + box["height"] / 2)
        watched.page.wait_for_timeout(60)
        now = float(slider(watched, "blocks.1").input_value())
        assert now >= before
        before = now
    mouse.up()
    site.engine.delay = 0.0
    shown(watched, f"mix({LITE0},{TWIN};blocks.1=1,blocks.3=0.5)")
    watched.page.get_by_title("Undo", exact=True).click()  # all of it
    shown(watched, EDIT)
    assert values(watched, "blocks.1") == ["0.00"]


def test_undo_takes_back_a_whole_drag(opened: Open) -> None:
    watched = mixing(opened)
    back, forth = watched.page.get_by_title("Undo", exact=True), watched.page.get_by_title("Redo", exact=True)
    expect(back).to_be_disabled()
    expect(forth).to_be_disabled()
    set_slider(watched, "blocks.3", 0.6, 0.7, 0.9)
    set_slider(watched, "blocks.3", 0.8)
    shown(watched, EDIT.replace("0.5", "0.8"))
    back.click()
    shown(watched, EDIT.replace("0.5", "0.9"))
    back.click()
    shown(watched, EDIT)
    expect(back).to_be_disabled()
    forth.click()
    forth.click()
    shown(watched, EDIT.replace("0.5", "0.8"))
    choose(watched, "mode", "Prune")
    shown(watched, f"prune({LITE0})")
    back.click()
    shown(watched, EDIT.replace("0.5", "0.8"))
    assert values(watched, "blocks.3") == ["0.80"]


def test_no_click_on_undo_is_lost(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    for share in (0.6, 0.7, 0.8):
        set_slider(watched, "blocks.3", share)
    site.engine.delay = 0.3
    back = watched.page.get_by_title("Undo", exact=True)
    for _ in range(3):
        back.click()
    shown(watched, EDIT)


def test_presets(opened: Open) -> None:
    watched = mixing(opened)
    for preset, there, not_there in [
        ("Model 2 everywhere", "classifier=1", "=0"),
        ("Model 1 everywhere", ")", "="),
        ("Model 2 up to blocks.1", "blocks.0=1,blocks.1=1,conv_stem=1)", "blocks.2"),
        ("Model 2 from conv_head on", "classifier=1,conv_head=1)", "blocks"),
        ("Swap the models", "blocks.6=1,conv_stem=1)", "conv_head"),
        ("Alternate", "blocks.0=1,blocks.2=1", "conv_stem"),
    ]:
        choose(watched, "preset", preset)
        edit = watched.shown()["edit"]
        assert there in edit, preset
        assert not_there not in edit.partition(";")[2], preset
        expect(control(watched, "preset")).to_have_text("Preset …")


def test_pruning(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    choose(watched, "mode", "Prune")
    shown(watched, f"prune({LITE0})")
    for hidden in (control(watched, "second"), *map(watched.page.locator, ("#mixing-outcome-1", ".scan"))):
        expect(hidden).to_be_hidden()
    set_slider(watched, "blocks.2, from", 0.25)
    shown(watched, f"prune({LITE0};blocks.2=0.25-1)")
    set_slider(watched, "blocks.2, to", 0.1)  # pushes the other
    shown(watched, f"prune({LITE0};blocks.2=0.1-0.1)")
    assert slider(watched, "blocks.2, from").input_value() == "0.1"
    set_slider(watched, "blocks.2, from", 0.4)
    shown(watched, f"prune({LITE0};blocks.2=0.4-0.4)")
    set_slider(watched, "blocks.2, to", 1)
    edit = f"prune({LITE0};blocks.2=0.4-1)"
    shown(watched, edit)
    assert column(watched, 2) == expected(site, edit)
    choose(watched, "preset", "Strongest half")
    assert "conv_stem=0.5-1" in watched.shown()["edit"]
    choose(watched, "mode", "Mix")
    shown(watched, f"mix({LITE0},{TWIN})")
    expect(watched.page.locator("#mixing-outcome-1")).to_be_visible()


def test_finer_sliders_keep_what_is_set(opened: Open) -> None:
    watched = mixing(opened)
    before = column(watched, 2)
    choose(watched, "level", "by block")
    assert "blocks.3.0=0.5" in watched.shown()["edit"]
    assert column(watched, 2) == before
    assert watched.query()["level"] == "block"
    choose(watched, "level", "by layer")
    assert "blocks.3.0.conv_pw=0.5" in watched.shown()["edit"]
    assert column(watched, 2) == before
    assert watched.query()["level"] == "layer"
    watched.page.reload()
    watched.settle()
    assert "blocks.3.0.conv_pw=0.5" in watched.shown()["edit"]
    assert values(watched, "blocks.3.0.conv_pw") == ["0.50"]


def test_a_link_may_mix_levels(opened: Open, site: Any) -> None:
    edit = f"mix({LITE0},{TWIN};blocks.3=0.5,blocks.3.1=1)"
    watched = opened(f"/mixing?edit={edit}")
    assert "blocks.3.0=0.5" in watched.shown()["edit"]
    units = ("blocks.3.0", "blocks.3.1", "blocks.2.0")
    assert [values(watched, unit) for unit in units] == [["0.50"], ["1.00"], ["0.00"]]
    assert column(watched, 2) == expected(site, edit)
    expect(control(watched, "level")).to_have_text("by block")


def test_models_that_cannot_be_mixed(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    page = watched.page
    choose(watched, "second", "EfficientNet-Lite1")
    expect(page.locator(".units .empty")).to_contain_text("cannot be mixed")
    expect(page.get_by_role("button", name="Save …")).to_be_disabled()
    expect(page.get_by_role("link", name="Open in Explore")).to_be_hidden()
    assert column(watched, 1) == expected(site, LITE1)
    assert column(watched, 2) == []
    choose(watched, "second", "Noisy")
    expect(page.locator(".units [data-unit]")).to_have_count(10)
    set_slider(watched, "blocks.0", 1)
    shown(watched, f"mix({LITE0},{TWIN};blocks.0=1,blocks.3=0.5)")
    expect(page.locator("#notice")).to_be_empty()


def test_a_link_with_a_pair_that_cannot_be_mixed(opened: Open) -> None:
    edit = f"mix({LITE0},{LITE1})"
    watched = opened(f"/mixing?edit={edit}&yaw=10&level=block")
    assert watched.shown() == {"edit": edit, "yaw": "10", "level": "block"}
    expect(watched.page.locator(".units .empty")).to_contain_text("cannot be mixed")


def test_unknown_model_in_a_link(opened: Open) -> None:
    watched = opened(f"/mixing?edit=mix({LITE0},nobody)&yaw=10")
    assert "Unknown model 'nobody'" in watched.page.locator(".problems").inner_text()
    assert watched.shown() == {"edit": f"mix({LITE0},{PARTNER})", "yaw": "10"}


# ---- scans --------------------------------------------------------------------------------------------------------


def test_scan(opened: Open) -> None:
    watched = mixing(opened)
    page = watched.page
    lines = page.locator(".scan .scatterlayer .trace")
    expect(page.get_by_role("spinbutton", name="ε")).to_be_hidden()
    choose(watched, "attack", "PGD, L2")
    page.get_by_role("spinbutton", name="ε").fill("0.5")
    expect(page.locator(".scanning")).to_contain_text("127.5/255")
    page.get_by_role("button", name="Scan this scene").click()
    words = page.locator(".scan .words")
    expect(words).to_have_text(f"{LITE0} and {TWIN} under attack", timeout=60_000)
    expect(lines).not_to_have_count(0)
    assert "same class under PGD, L2, ε = 0.5, 8 steps" in page.locator(".scan .legendtext").all_text_contents()
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    assert re.fullmatch("[0-9a-f]{24}", watched.query()["scan"])
    with page.expect_download() as saved:
        export(page.locator(".scan .export"), "SVG")
    assert saved.value.suggested_filename == "mixing-compatibility.svg"
    page.reload()
    watched.settle()
    expect(lines).not_to_have_count(0)
    expect(words).to_have_text(f"{LITE0} and {TWIN} under attack")


def test_a_scan_is_cancelled(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    page = watched.page
    page.get_by_label("early parts from Model 1").check()
    choose(watched, "level", "by layer")  # takes long
    page.get_by_role("button", name="Scan this scene").click()
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator(".scan .words")).to_have_text(re.compile(r"cancelled\.$"))
    expect(page.get_by_role("button", name="Cancel")).to_be_hidden()
    assert site.service.jobs.status(watched.query()["scan"]).state == "cancelled"


# ---- edits that are kept ------------------------------------------------------------------------------------------


def test_kept_edits_come_back(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    page = watched.page
    page.get_by_role("button", name="Save …").click()
    field = page.get_by_label("Name of the new model")
    field.fill("../x")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.locator(".modal .message")).to_contain_text("cannot be called")
    field.fill("from-the-page")
    field.press("Enter")
    expect(page.locator("#notice")).to_have_text(re.compile("^Saved as from-the-page"))
    expect(page.locator(".modal")).to_have_count(0)
    set_slider(watched, "All parts", 1)
    assert "classifier=1" in watched.shown()["edit"]
    choose(watched, "kept", "from-the-page")
    shown(watched, EDIT)
    choose(watched, "first", "from-the-page")
    shown(watched, f"mix(from-the-page,{TWIN})")
    assert column(watched, 0) == expected(site, EDIT)
    expect(page.locator("#mixing-outcome-0 > .name")).to_have_text("from-the-page")


def test_the_edited_model_in_explore(opened: Open) -> None:
    watched = mixing(opened, yaw="12")
    before = column(watched, 2)
    watched.page.get_by_role("link", name="Open in Explore").click()
    shown(watched, EDIT, page="explore", key="m3")
    assert watched.page.locator("#explore-slot-2 .bars .name").all_inner_texts() == [name for name, _ in before]


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_nothing_overflows(opened: Open, size: tuple[int, int]) -> None:
    watched = mixing(opened)
    watched.page.set_viewport_size({"width": size[0], "height": size[1]})
    overflow = watched.page.evaluate(
        """() => ["html", "main", "main > div", ".mixing", ".editing", ".scan", ".scanning", ".outcome"].map((s) => {
            const e = document.querySelector(s);
            return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth];
        }).flat()"""
    )
    assert max(overflow) <= 0
