"""The view in the browser and the picture of the service show the same scene."""

import io
import random
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import numpy as np
import pytest
import torch
from gestures import wait_for_scene
from PIL import Image

from perturber.scene import Scene

pytestmark = pytest.mark.browser

MAGENTA = (255, 0, 255)
WHITE_OBJECT = {"texture_influence": 0, "lighting_influence": 0}  # before magenta, green is the coverage


QUIET = {"a1": 0, "p1": 0, "a2": 0, "p2": 0}
OBJECTS = ("dog_cat", "firetruck_racecar")
BEFORE_MAGENTA = f".stage {{background: rgb{MAGENTA} !important}} .backdrop {{display: none}}"


def poses(name: str) -> list[dict[str, Any]]:
    draw = random.Random(name)
    return [
        {
            **WHITE_OBJECT,
            "object": name,
            "morph": round(draw.random(), 2),
            "yaw": round(draw.uniform(-180, 180), 1),
            "pitch": round(draw.uniform(-80, 80), 1),
            "roll": round(draw.uniform(-180, 180), 1),
            "distance": round(draw.uniform(2.5, 6), 2),
            "pan_x": round(draw.uniform(-0.4, 0.4), 2),
            "pan_y": round(draw.uniform(-0.4, 0.4), 2),
        }
        for _ in range(5)
    ]


@pytest.mark.slow
def test_silhouettes_agree(opened: Callable[..., Any], site: Any) -> None:
    overlaps = []
    for name in OBJECTS:  # whose mesh is there once the view is drawn
        watched = opened(f"/?{urlencode({**WHITE_OBJECT, 'object': name, **QUIET})}")
        style = watched.page.add_style_tag(content=BEFORE_MAGENTA)
        overlaps += [overlap(watched, site, pose) for pose in poses(name)]
        style.evaluate("(element) => element.remove()")
    print("IoU of ten poses:", np.round(overlaps, 3))
    assert len(overlaps) == 10
    assert min(overlaps) >= 0.95


@pytest.mark.parametrize(("name", "morph"), [(name, morph) for name in OBJECTS for morph in (0, 1)])
def test_the_view_has_the_colours_of_the_model_input(
    opened: Callable[..., Any], site: Any, name: str, morph: int
) -> None:
    """In the default view of each object, and in the first frame of a drag."""
    watched = opened(f"/?{urlencode({'object': name, 'morph': morph, **QUIET})}")
    page = watched.page
    for yaw in (Scene().yaw, 20.0):
        scene = Scene(object=name, morph=morph, yaw=yaw)
        page.evaluate("(value) => dash_clientside.set_props('explore-panel', { value })", scene.as_dict())
        wait_for_scene(watched, **{k: v for k, v in scene.as_dict().items() if v != getattr(Scene(), k)})
        page.wait_for_timeout(150)
        stage = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
        with torch.inference_mode():
            drawn = site.engine.renderer.render([scene])[0].permute(1, 2, 0).numpy() * 255
            inside = site.engine.renderer.foreground([scene])[0, 3].numpy() > 0.99
        seen = np.asarray(stage.resize(inside.shape, Image.Resampling.BOX)).astype(float)
        difference = np.abs(seen - drawn)[inside].mean()
        print(f"{name}, morph {morph}, yaw {yaw}: {difference:.1f}/255 inside the silhouette")
        assert difference <= 12


def overlap(watched: Any, site: Any, pose: dict[str, Any]) -> float:
    """Intersection over union of what the view and the renderer show of a pose."""
    page = watched.page
    page.evaluate("(value) => dash_clientside.set_props('explore-panel', { value })", Scene.parse(pose).as_dict())
    wait_for_scene(watched, **{key: value for key, value in pose.items() if value != getattr(Scene(), key)})
    page.wait_for_timeout(150)
    stage = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
    seen = np.asarray(stage)[..., 1] > 127
    with torch.inference_mode():
        layer = site.engine.renderer.foreground([Scene.parse(pose)])[0, 3].numpy()
    drawn = np.asarray(Image.fromarray(layer).resize(stage.size, Image.Resampling.BILINEAR)) > 0.5
    return (seen & drawn).sum() / (seen | drawn).sum()
