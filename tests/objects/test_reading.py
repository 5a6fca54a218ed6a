"""Users' objects become what the renderer needs, whatever the file leaves out or does its own way."""

import dataclasses
import io

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from scipy.optimize import minimize
from user_files import BLUE, CUBE, GREEN, QUAD, RED, YELLOW, corners, picture, read, texel, triangles, zipped

from perturber import objects
from perturber.errors import InvalidInputError
from perturber.objects import MorphPair
from perturber.objects.reading.scale import to_unit_sphere
from perturber.render import Renderer
from perturber.scene import Scene


def areas(triangles: np.ndarray) -> np.ndarray:
    """(F, 3) vectors whose length is twice the area."""
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def volume(triangles: np.ndarray) -> float:
    return float((triangles[:, 0] * np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6)


def render(pair: MorphPair, **scene: object) -> np.ndarray:
    """(224, 224, 4) of the object alone, evenly lit."""
    renderer = Renderer()
    renderer.add_pair(pair)
    base = Scene.parse({"yaw": 0, "pitch": 0, "lighting_influence": 0, **scene}).as_dict()
    with torch.inference_mode():
        layer = renderer.foreground([type(Scene.parse({}))._of({**base, "object": pair.name})])[0]
    return layer.permute(1, 2, 0).numpy()


def test_a_cube_of_quads() -> None:
    pair = read({"cube.obj": CUBE})
    faces = triangles(pair)
    assert len(faces) == 12
    np.testing.assert_allclose(np.linalg.norm(pair.positions, axis=2), 1, atol=1e-5)
    assert volume(faces) == pytest.approx((2 / 3**0.5) ** 3, rel=1e-4)
    # Its edges are sharp: each corner's normal is its face's, which looks away from the centre.
    flat = areas(faces) / np.linalg.norm(areas(faces), axis=1, keepdims=True)
    np.testing.assert_allclose(pair.normals[0][pair.faces], np.broadcast_to(flat[:, None], (12, 3, 3)), atol=1e-5)
    assert ((flat * faces.mean(1)).sum(1) > 0).all()
    assert pair.uv.min() >= 0
    assert pair.uv.max() <= 1
    assert pair.names == ("cube", "cube")
    np.testing.assert_array_equal(pair.positions[0], pair.positions[1])


def test_a_sphere_without_normals_is_smooth() -> None:
    sphere = trimesh.creation.icosphere(3)
    text = "".join(f"v {x} {y} {z}\n" for x, y, z in sphere.vertices * 7 + [1, 2, 3])
    pair = read({"ball.obj": text + "".join(f"f {a} {b} {c}\n" for a, b, c in sphere.faces + 1)})
    np.testing.assert_allclose(pair.normals[0], pair.positions[0], atol=0.01)
    assert np.linalg.norm(pair.positions[0], axis=1) == pytest.approx(1, abs=1e-3)
    assert len(pair.faces) == len(sphere.faces)


def test_as_trimesh_reads_it() -> None:
    """A mesh with normals and texture coordinates, against trimesh's reader on the same file."""
    mesh = trimesh.creation.torus(1.0, 0.4, major_sections=24, minor_sections=12)
    uv = np.random.default_rng(0).uniform(0, 1, (len(mesh.vertices), 2))
    mesh.visual = trimesh.visual.TextureVisuals(uv=uv, material=trimesh.visual.material.SimpleMaterial())
    mesh.vertex_normals  # noqa: B018  (are written where they have been asked for)
    content = trimesh.exchange.obj.export_obj(mesh, include_normals=True)
    theirs = trimesh.load(io.StringIO(content), file_type="obj", process=False, force="mesh")
    ours = read({"torus.obj": content})
    scale = np.linalg.norm(theirs.vertices - theirs.bounds.mean(0), axis=1).max()
    expected = (theirs.vertices - theirs.bounds.mean(0)) / scale
    np.testing.assert_allclose(triangles(ours), expected[theirs.faces], atol=2e-3)
    np.testing.assert_allclose(ours.uv[ours.faces], theirs.visual.uv[theirs.faces], atol=1e-6)
    np.testing.assert_allclose(ours.normals[0][ours.faces], theirs.vertex_normals[theirs.faces], atol=1e-3)


def test_relative_indices_count_from_their_own_line() -> None:
    blocks = "".join(
        f"v {x} 0 0\nv {x + 1} 0 0\nv {x} 1 0\nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\nf -3/-3/-1 -2/-2/-1 -1/-1/-1\n"
        for x in range(3)
    )
    absolute = blocks
    for n in range(3):
        v, t, k = 3 * n, 3 * n, n + 1
        absolute = absolute.replace(
            "f -3/-3/-1 -2/-2/-1 -1/-1/-1", f"f {v + 1}/{t + 1}/{k} {v + 2}/{t + 2}/{k} {v + 3}/{t + 3}/{k}", 1
        )
    one, other = read({"a.obj": blocks}), read({"a.obj": absolute})
    np.testing.assert_array_equal(one.faces, other.faces)
    np.testing.assert_array_equal(one.positions, other.positions)
    assert np.ptp(triangles(one)[..., 0]) > 1


@pytest.mark.parametrize("turn", [1, -1])
def test_concave_polygons_keep_their_area(turn: int) -> None:
    """A star of ten corners and an arrow of four: the shoelace formula gives the area."""
    angle = np.arange(10) * np.pi / 5
    star = np.stack((np.cos(angle), np.sin(angle)), 1) * np.where(np.arange(10) % 2, 0.3, 1)[:, None]
    arrow = np.array([[3, 0], [4, 1], [3, 0.4], [2, 1]])
    text, expected, start = "", 0.0, 1
    for polygon in (star[::turn], arrow[::turn]):
        x, y = polygon.T
        expected += abs((x * np.roll(y, -1) - y * np.roll(x, -1)).sum()) / 2
        text += "".join(f"v {a} {b} 0\n" for a, b in polygon)
        text += "f " + " ".join(str(start + i) for i in range(len(polygon))) + "\n"
        start += len(polygon)
    pair = read({"flat.obj": text})
    scale = np.ptp(triangles(pair)[..., 0]) / np.ptp(np.concatenate((star, arrow))[:, 0])
    area = areas(triangles(pair))[:, 2]
    assert area[area > 0].sum() / 2 / scale**2 == pytest.approx(expected, rel=1e-4)
    assert area.sum() == pytest.approx(0, abs=1e-6)  # a sheet: each triangle has its reverse


def test_mixed_corners_comments_and_continued_lines() -> None:
    text = (
        "\ufeff# comment\r\nv -1 -1 0 # here too\r\nv\t1 -1 0\r\nv 1 1\\\r\n 0\r\nv -1  1 0\r\nvn 0 0 1\r\n"
        "vt 0 0\r\nf 1/1 2//1 3/1/1\r\nf 1 3 4\r\nl 1 2\r\n"
    )
    pair = read({"a.obj": text})
    assert len(pair.faces) == 4  # two, from both sides
    assert np.isfinite(pair.uv).all()


def test_first_row_of_the_texture_is_at_the_top() -> None:
    pair = read({"quad.obj": QUAD, "quad.png": corners()})
    image = render(pair)[..., :3]
    for (y, x), colour in {(80, 80): RED, (80, 144): GREEN, (144, 80): BLUE, (144, 144): YELLOW}.items():
        np.testing.assert_allclose(image[y, x] * 255, colour, atol=2)


def test_a_picture_without_coordinates_is_upright_from_front_and_behind() -> None:
    pair = read({"cube.obj": CUBE, "cube.png": corners()})
    for yaw in (0, 90, 180, -90):
        image = render(pair, yaw=yaw)[..., :3]
        for (y, x), colour in {(90, 90): RED, (90, 134): GREEN, (134, 90): BLUE, (134, 134): YELLOW}.items():
            np.testing.assert_allclose(image[y, x] * 255, colour, atol=2)


def test_closed_parts_face_outwards_and_others_show_both_sides() -> None:
    inside_out = "\n".join(
        "f " + " ".join(line.split()[:0:-1]) if line.startswith("f") else line for line in CUBE.splitlines()
    )
    pair = read({"cube.obj": inside_out})
    assert len(pair.faces) == 12
    assert volume(triangles(pair)) > 0
    assert (areas(triangles(pair)) * pair.normals[0][pair.faces].mean(1)).sum(1).min() > 0
    for lines in (CUBE.replace("f 2 3 7 6\n", ""), CUBE.replace("f 2 3 7 6", "f 6 7 3 2")):
        pair = read({"cube.obj": lines})
        assert len(pair.faces) == 4 * lines.count("f ")
        assert (areas(triangles(pair)) * pair.normals[0][pair.faces].mean(1)).sum(1).min() > 0
        image = render(pair, yaw=-90)
        assert image[112, 112, 3] == 1


def test_given_normals_that_look_inwards_are_turned() -> None:
    sphere = trimesh.creation.icosphere(2)
    text = "".join(f"v {x} {y} {z}\nvn {-x} {-y} {-z}\n" for x, y, z in sphere.vertices)
    pair = read({"a.obj": text + "".join(f"f {a}//{a} {b}//{b} {c}//{c}\n" for a, b, c in sphere.faces + 1)})
    np.testing.assert_allclose(pair.normals[0], pair.positions[0], atol=1e-4)


def test_alpha_makes_both_sides_visible_and_holes() -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[:16] = 255
    pair = read({"cube.obj": CUBE, "cube.png": picture(RED), "cube_alpha.png": picture(mask)})
    assert pair.textures.shape == (2, 1024, 1024, 4)
    assert len(pair.faces) == 24
    assert set(np.unique(pair.textures[0, :400, :, 3])) == {255}
    assert set(np.unique(pair.textures[0, 600:, :, 3])) == {0}
    np.testing.assert_array_equal(pair.textures[0, :, :, :3].reshape(-1, 3).min(0), RED)  # no dark rim to blend with
    image = render(pair)
    assert image[90, 112, 3] > 0.99


def test_transparent_pictures_keep_their_alpha_and_fill_its_gaps() -> None:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[16:48, 16:48] = (*GREEN, 255)
    pair = read({"quad.obj": QUAD, "quad.png": picture(pixels)})
    assert pair.textures[0, 512, 512].tolist() == [*GREEN, 255]
    assert pair.textures[0, 10, 10].tolist() == [*GREEN, 0]
    opaque = read({"quad.obj": QUAD, "quad.png": picture((*BLUE, 255))})
    assert opaque.textures.shape[-1] == 3


THREE = """\
mtllib room.mtl
v 0 0 0
v 1 0 0
v 1 1 0
v 0 1 0
v 2 0 0
v 2 1 0
v 3 0 0
v 3 1 0
vt 0 0
vt 3 0
vt 3 3
vt 0 3
usemtl wall
f 1/1 2/2 3/3 4/4
usemtl door
f 2/1 5/2 6/3 3/4
usemtl floor
f 5 7 8 6
"""

ROOM = """\
newmtl wall
Kd 0 0 0
map_Kd -s 1 1 1 C:\\textures\\Big Wall.PNG
newmtl door
Kd 1 0 0
newmtl floor
Kd 0 0.5 1
"""


def test_several_materials_share_one_texture() -> None:
    pair = read({"room.obj": THREE, "room.mtl": ROOM, "big wall.png": corners()})
    image = render(pair, distance=3)
    assert image.shape == (224, 224, 4)
    faces = triangles(pair)
    front = areas(faces)[:, 2] > 0
    left = faces[..., 0].min(1)
    step = np.ptp(faces[..., 0]) / 3
    for triangle in np.flatnonzero(front):
        column = round((left[triangle] - faces[..., 0].min()) / step)
        for weights in np.random.default_rng(triangle).dirichlet((1, 1, 1), 50):
            place = weights @ faces[triangle]
            seen = texel(pair, weights @ pair.uv[pair.faces[triangle]])
            if column == 1:
                expected = RED
            elif column == 2:
                expected = (0, 128, 255)
            else:  # three by three copies of the four quarters
                u, v = (place[:2] - faces[..., :2].min((0, 1))) / step * 3 % 1
                if min(abs(u - 0.5), abs(v - 0.5), u, v, 1 - u, 1 - v) < 0.05:
                    continue
                expected = ((RED, GREEN), (BLUE, YELLOW))[int(v < 0.5)][int(u > 0.5)]
            np.testing.assert_allclose(seen, expected, atol=8)
    mean = pair.textures[0].reshape(-1, 3).mean(0)
    assert np.abs(mean - [140, 150, 120]).max() < 80  # no white or black filling


def test_what_a_material_asks_for_must_be_there() -> None:
    with pytest.raises(InvalidInputError, match=r"Big Wall.PNG.*not given"):
        read({"room.obj": THREE, "room.mtl": ROOM})
    stand_in = read({"room.obj": THREE, "room.mtl": ROOM, "photo.png": corners()})
    assert stand_in.textures.shape[1] == 2048
    override = read({"room.obj": THREE, "room.mtl": ROOM, "photo.png": picture(GREEN)}, texture="photo.png")
    assert (override.textures == GREEN).all()


def test_colours_at_vertices_are_baked() -> None:
    sphere = trimesh.creation.icosphere(2)
    colours = np.random.default_rng(0).uniform(0, 1, (len(sphere.vertices), 3))
    text = "".join(
        f"v {x} {y} {z} {r} {g} {b}\n" for (x, y, z), (r, g, b) in zip(sphere.vertices, colours, strict=True)
    )
    pair = read({"a.obj": text + "".join(f"f {a} {b} {c}\n" for a, b, c in sphere.faces + 1)})
    distance = np.linalg.norm(pair.positions[0][:, None] - sphere.vertices[None] / 1, axis=2)
    np.testing.assert_allclose(texel(pair, pair.uv) / 255, colours[distance.argmin(1)], atol=0.01)
    # Between the corners it is their mean, as if interpolated.
    uv = pair.uv[pair.faces]
    expected = texel(pair, uv).mean(1)
    np.testing.assert_allclose(texel(pair, uv.mean(1)), expected, atol=12)
    # The coarsest mip level is the object's mean colour.
    np.testing.assert_allclose(pair.textures[0].mean((0, 1)), colours.mean(0) * 255, atol=12)


def pair_of_objects() -> dict[str, bytes | str]:
    other = "\n".join(
        f"v {float(line.split()[1]) * 3} {line.split()[2]} {line.split()[3]}" if line.startswith("v ") else line
        for line in CUBE.splitlines()
    )
    return {"dog.obj": CUBE, "cat.obj": other, "cat_tex.png": picture(GREEN), "dog_tex.png": picture(RED)}


def test_two_objects_of_one_topology_morph() -> None:
    pair = read(pair_of_objects())
    assert pair.names == ("dog", "cat")
    for positions in pair.positions:
        assert np.linalg.norm(positions, axis=1).max() == pytest.approx(1, abs=1e-3)
    assert np.ptp(pair.positions[1], axis=0)[0] == pytest.approx(3 * np.ptp(pair.positions[1], axis=0)[1], rel=1e-4)
    assert (pair.textures[0] == RED).all()
    assert (pair.textures[1] == GREEN).all()
    np.testing.assert_allclose(render(pair, morph=0.5)[112, 112, :3], [0.5, 0.5, 0], atol=0.01)
    swapped = read(pair_of_objects(), second="dog.obj")
    assert swapped.names == ("cat", "dog")
    assert (swapped.textures[0] == GREEN).all()


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (CUBE.replace("f 2 3 7 6\n", ""), "has 6 faces, 'cat.obj' has 5"),
        (CUBE + "v 0 0 0\n", "has 8 vertices, 'cat.obj' has 9"),
        (CUBE.replace("f 2 3 7 6", "f 2 3 7 5"), "face 6 joins other vertices"),
        (CUBE.replace("f 1 5 8 4\nf 2 3 7 6", "f 1 5 8\nf 2 3 7 6 5"), "face 5 has 4 corners in 'dog.obj', 3"),
    ],
)
def test_different_topology_is_explained(other: str, reason: str) -> None:
    with pytest.raises(InvalidInputError, match="same topology") as error:
        read({"dog.obj": CUBE, "cat.obj": other})
    assert reason in str(error.value)


def test_a_pair_whose_layouts_differ_gets_a_common_one() -> None:
    turned = QUAD.replace("f 1/1 2/2 3/3 4/4", "f 1/2 2/3 3/4 4/1")  # the picture lies on its side
    pair = read({"a.obj": QUAD, "b.obj": turned, "a.png": corners(), "b.png": corners()})
    first, second = render(pair)[..., :3], render(pair, morph=1)[..., :3]
    for (y, x), one, other in (((80, 80), RED, BLUE), ((80, 144), GREEN, RED), ((144, 80), BLUE, YELLOW)):
        np.testing.assert_allclose(first[y, x] * 255, one, atol=3)
        np.testing.assert_allclose(second[y, x] * 255, other, atol=3)


def test_a_zip_is_what_it_holds() -> None:
    files = {"quad.obj": QUAD.encode(), "quad.png": corners()}
    nested = {f"Scene/{name}": content for name, content in files.items()} | {
        "__MACOSX/._quad.obj": b"x",
        "read.me": b"y",
    }
    one, other = read(files), read({"quad.zip": zipped(nested)})
    np.testing.assert_array_equal(one.textures, other.textures)
    np.testing.assert_array_equal(one.positions, other.positions)


def test_pictures_that_are_not_square_fill_the_texture() -> None:
    pixels = np.zeros((100, 300, 3), np.uint8)
    pixels[:, 150:] = GREEN
    pair = read({"quad.obj": QUAD, "a.jpg": picture(pixels, format="JPEG")})
    assert pair.textures.shape == (2, 1024, 1024, 3)
    np.testing.assert_allclose(pair.textures[0, :, :400].reshape(-1, 3).mean(0), [0, 0, 0], atol=3)
    np.testing.assert_allclose(pair.textures[0, :, 600:].reshape(-1, 3).mean(0), GREEN, atol=3)
    file = io.BytesIO()
    Image.new("RGB", (1500, 700), BLUE).save(file, format="WEBP", lossless=True)
    assert read({"quad.obj": QUAD, "a.webp": file.getvalue()}).textures.shape == (2, 2048, 2048, 3)


def test_place_and_size_do_not_matter() -> None:
    reference = read({"cube.obj": CUBE})
    for factor, move in ((1e-12, 0.0), (1e12, 5e12), (3.0, -1000.0)):
        text = "\n".join(
            "v " + " ".join(repr(float(x) * factor + move) for x in line.split()[1:]) if line.startswith("v ") else line
            for line in CUBE.splitlines()
        )
        np.testing.assert_allclose(read({"cube.obj": text}).positions, reference.positions, atol=1e-3)


def test_a_pair_of_the_library_written_as_two_files_looks_the_same() -> None:
    """Down to where its bounding spheres were: they are small, but not the smallest."""
    pair = objects.pair("firetruck_racecar")
    files: dict[str, bytes | str] = {}
    for which, name in enumerate(("first", "second")):
        lines = [f"v {x} {y} {z}" for x, y, z in pair.positions[which]]
        lines += [f"vn {x} {y} {z}" for x, y, z in pair.normals[which]]
        lines += [f"vt {u} {v}" for u, v in pair.uv]
        lines += [f"f {a}/{a}/{a} {b}/{b}/{b} {c}/{c}/{c}" for a, b, c in pair.faces + 1]
        files[f"{name}.obj"] = "\n".join(lines)
        files[f"{name}.png"] = picture(pair.textures[which])
    ours = read(files)
    np.testing.assert_array_equal(ours.textures, pair.textures)
    for morph in (0, 0.5, 1):
        scene = {"yaw": -35, "pitch": -12, "morph": morph, "lighting_influence": 1}
        theirs = dataclasses.replace(pair, name="own-test", specular=ours.specular, shininess=ours.shininess)
        assert np.abs(render(ours, **scene) - render(theirs, **scene)).mean() < 0.005


def test_the_bounding_sphere_is_the_smallest() -> None:
    rng = np.random.default_rng(0)
    for points in (rng.normal(size=(500, 3)) * [1, 2, 3], rng.uniform(-1, 1, (40, 3)) + 50, np.eye(3)):
        placed = to_unit_sphere(points)
        assert np.linalg.norm(placed, axis=1).max() == pytest.approx(1)
        found = minimize(
            lambda centre, placed=placed: np.linalg.norm(placed - centre, axis=1).max(),
            [0.01, 0.02, 0],
            method="Nelder-Mead",
        )
        assert found.fun > 1 - 1e-4  # no other centre does with less
