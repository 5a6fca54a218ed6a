"""Where weights lie, and whether they are at hand."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urlsplit

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.zoo.catalogue import ModelEntry, entries


def weights_file(entry: ModelEntry, settings: Settings) -> Path:
    """The file with a network's weights.

    Raises:
        InvalidInputError: it is not at hand; says how to get it.
    """
    source = entry.weights.source
    if source not in SOURCES:
        raise UnknownNameError("source of weights", source, SOURCES)
    try:
        return SOURCES[source](entry, settings)
    except KeyError as error:
        raise InvalidInputError(
            f"The weights of {entry.name!r} come from a {source}, but {error} is missing."
        ) from None


def ready(settings: Settings) -> dict[str, ModelEntry]:
    """The networks whose weights are at hand, in the catalogue's order: what menus offer."""
    return {name: entry for name, entry in entries(settings).items() if is_ready(entry, settings)}


def is_ready(entry: ModelEntry, settings: Settings) -> bool:
    """Whether a network's weights are at hand; whether they are the right ones shows when they are loaded."""
    try:
        weights_file(entry, settings)
    except InvalidInputError:
        return False
    return True


def pulled_file(entry: ModelEntry, settings: Settings) -> Path:
    """Where weights that come from a URL are kept: under the file's own name, or what ``file`` says.

    Raises:
        InvalidInputError: neither gives a plain file name.
    """
    url = entry.weights.place["url"]
    name = entry.weights.place.get("file") or unquote(urlsplit(url).path).rpartition("/")[2]
    if not name or name != Path(name).name or name.startswith("."):
        raise InvalidInputError(f"The weights of {entry.name!r} have no plain file name: {name[:80]!r}.")
    return settings.weights_folder / name


def _package(entry: ModelEntry, _: Settings) -> Path:
    """A file inside an installed package, found without importing it."""
    package, file = entry.weights.place["package"], entry.weights.place["file"]
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise InvalidInputError(f"The package {package!r} is not installed; run: pip install {package}.")
    path = Path(next(iter(spec.submodule_search_locations))) / file
    if not path.is_file():
        raise InvalidInputError(f"The package {package!r} has no file {file!r}; install it again.")
    return path


def _url(entry: ModelEntry, settings: Settings) -> Path:
    path = pulled_file(entry, settings)
    if not path.is_file():
        raise InvalidInputError(
            f"The weights of {entry.name!r} are not on this machine; run: perturber models pull {entry.name}."
        )
    return path


def _file(entry: ModelEntry, _: Settings) -> Path:
    path = Path(entry.weights.place["path"])
    if not path.is_file():
        raise InvalidInputError(f"The weights of {entry.name!r} are missing: there is no file {str(path)!r}.")
    return path


SOURCES: dict[str, Callable[[ModelEntry, Settings], Path]] = {"package": _package, "url": _url, "file": _file}
"""Kind of place → function that finds the file there.

package: ``package`` and the ``file`` in it. url: ``url``, pulled into the weights folder as ``file``, by default the
URL's last part. file: ``path``, relative to the catalogue.
"""
