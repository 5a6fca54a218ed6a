"""The nearest scene, where it is known by a formula."""

import numpy as np
import pytest
from planted import drive

from perturber.errors import InvalidInputError
from perturber.experiments.adversary import Search
from perturber.experiments.goals import reached
from perturber.experiments.space import Space, Span, usual
from perturber.scene import Scene

START = Scene()
SPACE = Space.around(START, usual(START))
SIZE = len(SPACE.coordinates)
SMOOTH = np.isin(SPACE.keys, SPACE.smooth)
WAYS = np.random.default_rng(3).standard_normal(SIZE)
WAYS = WAYS * np.sign(WAYS) * np.where(SPACE.lower == 0, -1, 1)  # towards where the ranges are open
WAYS /= np.sqrt((WAYS**2).sum())


def plane(distance: float):
    """Above 0 up to this distance in one direction."""
    return lambda point: 10 * (distance + float(WAYS @ point)) + 0.01


def search(score, **options):
    found = Search(SPACE, **options)
    return found, drive(found.go(), score, SMOOTH)


def test_the_nearest_scene_beyond_a_plane_is_found() -> None:
    found, looked = search(plane(0.3), limit=1.0, renders=80)
    assert found.best is not None
    assert 0.3 <= found.best.distance < 0.36
    assert looked == len(found.tried) <= 80


@pytest.mark.parametrize("norm", ["l2", "linf"])
@pytest.mark.parametrize("method", ["gradient", "random"])
def test_ranges_and_distance_are_kept(norm: str, method: str) -> None:
    found, _ = search(plane(10.0), norm=norm, method=method, limit=0.4, renders=30)
    assert found.best is None
    assert len(found.tried) == 30
    for one in found.tried:
        assert (one.point >= SPACE.lower - 1e-9).all()
        assert (one.point <= SPACE.upper + 1e-9).all()
        assert SPACE.distance(one.point, norm) <= 0.4 + 1e-9
        np.testing.assert_allclose(SPACE.point(SPACE.scene(one.point)), one.point, atol=1e-12)


def bumpy(point: np.ndarray) -> float:
    return 2.6 + float(6 * WAYS @ point + 0.5 * np.sin(9 * point).sum() + 3 * point @ point)


def test_it_needs_far_fewer_scenes_than_random_search() -> None:
    needed = {}
    for method in ("gradient", "random"):
        runs = [search(bumpy, method=method, limit=0.5, renders=400, first=True, seed=seed) for seed in range(5)]
        needed[method] = np.median([looked if found.best else 400 for found, looked in runs])
    assert needed["random"] >= 5 * needed["gradient"]


def test_the_same_seed_gives_the_same_search() -> None:
    one, other = (search(bumpy, limit=0.6, renders=25, seed=4)[0] for _ in range(2))
    assert [t.point.tolist() for t in one.tried] == [t.point.tolist() for t in other.tried]


def test_a_start_that_does_it_already_is_its_own_nearest() -> None:
    found, looked = search(lambda point: -1.0)
    assert looked == 1
    assert found.best is not None
    assert found.best.distance == 0


def test_scores_that_are_not_known_end_nothing() -> None:
    found, looked = search(lambda point: np.inf if point.any() else 1.0, renders=12, limit=0.4)
    assert looked == 12
    assert found.best is None
    assert not any(reached(one.gap) for one in found.tried)


# ---- spaces --------------------------------------------------------------------------------------------------------


def test_an_angle_may_go_through_its_end() -> None:
    space = Space.around(START.replace(yaw=-175), [Span("yaw", 150, 210)])
    assert space.scene(np.array([-0.5])).yaw == 155
    assert space.scene(np.array([0.4])).yaw == -155 + 4


def test_values_are_rounded_towards_the_start_and_come_back() -> None:
    start = START.replace(yaw=-12.3456, hue=0.0501234)
    space = Space.around(start, usual(start, ("yaw", "hue")))
    scene = space.scene(np.array([0.123456, -0.2]))
    assert scene.yaw == -4.94
    np.testing.assert_allclose(space.point(scene), space.snap(np.array([0.123456, -0.2])))
    assert space.scene(np.zeros(2)) == start


def test_between_two_scenes_the_end_is_the_other_scene() -> None:
    other = START.replace(yaw=170.123456, background="indoor", patch_shuffle=3, hue=0.1)
    start = START.replace(yaw=-170)
    space = Space.between(start, other)
    assert space.scene(np.ones(4)) == other
    assert space.scene(np.zeros(4)) == start
    assert abs(space.scene(np.full(4, 0.4)).yaw) > 170
    assert space.scene(np.full(4, 0.4)).background == start.background


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Span("yaw", 10, 10), "cannot go from"),
        (lambda: Span("noise_seed", 0, 10), "step by step"),
        (lambda: Span("no_such", 0, 10), "no_such"),
        (lambda: Span("pitch", 0, 100), "cannot be"),
        (lambda: Span("yaw", 0, 9999), "as far as"),
        (lambda: Space.around(START, [Span("yaw", 0, 10)]), "outside of its range"),
        (lambda: Space.around(START, [Span("hue", 0, 0.1)] * 2), "two ranges"),
        (lambda: Space.around(START, []), "No parameter"),
        (lambda: Space.between(START, START), "the same"),
        (lambda: Search(SPACE, norm="l1"), "norm"),
        (lambda: Search(SPACE, method="magic"), "method"),
        (lambda: Search(SPACE, limit=0), "distance"),
        (lambda: Search(SPACE, limit=float("nan")), "distance"),
        (lambda: Search(SPACE, renders=0), "renders"),
    ],
)
def test_mistakes_of_searches_are_one_sentence(make, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        make()
