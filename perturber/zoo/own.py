"""A user's own models: ``catalog.toml`` in the data folder, read beside the project's."""

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from perturber.config import Settings
from perturber.disk import changing, write_whole
from perturber.errors import InvalidInputError, StorageError, UnknownNameError
from perturber.users import need_owner
from perturber.zoo.catalogue import ModelEntry, catalog, make_entry


def add(name: str, table: Mapping[str, Any], settings: Settings) -> ModelEntry:
    """Put a model into the user's catalogue, in place of an own one of that name.

    Args:
        table: as in a catalogue file; paths are relative to the data folder.

    Raises:
        InvalidInputError: the name is one of the project's, or something in the table is not allowed.
        StorageError: the catalogue cannot be written.
    """
    if name in catalog(settings.models):
        raise InvalidInputError(f"The model {name!r} belongs to the project; choose another name.")
    made = make_entry(name, table, settings.data, own=True)
    put_back(name, dict(table), settings)
    return made


def remove(name: str, settings: Settings) -> None:
    """Take a model out of the user's catalogue; its weights stay where they are.

    Raises:
        UnknownNameError: naming the user's own models.
        NotAllowedError: it belongs to somebody else.
        StorageError: the catalogue cannot be written.
    """
    if name not in (known := tables(settings)):
        raise UnknownNameError("model of your own", name, known)
    need_owner(str(known[name].get("owner", "")), f"The model {name!r}")
    put_back(name, None, settings)


def put_back(name: str, table: Mapping[str, Any] | None, settings: Settings) -> None:
    """Make a model's table what it was; None where there was none.

    Raises:
        StorageError: the catalogue cannot be written.
    """
    path = settings.data / "catalog.toml"
    try:
        with changing(path):
            rest = {key: value for key, value in tables(settings).items() if key != name}
            _write(path, rest if table is None else {**rest, name: table})
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error


def tables(settings: Settings) -> dict[str, Any]:
    """The user's catalogue as it stands in the file; empty where there is none.

    Raises:
        InvalidInputError: it cannot be read.
    """
    path = settings.data / "catalog.toml"
    if not path.is_file():
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidInputError(f"The catalogue {str(path)!r} cannot be read: {error}.") from error


def _write(path: Path, models: Mapping[str, Mapping[str, Any]]) -> None:
    text = "\n".join(_table(_toml(name), table) for name, table in models.items())
    write_whole(path, text.encode("utf-8", "replace"))


def _table(name: str, table: Mapping[str, Any]) -> str:
    plain = {key: value for key, value in table.items() if not isinstance(value, Mapping)}
    lines = [f"[{name}]", *(f"{_toml(key)} = {_toml(value)}" for key, value in plain.items()), ""]
    inner = [_table(f"{name}.{_toml(key)}", table[key]) for key in table if key not in plain]
    return "\n".join([*lines, *inner])


def _toml(value: Any) -> str:
    """A value of TOML: JSON's strings, numbers and lists are TOML's, but for one sign."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
