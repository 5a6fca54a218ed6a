"""The fewest parameters, where they are known by a formula."""

import numpy as np
from planted import drive

from perturber.experiments.goals import Goal, reached
from perturber.experiments.smallest import Smallest, Wording, named, sentence, written
from perturber.experiments.space import REACH, Space, usual
from perturber.scene import Scene

START = Scene()
KEYS = ("yaw", "distance", "texture_influence", "hue", "contrast", "noise")
SPACE = Space.around(START, usual(START, KEYS))
ALL = Space.around(START, usual(START, [*REACH][:20]))
SMOOTH = np.isin(SPACE.keys, SPACE.smooth)


def search(score, space: Space = SPACE, **options):
    found = Smallest(space, **options)
    drive(found.go(), score, np.isin(space.keys, space.smooth))
    return found


def test_one_parameter_is_found_and_no_farther_than_needed() -> None:
    def score(point: np.ndarray) -> float:
        return 1.0 + 4 * point[2] + 0.2 * np.sin(7 * point[[0, 1, 3]]).sum()

    found = search(score)
    assert np.flatnonzero(found.found).tolist() == [2]
    assert -0.33 < found.found[2] < -0.25
    assert reached(score(found.found))
    assert SPACE.scene(found.found).texture_influence == round(SPACE.scene(found.found).texture_influence, 2)


def test_two_parameters_that_only_help_together() -> None:
    def score(point: np.ndarray) -> float:
        return 2.5 - 3 * abs(point[0]) - 3 * max(point[4], 0.0) - 0.1 * abs(point[5])

    found = search(score)
    assert np.flatnonzero(found.found).tolist() == [0, 4]
    assert reached(score(found.found))


def test_between_two_scenes_only_what_matters_is_taken_over() -> None:
    other = START.replace(yaw=20, background="indoor", hue=0.1, patch_shuffle=2, contrast=0.5)
    space = Space.between(START, other)
    wanted = [space.keys.index(key) for key in ("background", "yaw", "contrast", "patch_shuffle")]

    def score(point: np.ndarray) -> float:
        return 1.0 if point[wanted].min() < 0.5 else -1.0  # nothing helps but all four together

    found = search(score, space)
    assert np.flatnonzero(found.found).tolist() == sorted(wanted)
    scene = space.scene(found.found)
    assert (scene.background, scene.patch_shuffle, scene.hue) == ("indoor", 2, START.hue)
    assert scene.yaw < 0


def test_what_does_not_matter_is_taken_back_many_at_a_time() -> None:
    space = Space.between(START, ALL.scene(np.where(ALL.upper, ALL.upper, ALL.lower)))
    wanted = [3, 7, 8, 12, 15]
    found = search(lambda point: 1.0 if point[wanted].min() < 0.5 else -1.0, space)
    assert np.flatnonzero(found.found).tolist() == wanted
    alone = 1 + 2 * len(space.keys)  # each by itself, all and half of its way; one by one would need 190 more
    assert len(found.tried) < alone + 90


def test_where_there_is_nothing_nothing_is_found() -> None:
    assert search(lambda point: 1.0).found is None
    few = search(lambda point: 1.0, renders=10)
    assert few.found is None
    assert len(few.tried) <= 10


def test_the_sentence_names_parameters_classes_and_networks() -> None:
    wording = Wording(labels={"a": "Lite0", "b": "Lite0 adversarial"}, classes=("husky", "piggy bank", "cat"))
    changed = {"texture_influence": (1.0, 0.41), "yaw": (-35.0, 12.5)}
    goal = Goal(fooled="a", keeps="b", classes=(0,))
    said = sentence(goal, changed, {"a": 0, "b": 0}, {"a": 1, "b": 0}, wording)
    assert said == (
        "Lite0 depends on Texture Influence and Yaw: with Texture Influence 0.41 and Yaw 12.5° it says piggy bank; "
        "Lite0 adversarial still says husky."
    )
    alone = sentence(Goal(fooled="a", classes=(0,)), {"plane": (False, True)}, {"a": 0}, {"a": 2}, wording)
    assert alone == "Lite0 depends on Show Plane: with Show Plane on it says cat, no longer husky."


def test_values_are_written_with_their_units() -> None:
    assert written("yaw", -12.0) == "-12°"
    assert written("distance", 4.5) == "4.5 radii"
    assert written("background", "indoor") == "Indoor"


def test_a_label_that_says_little_comes_with_its_heading() -> None:
    assert named("morph") == "Overall (Morph)"
    assert named("corruption_gaussian_noise") == "Gaussian Noise (Corruptions)"
    assert named("hue") == "Hue"
