"""Links: a page shows what its link says, and writes the same link again."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest

pytestmark = pytest.mark.browser

Open = Callable[..., Any]

LITE0, LITE1, ROBUST = "efficientnet_lite0", "efficientnet_lite1", "lite0_adversarial"
ONE = {"m1": LITE0, "l1": "blocks.3.0", "c1": "0,1"}
TWO = {**ONE, "m2": LITE1, "l2": "blocks.3.0", "c2": "7"}

LINKS: dict[str, dict[str, str]] = {
    "the slots": TWO,
    "a scene": {**TWO, "object": "firetruck_racecar", "yaw": "12.5", "pitch": "-7", "background": "street"},
    "effects": {**TWO, "hue": "0.25", "texture_blur": "2", "corruption_fog": "3", "noise": "0.1", "noise_seed": "4"},
    "code": {**TWO, "custom_code": "color.rgb = color.bgr; // & = % +", "custom_value": "0.5"},
    "other layers": {**ONE, "l1": "blocks.1.1", "c1": "9,2,5", "m2": LITE0, "l2": "conv_stem", "c2": "31"},
    "switched off": {**TWO, "a1": "0", "p2": "0", "h2": "1"},
    "an edit": {**TWO, "m3": f"mix({LITE0},{ROBUST};blocks.3=0.25)", "l3": "blocks.3.0", "c3": "3"},
    "display": {**TWO, "divisor": "0.5", "shared": "true", "overlay": "true", "cards": "none", "pinned": "207,151"},
    "Grad-CAM": {**TWO, "explain": "207", "naive": "true", "objective": "channel", "variants": "2", "summary": "true"},
    "an attack with momentum": {
        **TWO,
        "attack": f"mifgsm(linf=0.03,steps=2,target=207,momentum=0.5,seed=3;{LITE0})",
        "attack_alpha": "0.5",
        "original_alpha": "0.75",
        "attack_figure": "layers",
    },
}


@pytest.mark.parametrize("what", LINKS)
def test_link_page_link(opened: Open, what: str) -> None:
    watched = opened(f"/?{urlencode(LINKS[what])}")
    assert watched.page.locator("#explore-problems p").all_inner_texts() == []
    assert watched.shown() == LINKS[what]
    assert watched.query() == LINKS[what]
    assert watched.page.locator("#notice").inner_text() == ""


def test_an_unknown_key_gets_one_sentence(opened: Open) -> None:
    watched = opened(f"/?{urlencode({**TWO, 'yaw': '20', 'colour': '3'})}")
    (sentence,) = watched.page.locator("#explore-problems p").all_inner_texts()
    assert "'colour'" in sentence
    assert watched.query() == {**TWO, "yaw": "20"}
