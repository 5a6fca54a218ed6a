"""glTF documents, compared with trimesh's reader and with what the specification says where that one is silent."""

import base64
import json

import numpy as np
import pytest
import trimesh
from PIL import Image
from scipy.optimize import minimize
from user_files import BLUE, GREEN, RED, YELLOW, Gltf, corners, picture, read, texel, triangles, zipped

from perturber.errors import InvalidInputError
from perturber.objects import MorphPair


def smallest_sphere(vertices: np.ndarray) -> tuple[np.ndarray, float]:
    """Centre and radius by direct search."""
    found = minimize(
        lambda centre: np.linalg.norm(vertices - centre, axis=1).max(),
        (vertices.min(0) + vertices.max(0)) / 2,
        method="Nelder-Mead",
        options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 4000},
    )
    return found.x, found.fun


def unit(vertices: np.ndarray) -> np.ndarray:
    centre, radius = smallest_sphere(vertices)
    return (vertices - centre) / radius


def quarters(pair: MorphPair) -> list[list[int]]:
    """Colours a quarter into the square from its corners, as seen from the front: top left, top right, …"""
    found = []
    faces = triangles(pair)
    front = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])[:, 2] > 0
    for place in ((-0.35, 0.3), (0.35, 0.3), (-0.35, -0.3), (0.3, -0.35)):
        for face in np.flatnonzero(front):
            a, b, c = faces[face][:, :2]
            s, t = np.linalg.solve(np.stack((b - a, c - a), 1), np.array(place) - a)
            if min(s, t) >= -1e-9 and s + t <= 1 + 1e-9:
                found.append(texel(pair, np.array([1 - s - t, s, t]) @ pair.uv[pair.faces[face]])[:3].tolist())
                break
    return found


UPRIGHT = [list(colour) for colour in (RED, GREEN, BLUE, YELLOW)]


def textured() -> Gltf:
    document = Gltf().quad()
    document.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": {"index": document.image(corners())}}}]
    document.primitive["material"] = 0
    return document


def test_what_trimesh_writes() -> None:
    """A scene of two meshes, one of them mirrored: the same triangles as trimesh sees."""
    ball, box = trimesh.creation.icosphere(2), trimesh.creation.box((1, 2, 3))
    uv = np.random.default_rng(0).uniform(0, 1, (len(ball.vertices), 2))
    image = Image.new("RGB", (8, 8), RED)
    material = trimesh.visual.material.PBRMaterial(baseColorTexture=image, doubleSided=False)
    ball.visual = trimesh.visual.TextureVisuals(uv=uv, material=material)
    scene = trimesh.Scene()
    mirror = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3]) @ np.diag([-1.0, 1, 2, 1])
    mirror[:3, 3] = 3, 1, 2
    scene.add_geometry(ball, transform=mirror)
    scene.add_geometry(box, transform=trimesh.transformations.rotation_matrix(0.3, [0, 1, 0], [1, 0, 0]))
    expected = scene.to_mesh()
    pair = read({"scene.glb": scene.export(file_type="glb")})
    faces = triangles(pair)
    assert len(faces) == len(expected.faces)
    theirs = unit(expected.vertices)[expected.faces].mean(1)
    gap = np.linalg.norm(faces.mean(1)[:, None] - theirs, axis=2)
    assert gap.min(0).max() < 2e-3
    assert gap.min(1).max() < 2e-3
    # Faces outwards in spite of the mirror, and so do the normals.
    area = np.cross(faces[:, 1] - faces[:, 0], faces[:, 2] - faces[:, 0])
    solid = trimesh.Trimesh(*expected_solid(faces), process=False)
    assert solid.volume == pytest.approx(expected.volume / smallest_sphere(expected.vertices)[1] ** 3, rel=0.01)
    assert (area * pair.normals[0][pair.faces].mean(1)).sum(1).min() > 0


def expected_solid(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return faces.reshape(-1, 3), np.arange(len(faces) * 3).reshape(-1, 3)


def test_textures_stand_upright() -> None:
    assert quarters(read({"a.glb": textured().glb()})) == UPRIGHT


def test_files_beside_it_and_data_in_it() -> None:
    document = textured()
    data = "data:application/octet-stream;base64," + base64.b64encode(document.binary).decode()
    alone = read({"a.gltf": document.gltf(data)})
    beside = {"a.gltf": document.gltf("some/folder/My%20data.bin"), "My data.bin": document.binary}
    for pair in (alone, read(beside), read({"a.zip": zipped(beside)})):
        assert quarters(pair) == UPRIGHT
    document.tree["images"] = [{"uri": "textures/T.png"}]
    assert quarters(read({"a.gltf": document.gltf(data), "T.png": corners()})) == UPRIGHT


@pytest.mark.parametrize("uri", ["https://example.org/a.bin", "/etc/passwd", "../../a.bin", "file:///etc/hosts"])
def test_nothing_outside_is_read(uri: str) -> None:
    with pytest.raises(InvalidInputError, match="not among the files"):
        read({"a.gltf": Gltf().quad().gltf(uri)})


def test_integers_that_stand_for_fractions() -> None:
    """Texture coordinates as normalised 16 bits, colours as 8, positions quantised (KHR_mesh_quantization)."""
    document = textured()
    attributes = document.primitive["attributes"]
    attributes["POSITION"] = document.accessor(
        np.array([[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]) * 32767, "<i2", normalized=True
    )
    attributes["TEXCOORD_0"] = document.accessor(
        np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * 65535, "<u2", normalized=True
    )
    attributes["COLOR_0"] = document.accessor([[255, 255, 255, 255]] * 4, "<u1", normalized=True)
    document.tree["extensionsRequired"] = ["KHR_mesh_quantization"]
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT


def test_sparse_accessors() -> None:
    document = textured()
    position = document.primitive["attributes"]["POSITION"]
    where, values = np.array([2], "<u2"), np.array([[1, 1, 0]], "<f4")
    wrong = np.array([[-1, -1, 0], [1, -1, 0], [50, 50, 50], [-1, 1, 0]], "<f4")
    document.tree["accessors"][position] |= {
        "bufferView": document.view(wrong.tobytes()),
        "sparse": {
            "count": 1,
            "indices": {"bufferView": document.view(where.tobytes()), "componentType": 5123},
            "values": {"bufferView": document.view(values.tobytes())},
        },
    }
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT


def test_interleaved_attributes() -> None:
    document = textured()
    rows = np.zeros((4, 6), "<f4")
    rows[:, :3] = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]
    rows[:, 3:5] = [[0, 1], [1, 1], [1, 0], [0, 0]]
    view = document.view(rows.tobytes())
    document.tree["bufferViews"][view]["byteStride"] = 24
    for name, offset, kind in (("POSITION", 0, "VEC3"), ("TEXCOORD_0", 12, "VEC2")):
        document.tree["accessors"].append(
            {"bufferView": view, "byteOffset": offset, "componentType": 5126, "count": 4, "type": kind}
        )
        document.primitive["attributes"][name] = len(document.tree["accessors"]) - 1
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT


@pytest.mark.parametrize(("mode", "indices"), [(5, [0, 1, 3, 2]), (6, [0, 1, 2, 3]), (4, [0, 1, 2, 0, 2, 3])])
def test_strips_and_fans(mode: int, indices: list[int]) -> None:
    document = textured()
    document.primitive.update(mode=mode, indices=document.accessor(indices, "<u1"))
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT


def test_second_set_and_transform_of_coordinates() -> None:
    document = textured()
    attributes = document.primitive["attributes"]
    attributes["TEXCOORD_1"] = attributes["TEXCOORD_0"]
    attributes["TEXCOORD_0"] = document.accessor([[0.5, 0.5]] * 4)
    texture = document.tree["materials"][0]["pbrMetallicRoughness"]["baseColorTexture"]
    texture["texCoord"] = 1
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT
    # Half a turn about the middle: (u, v) → (1 − u, 1 − v).
    texture["extensions"] = {"KHR_texture_transform": {"offset": [1, 1], "rotation": float(np.pi)}}
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT[::-1]
    # "Rotate the UVs counter-clockwise, as the image clockwise": what was left comes to the top.
    texture["extensions"] = {"KHR_texture_transform": {"offset": [0, 1], "rotation": float(np.pi / 2)}}
    assert quarters(read({"a.glb": document.glb()})) == [UPRIGHT[i] for i in (2, 0, 3, 1)]


def shown(pair: MorphPair, points: np.ndarray) -> np.ndarray:
    """Texels of a square from -1 to 1 at points (N, 2) of it, seen from the front: (N, 3 or 4)."""
    where = points * 2 / np.sqrt(2) - 1 / np.sqrt(2)  # the unit sphere touches its corners
    faces = triangles(pair)[..., :2]
    found = np.zeros((len(points), pair.textures.shape[-1]), int)
    for corner, index in zip(faces, pair.faces, strict=True):
        edges = np.stack((corner[1] - corner[0], corner[2] - corner[0]), 1)
        if np.linalg.det(edges) <= 0:
            continue
        s, t = np.linalg.solve(edges, (where - corner[0]).T)
        inside = (s >= 0) & (t >= 0) & (s + t <= 1)
        weights = np.stack((1 - s - t, s, t), 1)[inside]
        found[inside] = texel(pair, weights @ pair.uv[index].astype(float))
    return found


@pytest.mark.parametrize("coloured", [False, True])
@pytest.mark.parametrize("beside", [False, True])
@pytest.mark.parametrize("wrap", [(33071, 33648), (33648, 33071), (33071, 33071), (33648, 10497), (None, 33648)])
def test_pictures_go_on_as_samplers_say(wrap: tuple[int | None, int], beside: bool, coloured: bool) -> None:
    """Alone, in an atlas, and in a cell a triangle: texture coordinates from -2.5 to 2.5 against each rule, a texel."""
    document = textured()
    attributes = document.primitive["attributes"]
    attributes["TEXCOORD_0"] = document.accessor(np.array([[0, 1], [1, 1], [1, 0], [0, 0]]) * 5 - 2.5)
    keys = [key for key, mode in zip("ST", wrap, strict=True) if mode is not None]
    document.tree["samplers"] = [{f"wrap{key}": wrap["ST".index(key)] for key in keys}]
    document.tree["textures"][0]["sampler"] = 0
    if coloured:
        attributes["COLOR_0"] = document.accessor([[1, 1, 1], [1, 1, 1], [1, 1, 1], [1, 1, 0.99]])
    if beside:
        document.tree["materials"].append({"pbrMetallicRoughness": {"baseColorFactor": [0, 0, 0, 1]}})
        small = {"POSITION": document.accessor([[0, 0, 0], [0.1, 0, -0.1], [0, 0.1, -0.1]])}
        document.tree["meshes"][0]["primitives"].append({"attributes": small, "material": 1})
    points = (np.random.default_rng(0).integers(0, 40, (200, 2)) + 0.5) / 40  # away from the edges between colours
    rules = {
        10497: lambda t: t % 1,
        33071: lambda t: np.clip(t, 0, 0.999),
        33648: lambda t: np.where(np.floor(t) % 2, 1 - t % 1, t % 1),
    }
    place = points * [5, -5] + [-2.5, 2.5]
    u, v = (rules[mode or 10497](column) for mode, column in zip(wrap, place.T, strict=True))
    quarter = np.array([RED, GREEN, BLUE, YELLOW])[(v >= 0.5) * 2 + (u >= 0.5)]
    assert np.abs(shown(read({"a.glb": document.glb()}), points)[:, :3] - quarter).max() < 30


def test_colours_are_linear_in_the_file() -> None:
    document = Gltf().quad()
    document.tree["materials"] = [{"pbrMetallicRoughness": {"baseColorFactor": [0.2140, 1.0, 0.0, 1.0]}}]
    document.primitive["material"] = 0
    pair = read({"a.glb": document.glb()})
    np.testing.assert_allclose(pair.textures[0, 0, 0], [127.5, 255, 0], atol=1)  # sRGB 0.5 is 21.4 % of the light


def test_colours_at_vertices_tint_the_texture() -> None:
    document = textured()
    document.primitive["attributes"]["COLOR_0"] = document.accessor([[1, 0, 1], [1, 0, 1], [1, 1, 1], [1, 1, 1]])
    pair = read({"a.glb": document.glb()})
    top = quarters(pair)[1]  # green, where the green factor is still high
    assert top[0] < 5
    assert 150 < top[1] < 255
    assert top[2] < 5


@pytest.mark.parametrize(("mode", "values"), [("OPAQUE", None), ("MASK", {0, 255}), ("BLEND", {64, 255})])
def test_alpha_modes(mode: str, values: set[int] | None) -> None:
    pixels = np.full((16, 16, 4), 255, np.uint8)
    pixels[:8, :, 3] = 64
    document = Gltf().quad()
    document.tree["materials"] = [
        {"alphaMode": mode, "pbrMetallicRoughness": {"baseColorTexture": {"index": document.image(picture(pixels))}}}
    ]
    document.primitive["material"] = 0
    pair = read({"a.glb": document.glb()})
    if values is None:
        assert pair.textures.shape[-1] == 3
    else:
        rows = pair.textures[0][[100, 900], :, 3]
        assert set(np.unique(rows)) == values
        assert rows[0].max() < rows[1].min()  # the upper half is the transparent one


def test_double_sided_closed_objects_get_both_sides() -> None:
    box = trimesh.creation.box()
    for both, expected in ((False, 12), (True, 24)):
        box.visual = trimesh.visual.TextureVisuals(material=trimesh.visual.material.PBRMaterial(doubleSided=both))
        assert len(read({"a.glb": box.export(file_type="glb")}).faces) == expected


def test_skins_are_shown_in_their_rest_pose() -> None:
    """Two joints, one of them lifted by 3: vertices follow by their weights (linear blend skinning)."""
    document = textured()
    tree, attributes = document.tree, document.primitive["attributes"]
    attributes["JOINTS_0"] = document.accessor([[0, 1, 0, 0]] * 4, "<u1")
    attributes["WEIGHTS_0"] = document.accessor([[1, 0, 0, 0], [1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 1, 0, 0]])
    bind = np.tile(np.eye(4), (2, 1, 1))
    bind[:, 3, 0] = -7  # column-major: the joints were at x = 7 when the mesh was bound
    tree["skins"] = [{"joints": [1, 2], "inverseBindMatrices": document.accessor(bind.reshape(2, 16))}]
    tree["nodes"] = [
        {"mesh": 0, "skin": 0, "translation": [100, 100, 100]},  # is to be ignored
        {"translation": [7, 0, 0], "children": [2]},
        {"translation": [0, 3, 0]},
    ]
    tree["scenes"] = [{"nodes": [0, 1]}]
    pair = read({"a.glb": document.glb()})
    expected = np.array([[-1, -1, 0], [1, -1, 0], [1, 1 + 1.5, 0], [-1, 1 + 3, 0]])
    found = np.unique(np.round(pair.positions[0], 4), axis=0)
    np.testing.assert_allclose(found, np.unique(np.round(unit(expected), 4), axis=0), atol=2e-3)


def broken(change: dict[str, object]) -> bytes:
    document = textured()
    document.tree |= change
    return document.glb()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"asset": {"version": "1.0"}}, "version is '1.0'"),
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "KHR_draco_mesh_compression"),
        ({"extensionsRequired": ["EXT_meshopt_compression"]}, "EXT_meshopt_compression"),
        ({"nodes": [{"children": [0]}]}, "has two parents"),
        ({"nodes": [{"mesh": 5}]}, r"no meshes\[5\]"),
        ({"nodes": [{"mesh": 0, "matrix": [1]}]}, "16 numbers"),
        ({"nodes": [{"mesh": 0, "scale": [1, 1, float("nan")]}]}, "finite"),
        ({"nodes": [{}]}, "no triangles"),
        ({"scenes": 3}, "is not a list"),
        ({"meshes": [{"primitives": 3}]}, "no primitives"),
        ({"accessors": []}, r"no accessors"),
        ({"bufferViews": [{"buffer": 0, "byteLength": 10**9}]}, "ends beyond its buffer"),
        ({"materials": [{"pbrMetallicRoughness": 3}]}, "is not an object"),
    ],
)
def test_broken_documents_get_one_sentence(change: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read({"a.glb": broken(change)})


def test_declared_sizes_are_not_believed() -> None:
    """Accessors without data, of any length; instances of instances."""
    document = Gltf().quad()
    for count in (4 * 10**6, 10**12):
        huge = {"componentType": 5126, "count": count, "type": "VEC3"}
        document.tree["accessors"].append(huge)
        document.primitive["attributes"]["POSITION"] = len(document.tree["accessors"]) - 1
        document.primitive.pop("indices", None)
        with pytest.raises(InvalidInputError, match="triangles"):
            read({"a.glb": document.glb()})
    document = Gltf().quad()
    document.tree["nodes"] = [{"mesh": 0}] * 19_000
    document.tree["scenes"] = [{"nodes": list(range(19_000))}]
    document.tree["meshes"][0]["primitives"] *= 20
    with pytest.raises(InvalidInputError, match=r"triangles|parts"):
        read({"a.glb": document.glb()})
    with pytest.raises(InvalidInputError, match="JSON cannot be read"):
        read({"a.gltf": b"[" * 100_000})
    with pytest.raises(InvalidInputError, match="ends before it should"):
        read({"a.glb": textured().glb()[:-30]})
    assert json.loads(textured().gltf("x"))["asset"]
