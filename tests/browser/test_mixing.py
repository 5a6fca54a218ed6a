"""The Mixing page in a real browser: sliders become weights, and what three models then say is on the page."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from edited_models import LITE0, TWIN, twin

from perturber.scene import Scene
from perturber.service import LookRequest, SlotRequest
from perturber.zoo import own

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

PARTNER = "lite0_adversarial"
"""The first of Lite0's architecture."""

EDIT = f"mix({LITE0},{TWIN};blocks.3=0.5)"
SETTLED = "!window.perturber.page.loading && "


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


def shown(watched: Any, edit: str) -> None:
    """Wait until an edit is drawn."""
    watched.wait_for(SETTLED + "shown.edit === given", edit)


def set_slider(watched: Any, label: str, *values: float) -> None:
    """Drag a slider over some values."""
    slider = watched.page.get_by_label(label, exact=True)
    slider.evaluate(
        """(slider, values) => {
            for (const value of values) {
                slider.value = value;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
            }
            slider.dispatchEvent(new Event("change", { bubbles: true }));
        }""",
        values,
    )


def values(watched: Any, label: str) -> list[str]:
    row = watched.page.locator(".unit", has=watched.page.get_by_title(label, exact=True)).first
    return row.locator("output").inner_text().split(" – ")


def column(watched: Any, slot: int) -> list[tuple[str, str]]:
    """Name and logit of each class."""
    rows = watched.page.locator(f"#mixing-outcome-{slot} .bars .row")
    return list(zip(rows.locator(".name").all_inner_texts(), rows.locator(".length").all_text_contents(), strict=True))


def expected(site: Any, model: str) -> list[tuple[str, str]]:
    (slot,) = site.service.look(LookRequest(scene=Scene(), slots=(SlotRequest(model=model),))).slots
    return [(score.name, f"{score.logit:.2f}") for score in slot.top or ()]


def choose(watched: Any, key: str, option: str) -> None:
    watched.page.select_option(f"#mixing-{key}", option)


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
    watched.wait_for(SETTLED + "shown.edit.includes('conv_stem=1') && shown.edit.includes('blocks.6=1')")
    assert column(watched, 2) == column(watched, 1)
    set_slider(watched, "All parts", 0)
    shown(watched, f"mix({LITE0},{PARTNER})")


def test_undo_takes_back_a_whole_drag(opened: Open) -> None:
    watched = mixing(opened)
    back, forth = watched.page.get_by_title("Undo", exact=True), watched.page.get_by_title("Redo", exact=True)
    assert back.is_disabled() and forth.is_disabled()  # noqa: PT018
    set_slider(watched, "blocks.3", 0.6, 0.7, 0.9)
    set_slider(watched, "blocks.3", 0.8)
    shown(watched, EDIT.replace("0.5", "0.8"))
    back.click()
    shown(watched, EDIT.replace("0.5", "0.9"))
    back.click()
    shown(watched, EDIT)
    assert back.is_disabled()
    forth.click()
    forth.click()
    shown(watched, EDIT.replace("0.5", "0.8"))
    choose(watched, "mode", "prune")
    shown(watched, f"prune({LITE0})")
    back.click()
    shown(watched, EDIT.replace("0.5", "0.8"))
    assert values(watched, "blocks.3") == ["0.80"]


def test_presets(opened: Open) -> None:
    watched = mixing(opened)
    for preset, there, not_there in [
        ("all", "classifier=1", "=0"),
        ("none", ")", "="),
        ("early:blocks.1", "conv_stem=1,blocks.0=1,blocks.1=1)", "blocks.2"),
        ("late:conv_head", "conv_head=1,classifier=1)", "blocks"),
        ("swap", "blocks.6=1)", "conv_head"),
        ("alternate", "blocks.0=1,blocks.2=1", "conv_stem"),
    ]:
        choose(watched, "preset", preset)
        watched.wait_for(
            SETTLED + "shown.edit.includes(given[0]) && !shown.edit.split(';').slice(1).join().includes(given[1])",
            [there, not_there],
        )
        assert watched.page.locator("#mixing-preset").input_value() == ""


def test_pruning(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    choose(watched, "mode", "prune")
    shown(watched, f"prune({LITE0})")
    for hidden in ("#mixing-second", "#mixing-outcome-1", ".scan"):
        assert watched.page.locator(hidden).is_hidden()
    set_slider(watched, "blocks.2, from", 0.25)
    shown(watched, f"prune({LITE0};blocks.2=0.25-1)")
    set_slider(watched, "blocks.2, to", 0.1)  # pushes the other
    shown(watched, f"prune({LITE0};blocks.2=0.1-0.1)")
    assert watched.page.get_by_label("blocks.2, from", exact=True).input_value() == "0.1"
    set_slider(watched, "blocks.2, from", 0.4)
    shown(watched, f"prune({LITE0};blocks.2=0.4-0.4)")
    set_slider(watched, "blocks.2, to", 1)
    edit = f"prune({LITE0};blocks.2=0.4-1)"
    shown(watched, edit)
    assert column(watched, 2) == expected(site, edit)
    choose(watched, "preset", "strong")
    watched.wait_for(SETTLED + "shown.edit.includes('conv_stem=0.5-1')")
    choose(watched, "mode", "mix")
    shown(watched, f"mix({LITE0},{TWIN})")
    assert watched.page.locator("#mixing-outcome-1").is_visible()


def test_finer_sliders_keep_what_is_set(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    before = column(watched, 2)
    choose(watched, "level", "block")
    watched.wait_for(SETTLED + "shown.edit.includes('blocks.3.0=0.5')")
    assert column(watched, 2) == before
    assert watched.query()["level"] == "block"
    choose(watched, "level", "layer")
    watched.wait_for(SETTLED + "shown.edit.includes('blocks.3.0.conv_pw=0.5')")
    assert column(watched, 2) == before
    assert watched.query()["level"] == "layer"
    watched.page.reload()
    watched.settle()
    watched.wait_for(SETTLED + "shown.edit.includes('blocks.3.0.conv_pw=0.5')")
    assert values(watched, "blocks.3.0.conv_pw") == ["0.50"]


def test_a_link_may_mix_levels(opened: Open, site: Any) -> None:
    edit = f"mix({LITE0},{TWIN};blocks.3=0.5,blocks.3.1=1)"
    watched = opened(f"/mixing?edit={edit}")
    watched.wait_for(SETTLED + "shown.edit.includes('blocks.3.0=0.5')")
    assert [values(watched, unit) for unit in ("blocks.3.0", "blocks.3.1", "blocks.2.0")] == [
        ["0.50"],
        ["1.00"],
        ["0.00"],
    ]
    assert column(watched, 2) == expected(site, edit)
    assert watched.page.locator("#mixing-level").input_value() == "block"


def test_models_that_cannot_be_mixed(opened: Open) -> None:
    watched = mixing(opened)
    page = watched.page
    choose(watched, "second", "efficientnet_lite1")
    page.wait_for_function("() => document.querySelector('.units .empty')?.textContent.includes('cannot be mixed')")
    assert page.get_by_role("button", name="Save …").is_disabled()
    assert page.locator(".mixing a.button").is_hidden()
    choose(watched, "second", TWIN)
    page.wait_for_function("() => document.querySelectorAll('.unit').length > 5")
    set_slider(watched, "blocks.0", 1)
    shown(watched, f"mix({LITE0},{TWIN};blocks.3=0.5,blocks.0=1)")
    assert page.locator("#notice").inner_text() == ""
    watched.errors[:] = [error for error in watched.errors if "status of 400" not in error]  # the browser's own


def test_a_link_with_a_pair_that_cannot_be_mixed(opened: Open) -> None:
    watched = opened(f"/mixing?edit=mix({LITE0},efficientnet_lite1)&yaw=10&level=block")
    assert "cannot be mixed" in watched.page.locator(".problems").inner_text()
    watched.wait_for(SETTLED + "shown.scene.yaw === 10 && shown.level === 'block'")


def test_scan(opened: Open) -> None:
    watched = mixing(opened)
    page = watched.page
    drawn = "() => document.querySelectorAll('.scan .scatterlayer .trace').length"
    page.get_by_label("Attack on every cut").select_option(label="under PGD, L2")
    page.get_by_label("ε of the attack").fill("0.5")
    assert "127.5/255" in page.locator(".scanning").inner_text()
    page.get_by_role("button", name="Scan this scene").click()
    words = page.locator(".scan .words")
    page.wait_for_function("() => document.querySelector('.scan .words').textContent.endsWith('noisy under attack')")
    page.wait_for_function(drawn)
    assert "same class under PGD, L2, ε = 0.5, 8 steps" in page.locator(".scan .legendtext").all_text_contents()
    assert page.get_by_role("button", name="Cancel").is_hidden()
    assert re.fullmatch("[0-9a-f]{24}", watched.query()["scan"])
    page.reload()
    watched.settle()
    page.wait_for_function(drawn)
    assert words.inner_text() == f"{LITE0} and {TWIN} under attack"


def test_a_scan_is_cancelled(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    page = watched.page
    page.locator("#mixing-reverse").check()
    choose(watched, "level", "layer")  # takes long
    watched.wait_for(SETTLED + "shown.level === 'layer'")
    page.get_by_role("button", name="Scan this scene").click()
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_function("() => document.querySelector('.scan .words').textContent.endsWith('cancelled.')")
    assert page.get_by_role("button", name="Cancel").is_hidden()
    assert site.service.jobs.status(watched.query()["scan"]).state == "cancelled"


def test_saved_edits_come_back(opened: Open, site: Any) -> None:
    watched = mixing(opened)
    page = watched.page
    page.get_by_role("button", name="Save …").click()
    field = page.get_by_label("Name of the new model")
    field.fill("../x")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_function("() => document.getElementById('notice').textContent.includes('cannot be called')")
    watched.errors[:] = [error for error in watched.errors if "status of 400" not in error]
    page.get_by_role("button", name="Save …").click()
    field.fill("from-the-page")
    page.get_by_role("button", name="Keep").click()
    page.wait_for_function("() => document.getElementById('notice').textContent.startsWith('Saved as from-the-page')")
    page.wait_for_function(
        "() => [...document.getElementById('mixing-saved').options].some((o) => o.value === 'from-the-page')"
    )
    set_slider(watched, "All parts", 1)
    watched.wait_for(SETTLED + "shown.edit.includes('classifier=1')")
    choose(watched, "saved", "from-the-page")
    shown(watched, EDIT)
    choose(watched, "first", "from-the-page")
    watched.wait_for(SETTLED + "shown.edit === given", f"mix(from-the-page,{TWIN})")
    assert column(watched, 0) == expected(site, EDIT)
    assert page.locator("#mixing-outcome-0 > .name").inner_text() == "from-the-page"


def test_the_edited_model_in_explore(opened: Open, site: Any) -> None:
    watched = mixing(opened, yaw="12")
    before = column(watched, 2)
    watched.query()
    watched.page.get_by_role("link", name="Open in Explore").click()
    watched.wait_for("shown.slots && shown.slots[2] && shown.slots[2].model === given && shown.scene.yaw === 12", EDIT)
    assert watched.page.locator("#explore-slot-2 .bars .name").all_inner_texts() == [name for name, _ in before]


@pytest.mark.parametrize("size", [(1440, 900), (1920, 1080)])
def test_nothing_overflows(opened: Open, size: tuple[int, int]) -> None:
    watched = mixing(opened)
    watched.page.set_viewport_size({"width": size[0], "height": size[1]})
    overflow = watched.page.evaluate(
        """() => ['html', 'main', 'main > div', '.mixing', '.scan', '.scanning', '.outcome'].map((s) => {
            const e = document.querySelector(s);
            return [e.scrollHeight - e.clientHeight, e.scrollWidth - e.clientWidth];
        }).flat()"""
    )
    assert max(overflow) <= 0
