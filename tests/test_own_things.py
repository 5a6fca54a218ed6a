"""All that is the users' own: what it takes, what uses it, and who may delete it."""

from dataclasses import replace
from pathlib import Path

import pytest
from session_values import new
from user_files import CUBE, picture

from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError
from perturber.library import Item, items, remove
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.quotas import kept_bytes
from perturber.sessions import Sessions, ShortLinks
from perturber.users import Role, User, acting
from perturber.zoo import own

ED, EVE, VERA = User("ed", Role.EDITOR), User("eve", Role.EDITOR), User("ed", Role.VIEWER)
MODEL = {
    "label": "Half", "architecture": "timm:resnet18", "licence": "MIT", "training": "other", "classes": "imagenet1k",
    "mean": [0.5] * 3, "std": [0.5] * 3, "input_size": 224, "resize": 256, "owner": "ed",
    "weights": {"source": "file", "layout": "same", "path": "edits/half.safetensors"},
}  # fmt: skip


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(), data=tmp_path)


def named(found: list[Item]) -> dict[tuple[str, str], Item]:
    return {(item.kind, item.label): item for item in found}


def test_nothing_is_nothing(settings: Settings) -> None:
    assert items(settings) == []


def test_everything_is_listed_with_what_uses_it(settings: Settings) -> None:
    store, sessions = Store(settings.data), Sessions(settings.data)
    with acting(ED):
        cube = store.add_object({"cube.obj": CUBE.encode()}, label="Cube")
        wall = store.add_background(picture((0, 200, 0)), label="Wall")
        OwnGroups(settings.data).keep("half", "conv1", "Fur", [1, 2])
        own.add("half", MODEL, settings)
        (settings.data / "edits").mkdir()
        (settings.data / "edits" / "half.safetensors").write_bytes(b"x" * 1000)
        own.add("quarter", {**MODEL, "label": "Quarter", "base": "half"}, settings)
    with acting(EVE):
        states = [
            new(query=f"object={cube}&m1=half&l1=conv1"),
            new(query="m1=mix%28half%2Cefficientnet_lite0%3Bblocks.1%3D0.5%29", memory={"reference": {"object": cube}}),
            new(query="yaw=2"),
        ]
        sessions.create("First", snapshots=states)
        gone = sessions.create("Gone", snapshots=[new(query=f"object={cube}&background={wall}")])
        sessions.delete(gone)
        ShortLinks(settings.data).short_link("yaw=1")
    found = named(items(settings))
    assert found["object", "Cube"].used_by == ("First (2)",)
    assert found["background", "Wall"].used_by == ()
    assert found["model", "Half"].used_by == ("First (2)", "model Quarter")
    assert found["model", "Quarter"].used_by == ()
    assert found["model", "Half"].size == 1000
    assert {key: item.owner for key, item in found.items()} == {
        ("object", "Cube"): "ed", ("background", "Wall"): "ed", ("model", "Half"): "ed", ("model", "Quarter"): "ed",
        ("group", "Fur · 2 channels of conv1, half"): "ed", ("session", "First"): "eve",
    }  # fmt: skip
    uploads = sum(item.size for (kind, _), item in found.items() if kind in ("object", "background", "model"))
    assert uploads == kept_bytes(settings.data, settings)["ed"]
    assert all(item.changed for (kind, name), item in found.items() if kind != "group" and name != "Quarter")
    assert ShortLinks(settings.data).kept() == (1, len("yaw=1"))


def test_the_owner_deletes_what_is_theirs(settings: Settings) -> None:
    store, sessions = Store(settings.data), Sessions(settings.data)
    with acting(ED):
        store.add_object({"cube.obj": CUBE.encode()})
        store.add_background(picture((0, 200, 0)))
        OwnGroups(settings.data).keep("half", "conv1", 'Fur, [odd] "name"', [1, 2])
        own.add("half", MODEL, settings)
        id_ = sessions.create("First")
    found = items(settings)
    assert len(found) == 5
    for user, sentence in ((EVE, "only they and administrators may change it"), (VERA, "that takes an editor")):
        with acting(user):
            for item in found:
                with pytest.raises(NotAllowedError, match=sentence):
                    remove(item.kind, item.name, settings)
    with acting(ED):
        for item in found:
            remove(item.kind, item.name, settings)
    assert items(settings) == []
    with acting(ED):
        sessions.restore(id_)
    assert [item.kind for item in items(settings)] == ["session"]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("object", "own-" + "0" * 20), ("background", "../x"), ("group", "x"), ("group", "[1]"), ("group", "[" * 10_000),
     ("model", "efficientnet_lite0"), ("session", "x"), ("link", "x")],
)  # fmt: skip
def test_what_is_not_there_cannot_be_deleted(settings: Settings, kind: str, name: str) -> None:
    with pytest.raises(InvalidInputError):
        remove(kind, name, settings)
