"""The colours of the pages can be told from what they lie on, by day and by night."""

import re
from pathlib import Path

import pytest

from perturber.figures import SLOT_COLOURS, SLOT_TEXT

STYLE = (Path(__file__).resolve().parents[2] / "assets" / "colours.css").read_text()
DAY, NIGHT = (dict(re.findall(r"--([\w-]+): (#\w{6});", part)) for part in STYLE.split("prefers-color-scheme: dark"))
SCHEMES = {"day": DAY, "night": DAY | NIGHT}
MODELS = ("model-1", "model-2", "edited")


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("ground", ["paper", "desk"])
def test_text_is_read_and_the_focus_seen(scheme: str, ground: str) -> None:
    colours = SCHEMES[scheme]
    for name in ("ink", "soft", "quiet", "accent", "wrong"):
        assert contrast(colours[name], colours[ground]) >= 4.5, name
    assert contrast(colours["focus"], colours[ground]) >= 3


@pytest.mark.parametrize("model", MODELS)
def test_models_are_seen_by_night(model: str) -> None:
    assert min(contrast(SCHEMES["night"][model], NIGHT[ground]) for ground in ("paper", "desk")) >= 3


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_on_models_is_read(scheme: str) -> None:
    for model, text in zip(MODELS, SLOT_TEXT, strict=True):
        assert contrast(SCHEMES[scheme][model], text) >= 4.5


def test_models_have_the_colours_of_the_figures() -> None:
    assert tuple(DAY[model] for model in MODELS) == SLOT_COLOURS
