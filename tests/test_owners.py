"""Whom things belong to that are kept, and how much anybody may keep."""

import json
from collections.abc import Callable
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from user_files import CUBE

from perturber.config import Settings
from perturber.errors import NotAllowedError
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.quotas import check_room, kept_bytes
from perturber.users import Role, User, acting
from perturber.zoo import own

ED, EVE, ADA = User("ed", Role.EDITOR), User("eve", Role.EDITOR), User("ada", Role.ADMIN)
MODEL = {
    "label": "x", "architecture": "timm:resnet18", "licence": "MIT", "training": "other", "classes": "imagenet1k",
    "mean": [0.5] * 3, "std": [0.5] * 3, "input_size": 224, "resize": 256,
    "weights": {"source": "file", "layout": "same", "path": "edits/x.safetensors"},
}  # fmt: skip


def picture(seed: int, side: int = 64) -> bytes:
    file = BytesIO()
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(file, format="PNG")
    return file.getvalue()


def refused(change: Callable[[], object], *users: User) -> None:
    for user in users:
        with acting(user), pytest.raises(NotAllowedError, match=r"belongs to .*; only they .*may change it\.$"):
            change()


@pytest.mark.parametrize("kind", ["object", "background"])
def test_uploads_belong_to_who_added_them(tmp_path: Path, kind: str) -> None:
    store = Store(tmp_path)

    def add(label: str | None = None) -> str:
        if kind == "object":
            return store.add_object({"cube.obj": CUBE.encode()}, label=label)
        return store.add_background(picture(0), label=label)

    with acting(ED):
        name = add("Mine")
    refused(lambda: store.rename(kind, name, "Other"), EVE)
    refused(lambda: store.remove(kind, name), EVE)
    with acting(EVE):
        assert add("Hers") == name  # the same files: it is there already, and stays what it is called
        store.rename(kind, name, "Mine")  # which changes nothing
    assert store.names(kind) == {name: "Mine"}
    with acting(ED):
        store.rename(kind, name, "Still mine")
    with acting(ADA):
        store.rename(kind, name, "Everybody’s")
        assert store.names(kind) == {name: "Everybody’s"}
    with acting(ED):  # whose it is still
        store.remove(kind, name)
    assert store.names(kind) == {}


def test_what_has_no_owner_is_the_administrators(tmp_path: Path) -> None:
    store, groups = Store(tmp_path), OwnGroups(tmp_path)
    name = store.add_background(picture(0))  # by a command
    groups.path.write_text(json.dumps({"m": {"l": {"Old": [1, 2]}}}))
    assert groups.of("m", "l") == {"Old": [1, 2]}
    refused(lambda: store.remove("background", name), ED)
    refused(lambda: groups.remove("m", "l", "Old"), ED)
    with acting(ADA):
        store.remove("background", name)
        groups.remove("m", "l", "Old")
    assert (store.names("background"), groups.of("m", "l")) == ({}, {})


def test_groups_belong_to_who_kept_them(tmp_path: Path) -> None:
    groups = OwnGroups(tmp_path)
    with acting(ED):
        groups.keep("m", "l", "Fur", [1])
        groups.keep("m", "l", "Fur", [1, 2])
    refused(lambda: groups.keep("m", "l", "Fur", [3]), EVE)
    refused(lambda: groups.remove("m", "l", "Fur"), EVE)
    with acting(EVE):
        groups.keep("m", "l", "Ears", [3])
    assert OwnGroups(tmp_path).of("m", "l") == {"Fur": [1, 2], "Ears": [3]}


def test_models_belong_to_who_kept_them(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert own.add("x", {**MODEL, "owner": "ed"}, settings).owner == "ed"
    refused(lambda: own.remove("x", settings), EVE)
    with acting(ED):
        own.remove("x", settings)
    assert own.tables(settings) == {}


def test_nobody_keeps_more_than_they_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_USER_MIB", "1")
    store, kept = Store(tmp_path), []

    def fill() -> None:
        for seed in range(99):
            kept.append(store.add_background(picture(seed, 200)))

    with (
        acting(ED),
        pytest.raises(NotAllowedError, match=r"^You may keep 1 MiB .* 0\.\d are taken; this needs .*some\.$"),
    ):
        fill()
    assert set(store.names("background")) == set(kept)
    assert 2 <= len(kept) < 20
    assert list((tmp_path / "incoming").iterdir()) == []
    with acting(EVE):
        store.add_background(picture(100, 200))
    monkeypatch.setenv("PERTURBER_USERS_MIB", "1")
    with acting(EVE), pytest.raises(NotAllowedError, match=r"^All users together may keep 1 MiB"):
        store.add_background(picture(101, 200))
    store.add_background(picture(101, 200))  # by a command: whoever runs the server knows best


def test_what_is_kept_is_counted(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    with acting(ED):
        Store(tmp_path).add_object({"cube.obj": CUBE.encode()})
        Store(tmp_path).add_background(picture(0))
    Store(tmp_path).add_background(picture(1))
    (tmp_path / "edits").mkdir()
    (tmp_path / "edits" / "x.safetensors").write_bytes(bytes(3000))
    own.add("x", {**MODEL, "owner": "eve"}, settings)
    own.add("elsewhere", {**MODEL, "weights": {**MODEL["weights"], "path": "/nowhere"}}, settings)
    files = sum(path.stat().st_size for folder in ("objects", "backgrounds") for path in tmp_path.glob(f"{folder}/*/*"))
    kept = kept_bytes(tmp_path, settings)
    assert kept["eve"] == 3000
    assert kept["ed"] > 0
    assert kept[""] > 0
    assert kept["ed"] + kept[""] == files
    check_room(tmp_path, "eve", 2**20 - 3000, replace(settings, user_mib=1))
    with pytest.raises(NotAllowedError):
        check_room(tmp_path, "eve", 2**20 - 2999, replace(settings, user_mib=1))
    check_room(tmp_path, "eve", 2**40, replace(settings, user_mib=0, users_mib=0))
