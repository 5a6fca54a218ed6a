"""Everything of the users' own in one list: what it is, whose, how large and how old, and what uses it."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote_plus

from perturber.config import Settings
from perturber.errors import UnknownNameError
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.quotas import bytes_in, owner_in, size_of
from perturber.sessions import Sessions
from perturber.sessions.belongings import OWN, WORD
from perturber.users import Role, need
from perturber.zoo import own

Kind = Literal["object", "background", "group", "model", "session"]


@dataclass(frozen=True)
class Item:
    """Something of a user's own.

    Attributes:
        name: which one, among those of its kind.
        label: what the interface calls it.
        owner: name of an account; empty where there is none.
        size: in bytes.
        changed: seconds since 1970, UTC; None where it is not known.
        used_by: sessions whose snapshots name it, and models that were made from it, in words.
    """

    kind: Kind
    name: str
    label: str
    owner: str
    size: int
    changed: float | None
    used_by: tuple[str, ...] = ()


def items(settings: Settings) -> list[Item]:
    """All that there is.

    Raises:
        InvalidInputError: a file of the data folder is broken.
        StorageError: one cannot be read.
    """
    tables = own.tables(settings)
    uses = _uses(settings, frozenset(tables))
    for name, table in tables.items():
        if table.get("base") in tables:
            uses["model", table["base"]].append(f"model {table.get('label', name)}")
    return [
        *_uploads(settings.data, "object", uses),
        *_uploads(settings.data, "background", uses),
        *_groups(settings.data),
        *_models(settings, uses),
        *_sessions(settings.data),
    ]


def remove(kind: str, name: str, settings: Settings) -> None:
    """Delete something; a session can be brought back for some days (`Sessions.restore`).

    Raises:
        NotAllowedError: it belongs to somebody else, or the user only looks.
        InvalidInputError: there is no such thing (any more).
        StorageError: the data folder cannot be written to.
    """
    need(Role.EDITOR, "delete what is kept")
    match kind:
        case "object" | "background":
            Store(settings.data).remove(kind, name)
        case "group":
            model, layer, title = _group_of(name)
            OwnGroups(settings.data).remove(model, layer, title)
        case "model":
            own.remove(name, settings)
        case "session":
            Sessions(settings.data).delete(name)
        case _:
            raise UnknownNameError("kind of things", kind, Kind.__args__)  # type: ignore[attr-defined]


Uses = defaultdict[tuple[str, str], list[str]]


def _uses(settings: Settings, models: frozenset[str]) -> Uses:
    """Kind and name → the sessions whose snapshots name it."""
    found: dict[tuple[str, str], Counter[tuple[str, str]]] = defaultdict(Counter)
    for state in Sessions(settings.data).states():
        text = f"{unquote_plus(state.query)} {state.memory}"
        named = {("upload", name) for name in OWN.findall(text)}
        if models:
            named |= {("model", name) for word in WORD.findall(text) if (name := word.partition("@")[0]) in models}
        for one in named:
            found[one][state.session, state.name] += 1
    uses: Uses = defaultdict(list)
    for one, counted in found.items():
        uses[one] = [f"{name} ({count})" for (_, name), count in counted.items()]
    return uses


def _uploads(data: Path, kind: Literal["object", "background"], uses: Uses) -> Iterator[Item]:
    store, file = Store(data), {"object": "objects/{}/pair.json", "background": "backgrounds/{}/background.json"}[kind]
    for name, label in store.names(kind).items():
        info = data / file.format(name)
        try:
            size, changed = bytes_in(info.parent), info.stat().st_mtime
        except OSError:  # it has gone meanwhile
            continue
        yield Item(kind, name, label, owner_in(info), size, changed, tuple(uses["upload", name]))


def _groups(data: Path) -> Iterator[Item]:
    for model, layers in OwnGroups(data).all().items():
        for layer, groups in layers.items():
            for name, group in groups.items():
                label = f"{name} · {len(group['channels'])} channels of {layer}, {model}"
                key = json.dumps([model, layer, name], ensure_ascii=False)
                yield Item("group", key, label, group["owner"], len(json.dumps(group)), None)


def _models(settings: Settings, uses: Uses) -> Iterator[Item]:
    for name, table in own.tables(settings).items():
        file = settings.data / "edits" / f"{name}.safetensors"
        changed = file.stat().st_mtime if file.exists() else None
        owner, label = str(table.get("owner", "")), str(table.get("label", name))
        yield Item("model", name, label, owner, size_of(file), changed, tuple(uses["model", name]))


def _sessions(data: Path) -> Iterator[Item]:
    sessions, offset = Sessions(data), 0
    while part := sessions.all(offset=offset, limit=200).sessions:
        yield from (Item("session", one.id, one.name, one.owner, one.size, one.changed) for one in part)
        offset += len(part)


def _group_of(name: str) -> tuple[str, str, str]:
    """Model, layer and name of a group, of the name of its item."""
    try:
        model, layer, title = json.loads(name)
    except (ValueError, TypeError, RecursionError):
        raise UnknownNameError("group", name, ()) from None
    return str(model), str(layer), str(title)
