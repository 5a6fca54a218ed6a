"""glTF documents, compared with trimesh's reader and with what the specification says where that one is silent."""

import base64
import io
import json

import DracoPy
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


def outline(pair: MorphPair) -> np.ndarray:
    """Places of vertices, each once, in order."""
    return np.unique(np.round(pair.positions[0], 4), axis=0)


def same_outline(pair: MorphPair, points: list[list[float]]) -> None:
    np.testing.assert_allclose(outline(pair), np.unique(np.round(unit(np.array(points)), 4), axis=0), atol=2e-3)


SQUARE = [[-1, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]


@pytest.mark.parametrize(
    ("mesh", "node", "lifted"), [([1, 0], None, 3), ([1, 0], [0.5, 0], 1.5), ([0, 0.5], None, 1), ([0, 0], None, 0)]
)
def test_morph_targets_are_shown_by_their_weights(mesh: list[float], node: list[float] | None, lifted: float) -> None:
    """The node's weights before the mesh's; one target sparse, the other of normalised integers."""
    document = textured()
    document.tree["meshes"][0]["weights"] = mesh
    if node is not None:
        document.tree["nodes"][0]["weights"] = node
    where, values = np.array([2], "<u2"), np.array([[0, 3, 0]], "<f4")
    sparse = {
        "count": 1,
        "indices": {"bufferView": document.view(where.tobytes()), "componentType": 5123},
        "values": {"bufferView": document.view(values.tobytes())},
    }
    document.tree["accessors"].append({"componentType": 5126, "count": 4, "type": "VEC3", "sparse": sparse})
    second = document.accessor(np.array([[0, 0, 0], [0, 0, 0], [0, 127, 0], [0, 0, 0]]), "<i1", normalized=True)
    targets = [{"POSITION": len(document.tree["accessors"]) - 2}, {"POSITION": second}, {"POSITION": second}]
    document.primitive["targets"] = targets
    lifted = lifted if mesh != [0, 0.5] else 0.5
    same_outline(read({"a.glb": document.glb()}), [*SQUARE[:2], [1, 1 + lifted, 0], SQUARE[3]])


@pytest.mark.parametrize("kind", ["<f4", "<i1", "<i2"])
def test_instances_are_shown_where_they_are(kind: str) -> None:
    """Moved, turned by a quarter about z and scaled, within a node that is moved itself."""
    document = textured()
    half = np.sqrt(0.5)
    turns = np.array([[0, 0, 0, 1], [0, 0, half, half]])
    if kind != "<f4":
        turns = np.round(turns * np.iinfo(kind).max)
    attributes = {
        "TRANSLATION": document.accessor([[0, 0, 0], [5, 0, 0]]),
        "ROTATION": document.accessor(turns, kind, normalized=kind != "<f4"),
        "SCALE": document.accessor([[1, 1, 1], [2, 1, 1]]),
        "_OWN": document.accessor([[1], [2]]),
    }
    document.tree["nodes"][0] |= {
        "translation": [0, 7, 0],
        "extensions": {"EXT_mesh_gpu_instancing": {"attributes": attributes}},
    }
    document.tree["extensionsRequired"] = ["EXT_mesh_gpu_instancing"]
    pair = read({"a.glb": document.glb()})
    same_outline(pair, [*SQUARE, *([5 - y, 2 * x, 0] for x, y, _ in SQUARE)])
    assert pair.notes == ()


def test_instances_are_counted_before_they_are_made() -> None:
    document = textured()
    document.tree["accessors"].append({"componentType": 5126, "count": 10**6, "type": "VEC3"})
    where = {"attributes": {"TRANSLATION": len(document.tree["accessors"]) - 1}}
    document.tree["nodes"][0]["extensions"] = {"EXT_mesh_gpu_instancing": where}
    with pytest.raises(InvalidInputError, match="more than 20,000 parts"):
        read({"a.glb": document.glb()})


def test_hidden_nodes_hide_what_is_below_them() -> None:
    document = textured()
    document.tree["nodes"] = [
        {"mesh": 0},
        {"mesh": 0, "translation": [9, 0, 0], "extensions": {"KHR_node_visibility": {"visible": True}}},
        {"children": [3], "extensions": {"KHR_node_visibility": {"visible": False}}},
        {"mesh": 0, "translation": [0, 9, 0], "extensions": {"KHR_node_visibility": {"visible": True}}},
    ]
    document.tree["scenes"] = [{"nodes": [0, 1, 2]}]
    document.tree["extensionsRequired"] = ["KHR_node_visibility"]
    same_outline(read({"a.glb": document.glb()}), [*SQUARE, *([x + 9, y, 0] for x, y, _ in SQUARE)])


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ({}, None),
        ({"scene": None, "scenes": [{}, {"nodes": [0]}]}, "Its own scene is empty; scenes[1] is shown."),
        ({"scene": 1, "scenes": [{"nodes": [0]}, {"nodes": [1]}]}, "Its own scene is empty; scenes[0] is shown."),
        ({"scene": None, "scenes": [{"nodes": [0]}, {"nodes": [1]}]}, "It has 2 scenes; the first one is shown."),
        ({"scene": None}, None),
        ({"scenes": [{"nodes": []}]}, "Its scenes are empty; all of its nodes are shown."),
        ({"scene": None, "scenes": []}, "It has no scene; all of its nodes are shown."),
    ],
)
def test_an_empty_scene_gives_way_to_the_next(change: dict[str, object], note: str | None) -> None:
    document = textured()
    document.tree |= {"nodes": [{"mesh": 0}, {"camera": 0}], **change}
    document.tree = {key: value for key, value in document.tree.items() if value is not None}
    pair = read({"a.glb": document.glb()})
    assert quarters(pair) == UPRIGHT
    assert pair.notes == (() if note is None else (note,))


def test_numbers_that_nothing_needs_need_not_be_finite() -> None:
    document = textured()
    attributes = document.primitive["attributes"]
    nan, inf = float("nan"), float("inf")
    attributes["POSITION"] = document.accessor([*SQUARE, [nan, 0, 0], [0, inf, 0]])
    attributes["TEXCOORD_0"] = document.accessor([[0, 1], [1, 1], [1, 0], [0, 0], [nan, nan], [0, 0]])
    attributes["NORMAL"] = document.accessor([[0, 0, 1], [inf, 0, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1], [0, 0, 1]])
    pair = read({"a.glb": document.glb()})
    assert quarters(pair) == UPRIGHT
    assert pair.notes == (
        "Vertices that no triangle uses and that are not finite numbers (2) are left out.",
        "Normals that are not finite numbers (1) are replaced by others, made from the shape.",
    )
    np.testing.assert_allclose(np.abs(pair.normals[0]), np.broadcast_to([0, 0, 1], pair.normals[0].shape), atol=1e-6)
    document.primitive["indices"] = document.accessor([0, 1, 4], "<u2")
    with pytest.raises(InvalidInputError, match="corners that are not finite"):
        read({"a.glb": document.glb()})


@pytest.mark.parametrize(("material", "alpha"), [(None, 255), ({}, 255), ({"alphaMode": "BLEND"}, 100)])
def test_without_a_material_it_is_opaque(material: dict[str, object] | None, alpha: int) -> None:
    document = Gltf().quad()
    document.primitive["attributes"]["COLOR_0"] = document.accessor([[255, 0, 0, 100]] * 4, "<u1", normalized=True)
    if material is not None:
        document.material(**material)
    texture = read({"a.glb": document.glb()}).textures[0]
    assert texture[0, 0, :3].tolist() == [255, 0, 0]
    assert (255 if texture.shape[-1] == 3 else texture[..., 3].max()) == alpha


def srgb(light: np.ndarray) -> np.ndarray:
    """IEC 61966-2-1, of 255."""
    light = np.clip(light, 0, 1)
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


def light(colour: object) -> np.ndarray:
    """The inverse."""
    s = np.array(colour) / 255
    return np.where(s <= 0.04045, s / 12.92, ((s + 0.055) / 1.055) ** 2.4)


@pytest.mark.parametrize("tinted", [False, True])
def test_what_is_emitted_is_added_to_the_colour(tinted: bool) -> None:
    """Factor, strength and picture in linear light; colours at vertices tint the rest alone."""
    document = Gltf().quad()
    base, glow = (40, 100, 200), (120, 60, 10)
    document.material(
        pbrMetallicRoughness={"baseColorTexture": {"index": document.image(picture(base))}},
        emissiveTexture={"index": document.image(picture(glow))},
        emissiveFactor=[0.5, 0.25, 1],
        extensions={"KHR_materials_emissive_strength": {"emissiveStrength": 4.0}},
    )
    tint = np.ones((4, 3))
    if tinted:
        tint[:, 1] = [0, 0, 0, 1e-2]
        document.primitive["attributes"]["COLOR_0"] = document.accessor(tint)
    pair = read({"a.glb": document.glb()})
    expected = srgb(light(base) * tint[0] + light(glow) * [2, 1, 4])
    np.testing.assert_allclose(shown(pair, np.array([[0.7, 0.1]]))[0, :3], expected, atol=2)
    assert pair.notes == ("What a material emits is shown as colour, which shadows darken.",)


def test_emission_alone_is_shown_with_its_own_coordinates() -> None:
    document = Gltf().quad()
    attributes = document.primitive["attributes"]
    attributes["TEXCOORD_1"] = attributes.pop("TEXCOORD_0")
    shining = {"index": document.image(corners()), "texCoord": 1}
    black = {"baseColorFactor": [0, 0, 0, 1]}
    document.material(pbrMetallicRoughness=black, emissiveTexture=shining, emissiveFactor=[1, 1, 1])
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT
    document.tree["materials"][0]["extensions"] = {"KHR_materials_unlit": {}}
    assert read({"a.glb": document.glb()}).textures.max() == 0
    # Two pictures that lie differently on the surface cannot be one.
    attributes["TEXCOORD_0"] = attributes["TEXCOORD_1"]
    colour = {"baseColorTexture": {"index": document.image(picture(BLUE))}}
    document.tree["materials"] = [{**document.tree["materials"][0], "name": "lamp", "pbrMetallicRoughness": colour}]
    document.tree["materials"][0].pop("extensions")
    pair = read({"a.glb": document.glb()})
    assert quarters(pair) == [list(BLUE)] * 4
    assert pair.notes == ("The emission of the material 'lamp' lies otherwise than its colour, and is left out.",)


KTX = b"\xabKTX 20\xbb\r\n\x1a\n" + bytes(64)


@pytest.mark.parametrize("format", ["WEBP", "AVIF"])
@pytest.mark.parametrize("required", [False, True])
def test_pictures_of_other_formats_are_found_in_their_extensions(format: str, required: bool) -> None:
    document = textured()
    content = picture(np.array(Image.open(io.BytesIO(corners()))), format=format)
    name = f"EXT_texture_{format.lower()}"
    document.tree["images"] = [{"bufferView": document.view(content), "mimeType": f"image/{format.lower()}"}]
    document.tree["textures"] = [{"extensions": {name: {"source": 0}}}]
    document.tree["extensionsRequired"] = [name] if required else []
    gaps = np.array(quarters(read({"a.glb": document.glb()}))) - UPRIGHT
    assert np.abs(gaps).max() < 30  # both lose a little
    data = "data:application/octet-stream;base64," + base64.b64encode(document.binary).decode()
    document.tree["images"] = [{"uri": f"t.{format.lower()}"}]
    assert quarters(read({"a.gltf": document.gltf(data), f"t.{format.lower()}": corners()})) == UPRIGHT


@pytest.mark.parametrize("name", ["KHR_texture_basisu", "EXT_texture_avif", "MSFT_texture_dds", "ACME_texture"])
def test_textures_that_cannot_be_read_are_named_or_left_out(name: str) -> None:
    document = textured()
    document.tree["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [1, 0, 0, 1]
    document.tree["images"].append({"bufferView": document.view(KTX)})
    document.tree["textures"] = [{"extensions": {name: {"source": 1}}}]
    pair = read({"a.glb": document.glb()})
    assert np.unique(pair.textures[0].reshape(-1, 3), axis=0).tolist() == [list(RED)]
    assert pair.notes == (f"A texture that cannot be read ({name}) is left out; export it as PNG or JPEG.",)
    document.tree["images"][1] = {"uri": "picture.ktx2"}
    assert read({"a.glb": document.glb()}).notes == pair.notes
    document.tree["extensionsRequired"] = [name]
    with pytest.raises(InvalidInputError, match=rf"\({name}\); export it with PNG or JPEG"):
        read({"a.glb": document.glb()})
    document.tree["textures"][0]["source"] = 0  # what it falls back on
    document.tree["materials"][0]["pbrMetallicRoughness"].pop("baseColorFactor")
    pair = read({"a.glb": document.glb()})
    assert (quarters(pair), pair.notes) == (UPRIGHT, ())


def test_a_texture_without_a_picture_is_left_out() -> None:
    document = textured()
    document.tree["textures"] = [{}]
    document.tree["materials"][0] |= {"emissiveTexture": {"index": 0}, "emissiveFactor": [1, 1, 1]}
    document.tree["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [1, 0, 0, 1]
    pair = read({"a.glb": document.glb()})
    assert np.unique(pair.textures[0].reshape(-1, 3), axis=0).tolist() == [list(RED)]
    assert pair.notes == ("A texture has no picture and is left out.",)


def test_what_is_not_shown_is_said() -> None:
    document = textured()
    tree = document.tree
    tree["extensionsRequired"] = ["KHR_materials_transmission", "KHR_materials_acme", "ACME_fur"]
    tree["materials"][0]["extensions"] = {"ACME_fur": {}, "KHR_materials_ior": {}, "KHR_materials_unlit": {}}
    tree["extensionsUsed"] = [*tree["extensionsRequired"], "KHR_materials_emissive_strength", "KHR_texture_transform"]
    tree["animations"] = [{"channels": [], "samplers": []}]
    tree["meshes"][0]["primitives"].append({"mode": 1, "attributes": document.primitive["attributes"]})
    assert read({"a.glb": document.glb()}).notes == (
        "Of its materials, only colour, transparency and emission are shown, "
        "not ACME_fur, KHR_materials_acme, KHR_materials_ior, KHR_materials_transmission.",
        "Its animations are not played; it is shown at rest.",
        "Parts made of points or lines (1) are left out.",
    )


def broken(change: dict[str, object]) -> bytes:
    document = textured()
    document.tree |= change
    return document.glb()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"asset": {"version": "1.0"}}, r"'a.glb' is glTF 1.0, .*; export it as glTF 2.0"),
        ({"asset": {}, "meshes": {}}, "is glTF 1.0"),
        ({"extensionsRequired": ["ACME_voxels"]}, r"needs the glTF extension ACME_voxels, .*; export it without\.$"),
        ({"nodes": [{"children": [0]}]}, "has two parents"),
        ({"nodes": [{"mesh": 5}]}, r"no meshes\[5\]"),
        ({"nodes": [{"mesh": 0, "matrix": [1]}]}, "16 numbers"),
        ({"nodes": [{"mesh": 0, "scale": [1, 1, float("nan")]}]}, "finite"),
        ({"nodes": [{}]}, "no triangles to show"),
        ({"nodes": [{"mesh": 0, "extensions": {"KHR_node_visibility": {"visible": False}}}]}, "all are hidden"),
        ({"nodes": [{"mesh": 0, "weights": ["a"]}]}, "weights does not have"),
        ({"scenes": 3}, "is not a list"),
        ({"meshes": [{"primitives": 3}]}, "no primitives"),
        ({"accessors": []}, r"no accessors"),
        ({"bufferViews": [{"buffer": 0, "byteLength": 10**9}]}, "ends beyond its buffer"),
        ({"bufferViews": [{"buffer": 1, "byteLength": 9, "extensions": {"KHR_meshopt_compression": {}}}]}, "meshopt"),
        ({"materials": [{"pbrMetallicRoughness": 3}]}, "is not an object"),
    ],
)
def test_broken_documents_get_one_sentence(change: dict[str, object], reason: str) -> None:
    with pytest.raises(InvalidInputError, match=reason):
        read({"a.glb": broken(change)})


def draco(document: Gltf, *, sequential: bool = False) -> Gltf:
    """The document with its primitive compressed: Draco's own encoder, and its own order of vertices."""
    attributes, tree = document.primitive["attributes"], document.tree
    arrays = {}
    for name, columns in (("POSITION", 3), ("TEXCOORD_0", 2)):
        view = tree["bufferViews"][tree["accessors"][attributes[name]]["bufferView"]]
        arrays[name] = np.frombuffer(document.binary, "<f4", 4 * columns, view["byteOffset"]).reshape(4, columns)
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.uint32)
    packed = DracoPy.encode(
        arrays["POSITION"],
        faces,
        tex_coord=arrays["TEXCOORD_0"].astype(np.float64),
        preserve_order=sequential,
    )
    ids = {entry["attribute_type"]: entry["unique_id"] for entry in DracoPy.decode(packed).attributes}
    document.primitive["extensions"] = {
        "KHR_draco_mesh_compression": {
            "bufferView": document.view(packed),
            "attributes": {"POSITION": ids[0], "TEXCOORD_0": ids[3]},
        }
    }
    return document


@pytest.mark.parametrize("sequential", [False, True])
def test_draco_is_decoded(sequential: bool) -> None:
    document = draco(textured(), sequential=sequential)
    tree, attributes = document.tree, document.primitive["attributes"]
    for index in (*attributes.values(), document.primitive["indices"]):
        tree["accessors"][index].pop("bufferView")
    tree["extensionsRequired"] = ["KHR_draco_mesh_compression"]
    pair = read({"a.glb": document.glb()})
    assert quarters(pair) == UPRIGHT
    same_outline(pair, SQUARE)
    view = tree["bufferViews"][document.primitive["extensions"]["KHR_draco_mesh_compression"]["bufferView"]]
    indices = tree["accessors"][document.primitive["indices"]]
    indices["count"] = 3000
    with pytest.raises(InvalidInputError, match="another mesh than it says"):
        read({"a.glb": document.glb()})
    indices["count"] = 6
    for length in (5, 40, view["byteLength"] // 2):
        view["byteLength"] = length
        with pytest.raises(InvalidInputError, match="Draco data"):
            read({"a.glb": document.glb()})


def test_without_the_extra_dracos_plain_copy_is_taken_or_the_extra_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("perturber.objects.reading.gltf_draco.find_spec", lambda name: None)
    document = draco(textured())
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT
    document.tree["accessors"][document.primitive["attributes"]["POSITION"]].pop("bufferView")
    with pytest.raises(
        InvalidInputError, match=r"KHR_draco_mesh_compression\).*perturber\[draco\].*without compression"
    ):
        read({"a.glb": document.glb()})


def test_of_meshopt_the_plain_copy_is_taken() -> None:
    document = textured()
    for view in document.tree["bufferViews"]:
        view["extensions"] = {"EXT_meshopt_compression": {"buffer": 0, "byteLength": 4, "count": 1, "byteStride": 4}}
    assert quarters(read({"a.glb": document.glb()})) == UPRIGHT
    document.tree["extensionsRequired"] = ["EXT_meshopt_compression"]
    with pytest.raises(InvalidInputError, match=r"meshopt \(EXT_meshopt_compression\).*without compression"):
        read({"a.glb": document.glb()})


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
