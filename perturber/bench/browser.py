"""The browser's loop: a slider moves all the time; how often does what it changes arrive on the page?"""

from time import perf_counter
from typing import TYPE_CHECKING

import numpy as np

from perturber.bench.chromium import been_here, launch
from perturber.bench.server import serving
from perturber.bench.timing import table
from perturber.config import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

READY = """() => {
    const root = document.querySelector("[data-sequence]");
    return root && root.dataset.busy === "false";
}"""
"""Whether a page shows its newest state."""

# A hand that drags a slider back and forth: a new value for every frame of the browser. React hears of a value only
# where it is set past its own property.
DRAG = """([key, low, high]) => {
    const root = document.querySelector("[data-sequence]");
    const slider = document.getElementById(`${root.id}-${key}`);
    const { set } = Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value");
    let step = 0;
    const move = () => {
        const share = Math.abs(((step++ / 100) % 2) - 1);
        set.call(slider, low + share * (high - low));
        slider.dispatchEvent(new Event('input', { bubbles: true }));
        if (window.dragging) requestAnimationFrame(move);
    };
    window.dragging = true;
    window.looks = [];
    root.addEventListener("drawn", ({ detail }) => window.looks.push(detail));
    move();
}"""

SLIDERS = {"texture_blur": (0, 6), "yaw": (-180, 180)}

SLOTS = {
    "two slots, Lite0 and Lite1": "/",
    "three slots, Lite0 in each": "/?m1=efficientnet_lite0&m2=efficientnet_lite0&m3=efficientnet_lite0",
}
"""What is shown, eight neurons a slot → address."""


def run(settings: Settings, *, rounds: int) -> None:
    """Print a table for each slider, and the server's memory."""
    with serving(settings) as server, launch() as browser:
        for slots, address in SLOTS.items():
            for key, (low, high) in SLIDERS.items():
                page = browser.new_page(viewport={"width": 1440, "height": 900}, storage_state=been_here(server.url))
                since = perf_counter()
                page.goto(server.url + address)
                page.wait_for_function(READY)
                print(f"\nfrom the address to the first look, {slots}: {perf_counter() - since:.2f} s")
                page.wait_for_timeout(1000)
                _loop(page, f"{slots}, slider {key}", key, low, high, rounds)
                page.close()
        print(f"\nresident memory of the server with both models: {server.resident_mib():.0f} MiB")


def _loop(page: "Page", title: str, key: str, low: float, high: float, rounds: int) -> None:
    page.evaluate(DRAG, [key, low, high])
    page.wait_for_function(f"() => window.looks.length > {rounds + 5}", timeout=120_000)
    timings = page.evaluate("() => { window.dragging = false; return window.looks.slice(5); }")
    page.wait_for_function(READY)

    sent, arrived, drawn, service = (
        np.array([timing[name] for timing in timings]) for name in ("startedAt", "arrivedAt", "drawnAt", "serviceMs")
    )
    period = np.diff(drawn)
    asked = service[1:] > 0  # where the hand came back to a value, the answer was kept
    rows = {
        "from one drawing to the next": period,
        "in the service": service,
        "on the way (request, figures, answer)": arrived - sent - service,
        "drawing (the next request is on its way)": drawn - arrived,
        "outside of the service (bar: 40 ms for two slots, 60 for three)": (period - service[1:])[asked],
    }
    table(f"Browser loop in headless Chromium with software WebGL, {title}", rows)
    print(f"updates a second: {1e3 / np.median(period):.1f}")
