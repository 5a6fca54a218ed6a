"""What a hand does on the Explore page, and what an eye reads there."""

import base64
import io
import json
from typing import Any

import numpy as np
from PIL import Image


def model_input(watched: Any) -> np.ndarray:
    """The pixels of the picture on the page."""
    source = watched.page.locator("#explore-input").get_attribute("src")
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(source.split(",", 1)[1]))))


def part(what: str, slot: int) -> str:
    """Selector of a control of a slot."""
    return f"[id='{json.dumps({'slot': slot, 'type': f'explore-slot-{what}'}, separators=(',', ':'))}']"


def choose(watched: Any, selector: str, option: str) -> None:
    watched.page.locator(selector).click()
    watched.page.locator(".dash-dropdown-content .dash-dropdown-option", has_text=option).first.click()


def drag(watched: Any, dx: float, dy: float, **options: Any) -> None:
    box = watched.page.locator("#explore-pointer").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    watched.page.mouse.move(x, y)
    watched.page.mouse.down(**options)
    watched.page.mouse.move(x + dx, y + dy, steps=8)
    watched.page.mouse.up(**options)
