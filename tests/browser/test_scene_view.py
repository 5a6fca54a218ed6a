"""The view in the browser and the picture of the service show the same scene."""

import io
import random
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perturber.scene import Scene

pytestmark = pytest.mark.browser

MAGENTA = (255, 0, 255)
WHITE_OBJECT = {"texture_influence": 0, "lighting_influence": 0}  # before magenta, green is the coverage


def poses() -> list[dict[str, Any]]:
    draw = random.Random(8)
    return [
        {
            **WHITE_OBJECT,
            "object": draw.choice(("dog_cat", "firetruck_racecar")),
            "morph": round(draw.random(), 2),
            "yaw": round(draw.uniform(-180, 180), 1),
            "pitch": round(draw.uniform(-80, 80), 1),
            "roll": round(draw.uniform(-180, 180), 1),
            "distance": round(draw.uniform(2.5, 6), 2),
            "pan_x": round(draw.uniform(-0.4, 0.4), 2),
            "pan_y": round(draw.uniform(-0.4, 0.4), 2),
        }
        for _ in range(10)
    ]


def test_silhouettes_agree(opened: Callable[..., Any], site: Any) -> None:
    watched = opened()
    page = watched.page
    page.add_style_tag(content=f".stage {{background: rgb{MAGENTA} !important}} .backdrop {{display: none}}")
    overlaps = []
    for pose in poses():
        page.evaluate("(pose) => Object.assign(window.perturber.page.scene, pose)", pose)
        page.locator("#explore-alpha").dispatch_event("input")  # any change publishes the scene
        watched.wait_for("shown.scene.yaw === given.yaw && shown.scene.pitch === given.pitch", pose)
        page.wait_for_function(
            "() => { const { shown, meshes, scene } = window.perturber.page.sceneView;"
            " return meshes[scene.object] && shown.mesh === meshes[scene.object]; }"
        )
        page.wait_for_timeout(150)
        stage = Image.open(io.BytesIO(page.locator(".stage").screenshot())).convert("RGB")
        seen = np.asarray(stage)[..., 1] > 127
        with torch.inference_mode():
            layer = site.engine.renderer.foreground([Scene.parse(pose)])[0, 3].numpy()
        drawn = np.asarray(Image.fromarray(layer).resize(stage.size, Image.Resampling.BILINEAR)) > 0.5
        overlaps.append((seen & drawn).sum() / (seen | drawn).sum())
    print("IoU of ten poses:", np.round(overlaps, 3))
    assert min(overlaps) >= 0.95
