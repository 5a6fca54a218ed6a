"""What is missing or broken around the server is one sentence, and the rest works."""

import io
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cachelib import SimpleCache
from callback_requests import ask, props_of, spec_of
from flask.testing import FlaskClient
from PIL import Image

import app
from perturber import cli, zoo
from perturber.config import Settings
from perturber.disk import holding
from perturber.errors import InvalidInputError, StorageError
from perturber.featurevis import Recipe, Target
from perturber.objects import Store
from perturber.scene import Scene
from perturber.service import InferenceService, JobState, LookRequest, ModelInfo, SlotRequest
from perturber.service.works.saving import SaveRequest
from perturber.ui.states.explore import DEFAULT_MODELS, ExploreState
from perturber.zoo import own
from perturber.zoo.sources import weights_file
from perturber.zoo.weights import digest

LITE0, LITE1 = "efficientnet_lite0", "efficientnet_lite1"


def request_for(model: str, **scene: Any) -> LookRequest:
    slot = SlotRequest(model=model, layer="blocks.3.0", channels=(0,))
    return LookRequest(scene=Scene().replace(**scene), slots=(slot,))


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 8), "green").save(file, format="PNG")
    return file.getvalue()


def explore(client: FlaskClient, query: str = "") -> dict[str, Any]:
    """What the Explore page is answered."""
    request = {"query": query, "memory": {}, "scene": {}, "changes": [], "drawn": {}, "client": "a", "sequence": 1}
    return props_of(ask(client, spec_of(client, "explore-panel.request"), [request]))["explore-panel"]["answer"]


def notice(answer: dict[str, Any]) -> str:
    return next((one["props"]["children"] for one in answer["props"] if one["id"] == "notice"), "")


@pytest.fixture
def read_only(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a folder one of a file system that takes nothing; root may write whatever a file's mode says."""

    def refuse(folder: Path) -> None:
        def guarded(function: Callable[..., Any], writes: Callable[..., bool] = lambda *_, **__: True) -> Any:
            def call(path: Any, *args: Any, **options: Any) -> Any:
                below = isinstance(path, str | Path) and Path(path).is_relative_to(folder)
                if below and writes(*args, **options):
                    raise OSError(30, "Read-only file system", str(path))
                return function(path, *args, **options)

            return call

        def creates(flags: int, *_: Any, **__: Any) -> bool:
            return bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))

        for name in ("mkdir", "unlink", "rename", "replace", "utime", "remove", "rmdir"):
            monkeypatch.setattr(os, name, guarded(getattr(os, name)))
        monkeypatch.setattr(os, "open", guarded(os.open, creates))

    return refuse


def test_a_read_only_data_folder_can_be_looked_at(
    tmp_path: Path, read_only: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    """With everything in it; what was to be kept is a sentence each, and what was computed is shown."""
    background = Store(tmp_path).add_background(png(), label="Mine")
    read_only(tmp_path)
    settings = Settings(device="cpu", data=tmp_path, cache="files", examples=None)
    with holding(tmp_path), InferenceService(settings) as service:
        assert "cannot be written to (Read-only file system)" in caplog.text
        client = app.create_app(service=service).server.test_client()
        assert "Answers are cached in memory." in caplog.text
        answer = explore(client, f"background={background}")
        assert answer["looked"]
        assert notice(answer) == ""
        (found,) = service.visualise(LITE0, [Target(kind="neuron", layer="conv_stem", index=0)], Recipe(steps=1))
        assert found.job is not None
        service.wait(found.job)
        (found,) = service.visualise(LITE0, [Target(kind="neuron", layer="conv_stem", index=0)], Recipe(steps=1))
        assert found.state is JobState.DONE
        assert "Read-only file system" in (found.error or "")
        assert service.visualisations.pictures(found.key) is not None
        with pytest.raises(StorageError, match="Read-only file system"):
            Store(tmp_path).rename("background", background, "Other")
        with pytest.raises(StorageError, match="Read-only file system"):
            own.put_back("mine", {"label": "x"}, settings)
        job = service.jobs.submit(SaveRequest(edit=f"prune({LITE0};blocks.3=0.1-1)", name="mine")).id
        with pytest.raises(InvalidInputError, match="Read-only file system"):
            service.wait(job)
    assert Store(tmp_path).names("background") == {background: "Mine"}


@pytest.fixture
def mine(tmp_path: Path) -> tuple[Settings, Path]:
    """A model of a user's own, and the file of its weights."""
    settings = Settings(device="cpu", data=tmp_path, model_memory_mib=1, examples=None)
    lite0 = zoo.entries(settings)[LITE0]
    file = tmp_path / "mine.pth"
    shutil.copy(weights_file(lite0, settings), file)
    entry = {"label": "Mine", "architecture": lite0.architecture, "licence": "", "training": "other"}
    entry |= {"classes": lite0.classes, "mean": list(lite0.mean), "std": list(lite0.std), "input_size": 224}
    entry |= {"resize": lite0.resize, "weights": {"source": "file", "layout": lite0.weights.layout, "path": str(file)}}
    entry["weights"]["sha256"] = digest(file)  # type: ignore[index]
    own.add("mine", entry, settings)
    return settings, file


def test_weights_that_vanish_while_they_are_in_use(mine: tuple[Settings, Path]) -> None:
    """What is resident goes on; later the model is a sentence, in whatever way they are gone, and others answer."""
    settings, file = mine
    with InferenceService(settings) as service:
        before = service.look(request_for("mine"))
        file.rename(file.with_suffix(".away"))
        again = service.look(request_for("mine", yaw=3))
        assert before.slots[0].top != again.slots[0].top
        service.look(request_for(LITE1))  # there is room for one network only
        ways: list[tuple[Callable[[], object], str]] = [
            (lambda: None, "The weights of 'mine' are missing: there is no file"),
            (file.mkdir, "The weights of 'mine' are missing: there is no file"),
            (lambda: file.rmdir() or file.write_bytes(b""), "are not the expected file"),
        ]
        for change, sentence in ways:
            change()
            with pytest.raises(InvalidInputError, match=sentence):
                service.look(request_for("mine"))
        client = app.create_app(service=service).server.test_client()
        answer = explore(client, f"m1=mine&m2={LITE1}")
        assert "not the expected file" in notice(answer)
        assert explore(client, f"m1={LITE0}&m2={LITE1}")["looked"]
        file.unlink()
        file.with_suffix(".away").rename(file)
        np.testing.assert_array_equal(
            service.look(request_for("mine")).slots[0].top[0].logit, before.slots[0].top[0].logit
        )


def test_the_first_page_opens_without_one_of_its_models(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = DEFAULT_MODELS
    model = service.model

    def without(name: str) -> ModelInfo:
        if name == first:
            raise InvalidInputError("The weights are gone.")
        return model(name)

    monkeypatch.setattr(service, "model", without)
    state, problems = ExploreState.from_query({}, service.model)
    assert [slot and slot.model for slot in state.slots] == [None, second, None]
    assert problems == ["The weights are gone."]
    assert explore(app.create_app(service=service).server.test_client())["looked"]


def test_no_gpu_although_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, tmp_path: Path
) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    monkeypatch.setenv("PERTURBER_DEVICE", "cuda")
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path))
    with pytest.raises(SystemExit) as ended:
        cli.main("serve")
    assert ended.value.code == 2
    assert capsys.readouterr().err == "perturber: This machine has no device 'cuda'. Allowed: auto, cpu.\n"
    with holding(tmp_path):  # nothing holds it any more
        pass


def test_a_cache_that_fails_fails_nobody(
    service: InferenceService, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As one on another machine, or on a full disk."""
    client = app.create_app(service=service).server.test_client()

    def gone(*_: object, **__: object) -> None:
        raise ConnectionError("nobody answers there.")

    for name in ("get", "set"):
        monkeypatch.setattr(SimpleCache, name, gone)
    assert explore(client, "yaw=12")["looked"]
    assert "The cache cannot be used: nobody answers there." in caplog.text
    assert client.get("/scene/backdrop/lawn").status_code == 200
