"""What measurements make of given answers, against loops over the same answers."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from perturber.errors import InvalidInputError
from perturber.experiments.measurements import MEASUREMENTS, Measurement, Order, Result, Seen, Trial, find
from perturber.experiments.measurements.corruptions import ALEXNET, ALEXNET_CLEAN
from perturber.experiments.measurements.decisions import CATEGORIES, cues, load
from perturber.experiments.measurements.measurement import MAX_PICTURES, outputs
from perturber.groups.subjects import SUBJECTS
from perturber.zoo.classes import IMAGENET_1K, INCEPTION_5H, ClassName

RANDOM = np.random.default_rng(0)
MODELS = ("one", "two")


def ordered(
    measurement: Measurement, folder: Path | None = None, decisions: Sequence[Path] = (), **given: Any
) -> Order:
    options = measurement.read_options(given)
    classes = dict.fromkeys(MODELS, IMAGENET_1K)
    return Order(classes=classes, options=options, folder=folder, decisions=tuple(decisions))


def measured(
    name: str, answer: Callable[[Trial], Sequence[float]], **given: Any
) -> tuple[list[Trial], Mapping[str, np.ndarray], Result]:
    """What comes of random answers."""
    measurement = find(name)
    order = ordered(measurement, **given)
    trials = measurement.trials(order)
    readings = {model: np.array([answer(trial) for trial in trials], np.float32) for model in MODELS}
    low = np.where([trial.attack is not None for trial in trials], RANDOM.random(len(trials)), np.nan)
    return trials, readings, measurement.result(order, Seen(trials=trials, readings=readings, low=low))


def right(_: Trial) -> Sequence[float]:
    return float(RANDOM.random() < 0.6), float(RANDOM.random())


def share(values: Sequence[Any]) -> float:
    return 100 * sum(map(float, values)) / len(values)


def test_fluctuation() -> None:
    trials, readings, result = measured(
        "fluctuation", lambda _: RANDOM.dirichlet(np.ones(1000)), count=3, low=-30, high=30
    )
    assert len(trials) == 4 * 2 * 2 * 3
    assert [trial.facts["yaw"] for trial in trials[:3]] == [-30, 0, 30]
    for model in MODELS:
        scores: dict[str, list[float]] = {}
        for n in range(0, len(trials), 3):
            setting = readings[model][n : n + 3].astype(float)
            of_best = setting[:, setting.sum(0).argmax()]
            scores.setdefault(trials[n].facts["object"], []).append(100 * float(of_best.std()))
        for name, own in scores.items():
            figure = result.figure("fluctuation", model, group=name)
            assert figure.value == pytest.approx(np.mean(own))
            assert figure.deviation == pytest.approx(np.std(own))
            assert np.isnan(figure.low)  # four settings say too little
        turns = []
        for n in range(0, len(trials), 3):
            first, second, third = readings[model][n : n + 3].argmax(1)
            turns += [first != second, second != third]
        assert result.figure("class changes", model).value == pytest.approx(share(turns))
        whole = result.figure("fluctuation", model)
        assert whole.value == pytest.approx(np.mean([one for own in scores.values() for one in own]))
        assert whole.low < whole.value < whole.high
    difference = result.figure("difference", "two", "one").value
    assert difference == pytest.approx(
        result.figure("fluctuation", "two").value - result.figure("fluctuation", "one").value
    )
    assert len(result.rows) == len(trials)


def test_fluctuation_of_what_is_otherwise_fixed() -> None:
    measurement = find("fluctuation")
    trials = measurement.trials(ordered(measurement, parameter="distance", low=3, high=5, count=2))
    assert len(trials) == 4 * 2 * 2
    assert {trial.scene.distance for trial in trials} == {3, 5}
    with pytest.raises(InvalidInputError, match="texture_influence"):
        measurement.trials(ordered(measurement, parameter="texture_influence"))


def test_backgrounds() -> None:
    trials, readings, result = measured("backgrounds", right, backgrounds=13, views=2)
    assert len({trial.facts["background"] for trial in trials} - {""}) == 13
    scenes = {(trial.scene, trial.parts) for trial in trials}
    assert len(scenes) == len(trials)  # no background is there twice
    for model in MODELS:
        found: dict[str, list[float]] = {}
        for trial, (hit, _) in zip(trials, readings[model], strict=True):
            home = trial.scene.background == SUBJECTS[trial.facts["object"]].background
            kind = {"both": "own background" if home else "other background", "object": "no background"}
            found.setdefault(kind.get(trial.parts, "background only"), []).append(hit)
        for group, hits in found.items():
            assert result.figure("recognised", model, group=group).value == pytest.approx(share(hits))
        gap = share(found["own background"]) - share(found["other background"])
        figure = result.figure("gap", model)
        assert figure.value == pytest.approx(gap)
        assert figure.low < gap < figure.high
        assert figure.count == 13


def test_many_backgrounds_are_all_different() -> None:
    measurement = find("backgrounds")
    trials = measurement.trials(ordered(measurement, backgrounds=300, views=1))
    assert len({trial.scene for trial in trials if trial.facts["object"] == "Dog" and trial.parts == "both"}) == 300


@pytest.mark.parametrize("baseline", ["first", "alexnet"])
def test_corruptions(baseline: str) -> None:
    def answer(trial: Trial) -> Sequence[float]:
        return right(trial) if trial.facts["corruption"] else (1.0, 0.9)  # so that corruptions always add mistakes

    severities = "1,2,3,4,5" if baseline == "alexnet" else "1,4"
    trials, readings, result = measured("corruptions", answer, pictures=8, severities=severities, baseline=baseline)
    errors: dict[str, dict[str, list[float]]] = {model: {} for model in MODELS}
    for n, trial in enumerate(trials):
        corruption = trial.facts["corruption"]
        if corruption:
            assert getattr(trial.scene, f"corruption_{corruption}") == trial.facts["severity"]
        for model in MODELS:
            errors[model].setdefault(corruption, []).append(1 - float(readings[model][n, 0]))
    for model in MODELS:
        mean = {name: float(np.mean(own)) for name, own in errors[model].items()}
        base = {name: float(np.mean(own)) for name, own in errors["one"].items()}
        if baseline == "alexnet":
            base = {"": ALEXNET_CLEAN / 100, **{name: error / 100 for name, error in ALEXNET.items()}}
        assert result.figure("clean error", model).value == pytest.approx(100 * mean[""])
        assert result.figure("mean error", model).value == pytest.approx(100 * np.mean([mean[n] for n in ALEXNET]))
        mce = np.mean([mean[n] / base[n] for n in ALEXNET])
        assert result.figure("mCE", model).value == pytest.approx(100 * mce)
        relative = np.mean([(mean[n] - mean[""]) / (base[n] - base[""]) for n in ALEXNET])
        assert result.figure("relative mCE", model).value == pytest.approx(100 * relative)
        left = 100 * (1 - mean["fog"]) / (1 - mean[""])
        assert result.figure("left of the accuracy", model, group="Fog").value == pytest.approx(left)
        fourth = np.mean([1 - readings[model][n, 0] for n, trial in enumerate(trials) if trial.facts["severity"] == 4])
        assert result.figure("error by severity", model, group="severity 4").value == pytest.approx(100 * fourth)
    if baseline == "first":
        assert result.figure("mCE", "one").value == pytest.approx(100)


def test_alexnet_needs_all_severities() -> None:
    measurement = find("corruptions")
    with pytest.raises(InvalidInputError, match="all five severities"):
        measurement.trials(ordered(measurement, severities="1,2", baseline="alexnet"))


def test_shape_of_scenes() -> None:
    trials, readings, result = measured("shape", lambda _: RANDOM.random(2), views=6, steps=3)
    assert len(trials) == 2 * 6 * 9
    for model in MODELS:
        by_shape, agreed, slopes = [], [], {"shape": 0.0, "texture": 0.0}
        views: dict[Any, dict[tuple[float, float], float]] = {}
        for trial, (first, second) in zip(trials, readings[model].astype(float), strict=True):
            shape, texture = trial.facts["shape"], trial.facts["texture"]
            said = 1 if second > first else 0
            if {shape, texture} == {0, 1}:
                by_shape.append(said == shape)
            elif shape == texture != 0.5:
                agreed.append(said == shape)
            odds = np.log(second / first)
            views.setdefault((trial.facts["pair"], trial.scene.replace(shape_morph=0, texture_morph=0)), {})[
                shape, texture
            ] = odds
            for name, value in (("shape", shape), ("texture", texture)):
                slopes[name] += {0: -1, 0.5: 0, 1: 1}[value] * second / (first + second)
        assert result.figure("shape bias", model).value == pytest.approx(share(by_shape))
        assert result.figure("accuracy", model).value == pytest.approx(share(agreed))
        for name, total in slopes.items():
            assert result.figure(f"{name} effect", model).value == pytest.approx(100 * total / (2 * 6 * 3), abs=1e-3)
        own, shape, texture = [], 0.0, 0.0
        for odds in views.values():
            criterion = (odds[0, 0] + odds[1, 1]) / 2
            own += [odds[1, 0] > criterion, odds[0, 1] < criterion]
            shape += sum(odds[1, t] - odds[0, t] for t in (0, 0.5, 1))
            texture += sum(odds[s, 1] - odds[s, 0] for s in (0, 0.5, 1))
        assert len(views) == 12
        assert result.figure("shape bias by its own criterion", model).value == pytest.approx(share(own))
        assert result.figure("shape weight", model).value == pytest.approx(100 * shape / (shape + texture), rel=1e-4)
    assert result.figure("shape bias", "one", group="Dog and Cat").count == 6


def test_the_shape_weight_is_that_of_a_planted_rule() -> None:
    """A network whose log-odds are 3 · shape + 1 · texture − 5: it always says dog, and goes by the shape."""

    def answer(trial: Trial) -> Sequence[float]:
        second = 1 / (1 + np.exp(5 - 3 * trial.facts["shape"] - trial.facts["texture"]))
        return 1 - second, second

    _, _, result = measured("shape", answer, views=6, steps=4)
    assert result.figure("shape weight", "one").value == pytest.approx(75, abs=0.01)
    assert result.figure("shape bias", "one").value == 50
    assert result.figure("shape bias by its own criterion", "one").value == 100
    assert result.figure("shape weight difference", "two", "one").value == pytest.approx(0, abs=1e-6)


@pytest.fixture
def conflicts(tmp_path: Path) -> Path:
    folder = tmp_path / "conflicts"
    for name in (
        "cat/cat1-dog2",
        "cat/cat2-cat1",
        "dog/dog1-car3",
        "car/car1-bear3",
        "bear/bear7-oven2",
        "oven/oven1-cat3",
    ):
        path = folder / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8)).save(path)
    Image.new("RGB", (8, 8)).save(folder / "notes.png")
    return folder


def test_shape_of_pictures(conflicts: Path, tmp_path: Path) -> None:
    """Decisions of people as published: the picture's name is the end of a longer one."""
    said = {"cat1-dog2": "cat", "cat2-cat1": "cat", "dog1-car3": "car", "car1-bear3": "oven", "bear7-oven2": "bear"}
    csv = tmp_path / "people.csv"
    head = "subj,session,trial,rt,object_response,category,condition,imagename\n"
    rows = [f"s1,1,{n},0.4,{r},x,0,000{n}_cr_s1_{name}.png\n" for n, (name, r) in enumerate(said.items())]
    csv.write_text(head + "".join(rows))
    names = list(CATEGORIES)
    answers = {
        "cat1-dog2": "dog", "cat2-cat1": "cat", "dog1-car3": "dog", "car1-bear3": "bear", "bear7-oven2": "oven",
        "oven1-cat3": "knife",
    }  # fmt: skip

    def answer(trial: Trial) -> list[float]:
        return [float(name == answers[Path(trial.facts["name"]).stem]) for name in names]

    trials, _, result = measured("shape", answer, folder=conflicts, decisions=[csv])
    assert len(trials) == 6
    assert result.figure("shape bias", "one").value == pytest.approx(100 * 1 / 4)  # one of each kind has no part in it
    assert result.figure("accuracy", "one").value == pytest.approx(100 * 2 / 6)
    assert result.figure("shape bias", "s1").value == pytest.approx(100 * 2 / 3)
    ours, theirs = [0, 1, 1, 0, 0], [1, 1, 0, 0, 1]
    observed, expected = 2 / 5, 2 / 5 * 3 / 5 + 3 / 5 * 2 / 5
    assert observed == np.mean([a == b for a, b in zip(ours, theirs, strict=True)])
    kappa = (observed - expected) / (1 - expected)
    assert result.figure("error consistency", "one", "s1").value == pytest.approx(kappa)
    assert result.figure("error consistency", "one", "two").value == 1
    assert result.figure("mean consistency with decisions", "one").value == pytest.approx(kappa)
    again = tmp_path / "again.csv"
    again.write_text(result.csv())
    own = [one for one in load(again) if one.observer == "one"]
    assert {one.picture: one.response for one in own} == answers


def test_categories_are_read_by_mean_probability() -> None:
    logits = torch.tensor(RANDOM.normal(0, 3, (4, 1000)))
    measurement = find("shape")
    found = measurement.read(logits, [Trial(file=Path("x"))] * 4, IMAGENET_1K)
    probabilities = logits.softmax(1).numpy()
    for row, own in zip(found, probabilities, strict=True):
        for value, wanted in zip(row.tolist(), CATEGORIES.values(), strict=True):
            assert value == pytest.approx(np.mean([own[c.index] for c in IMAGENET_1K if c.wnid in wanted]))


def test_categories_hold_what_they_say() -> None:
    names = {c.wnid: c.name for c in IMAGENET_1K}
    assert {names[w] for w in CATEGORIES["elephant"]} == {"Indian elephant", "African elephant"}
    assert {names[w] for w in CATEGORIES["car"]} == {"beach wagon", "convertible", "sports car"}
    assert "Egyptian cat" in {names[w] for w in CATEGORIES["cat"]}
    assert len(set().union(*CATEGORIES.values())) == sum(map(len, CATEGORIES.values()))
    assert cues("0001_cr_s1_dog/cat12-oven3.png") == ("cat", "oven")
    assert cues("cat12-sofa3.png") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a,b\n1,2\n", "no column 'subj'"),
        ("subj,object_response,imagename\nx,cat,cat1.png\n", "Row 1 of"),
        (None, "cannot be read"),
    ],
)
def test_decisions_that_cannot_be_read(text: str | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "decisions.csv"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InvalidInputError, match=words):
        load(path)


def test_adversarial() -> None:
    trials, readings, result = measured("adversarial", right, pictures=8, epsilons="0.5,1", steps=2)
    assert len(trials) == 8 * (1 + 2 * 2)
    assert {trial.attack.steps for trial in trials if trial.attack} == {2}
    for first in MODELS:
        for second in MODELS:
            hits = [
                readings[second][n, 0]
                for n, trial in enumerate(trials)
                if trial.attack and trial.attack.model == first and trial.attack.epsilon == 1
            ]
            assert result.figure("transfer", first, second).value == pytest.approx(share(hits))
        clean = [readings[first][n, 0] for n, trial in enumerate(trials) if trial.attack is None]
        assert result.figure("accuracy", first, group="ε 0").value == pytest.approx(share(clean))
        assert result.figure("accuracy", first, group="ε 1").value == result.figure("transfer", first, first).value
    low = [row[-1] for row in result.rows if row[1] == "two" and row[2] == 0.5]
    assert result.figure("low-frequency share", "two", group="ε 0.5").value == pytest.approx(np.mean(low))


def test_mixed() -> None:
    measurement = find("mixed")
    stages = ("stem", "a", "b", "head")
    asked = measurement.read_options({"pictures": 4, "epsilons": "0.5,1", "steps": 1})
    models, options = measurement.arrange(MODELS, asked, lambda *_: stages)
    assert options["cuts"] == "stem,a,b"
    assert models[:2] == MODELS
    assert models[2:] == (
        "mix(two,one;stem=1)", "mix(two,one;a=1,stem=1)", "mix(two,one;a=1,b=1,stem=1)",
        "mix(two,one;a=1,b=1,head=1)", "mix(two,one;b=1,head=1)", "mix(two,one;head=1)",
    )  # fmt: skip
    order = Order(classes=dict.fromkeys(models, IMAGENET_1K), options=options)
    trials = measurement.trials(order)
    assert len(trials) == measurement.most(order) == 4 * (1 + 8 * 2)
    assert all(trial.models == (trial.attack.model,) for trial in trials if trial.attack)
    readings = {}
    for model in models:
        seen = [trial.models is None or model in trial.models for trial in trials]
        readings[model] = np.array([right(t) if s else (np.nan, np.nan) for t, s in zip(trials, seen, strict=True)])
    result = measurement.result(order, Seen(trials=trials, readings=readings, low=np.full(len(trials), np.nan)))
    for model, (origins, cut) in {
        "one": (("one",), ""),
        "two": (("two",), ""),
        "mix(two,one;a=1,stem=1)": (("one", "two"), "a"),
        "mix(two,one;b=1,head=1)": (("two", "one"), "a"),
    }.items():
        for epsilon in (0.0, 0.5, 1.0):
            of = [trial.facts["epsilon"] == epsilon for trial in trials]
            hits = [hit for hit, own in zip(readings[model][:, 0], of, strict=True) if own and not np.isnan(hit)]
            assert len(hits) == 4
            figure = result.figure("accuracy, cut behind a", *origins, group=f"ε {epsilon:g}")
            assert figure.value == pytest.approx(share(hits))
            assert epsilon < 1 or result.figure("accuracy at ε 1", *origins, group=cut or "not mixed") == replace(
                figure, name="accuracy at ε 1", group=cut or "not mixed"
            )
    assert len(result.rows) == 8 * 3 * 4
    names = list(dict.fromkeys(figure.name for figure in result.figures))
    assert names == ["accuracy at ε 1", *(f"accuracy, cut behind {cut}" for cut in ("stem", "a", "b"))]
    with pytest.raises(InvalidInputError, match="two networks"):
        measurement.arrange(("one",), asked, lambda *_: stages)
    with pytest.raises(InvalidInputError, match="Unknown stage to cut behind 'head'"):
        measurement.arrange(MODELS, {**asked, "cuts": "a,head"}, lambda *_: stages)
    with pytest.raises(InvalidInputError, match="two networks"):
        measurement.trials(Order(classes=dict.fromkeys(models[:3], IMAGENET_1K), options=options))


def test_viewpoints() -> None:
    trials, readings, result = measured("viewpoints", right, longitudes=6, latitudes=4)
    assert len(trials) == 4 * 6 * 4
    assert {trial.scene.pitch for trial in trials} == {-67.5, -22.5, 22.5, 67.5}
    assert sorted({trial.scene.yaw for trial in trials}) == [-150, -90, -30, 30, 90, 150]
    for model in MODELS:
        column = result.head.index(f"{model}: region")
        for name in SUBJECTS:
            over = under = largest = 0.0
            for trial, row, (hit, _) in zip(trials, result.rows, readings[model], strict=True):
                if trial.facts["object"] == name:
                    weight = np.cos(np.radians(trial.facts["latitude"]))
                    over, under = over + weight * hit, under + weight
                    largest += weight * (row[column] == 1)
                    assert (row[column] > 0) == hit
            assert result.figure("share of the sphere", model, group=name).value == pytest.approx(100 * over / under)
            assert result.figure("largest region", model, group=name).value == pytest.approx(100 * largest / under)
    difference = result.figure("share of the sphere", "two").value - result.figure("share of the sphere", "one").value
    assert result.figure("difference", "two", "one").value == pytest.approx(difference)


def test_what_counts_as_right_depends_on_no_order_of_classes() -> None:
    """Lucid's InceptionV1 has the same classes elsewhere; a network without them cannot be measured."""
    measurement = find("viewpoints")
    wanted = frozenset({"n02123045"})
    (index,) = outputs(INCEPTION_5H, wanted)
    logits = torch.zeros(2, 1008, dtype=torch.float64)
    logits[0, index] = 9
    found = measurement.read(logits, [Trial(right=wanted)] * 2, INCEPTION_5H)
    assert found[:, 0].tolist() == [1, 0]
    assert found[0, 1] == pytest.approx(float(logits[0].softmax(0)[index]))
    nothing = measurement.read(torch.full((1, 1008), torch.nan), [Trial(right=wanted)], INCEPTION_5H)
    assert nothing[0, 0] == 0
    few = Order(classes={"few": (ClassName(0, "", "a"),)}, options=measurement.read_options({}))
    with pytest.raises(InvalidInputError, match="few has no class that stands for the Dog"):
        measurement.trials(few)


def test_labelled_pictures_of_a_folder(tmp_path: Path) -> None:
    for wnid in ("n01440764", "n02123045"):
        for n in range(3):
            Image.new("RGB", (8, 8)).save(tmp_path / f"{wnid}_{n}.png")
    Image.new("RGB", (8, 8)).save(tmp_path / "what.png")
    measurement = find("corruptions")
    trials = measurement.trials(ordered(measurement, folder=tmp_path, pictures=4, severities="2"))
    assert len(trials) == 4 * 16
    assert {next(iter(trial.right)) for trial in trials} == {"n01440764", "n02123045"}
    assert all(trial.file is not None and trial.file.name.startswith(tuple(trial.right)) for trial in trials)


def challenge(folder: Path, mapping: Mapping[str, object]) -> Path:
    """A folder as that of the Backgrounds Challenge: a dog and a fish in each of three variants."""
    for variant in ("original", "mixed_same", "mixed_rand"):
        for name in ("00_dog/n02106662_1.png", "08_fish/n01443537_2.png", "readme/x.png"):
            path = folder / variant / "val" / name
            path.parent.mkdir(parents=True)
            Image.new("RGB", (8, 8)).save(path)
    (folder / "in_to_in9.json").write_text(json.dumps(mapping))
    return folder


NINE = {str(n): 0 if 151 <= n <= 268 else 8 if n in (1, 389) else -1 for n in range(1000)}


def test_backgrounds_challenge(tmp_path: Path) -> None:
    challenge(tmp_path, NINE)
    (tmp_path / "mixed_rand" / "val" / "08_fish" / "n01443537_2.png").unlink()
    measurement = find("challenge")
    order = ordered(measurement, tmp_path)
    trials = measurement.trials(order)
    assert [(trial.facts["variant"], trial.facts["class"]) for trial in trials] == [
        ("original", 0), ("original", 8), ("mixed-same", 0), ("mixed-same", 8), ("mixed-rand", 0)
    ]  # fmt: skip
    assert trials[1].right == {IMAGENET_1K[1].wnid, IMAGENET_1K[389].wnid}
    assert len(trials[0].right) == 118
    answers = {"one": [1, 1, 1, 0, 0], "two": [0, 1, 1, 1, 1]}
    readings = {model: np.array([(own, 0.5) for own in found], np.float32) for model, found in answers.items()}
    result = measurement.result(order, Seen(trials=trials, readings=readings, low=np.full(5, np.nan)))
    assert result.figure("accuracy", "two", group="original").value == 50
    assert result.figure("accuracy", "one", group="mixed-rand").value == 0
    assert (result.figure("gap", "one").value, result.figure("gap", "two").value) == (50, 0)
    assert result.figure("gap difference", "two", "one").value == -50
    only = measurement.trials(ordered(measurement, tmp_path, pictures=9))
    assert len(only) == 5


@pytest.mark.parametrize("mapping", [None, [1], {"1": None}, {"x": 1}, {"99999": 1}, {"1": "a"}])
def test_the_challenge_needs_its_classes(tmp_path: Path, mapping: Any) -> None:
    measurement = find("challenge")
    with pytest.raises(InvalidInputError, match=r"in_to_in9.json of the Backgrounds Challenge is not in"):
        measurement.trials(ordered(measurement, challenge(tmp_path, mapping)))
    with pytest.raises(InvalidInputError, match="needs a folder"):
        measurement.trials(ordered(measurement))


@pytest.mark.parametrize("name", MEASUREMENTS)
def test_definitions_are_complete(name: str, tmp_path: Path) -> None:
    measurement = MEASUREMENTS[name]
    assert measurement.definition.endswith(".")
    assert measurement.source
    order = ordered(measurement, challenge(tmp_path, NINE) if name == "challenge" else None)
    assert 0 < len(measurement.trials(order)) <= measurement.most(order) <= MAX_PICTURES


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("corruptions", {"severities": "1,7"}, "cannot be"),
        ("corruptions", {"severities": "1.5"}, "whole numbers"),
        ("corruptions", {"baseline": "vgg"}, "Unknown baseline"),
        ("fluctuation", {"parameter": "background"}, "Unknown parameter"),
        ("backgrounds", {"views": 0}, "Allowed: a whole number from 1"),
        ("viewpoints", {"count": 3}, "Unknown option of viewpoints"),
    ],
)
def test_options_that_cannot_be(name: str, given: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        find(name).read_options(given)
