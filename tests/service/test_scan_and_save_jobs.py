"""Jobs around edited weights: scans beside direct computation, and edits that become models."""

import errno
import json
import os
import shutil
import tomllib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from edited_models import LITE0, LITE1, TWIN, twin
from PIL import Image
from safetensors import safe_open

from perturber import zoo
from perturber.attack import Attack
from perturber.config import Settings
from perturber.editing import ScanResult, load_edit, units
from perturber.errors import InvalidInputError
from perturber.scene import Scene
from perturber.service import InferenceService, JobState, LookRequest, SaveRequest, ScanRequest, SlotRequest
from perturber.service.engine import LocalEngine
from perturber.service.works.scanning import ScanWork
from perturber.zoo import own
from perturber.zoo.classes import CLASS_LISTS

EDIT = f"mix({LITE0},{TWIN};blocks.2=0.5,blocks.4=0.25)"

FACTORY = """
from torch import nn


def network():
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 10),
    )
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"))
    twin(settings)
    return settings


@pytest.fixture(scope="module")
def engine(settings: Settings) -> LocalEngine:
    return LocalEngine(settings)


@pytest.fixture
def start(settings: Settings, engine: LocalEngine) -> Iterator[Callable[..., InferenceService]]:
    """Starts services one after the other on one data folder; by default all on one engine."""
    with ExitStack() as stack:

        def begin(**options: object) -> InferenceService:
            return stack.enter_context(InferenceService(settings, **{"engine": lambda _: engine, **options}))  # type: ignore[arg-type]

        yield begin


@pytest.fixture
def service(start: Callable[..., InferenceService]) -> InferenceService:
    return start()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, engine: LocalEngine) -> Path:
    """Five pictures with the labels that Model 1 finds (twice), its fifth guess, and two wrong ones; one is broken."""
    folder = tmp_path_factory.mktemp("pictures")
    generator = np.random.default_rng(0)
    (look,) = engine.answer([LookRequest(scene=Scene(), slots=(SlotRequest(model=LITE0),))])
    classes = CLASS_LISTS["imagenet1k"]
    top = [score.index for score in look.slots[0].top or ()]
    for number, label in enumerate([top[0], top[0], top[4], 3, 700]):
        noise = generator.integers(-20 * number, 20 * number + 1, look.image.shape)
        shown = np.clip(look.image.astype(int) + noise, 0, 255).astype(np.uint8)
        Image.fromarray(shown).resize((256, 256)).save(folder / f"{classes[label].wnid}_{number}.png")
    (folder / f"{classes[0].wnid}_broken.png").write_bytes(b"no picture")
    return folder


def run(service: InferenceService, request: ScanRequest | SaveRequest) -> object:
    return service.wait(service.jobs.submit(request).id)


def cut(engine: LocalEngine, count: int, *, reverse: bool) -> zoo.Network:
    """Model 2 up to a unit, made by hand."""
    first, second = zoo.load(LITE0, "cpu", engine.settings), engine.network(TWIN)
    names = list(units(first.module, "stage").items())
    taken = [entry for _, entries in (names[count:] if reverse else names[:count]) for entry in entries]
    state = second.module.state_dict()
    first.module.load_state_dict({**first.module.state_dict(), **{entry: state[entry] for entry in taken}})
    return first


@torch.inference_mode()
def scores(engine: LocalEngine, count: int, images: torch.Tensor, labels: list[int] | None, *, reverse: bool) -> dict:
    network, model1 = cut(engine, count, reverse=reverse), engine.network(LITE0)
    logits, before = (n.look(n.preprocess(images)).logits.double().numpy() for n in (network, model1))  # type: ignore[union-attr]
    right = before.argmax(1) if labels is None else np.array(labels)
    rows = np.arange(len(images))
    others = logits.copy()
    others[rows, right] = -np.inf
    order = np.argsort(-logits, 1)
    return {
        "top1": (order[:, 0] == right).mean(),
        "top5": (order[:, :5] == right[:, None]).any(1).mean(),
        "agreement": (order[:, 0] == before.argmax(1)).mean(),
        "margin": (logits[rows, right] - others.max(1)).mean(),
    }


@pytest.mark.parametrize("reverse", [False, True])
def test_scan_of_a_scene(service: InferenceService, engine: LocalEngine, reverse: bool) -> None:
    scene = Scene().replace(yaw=-10)
    result = run(service, ScanRequest(first=LITE0, second=TWIN, scene=scene, reverse=reverse))
    assert isinstance(result, ScanResult)
    assert result.units == engine.units(LITE0, TWIN, "stage")
    assert (result.count, result.reverse, result.top1, result.top5) == (1, reverse, None, None)
    assert np.isfinite([result.agreement, result.margin]).all()
    with torch.inference_mode():
        image = engine.pictures([LookRequest(scene=scene)])
    for count in (2, 6):
        expected = scores(engine, count, image, None, reverse=reverse)
        assert result.agreement[count] == expected["agreement"]
        assert result.margin[count] == pytest.approx(expected["margin"], abs=1e-3)


def test_scan_of_a_labelled_folder(service: InferenceService, engine: LocalEngine, folder: Path) -> None:
    result = run(service, ScanRequest(first=LITE0, second=TWIN, scene=Scene(), folder=folder))
    assert isinstance(result, ScanResult)
    assert result.count == 5  # the broken one is left out
    assert result.top1 is not None
    assert result.top5 is not None
    paths = sorted(path for path in folder.iterdir() if "broken" not in path.name)
    index = {c.wnid: c.index for c in CLASS_LISTS["imagenet1k"]}
    labels = [index[path.name.split("_")[0]] for path in paths]
    entry = engine.network(LITE0).entry
    crops = [entry.crop(zoo.pictures.read_picture(p)) for p in paths]
    images = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2) / 255
    for count in (0, 3):
        expected = scores(engine, count, images, labels, reverse=False)
        assert (result.top1[count], result.top5[count]) == (expected["top1"], expected["top5"])
        assert result.agreement[count] == expected["agreement"]
        assert result.margin[count] == pytest.approx(expected["margin"], abs=1e-3)
    assert result.agreement[0] == 1


def test_progress_of_a_scan_only_rises_and_its_preview_grows(engine: LocalEngine, folder: Path, tmp_path: Path) -> None:
    for name in sorted(path.name for path in folder.iterdir() if "broken" in path.name or "_3" in path.name):
        shutil.copy(folder / name, tmp_path / name)
    work = ScanWork(engine.resources, ScanRequest(first=LITE0, second=TWIN, scene=Scene(), folder=tmp_path))
    assert work.product() is None
    seen, known = [work.progress()], []
    while not seen[-1].finished:
        work.step()
        seen.append(work.progress())
        result = work.product()
        known.append(0 if result is None else int(np.isfinite(result.margin).sum()))
    done = [p.done for p in seen]
    assert done == sorted(done)
    assert set(done) == set(range(done[-1] + 1))
    assert max(p.steps for p in seen) == seen[-1].steps
    assert known == sorted(known)
    assert known[-1] == len(engine.units(LITE0, TWIN, "stage")) + 1


def test_a_scan_under_attack_counts_its_passes(service: InferenceService, folder: Path) -> None:
    attack = Attack(model=LITE0, epsilon=0.5, steps=1)
    request = ScanRequest(first=LITE0, second=TWIN, scene=Scene(), folder=folder, attack=attack)
    result = run(service, request)
    assert isinstance(result, ScanResult)
    assert result.robust_margin is not None
    assert (result.robust_margin < result.margin).all()
    status = service.jobs.status(service.jobs.submit(request).id)
    assert status.progress.done == status.progress.steps


def test_invalid_scans_fail_with_a_sentence(service: InferenceService, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "n01440764_x.png").write_bytes(b"no")
    for changes, words in [
        ({"second": LITE1}, "cannot be mixed"),
        ({"second": "nobody"}, "Unknown model"),
        ({"folder": empty}, "no labelled pictures"),
        ({"folder": broken}, "can be read"),
        ({"folder": tmp_path / "nowhere"}, "no folder"),
    ]:
        request = ScanRequest(**{"first": LITE0, "second": TWIN, "scene": Scene(), "folder": folder, **changes})
        with pytest.raises(InvalidInputError, match=words):
            run(service, request)


def test_other_weights_are_another_scan(service: InferenceService) -> None:
    request = ScanRequest(first=LITE0, second=TWIN, scene=Scene(), fingerprints=("a", "b"))
    ids = {service.jobs.submit(r).id for r in (request, replace(request, fingerprints=("a", "c")))}
    for name in ids:
        service.jobs.cancel(name)
    assert len(ids) == 2


def top(service: InferenceService, *models: str) -> list[list[float]]:
    slots = tuple(SlotRequest(model=model) for model in models)
    look = service.look(LookRequest(scene=Scene(), slots=slots))
    return [[score.logit for score in slot.top or ()] for slot in look.slots]


def test_an_edit_becomes_a_model(start: Callable[..., InferenceService], settings: Settings) -> None:
    service = start()
    assert run(service, SaveRequest(edit=EDIT, name="my-edit.1")) == "my-edit.1"
    path = settings.data / "edits" / "my-edit.1.safetensors"
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    entry, base = zoo.entries(settings)["my-edit.1"], zoo.entries(settings)[LITE0]
    assert (entry.own, entry.base, entry.architecture) == (True, LITE0, base.architecture)
    assert (entry.classes, entry.mean, entry.std, entry.input_size) == (
        base.classes,
        base.mean,
        base.std,
        base.input_size,
    )
    edit, _, provenance = load_edit(path)
    assert str(edit) == EDIT
    assert not provenance.recalibrated
    assert provenance.bases == {name: service.model(name).fingerprint for name in (LITE0, TWIN)}
    assert "my-edit.1" in service.models()
    kept, edited = top(service, "my-edit.1", EDIT)
    np.testing.assert_allclose(kept, edited, rtol=0, atol=1e-5)

    again = start(engine=LocalEngine)  # as after a restart
    assert "my-edit.1" in again.models()
    np.testing.assert_allclose(top(again, "my-edit.1")[0], kept, rtol=0, atol=1e-5)

    own.remove("my-edit.1", settings)
    assert "my-edit.1" not in again.models()
    other = EDIT.replace("0.5", "1")
    request = SaveRequest(edit=other, name="my-edit.1")  # the name is free again, and means what is saved now
    assert service.wait(service.jobs.submit(request, again=True).id) == "my-edit.1"
    new, other_top, old = top(service, "my-edit.1", other, EDIT)
    np.testing.assert_allclose(new, other_top, rtol=0, atol=1e-5)
    assert np.abs(np.subtract(new, old)).max() > 1e-3
    own.remove("my-edit.1", settings)


def test_an_edit_is_looked_at_anew_when_its_model_is_saved_anew(service: InferenceService, settings: Settings) -> None:
    fingerprints = []
    for lower in (0.3, 0.6):
        assert run(service, SaveRequest(edit=f"prune({LITE0};blocks.1={lower}-1)", name="anew"))
        fingerprints.append(service.model("prune(anew;blocks.2=0.5-1)").fingerprint)
        own.remove("anew", settings)
        (settings.data / "edits" / "anew.safetensors").unlink()
    assert len(set(fingerprints)) == 2


def test_recalibration(service: InferenceService, engine: LocalEngine, settings: Settings, folder: Path) -> None:
    name = "recalibrated"
    request = SaveRequest(edit=f"prune({LITE0};blocks.1=0.2-1)", name=name, recalibrate=folder)
    assert run(service, request) == name
    path = settings.data / "edits" / f"{name}.safetensors"
    _, state, provenance = load_edit(path)
    assert provenance.recalibrated
    with safe_open(path, framework="pt") as file:
        (header,) = file.metadata().values()
    assert json.loads(header)["edit"] == request.edit
    before = engine.network(request.edit).module.state_dict()
    changed = {key.rpartition(".")[2] for key in state if not torch.equal(state[key], before[key])}
    assert changed <= {"running_mean", "running_var", "num_batches_tracked"}
    assert {"running_mean", "running_var"} <= changed
    assert all(torch.isfinite(tensor).all() for tensor in state.values())
    assert np.isfinite(top(service, name)).all()
    own.remove(name, settings)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (LITE0, "already"),
        (TWIN, "already"),
        ("../x", "cannot be called"),
        ("", "cannot be called"),
        ("a" * 65, "cannot be called"),
        ("A", "cannot be called"),
        ("-x", "cannot be called"),
        ("x\n", "cannot be called"),
        ("x/y", "cannot be called"),
    ],
)
def test_invalid_names_are_refused(service: InferenceService, settings: Settings, name: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        run(service, SaveRequest(edit=EDIT, name=name))
    assert list(own.tables(settings)) == [TWIN]


def test_without_normalisations_nothing_can_be_recalibrated(
    service: InferenceService, settings: Settings, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "networks_of_a_user.py").write_text(FACTORY)
    monkeypatch.syspath_prepend(tmp_path)
    import networks_of_a_user  # type: ignore[import-not-found]
    from safetensors.torch import save_file

    save_file(networks_of_a_user.network().state_dict(), settings.data / "plain.safetensors")
    table = tomllib.loads((settings.data / "catalog.toml").read_text())[TWIN] | {
        "architecture": "factory:networks_of_a_user:network",
        "classes": "digits",
        "class_names": [f"digit {i}" for i in range(10)],
        "input_size": 32,
        "resize": 36,
        "weights": {"source": "file", "path": "plain.safetensors", "layout": "same"},
    }
    own.add("plain", table, settings)
    try:
        with pytest.raises(InvalidInputError, match="no batch normalisation"):
            run(service, SaveRequest(edit="prune(plain)", name="x", recalibrate=folder))
        assert run(service, SaveRequest(edit="prune(plain;0=0.5-1)", name="x")) == "x"
        assert zoo.entries(settings)["x"].class_list[3].name == "digit 3"
        assert len(top(service, "x")[0]) == 5
    finally:
        for name in {"plain", "x"} & set(own.tables(settings)):
            own.remove(name, settings)


def test_one_picture_has_no_variance(service: InferenceService, tmp_path: Path) -> None:
    Image.new("RGB", (300, 300)).save(tmp_path / "one.png")
    with pytest.raises(InvalidInputError, match="more than one picture"):
        run(service, SaveRequest(edit=EDIT, name="x", recalibrate=tmp_path))


@pytest.mark.parametrize("where", ["weights", "catalogue"])
def test_a_full_disk_leaves_nothing_behind(
    service: InferenceService, settings: Settings, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    replace_file = os.replace

    def full(source: str, target: Path) -> None:
        if (Path(target).name == "catalog.toml") == (where == "catalogue"):
            raise OSError(errno.ENOSPC, "No space left on device")
        replace_file(source, target)

    monkeypatch.setattr(os, "replace", full)
    job = service.jobs.submit(SaveRequest(edit=EDIT, name="late"))
    with pytest.raises(InvalidInputError, match="No space left on device"):
        service.wait(job.id)
    monkeypatch.undo()
    assert service.jobs.status(job.id).state is JobState.FAILED
    assert list((settings.data / "edits").glob("late*")) == []
    assert list((settings.data / "edits").glob(".*")) == []
    assert list(own.tables(settings)) == [TWIN]
    assert run(service, SaveRequest(edit=EDIT, name="late")) == "late"  # once there is room
    own.remove("late", settings)
    (settings.data / "edits" / "late.safetensors").unlink()
