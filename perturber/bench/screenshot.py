"""Makes the README's picture: ``python -m perturber.bench.screenshot assets/screenshot.webp``."""

import io
import sys

from PIL import Image

from perturber.bench.browser import READY
from perturber.bench.chromium import been_here, launch
from perturber.bench.server import serving
from perturber.config import Settings

COMPLETE = """() => {
    const pictures = [...document.querySelectorAll(".card .picture, .evidence .picture")];
    return pictures.every((one) => one.querySelector("img:not([hidden])") && !one.querySelector(".progress"));
}"""
"""Whether every feature visualisation is there."""

SIZE = {"width": 1440, "height": 900}


def take(path: str, *, address: str = "/") -> None:
    """Open the dashboard at an address and write what is to be seen."""
    with serving(Settings()) as server, launch() as browser:
        page = browser.new_page(viewport=SIZE, storage_state=been_here(server.url))  # type: ignore[arg-type]
        page.goto(server.url + address)
        page.wait_for_function(READY)
        page.wait_for_function(COMPLETE, timeout=120_000)
        Image.open(io.BytesIO(page.screenshot())).convert("RGB").save(path, quality=88, method=6)


if __name__ == "__main__":
    take(*sys.argv[1:2], address="".join(sys.argv[2:3]) or "/")
