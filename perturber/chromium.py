"""The machine's Chromium: it draws figures for papers, and tests and benchmarks drive it."""

import shutil

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find() -> str | None:
    """Path of the system's Chromium or Chrome, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)
