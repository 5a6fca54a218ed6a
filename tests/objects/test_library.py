"""What lies in the library keeps the folder format's promises."""

import numpy as np
import pytest
from PIL import Image
from scipy.spatial import cKDTree

from perturber import objects
from perturber.objects import LIBRARY, MorphPair
from perturber.objects.generators.backgrounds import PAINTERS

PAIRS = ("dog_cat", "firetruck_racecar")
OUTDOORS = ("lawn", "street")
BACKGROUNDS = ("indoor", *OUTDOORS, "underwater")
LIBRARY_LIMIT = 8 * 2**20


@pytest.fixture(scope="module", params=PAIRS)
def pair(request: pytest.FixtureRequest) -> MorphPair:
    return objects.pair(request.param)


def corners(pair: MorphPair, positions: np.ndarray) -> np.ndarray:
    return positions[pair.faces].astype(float)


def areas(triangles: np.ndarray) -> np.ndarray:
    """(F, 3) vectors whose length is twice the area."""
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])


def test_the_library_lists_what_it_holds() -> None:
    assert set(PAIRS) <= set(objects.names("object"))
    assert set(BACKGROUNDS) <= set(objects.names("background"))
    assert sum(f.stat().st_size for f in LIBRARY.rglob("*") if f.is_file()) < LIBRARY_LIMIT


def test_one_topology_for_both_objects(pair: MorphPair) -> None:
    vertices = len(pair.uv)
    assert pair.faces.dtype == np.int32
    assert pair.faces.shape[1:] == (3,)
    assert 5_000 <= len(pair.faces) <= 20_000
    assert pair.positions.shape == pair.normals.shape == (2, vertices, 3)
    assert np.array_equal(np.unique(pair.faces), np.arange(vertices))  # every vertex is used
    for array in (pair.uv, pair.positions, pair.normals):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()
    assert pair.uv.min() >= 0
    assert pair.uv.max() <= 1


def test_objects_fill_the_unit_sphere(pair: MorphPair) -> None:
    radius = np.linalg.norm(pair.positions, axis=2)
    assert radius.max(1) == pytest.approx([1, 1], abs=1e-4)
    for positions, distance in zip(pair.positions, radius, strict=True):
        # A sphere is the smallest one only if what touches it does not lie on one side of its centre.
        touching = positions[distance > 0.995]
        assert (touching.min(0) < 0.05).all()
        assert (touching.max(0) > -0.05).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_triangles_are_sound_while_morphing(pair: MorphPair, share: float) -> None:
    triangles = corners(pair, pair.positions[0] * (1 - share) + pair.positions[1] * share)
    normal = areas(triangles)
    if share in (0.0, 1.0):
        assert np.linalg.norm(normal, axis=1).min() > 1e-9
    volume = (triangles[:, 0] * np.cross(triangles[:, 1], triangles[:, 2])).sum() / 6
    assert 0.1 < volume < 4.2  # counter-clockwise from outside; less than the sphere around it


def test_normals_are_unit_vectors_that_agree_with_the_faces(pair: MorphPair) -> None:
    np.testing.assert_allclose(np.linalg.norm(pair.normals, axis=2), 1, atol=1e-3)
    for positions, normals in zip(pair.positions, pair.normals, strict=True):
        face = areas(corners(pair, positions))
        agreement = (face * normals[pair.faces].mean(1)).sum(1) > 0
        weight = np.linalg.norm(face, axis=1)
        assert (agreement * weight).sum() / weight.sum() > 0.9  # tufts of fur lean over their undersides


def test_smooth_surface_has_no_seams_in_its_light() -> None:
    """Where the charts of an animal's body part, the normals on both sides are the same."""
    pair = objects.pair("dog_cat")
    for positions, normals in zip(pair.positions, pair.normals, strict=True):
        i, j = cKDTree(positions).query_pairs(1e-6, output_type="ndarray").T
        assert len(i) > 500
        assert np.mean((normals[i] * normals[j]).sum(1) > 0.999) > 0.8  # the rest: edges of collar and ears


def test_front_and_height(pair: MorphPair) -> None:
    """y is up and the length lies along z; both sides of an object are alike in extent."""
    for positions in pair.positions:
        extent = np.ptp(positions, axis=0)
        assert extent[2] > extent[0]
        assert positions[:, 0].max() == pytest.approx(-positions[:, 0].min(), abs=0.12)


def test_textures(pair: MorphPair) -> None:
    two, height, width, channels = pair.textures.shape
    assert (two, channels) == (2, 3)
    assert height == width
    assert width in (1024, 2048)
    assert pair.textures.dtype == np.uint8
    assert pair.textures.std((1, 2)).min() > 10


def test_saving_and_loading_keeps_the_pair(pair: MorphPair, tmp_path) -> None:  # type: ignore[no-untyped-def]
    pair.save(tmp_path / pair.name)
    again = MorphPair.load(tmp_path / pair.name)
    np.testing.assert_array_equal(again.faces, pair.faces)
    np.testing.assert_array_equal(again.positions, pair.positions)
    assert (again.label, again.names, again.specular) == (pair.label, pair.names, pair.specular)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_backgrounds(name: str) -> None:
    with Image.open(LIBRARY / "backgrounds" / f"{name}.webp") as picture:
        assert picture.size == (1024, 1024)
        assert picture.mode == "RGB"
    pixels = objects.background(name).astype(float)
    assert 60 < pixels.mean() < 190  # neither night nor fog
    assert pixels.std() > 25
    blown = (pixels.min(2) >= 254).mean() + (pixels.max(2) <= 1).mean()
    assert blown < 0.03


@pytest.mark.parametrize("name", OUTDOORS)
def test_light_comes_from_the_sky(name: str) -> None:
    pixels = objects.background(name).astype(float)
    assert pixels[:100].mean() > pixels[-300:].mean()


def test_water_takes_red_away_with_the_distance() -> None:
    """Beer and Lambert: along the sand, from the camera into the depth, red fades before blue."""
    middle = objects.background("underwater")[:, 400:624].astype(float).mean(1)
    near, far, open_water = middle[900:1000].mean(0), middle[540:580].mean(0), middle[300:400].mean(0)
    assert near[0] / near[2] > far[0] / far[2] > open_water[0] / open_water[2]


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_backgrounds_are_what_their_rules_paint(name: str) -> None:
    """Painted anew at another size, a background shows the same scene, and each time the very same picture."""
    side = 64
    painted = PAINTERS[name](side)
    with Image.open(LIBRARY / "backgrounds" / f"{name}.webp") as picture:
        kept = np.asarray(picture.resize((side, side), Image.Resampling.BOX), float) / 255
    assert np.abs(np.clip(painted, 0, 1) - kept).mean() < 0.05
    for channel in range(3):
        assert np.corrcoef(painted[..., channel].ravel(), kept[..., channel].ravel())[0, 1] > 0.85
    if name != "lawn":  # its blades cost the same at every size
        np.testing.assert_array_equal(painted, PAINTERS[name](side))
