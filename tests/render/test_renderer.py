"""Rendered pictures: camera, perspective, clipping, surfaces, batches, and one golden image."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perturber.objects.mesh import MorphPair
from perturber.objects.primitives import sphere_pair
from perturber.parameters import PARAMETERS
from perturber.render import Renderer, camera
from perturber.render.renderer import OBJECT_PARAMETERS
from perturber.scene import Scene, SceneBase

GOLDEN = Path(__file__).with_name("golden_sphere.png")
OBJECT = PARAMETERS["object"].default


def scene(**values: object) -> SceneBase:
    return Scene.parse({"yaw": 0, "pitch": 0, "lighting_influence": 0, **values})


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    renderer = Renderer()
    renderer.add_pair(sphere_pair(name=str(OBJECT), segments=40, texture_size=256))
    return renderer


def quad(*corners: tuple[float, float, float], texture: np.ndarray) -> MorphPair:
    """One rectangle; corners counter-clockwise from the lower left."""
    positions = np.array(corners, np.float32)
    normal = np.cross(positions[1] - positions[0], positions[3] - positions[0])
    return MorphPair(
        name=str(OBJECT),
        label="Quad",
        names=("Quad", "Quad"),
        faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
        positions=np.stack([positions] * 2),
        normals=np.stack([np.tile(normal / np.linalg.norm(normal), (4, 1))] * 2).astype(np.float32),
        textures=np.stack([texture] * 2),
        specular=(0.0, 0.0),
        shininess=(1.0, 1.0),
    )


def gradient_texture(size: int = 256) -> np.ndarray:
    """u in the red channel, v in the green one."""
    ramp = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(ramp, ramp[::-1])
    return np.round(np.stack((u, v, 0 * u), -1) * 255).astype(np.uint8)


def coverage(renderer: Renderer, **values: object) -> np.ndarray:
    return renderer.foreground([scene(**values)])[0, 3].numpy()


def centre(mask: np.ndarray) -> tuple[float, float]:
    rows, columns = np.nonzero(mask > 0.5)
    return float(columns.mean()), float(rows.mean())


def test_interpolation_is_perspective_correct() -> None:
    """Every pixel of a slanted rectangle shows the (u, v) of the point that its ray hits."""
    renderer = Renderer()
    renderer.add_pair(
        quad(
            (-0.8, -0.8, 0.9),
            (0.8, -0.8, -0.9),
            (0.8, 0.8, -0.9),
            (-0.8, 0.8, 0.9),
            texture=gradient_texture(),
        )
    )
    picture = renderer.foreground([scene(distance=3)])[0].numpy()
    full = picture[3] == 1
    rows, columns = np.nonzero(full)
    assert len(rows) > 3000
    ray_x = ((columns + 0.5) / 112 - 1) * camera.TAN_HALF
    ray_y = (1 - (rows + 0.5) / 112) * camera.TAN_HALF
    # Plane: z = −(0.9 / 0.8) x; camera at z = 3: point = (ray_x w, ray_y w, 3 − w).
    w = 3 / (1 - 0.9 / 0.8 * ray_x)
    u, v = (ray_x * w / 0.8 + 1) / 2, (ray_y * w / 0.8 + 1) / 2
    inner = (np.minimum(u, v) > 0.02) & (np.maximum(u, v) < 0.98)  # the texture repeats: its border is mixed
    np.testing.assert_allclose(picture[0][full][inner], u[inner], atol=0.008)
    np.testing.assert_allclose(picture[1][full][inner], v[inner], atol=0.008)


def test_silhouette_of_a_sphere_is_the_analytic_one(renderer: Renderer) -> None:
    radius = 112 / camera.TAN_HALF / np.sqrt(4.5**2 - 1)  # a sphere in the optical axis is seen as a circle
    mask = coverage(renderer, distance=4.5)
    y, x = np.mgrid[:224, :224] + 0.5 - 112
    expected = np.hypot(x, y) <= radius
    assert mask.sum() == pytest.approx(np.pi * radius**2, rel=0.01)
    assert ((mask > 0.5) == expected).mean() > 0.995


def test_directions_of_camera_parameters() -> None:
    """A small marker at the object's front, top or right side goes where the parameters' help says."""

    def marker(x: float, y: float, z: float) -> Renderer:
        renderer = Renderer()
        pair = sphere_pair(name=str(OBJECT), segments=12, texture_size=64)
        moved = (pair.positions * 0.1 + np.array([x, y, z])).astype(np.float32)
        renderer.add_pair(MorphPair(**{**vars(pair), "positions": moved}))
        return renderer

    front, top, right = marker(0, 0, 0.7), marker(0, 0.7, 0), marker(0.7, 0, 0)
    assert centre(coverage(front, yaw=30))[0] > 130  # the front turns to the right
    assert centre(coverage(front, pitch=-30))[1] > 130  # seen from above, the front sinks
    assert centre(coverage(right, roll=30))[1] < 100  # counter-clockwise lifts the right side
    assert centre(coverage(top))[1] < 60
    assert centre(coverage(front, pan_x=0.4))[0] > 130
    assert centre(coverage(front, pan_y=0.4))[1] < 90
    assert coverage(front, distance=3).sum() > coverage(front, distance=6).sum() * 3


def test_camera_plane_does_not_explode() -> None:
    """A floor that runs from far before the camera to far behind it ends at the horizon."""
    renderer = Renderer()
    floor = quad((-50, -0.5, 50), (50, -0.5, 50), (50, -0.5, -50), (-50, -0.5, -50), texture=gradient_texture())
    renderer.add_pair(floor)
    picture = renderer.foreground([scene(distance=1)])[0]
    assert picture.isfinite().all()
    covered = picture[3] > 0.5
    assert not covered[:112].any()
    assert covered[116:].all()
    assert (picture[0, 223] - 0.5).abs().max() < 0.02  # u is near the middle of the floor, not wrapped


@pytest.mark.parametrize("distance", [0.5, 0.9, 1.0, 1.05, 1.3])
def test_objects_that_cross_the_near_plane(renderer: Renderer, distance: float) -> None:
    picture = renderer.foreground([scene(distance=distance, pan_x=0.7, yaw=20, lighting_influence=1)])
    assert picture.isfinite().all()
    assert picture.min() >= 0
    assert picture.max() <= 1


def test_back_faces_are_not_drawn() -> None:
    renderer = Renderer()
    renderer.add_pair(quad((-1, -1, 0), (1, -1, 0), (1, 1, 0), (-1, 1, 0), texture=gradient_texture()))
    assert coverage(renderer).any()
    assert not coverage(renderer, yaw=180).any()


def test_batch_equals_items(renderer: Renderer) -> None:
    generator = np.random.default_rng(0)
    scenes = [
        Scene.parse(
            {
                "yaw": generator.uniform(-180, 180),
                "pitch": generator.uniform(-80, 80),
                "distance": generator.uniform(0.6, 8),
                "morph": generator.uniform(0, 1),
                "texture_blur": generator.uniform(0, 8),
                "background_blur": generator.uniform(0, 8),
                "texture_influence": generator.uniform(0, 1),
                "background_saturation": generator.uniform(0, 2),
            }
        )
        for _ in range(7)
    ]
    together = renderer.render(scenes)
    assert together.shape == (7, 3, 224, 224)
    for i, one in enumerate(scenes):
        torch.testing.assert_close(together[i], renderer.render([one])[0], atol=1e-6, rtol=0)


def test_what_scenes_have_in_common_is_drawn_once(renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = [{}, {"yaw": 50}, {"background_blur": 3}, {"yaw": 50, "background_saturation": 0}, {"hue": 0.2}]
    scenes = [scene(**look) for look in looks]
    alone = [renderer.render([one])[0] for one in scenes]
    drawn, draw = [], renderer._draw
    monkeypatch.setattr(renderer, "_draw", lambda model, p: drawn.append(len(p.yaw)) or draw(model, p))
    together = renderer.render(scenes)
    assert sum(drawn) == 2
    torch.testing.assert_close(together, torch.stack(alone), atol=1e-6, rtol=0)


def test_one_pass_over_several_pictures_equals_items(renderer: Renderer) -> None:
    """The path that a GPU takes: many pictures in one call."""
    scenes = [scene(yaw=a, distance=d, morph=m) for a, d, m in ((0, 4, 0), (50, 0.9, 1), (120, 6, 0.3))]
    model = renderer._model(str(OBJECT))
    columns = [renderer._columns(OBJECT_PARAMETERS, scenes, [i], None) for i in range(3)]
    together = renderer._draw(model, renderer._columns(OBJECT_PARAMETERS, scenes, [0, 1, 2], None))
    for i, column in enumerate(columns):
        torch.testing.assert_close(together[i], renderer._draw(model, column)[0], atol=1e-5, rtol=0)


def test_surface_parameters(renderer: Renderer) -> None:
    white = renderer.foreground([scene(texture_influence=0)])[0]
    assert (white[:3][:, white[3] == 1] == 1).all()
    inside = coverage(renderer) == 1
    blurred = renderer.foreground([scene(texture_blur=10)])[0][:3, inside]
    assert blurred.std(1).max() < 1e-4
    lit = renderer.foreground([scene(texture_influence=0, lighting_influence=1)])[0][0]
    upper_left, lower_right = lit[60, 60], lit[165, 165]
    assert upper_left > lower_right + 0.2  # the key lamp stands at the upper left
    half = renderer.foreground([scene(texture_influence=0, lighting_influence=0.5)])[0][0]
    np.testing.assert_allclose(half[150:160, 150:160], (1 + lit[150:160, 150:160]) / 2, atol=1e-5)


def test_morph_moves_shape_and_texture_apart(renderer: Renderer) -> None:
    both, shape, texture = renderer.foreground([scene(morph=1), scene(shape_morph=1), scene(texture_morph=1)])
    assert both[3].sum() < 0.9 * texture[3].sum()
    torch.testing.assert_close(both[3], shape[3])
    cancelled, plain = renderer.foreground([scene(morph=1, shape_morph=-1, texture_morph=-1), scene()])
    torch.testing.assert_close(cancelled, plain)


def test_background(renderer: Renderer) -> None:
    plain, grey, solid = renderer.background([scene(), scene(background_saturation=0), scene(background_blur=8)])
    assert (grey.amax(0) - grey.amin(0)).max() < 1e-6
    assert solid.flatten(1).std(1).max() < 1e-5
    torch.testing.assert_close(solid[:, 0, 0], plain.mean((1, 2)), atol=1e-3, rtol=0)
    blurs = renderer.background([scene(background_blur=b) for b in (0, 1.5, 3, 4.5, 6)])
    assert (blurs.flatten(1).std(1).diff() < 0).all()


def test_golden_image(renderer: Renderer, request: pytest.FixtureRequest) -> None:
    """Written by ``pytest --write-golden``; a change of the renderer's look must be meant."""
    scenes = [Scene.parse({"yaw": 30, "pitch": -25, "roll": 10, "morph": 0.4, "distance": 4.2})]
    picture = renderer.foreground(scenes)[0].permute(1, 2, 0).numpy()
    if request.config.getoption("--write-golden"):
        Image.fromarray((picture * 255).round().astype(np.uint8)).save(GOLDEN)
    expected = np.asarray(Image.open(GOLDEN), np.float32) / 255
    assert np.abs(picture - expected).mean() < 0.002
    assert (np.abs(picture - expected).max(2) > 0.05).mean() < 0.002
