"""``perturber doctor``: what is well, what is not, and what to do."""

import json
import os
import socket
from collections import namedtuple
from collections.abc import Callable
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch

from perturber import doctor
from perturber.config import Settings
from perturber.disk import holding
from perturber.doctor import Finding, State, examine
from perturber.featurevis import Store as Pictures
from perturber.zoo import own


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A data folder of its own and a port that is free; nothing is asked of the real models, which take long."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_PORT", str(port))
    monkeypatch.setenv("PERTURBER_MODELS", str(tmp_path / "models"))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "catalog.toml").write_text("")
    own.add("mine", table("mine.npz"), Settings())
    np.savez(tmp_path / "data" / "mine.npz", weight=np.zeros(3, np.float32))
    return Settings(device="cpu")


def table(path: str, sha256: str = "") -> dict[str, object]:
    weights = {"source": "file", "layout": "same", "path": path, "sha256": sha256}
    numbers = {"mean": [0.5] * 3, "std": [0.5] * 3, "input_size": 224, "resize": 256}
    names = {"classes": "imagenet1k", "training": "other", "licence": "", "architecture": "timm:resnet18"}
    return {"label": path, **names, **numbers, "weights": weights}


def found(settings: Settings, about: str) -> list[Finding]:
    return [finding for finding in examine(settings) if finding.about == about]


def wrong(settings: Settings, about: str) -> Finding:
    (one,) = [finding for finding in found(settings, about) if finding.state is not State.OK]
    assert one.todo.endswith(".")
    return one


def test_all_is_well(settings: Settings) -> None:
    findings = list(examine(settings))
    assert {f.state for f in findings if not f.about.startswith(("Chromium", "free disk", "extra"))} == {State.OK}
    assert {"Python", "packages", "device", "server", "data folder", "models", "objects", "visualisations"} <= {
        finding.about for finding in findings
    }


def test_a_table_json_and_an_exit_status(perturber: Callable[..., tuple[int, str, str]], settings: Settings) -> None:
    status, printed, _ = perturber("doctor", "--device", "cpu", "--json")
    assert status == 0
    rows = json.loads(printed)
    assert {"about": "models", "state": "ok", "said": "1 readable, whose hash is not known", "todo": ""} in rows
    (settings.data / "mine.npz").unlink()
    status, printed, _ = perturber("doctor", "--device", "cpu")
    assert status == 1
    (line,) = [line for line in printed.splitlines() if line.startswith("error    models            The weights of")]
    assert "there is no file" in line
    assert "perturber models remove mine" in printed


@pytest.mark.parametrize(
    ("version", "said"), [("0.0.1", "dash is 0.0.1, but >="), (None, "dash is not installed."), ("99", "")]
)
def test_versions(settings: Settings, monkeypatch: pytest.MonkeyPatch, version: str | None, said: str) -> None:
    real = metadata.version

    def pretended(name: str) -> str:
        if name == "dash" and version is None:
            raise metadata.PackageNotFoundError
        return (version or "") if name == "dash" else real(name)

    monkeypatch.setattr(metadata, "version", pretended)
    if said:
        assert said in wrong(settings, "packages").said
    else:
        assert found(settings, "packages")[0].state is State.OK


def test_what_is_installed_says_what_the_project_does(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the project's file is not there, as from a wheel."""
    try:
        metadata.version("perturber")
    except metadata.PackageNotFoundError:
        pytest.skip("perturber is not installed here")
    monkeypatch.setattr(doctor, "PROJECT", Path("nowhere"))
    assert found(settings, "Python")[0].state is State.OK
    assert found(settings, "packages")


def test_no_gpu_although_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    (one,) = doctor._device(Settings(device="cuda"))
    assert (one.state, one.said) == (State.ERROR, "This machine has no device 'cuda'. Allowed: auto, cpu.")
    assert one.todo.endswith("or set PERTURBER_DEVICE=auto.")


def test_a_port_that_is_taken(settings: Settings) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", settings.port))
        other.listen()
        one = wrong(settings, "server")
        assert one.state is State.ERROR
        assert f"127.0.0.1:{settings.port} cannot be served on" in one.said
        with holding(settings.data):  # it is the server's own
            assert "One runs on the data folder" in found(settings, "server")[0].said


def unreadable_object(data: Path) -> None:
    (data / "objects" / "own-00000000000000000000").mkdir(parents=True)
    (data / "objects" / "own-00000000000000000000" / "pair.json").write_text('{"label": "x"}')


def half_a_background(data: Path) -> None:
    (data / "backgrounds" / "own-00000000000000000000").mkdir(parents=True)


def damaged_picture(data: Path) -> None:
    store = Pictures(data / "visualisations", 1)
    store.put("0" * 64, np.zeros((1, 8, 8, 3), np.uint8))
    path = data / "visualisations" / f"{'0' * 64}.png"
    path.write_bytes(path.read_bytes()[:40])


def broken_index(data: Path) -> None:
    (data / "examples").mkdir()
    (data / "examples" / "x.npz").write_bytes(b"x")


def nobodys_model(data: Path) -> None:
    (data / "edits").mkdir()
    (data / "edits" / "x.safetensors").write_bytes(b"x")


def broken_groups(data: Path) -> None:
    (data / "groups.json").write_text("{")


def changed_weights(data: Path) -> None:
    own.add("mine", table("mine.npz", "0" * 64), Settings())


def broken_catalogue(data: Path) -> None:
    (data / "catalog.toml").write_text("[")


@pytest.mark.parametrize(
    ("spoil", "about", "state", "said"),
    [
        (unreadable_object, "objects", State.ERROR, "cannot be read: own-0000"),
        (half_a_background, "backgrounds", State.ERROR, "cannot be read: own-0000"),
        (damaged_picture, "visualisations", State.WARNING, "cannot be read: 0000"),
        (broken_index, "example pictures", State.ERROR, "cannot be read: x.npz"),
        (nobodys_model, "edited models", State.WARNING, "in no catalogue: x.safetensors"),
        (changed_weights, "models", State.ERROR, "are not the expected file"),
    ],
)
def test_what_is_kept_and_damaged(
    spoil: Callable[[Path], None], about: str, state: State, said: str, settings: Settings
) -> None:
    spoil(settings.data)
    one = next(f for f in found(settings, about) if f.state is not State.OK)
    assert (one.state, said in one.said, bool(one.todo)) == (state, True, True)


@pytest.mark.parametrize("spoil", [broken_groups, broken_catalogue])
def test_a_check_that_cannot_go_on_is_an_error(spoil: Callable[[Path], None], settings: Settings) -> None:
    spoil(settings.data)
    assert any(f.state is State.ERROR and "cannot be read" in f.said for f in examine(settings))


def test_a_folder_that_cannot_be_written_and_a_full_disk(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(30, os.strerror(30))

    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage(1, 1, 2**20))
    assert "Read-only file system" in wrong(settings, "data folder").said
    assert wrong(settings, "free disk").state is State.ERROR


def test_nothing_is_changed_by_looking(settings: Settings) -> None:
    before = {path: path.stat().st_mtime_ns for path in settings.data.rglob("*") if path.is_file()}
    list(examine(settings))
    assert {path: path.stat().st_mtime_ns for path in settings.data.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["examples", "collections"])
def test_folders_of_pictures_that_are_gone(settings: Settings, tmp_path: Path, name: str) -> None:
    assert found(settings, name) == []
    gone = replace(settings, **{name: tmp_path / "gone"})
    assert "There is no folder" in wrong(gone, name).said
