"""The browser's loop: a slider moves all the time; how often does what it changes arrive on the page?"""

from typing import TYPE_CHECKING

import numpy as np

from perturber.bench.chromium import launch
from perturber.bench.server import serving
from perturber.bench.timing import table
from perturber.config import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

READY = "() => window.perturber.page && window.perturber.page.displayed && !window.perturber.gate.inFlight"

# A hand that drags a slider back and forth: a new value for every frame of the browser.
DRAG = """([key, low, high]) => {
    const slider = document.getElementById(`explore-${key}`);
    let step = 0;
    const move = () => {
        const share = Math.abs(((step++ / 100) % 2) - 1);
        slider.value = low + share * (high - low);
        slider.dispatchEvent(new Event('input', { bubbles: true }));
        if (window.dragging) requestAnimationFrame(move);
    };
    window.dragging = true;
    window.perturber.gate.timings.length = 0;
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
            page = browser.new_page(viewport={"width": 1440, "height": 900})
            page.goto(server.url + address)
            page.wait_for_function(READY)
            page.wait_for_timeout(1000)
            for key, (low, high) in SLIDERS.items():
                _loop(page, f"{slots}, slider {key}", key, low, high, rounds)
            page.close()
        print(f"\nresident memory of the server with both models: {server.resident_mib():.0f} MiB")


def _loop(page: "Page", title: str, key: str, low: float, high: float, rounds: int) -> None:
    page.evaluate(DRAG, [key, low, high])
    page.wait_for_function(f"() => window.perturber.gate.timings.length > {rounds + 5}", timeout=120_000)
    timings = page.evaluate("() => { window.dragging = false; return window.perturber.gate.timings.slice(5); }")
    page.wait_for_function(READY)

    sent, arrived, drawn, service = (
        np.array([timing[name] for timing in timings]) for name in ("startedAt", "arrivedAt", "drawnAt", "serviceMs")
    )
    period = np.diff(drawn)
    rows = {
        "from one drawing to the next": period,
        "in the service": service,
        "on the way (request, figures, answer)": arrived - sent - service,
        "drawing (the next request is on its way)": drawn - arrived,
        "outside of the service (bar: 40 ms for two slots, 60 for three)": period - service[1:],
    }
    table(f"Browser loop in headless Chromium with software WebGL, {title}", rows)
    print(f"updates a second: {1e3 / np.median(period):.1f}")
