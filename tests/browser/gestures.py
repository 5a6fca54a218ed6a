"""What a hand does on the Explore page, and what an eye reads there."""

import base64
import io
import json
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from perturber.parameters import PARAMETERS

CANVASES = """(canvases) => canvases.map((canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return [canvas.height, canvas.width, Array.from(data)];
})"""

SCENE = """given.keys.every((key) => {
    const wanted = given.values[key];
    if (wanted === undefined) return !(key in shown);
    return typeof wanted === "number" ? Number(shown[key]) === wanted : shown[key] === String(wanted);
})"""


def model_input(watched: Any) -> np.ndarray:
    """The pixels of the picture on the page."""
    return pixels_of(watched.page.locator("#explore-input").get_attribute("src"))


def pixels_of(source: str) -> np.ndarray:
    """The pixels of a picture in a ``data:`` address."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))))


def control(name: str, slot: int | str = "") -> str:
    """Selector of a control of Explore, of a slot or of the whole page."""
    return f"[id='{json.dumps({'control': name, 'page': 'explore', 'slot': slot}, separators=(',', ':'))}']"


def box(watched: Any, name: str, label: str, slot: int | str = "") -> Locator:
    """One of the boxes to tick in a control."""
    return watched.page.locator(control(name, slot)).get_by_label(label, exact=True)


def choose(watched: Any, selector: str, option: str | re.Pattern[str], search: str = "") -> None:
    """Open a menu, look for letters of a name where they are given, and take the first that has these words."""
    watched.page.locator(selector).click()
    if search:
        watched.page.locator(".dash-dropdown-content .dash-dropdown-search").fill(search)
    watched.page.locator(".dash-dropdown-content .dash-dropdown-option", has_text=option).first.click()


def export(button: Locator, format: str, **fields: str) -> None:
    """Open the dialog that exports a figure, and download it.

    Args:
        button: beside the figure; it is seen where that is pointed at.
        fields: label of a field → what is written there.
    """
    page = button.page
    expect(page.locator(".modal")).to_have_count(0)  # one that closes would get the click
    button.click(force=True)
    page.locator(".looks .tabs label", has_text=format).click()
    for label, text in fields.items():
        page.locator(".looks").get_by_label(label).fill(text)
    page.locator(".modal-footer .use").click()


def drag(watched: Any, dx: float, dy: float, **options: Any) -> None:
    place = watched.page.locator(".pointer").bounding_box()
    x, y = place["x"] + place["width"] / 2, place["y"] + place["height"] / 2
    watched.page.mouse.move(x, y)
    watched.page.mouse.down(**options)
    watched.page.mouse.move(x + dx, y + dy, steps=8)
    watched.page.mouse.up(**options)


def wait_for_scene(watched: Any, **values: float | str) -> None:
    """Wait until a scene is drawn that differs from the default in exactly these parameters."""
    watched.wait_for(SCENE, {"keys": list(PARAMETERS), "values": values})


def drawn_scene(watched: Any) -> dict[str, str]:
    """The parameters of the drawn scene that differ from the default, as a link holds them."""
    return {key: value for key, value in watched.shown().items() if key in PARAMETERS}


def notice(watched: Any, words: str) -> None:
    """Wait until the notice says this."""
    watched.page.wait_for_function(
        "(words) => document.getElementById('notice').textContent.includes(words)", arg=words
    )


def painted(watched: Any, slot: int) -> np.ndarray:
    """Colours (n, h, w, 4) of a slot's heatmaps, as they are painted."""
    canvases = watched.page.locator(f"#explore-slot-{slot} .map canvas").evaluate_all(CANVASES)
    return np.stack([np.array(data, np.uint8).reshape(height, width, 4) for height, width, data in canvases])


def figure_values(watched: Any, slot: int) -> np.ndarray:
    """Values (n, h, w) of a slot's heatmaps in the figure that a pointer finds."""
    maps = watched.page.locator(f"#explore-slot-{slot} .js-plotly-plot").evaluate(
        "(plot) => plot.data.map(({ z }) => Array.from(z, (row) => Array.from(row)))"
    )
    return np.array(maps, float)


def eventually(holds: Callable[[], bool], seconds: float = 20.0) -> None:
    """Wait until it holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "this did not come about"
        time.sleep(0.1)


OF_COLOURS = ["color-contrast", "link-in-text-block"]
"""Rules of axe-core that depend on them, of those that it applies unless told otherwise."""

STILL = """() => new Promise((resolve) => {
    const fades = (one) => one instanceof CSSTransition && one.playState === "running";
    const look = () => resolve(!document.getAnimations().some(fades));
    requestAnimationFrame(() => requestAnimationFrame(look));
})"""
"""Whether what has changed is drawn, and no colour is on its way to another."""


def shuts_nobody_out(page: Page) -> None:
    """By day and by night there is nothing that axe-core finds serious or critical; by night only colours change."""
    try:
        for scheme, rules in (("light", {}), ("dark", {"runOnly": {"type": "rule", "values": OF_COLOURS}})):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.wait_for_timeout(300)
            page.wait_for_function(STILL)
            found = Axe().run(page, options={"resultTypes": ["violations"], **rules}).response["violations"]
            grave = [one for one in found if one["impact"] in ("serious", "critical")]
            told = [(one["id"], node["html"][:200]) for one in grave for node in one["nodes"]]
            assert not told, f"{scheme}: {told}"
    finally:
        page.emulate_media(color_scheme="light")
