"""Sweeps against one look at a time, and what is kept of them."""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.experiments.measures import Measure
from perturber.experiments.sweep import Axis, Grid, LatinHypercube, PictureAxis, Range, Sweep, scene
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, PictureRequest, SlotRequest, keeping
from perturber.service.engine import LocalEngine
from perturber.service.sweeps import sweep_request

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
LAYER = "blocks.3.0"
START = Scene()
GRID = Grid((Axis.even("yaw", -60, 60, 3), Axis("texture_influence", (0.0, 1.0))))
MEASURES = (
    Measure(kind="logit", class_index=250),
    Measure(kind="probability"),
    Measure(kind="margin", class_index=250),
    Measure(kind="rank", class_index=250),
    Measure(kind="entropy"),
    Measure(kind="activation", layer=LAYER, channel=3),
    Measure(kind="activation", layer=LAYER, channel=3, pooling="max"),
    Measure(kind="activation", layer=LAYER, channel=3, pooling="place", place=(2, 5)),
    Measure(kind="change", layer=LAYER),
    Measure(kind="agreement"),
    Measure(kind="divergence"),
)


def run(service: InferenceService, design: Grid | LatinHypercube, measures: tuple[Measure, ...] = MEASURES) -> Sweep:
    request = sweep_request(service, START, design, (LITE0, ADVERSARIAL), measures)
    return service.wait(service.jobs.submit(request, again=True).id)


@pytest.fixture(scope="module")
def found(service: InferenceService) -> Sweep:
    return run(service, GRID)


def logits_and_maps(engine: LocalEngine, at: Scene, model: str) -> tuple[np.ndarray, np.ndarray]:
    """All logits, and one layer's maps, of a picture by itself: (1000,) and (C, h, w) float64."""
    network = engine.network(model)
    with torch.inference_mode():
        picture = engine.pictures([PictureRequest(scene=at)])
        probe = network.look(network.preprocess(picture), layers=(LAYER,))
    return probe.logits[0].double().numpy(), probe.activations[LAYER][0].double().numpy()


def expected(engine: LocalEngine, at: Scene) -> dict[str, float]:
    """Slow and obvious: what the columns are to be."""
    values, all_logits = {}, []
    for model in (LITE0, ADVERSARIAL):
        logits, maps = logits_and_maps(engine, at, model)
        first_logits, first_maps = logits_and_maps(engine, START, model)
        all_logits.append(logits)
        p = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        values[f"logit {model}"] = logits[250]
        values[f"probability {model}"] = p[first_logits.argmax()]
        values[f"margin {model}"] = logits[250] - np.delete(logits, 250).max()
        values[f"rank {model}"] = 1 + (logits > logits[250]).sum()
        values[f"entropy {model}"] = -(p * np.log2(p)).sum()
        values[f"mean {model}"] = maps[3].mean()
        values[f"max {model}"] = maps[3].max()
        values[f"place {model}"] = maps[3, 2, 5]
        values[f"change {model}"] = np.linalg.norm(maps - first_maps) / np.linalg.norm(first_maps)
    a, b = (np.exp(one - one.max()) / np.exp(one - one.max()).sum() for one in all_logits)
    values["agreement"] = float(all_logits[0].argmax() == all_logits[1].argmax())
    m = (a + b) / 2
    values["divergence"] = ((a * np.log2(a / m)).sum() + (b * np.log2(b / m)).sum()) / 2
    return values


def test_every_measure_is_what_single_looks_say(engine: LocalEngine, found: Sweep) -> None:
    assert found.done.all()
    order = ["logit", "probability", "margin", "rank", "entropy", "mean", "max", "place", "change"]
    names = [f"{kind} {model}" for kind in order for model in (LITE0, ADVERSARIAL)] + ["agreement", "divergence"]
    for number in (0, 3, 4):
        slow = expected(engine, scene(START, GRID, GRID.points()[number]))
        np.testing.assert_allclose(found.values[number], [slow[name] for name in names], rtol=2e-3, atol=2e-4)


def test_points_go_through_the_last_parameter_first(found: Sweep) -> None:
    assert GRID.points()[:3] == [(-60.0, 0.0), (-60.0, 1.0), (0.0, 0.0)]
    head, rows = found.table()
    assert head[:2] == ["yaw", "texture_influence"]
    assert [row[:2] for row in rows[:2]] == [[-60.0, 0.0], [-60.0, 1.0]]
    assert found.csv().count("\n") == 7


def test_an_extended_sweep_looks_at_the_new_scenes_alone(service: InferenceService, found: Sweep) -> None:
    wider = Grid((Axis.even("yaw", -60, 120, 4), Axis("texture_influence", (0.0, 1.0))))
    after = run(service, wider)
    assert (after.computed, len(after.values)) == (2, 8)
    np.testing.assert_array_equal(after.values[:6], found.values)
    again = run(service, GRID)
    assert again.computed == 0
    np.testing.assert_array_equal(again.values, found.values)


def test_other_weights_are_no_part_of_what_is_kept(service: InferenceService, found: Sweep) -> None:
    request = sweep_request(service, START, GRID, (LITE0, ADVERSARIAL), MEASURES)
    other = replace(request, fingerprints=(request.fingerprints[0], "0" * 64))
    assert service.wait(service.jobs.submit(other).id).computed == len(GRID)


def test_a_server_that_is_killed_goes_on_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "KEEP_SECONDS", 0.0)
    design = Grid((Axis.even("yaw", -60, 60, 24),))
    settings = Settings(device="cpu", data=tmp_path)
    measures = (Measure(kind="entropy"),)
    with InferenceService(settings) as first:
        request = sweep_request(first, START, design, (LITE0,), measures)
        job = first.jobs.submit(request).id
        while first.jobs.status(job).progress.done < 12:
            pass
    with InferenceService(settings) as second:
        after = second.wait(second.jobs.submit(request).id)
    assert after.done.all()
    assert 0 < after.computed <= 20


def test_a_damaged_file_is_computed_again(service: InferenceService, found: Sweep) -> None:
    for path in (service.settings.data / "sweeps").glob("*.npz"):
        path.write_bytes(path.read_bytes()[:-200])
    assert run(service, GRID).computed == len(GRID)


def test_a_folder_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    (tmp_path / "sweeps").write_text("no folder")
    with InferenceService(Settings(device="cpu", data=tmp_path)) as service:
        request = sweep_request(service, START, Grid((Axis("texture_influence", (0, 1)),)), (LITE0,), MEASURES[:1])
        found = service.wait(service.jobs.submit(request).id)
    assert found.done.all()
    (note,) = found.notes
    assert "cannot be kept" in note


def test_a_latin_hypercube_is_even_on_every_axis(service: InferenceService) -> None:
    design = LatinHypercube((Range("yaw", -90, 90), Range("distance", 3, 6), Range("noise_seed", 0, 9)), 10, seed=3)
    points = np.array(design.points())
    for column, one in zip(points[:, :2].T, design.ranges, strict=False):
        strata = np.floor((column - one.low) / (one.high - one.low) * 10)
        assert sorted(strata) == list(range(10))
    assert (points[:, 2] == points[:, 2].round()).all()
    assert run(service, design, (Measure(kind="margin"),)).done.all()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five pictures, one of which cannot be read, some in a folder of their own."""
    folder = tmp_path / "pictures"
    (folder / "more").mkdir(parents=True)
    for n, name in enumerate(("a.png", "b.png", "more/c.png", "more/d.png")):
        pixels = np.random.default_rng(n).integers(0, 255, (224, 224, 3), np.uint8)
        Image.fromarray(pixels).save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    return folder


def test_pictures_take_the_place_of_scenes(service: InferenceService, folder: Path) -> None:
    axis = PictureAxis.of(folder)
    assert axis.values == ("a.png", "b.png", "broken.png", "more/c.png", "more/d.png")
    design = Grid((axis, Axis("saturation", (0.0, 0.5, 1.0))))
    measures = (Measure(kind="logit", class_index=3), Measure(kind="entropy"))
    found = run(service, design, measures)
    for n, (name, saturation) in enumerate(design.points()):
        if name == "broken.png":
            assert np.isnan(found.values[n]).all()
            assert found.tops[n].tolist() == [-1, -1]
            continue
        image = np.asarray(Image.open(folder / str(name)))
        slots = tuple(SlotRequest(model=model, pinned=(3,)) for model in (LITE0, ADVERSARIAL))
        look = service.look(LookRequest(scene=START.replace(saturation=saturation), image=image, slots=slots))
        np.testing.assert_allclose(
            found.values[n][:2], [slot.pinned[0].logit for slot in look.slots], rtol=1e-3, atol=1e-3
        )
        assert found.tops[n].tolist() == [slot.top[0].index for slot in look.slots]
    (note,) = found.notes
    assert note.startswith("1 pictures cannot be read")
    head, rows = found.table()
    assert (head[:2], rows[3][:2]) == (["picture", "saturation"], ["b.png", 0.0])
    os.utime(folder / "b.png", (1, 1))  # another picture, for all that is known
    again = run(service, design, measures)
    assert again.computed == 6  # with those that could not be read
    np.testing.assert_allclose(again.values, found.values, rtol=1e-3, atol=1e-3)
    few = Grid((PictureAxis.of(folder, 2),))
    assert len(few) == 2
    assert run(service, few, measures).done.all()


def test_sweeps_over_pictures_that_cannot_be(service: InferenceService, folder: Path) -> None:
    axis = PictureAxis.of(folder)
    for make, words in (
        (lambda: Grid((Axis("saturation", (0, 1)), axis)), "first axis"),
        (lambda: Grid((axis, Axis("yaw", (0, 1)))), "changes nothing in a picture"),
        (lambda: PictureAxis.of(folder / "none"), "none"),
        (lambda: PictureAxis("picture", (), folder), "needs one at least"),
        (lambda: sweep_request(service, START, Grid((axis,)), (LITE0,), (Measure(kind="margin"),)), "Name the class"),
    ):
        with pytest.raises(InvalidInputError, match=words):
            make()


def test_bad_sweeps_are_refused_before_anything_is_computed(service: InferenceService) -> None:
    for make, words in (
        (lambda: Axis.even("yaw", 60, -60, 3), "must rise"),
        (lambda: Axis.even("yaw", -60, 60, 1), "cannot take 1 values"),
        (lambda: Axis.even("yaw", float("nan"), 60, 3), "cannot be"),
        (lambda: Axis.even("object", 0, 1, 3), "has no range"),
        (lambda: Axis("object", ("dog_cat", "no_such")), "Unknown object"),
        (lambda: Axis("custom_code", ("a", "b")), "no quantity"),
        (lambda: Axis("yaw", (1, 1)), "twice"),
        (lambda: Grid(()), "one or two"),
        (lambda: Grid((Axis("yaw", (0, 1)), Axis("yaw", (2, 3)))), "named twice"),
        (lambda: Grid((Axis.even("yaw", -60, 60, 200), Axis.even("pitch", -60, 60, 200))), "40,000"),
        (lambda: LatinHypercube((Range("yaw", 0, 1),), 0), "cannot have 0"),
        (lambda: Measure(kind="no"), "Unknown measure"),  # type: ignore[arg-type]
        (lambda: Measure(kind="activation", layer=LAYER), "channel"),
        (lambda: Measure(kind="change"), "layer"),
        (lambda: sweep_request(service, START, GRID, (LITE0,), (Measure(kind="agreement"),)), "two networks"),
        (lambda: sweep_request(service, START, GRID, ("no_such",), MEASURES), "no_such"),
        (lambda: sweep_request(service, START, GRID, (LITE0,), (Measure(kind="logit", class_index=5000),)), "5000"),
        (
            lambda: sweep_request(
                service,
                START,
                GRID,
                (LITE0,),
                (Measure(kind="activation", layer=LAYER, channel=3, pooling="place", place=(99, 0)),),
            ),
            "no row 99",
        ),
    ):
        with pytest.raises(InvalidInputError, match=words):
            make()
