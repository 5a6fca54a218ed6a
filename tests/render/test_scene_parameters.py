"""What each parameter of the scene does to the rendered picture, against slow references; and its derivative."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import ndimage

from perturber.objects.mesh import MorphPair
from perturber.objects.primitives import sphere_pair
from perturber.parameters import PARAMETERS
from perturber.render import Renderer
from perturber.render.renderer import BACKDROP_PARAMETERS
from perturber.render.shading import AMBIENT, LAMPS, blinn_phong, lamp_directions
from perturber.scene import Scene, SceneBase

OBJECT = str(PARAMETERS["object"].default)


def scene(**values: object) -> SceneBase:
    return Scene.parse({"yaw": 0, "pitch": 0, **values})


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    renderer = Renderer()
    renderer.add_pair(sphere_pair(name=OBJECT, segments=40, texture_size=256))
    return renderer


@pytest.mark.parametrize("angle", [90, -90, 180])
def test_background_rotation_by_right_angles_is_exact(renderer: Renderer, angle: int) -> None:
    plain, turned = renderer.background([scene(), scene(background_rotation=angle)]).numpy()
    np.testing.assert_allclose(turned, np.rot90(plain, angle // 90, (1, 2)), atol=1e-4)


@pytest.mark.parametrize("angle", [17.0, -60.0])
def test_background_rotation_equals_scipy(renderer: Renderer, angle: float) -> None:
    plain, turned = renderer.background([scene(), scene(background_rotation=angle)]).numpy()
    expected = np.stack([ndimage.rotate(c, angle, reshape=False, order=1, mode="reflect") for c in plain])
    np.testing.assert_allclose(turned, expected, atol=2e-3)


def test_a_still_background_changes_no_bit_beside_a_turned_one(renderer: Renderer) -> None:
    alone = renderer.background([scene()])
    together = renderer.background([scene(), scene(background_rotation=40)])
    torch.testing.assert_close(together[:1], alone, atol=0, rtol=0)


def slow_shade(normal: np.ndarray, azimuth: float, elevation: float, exponent: float) -> tuple[float, float]:
    """One surface, lamp by lamp; turned by scipy's rotations."""
    from scipy.spatial.transform import Rotation

    turn = Rotation.from_euler("y", azimuth, degrees=True) * Rotation.from_euler("x", -elevation, degrees=True)
    normal = normal / np.linalg.norm(normal)
    shade, gloss = AMBIENT, 0.0
    for lamp in LAMPS:
        towards = turn.apply(np.array(lamp.direction) / np.linalg.norm(lamp.direction))
        half = np.add(towards, [0, 0, 1])
        half /= np.linalg.norm(half)
        shade += lamp.strength * max(normal @ towards, 0)
        if normal @ towards > 0:
            gloss += lamp.strength * max(normal @ half, 0) ** exponent
    return shade, gloss


@pytest.mark.parametrize(("azimuth", "elevation"), [(0, 0), (70, 0), (0, 40), (-130, -35)])
def test_turned_lamps_equal_a_slow_sum(azimuth: float, elevation: float) -> None:
    normals = np.random.default_rng(0).normal(size=(3, 50))
    lamps = lamp_directions(torch.tensor([float(azimuth)]).double(), torch.tensor([float(elevation)]).double())[0]
    shade, gloss = blinn_phong(torch.tensor(normals), torch.tensor([12.0]).double(), lamps)
    expected = np.array([slow_shade(n, azimuth, elevation, 12.0) for n in normals.T])
    np.testing.assert_allclose(np.stack((shade, gloss), 1), expected, atol=1e-6)


def test_light_comes_from_where_it_is_put(renderer: Renderer) -> None:
    def centre(**light: float) -> np.ndarray:
        white = {"texture_influence": 0, **light}
        picture = renderer.foreground([scene(**white)])[0]
        shade = (picture[0] * (picture[3] == 1)).numpy()
        rows, columns = np.mgrid[:224, :224]
        return np.array([(columns * shade).sum(), (rows * shade).sum()]) / shade.sum()

    assert centre(light_azimuth=60)[0] > centre()[0] + 3
    assert centre(light_azimuth=-60)[0] < centre(light_azimuth=60)[0] - 10
    assert centre(light_elevation=40)[1] < centre(light_elevation=-60)[1] - 5
    dark = renderer.foreground([scene(texture_influence=0, lighting_influence=0, light_azimuth=90)])[0]
    assert (dark[:3, dark[3] == 1] == 1).all()


def test_lamps_of_one_picture_do_not_light_another(renderer: Renderer) -> None:
    scenes = [scene(light_azimuth=a, light_elevation=e) for a, e in ((0, 0), (50, -20), (170, 60))]
    together = renderer.render(scenes)
    for picture, one in zip(together, scenes, strict=True):
        torch.testing.assert_close(picture, renderer.render([one])[0], atol=1e-6, rtol=0)


def sheet(z: float, colour: tuple[int, int, int], opacity: np.ndarray, faces: int = 0) -> MorphPair:
    """A square that fills the picture, with an opacity for each texel."""
    corners = np.array([[-2, -2, z], [2, -2, z], [2, 2, z], [-2, 2, z]], np.float32)
    texture = np.concatenate((np.full((*opacity.shape, 3), colour), opacity[..., None]), 2).astype(np.uint8)
    return MorphPair(
        name=OBJECT,
        label="",
        names=("", ""),
        faces=np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        uv=np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32),
        positions=np.stack([corners] * 2),
        normals=np.tile(np.array([0, 0, 1], np.float32), (2, 4, 1)),
        textures=np.stack([texture] * 2),
        specular=(0.0, 0.0),
        shininess=(1.0, 1.0),
    )


def stacked(*pairs: MorphPair) -> MorphPair:
    """Several sheets as one object; their textures stand side by side in one (only for textures of one colour)."""
    width = pairs[0].textures.shape[2]
    texture = np.concatenate([pair.textures[0] for pair in pairs], 1)
    uv = np.concatenate([(pair.uv * [0.5, 1] + [width * 2.0, 0] + [0.5 * i, 0]) for i, pair in enumerate(pairs)])
    faces = np.concatenate([pair.faces + 4 * i for i, pair in enumerate(pairs)])
    texture = np.repeat(texture, 2, axis=0)
    return replace(
        pairs[0],
        faces=faces,
        uv=uv.astype(np.float32) - width * 2,
        positions=np.concatenate([pair.positions for pair in pairs], 1),
        normals=np.concatenate([pair.normals for pair in pairs], 1),
        textures=np.stack([texture] * 2),
    )


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_glass_lets_through_what_lies_behind_it(order: tuple[int, int]) -> None:
    """Half-transparent red before opaque green before the background, in whichever order the triangles come."""
    red = sheet(0.5, (255, 0, 0), np.full((64, 64), 102))
    green = sheet(-0.5, (0, 255, 0), np.full((64, 64), 255))
    renderer = Renderer()
    renderer.add_pair(stacked(*((red, green)[i] for i in order)))
    middle = renderer.render([scene(lighting_influence=0)])[0, :, 100:104, 20:24]
    np.testing.assert_allclose(middle.mean((1, 2)), [0.4, 0.6, 0.0], atol=3e-3)


def test_holes_show_the_background_without_a_fringe() -> None:
    opacity = np.zeros((64, 64), int)
    opacity[:, :32] = 255
    renderer = Renderer()
    renderer.add_pair(sheet(0, (255, 255, 255), opacity))
    still = scene(lighting_influence=0)
    picture, behind = renderer.render([still])[0], renderer.background([still])[0]
    layer = renderer.foreground([still])[0]
    assert {0.0, 1.0} <= set(layer[3, 100].tolist())
    torch.testing.assert_close(picture[:, layer[3] == 0], behind[:, layer[3] == 0], atol=0, rtol=0)
    torch.testing.assert_close(layer[:3], layer[3:].expand(3, -1, -1), atol=1e-6, rtol=0)  # white, never dark


def test_a_plane_takes_the_objects_place() -> None:
    picture = np.zeros((64, 64, 3), np.uint8)
    picture[:32, :, 0], picture[32:, :, 2] = 255, 255
    renderer = Renderer()
    renderer.add_plane("blocks.0.0:3", picture)
    on = {"plane": True, "plane_neuron": "blocks.0.0:3", "lighting_influence": 0}
    front, behind = renderer.foreground([scene(**on), scene(yaw=180, **on)])
    assert front[3].sum() > 10_000
    for side in (front, behind):
        assert side[0, 90, 112] > 0.99  # red above
        assert side[2, 130, 112] > 0.99  # blue below
    blurred = renderer.foreground([scene(texture_blur=10, **on)])[0]
    np.testing.assert_allclose(blurred[:3, 112, 112], [0.5, 0, 0.5], atol=0.01)


SURFACE = {
    "texture_influence": (0.4, 0.7),
    "texture_blur": (1.3, 2.6),
    "texture_morph": (0.3, 0.6),
    "lighting_influence": (0.4, 0.8),
    "light_azimuth": (10.0, -20.0),
    "light_elevation": (5.0, 15.0),
    "background_blur": (0.4, 1.7),
    "background_saturation": (0.6, 0.9),
    "background_rotation": (12.3, -31.7),
}


@pytest.mark.parametrize("key", SURFACE)
def test_differentiable(key: str) -> None:
    renderer = Renderer(size=12, dtype=torch.float64)
    renderer.add_pair(sphere_pair(name=OBJECT, segments=8, texture_size=64))
    scenes = [scene(background_blur=0.5), scene(yaw=30, distance=5, texture_morph=0.5, texture_blur=0.5)]
    draw = renderer.background if key in BACKDROP_PARAMETERS else renderer.foreground
    values = torch.tensor(SURFACE[key], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda v: draw(scenes, {key: v}), (values,), atol=1e-5, rtol=1e-3)
