"""What may be wrong with an installation, and what to do about it.

A check is a function of the settings that yields what it finds; one that fails itself is an error that says so.
"""

import shutil
import socket
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from perturber.config import Settings
from perturber.errors import PerturberError

PROJECT = Path(__file__).parent.parent / "pyproject.toml"

LITTLE, TOO_LITTLE = 2 * 2**30, 200 * 2**20
"""Bytes of free disk below which there is a warning, and an error: a model of one's own takes 20 to 500 MB."""


class State(StrEnum):
    """How something is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """What a check has found.

    Attributes:
        about: the thing, in a word or two.
        said: how it is.
        todo: what to do, a sentence; empty where nothing is.
    """

    about: str
    state: State
    said: str
    todo: str = ""


def examine(settings: Settings) -> Iterator[Finding]:
    """All checks, the quick ones first."""
    for about, check in CHECKS.items():
        try:
            yield from check(settings)
        except PerturberError as error:
            yield Finding(about, State.ERROR, str(error))
        except Exception as error:  # whatever is wrong with a machine
            yield Finding(about, State.ERROR, f"This could not be checked: {type(error).__name__}: {error}.")


# ---- the installation ---------------------------------------------------------------------------------------------


def _packages(_: Settings) -> Iterator[Finding]:
    python, required, extras = _requirements()
    here = ".".join(map(str, sys.version_info[:3]))
    if python.contains(here):
        yield Finding("Python", State.OK, here)
    else:
        yield Finding("Python", State.ERROR, f"{here}, but {python} is required.", "Use another Python.")
    wrong = [problem for problem in map(_problem, required) if problem]
    for problem in wrong:
        yield Finding("packages", State.ERROR, problem, "Run: pip install -e . (or make run) in the project's folder.")
    if not wrong:
        yield Finding("packages", State.OK, f"{len(required)} as required")
    for extra, requirements in extras.items():
        if not all(map(_problem, requirements)):  # what is not there at all is not wanted
            for problem in filter(None, map(_problem, requirements)):
                yield Finding(f"extra {extra}", State.WARNING, problem, f"Run: pip install -e '.[{extra}]'.")


def _requirements() -> tuple[SpecifierSet, list[Requirement], dict[str, list[Requirement]]]:
    """Of Python, of packages, and of the packages of each extra: as the project says, or what was installed of it."""
    if PROJECT.is_file():
        project: dict[str, Any] = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
        extras = {name: list(map(Requirement, all_)) for name, all_ in project["optional-dependencies"].items()}
        return SpecifierSet(project["requires-python"]), list(map(Requirement, project["dependencies"])), extras
    about = metadata.metadata("perturber")
    found = list(map(Requirement, metadata.requires("perturber") or []))
    extras = {
        extra: [r for r in found if r.marker and r.marker.evaluate({"extra": extra})]
        for extra in about.get_all("Provides-Extra") or []
    }
    needed = [r for r in found if not r.marker or r.marker.evaluate({"extra": ""})]
    return SpecifierSet(about["Requires-Python"] or ""), needed, extras


def _problem(requirement: Requirement) -> str | None:
    if requirement.name == "perturber":  # its own extras
        return None
    try:
        version = metadata.version(requirement.name)
    except metadata.PackageNotFoundError:
        return f"{requirement.name} is not installed."
    right = requirement.specifier.contains(version, prereleases=True)
    return None if right else f"{requirement.name} is {version}, but {requirement.specifier} is required."


def _device(settings: Settings) -> Iterator[Finding]:
    import torch

    from perturber.service.device import choose_device, describe

    try:
        device = choose_device(settings.device)
    except PerturberError as error:
        built = f"CUDA {torch.version.cuda}" if torch.version.cuda else "no CUDA"
        todo = f"PyTorch {torch.__version__} was built for {built}. Check the driver (nvidia-smi), or set "
        yield Finding("device", State.ERROR, str(error), f"{todo}PERTURBER_DEVICE=auto.")
        return
    torch.ones(8, 8, device=device).mm(torch.ones(8, 8, device=device)).sum().item()  # it works
    if device.type == "cpu" and settings.device == "auto" and shutil.which("nvidia-smi"):
        todo = "Install PyTorch for the driver's CUDA, or set PERTURBER_DEVICE=cpu."
        yield Finding("device", State.WARNING, f"{describe(device)}, although there is an NVIDIA driver", todo)
        return
    room = f", {torch.cuda.mem_get_info(device)[0] / 2**30:.1f} GiB free" if device.type == "cuda" else ""
    yield Finding("device", State.OK, f"{describe(device)}{room}")


def _browser(_: Settings) -> Iterator[Finding]:
    from perturber import chromium

    path = chromium.find()
    if path is None:
        todo = f"Install one of: {', '.join(chromium.NAMES)}. All else works without it."
        yield Finding("Chromium", State.WARNING, "There is none to draw figures for papers.", todo)
    elif find_spec("playwright") is None:
        todo = "Browser tests and benchmarks need it: pip install -e '.[bench]'. All else works without it."
        yield Finding("Chromium", State.WARNING, f"{path}, but Playwright is not installed.", todo)
    else:
        yield Finding("Chromium", State.OK, path)


# ---- the server ---------------------------------------------------------------------------------------------------


def _server(settings: Settings) -> Iterator[Finding]:
    from perturber.disk import is_held
    from perturber.logs import FORMATTERS

    held = False
    with suppress(OSError):
        held = is_held(settings.data)
    address = f"{settings.host}:{settings.port}"
    if held:
        yield Finding("server", State.OK, f"One runs on the data folder; a second would not start ({address}).")
    else:
        try:
            found = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0]
            with socket.socket(found[0]) as tried:
                if sys.platform != "win32":  # as servers do, so that one that has just stopped is no hindrance
                    tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                tried.bind(found[4])
            yield Finding("server", State.OK, f"None runs on the data folder, and {address} is free.")
        except (OSError, OverflowError) as error:
            todo = "Stop what runs there, or set PERTURBER_HOST or PERTURBER_PORT."
            reason = getattr(error, "strerror", None) or error
            yield Finding("server", State.ERROR, f"{address} cannot be served on: {reason}.", todo)
    if settings.log not in FORMATTERS:
        todo = f"Set PERTURBER_LOG to one of: {', '.join(FORMATTERS)}."
        yield Finding("log", State.ERROR, f"There is no log of the kind {settings.log[:80]!r}.", todo)
    if settings.examples is not None and not settings.examples.is_dir():
        todo = "Set PERTURBER_EXAMPLES to a folder with a picture of each class, or to nothing."
        yield Finding("examples", State.WARNING, f"There is no folder {str(settings.examples)!r}.", todo)
    if settings.collections is not None and not settings.collections.is_dir():
        todo = "Set PERTURBER_COLLECTIONS to a folder with a subfolder for each collection of pictures, or to nothing."
        yield Finding("collections", State.WARNING, f"There is no folder {str(settings.collections)!r}.", todo)


# ---- what is kept -------------------------------------------------------------------------------------------------


def _folder(settings: Settings) -> Iterator[Finding]:
    from perturber.disk import writable

    data = settings.data
    try:
        writable(data)
    except OSError as error:
        todo = "Check its permissions, or set PERTURBER_DATA to another folder. Until then nothing new is kept."
        reason = error.strerror or error
        yield Finding("data folder", State.ERROR, f"{str(data)!r} cannot be written to: {reason}.", todo)
    else:
        yield Finding("data folder", State.OK, str(data))
    there = next((folder for folder in (data, *data.parents) if folder.is_dir()), Path())
    free = shutil.disk_usage(there).free
    state = State.ERROR if free < TOO_LITTLE else State.WARNING if free < LITTLE else State.OK
    todo = "" if state is State.OK else "Make room, or set PERTURBER_DATA to a folder on a larger disk."
    yield Finding("free disk", state, f"{free / 2**30:.1f} GiB", todo)


def _models(settings: Settings) -> Iterator[Finding]:
    from perturber import zoo
    from perturber.zoo.reading import read_parts
    from perturber.zoo.sources import weights_file
    from perturber.zoo.weights import expected, verify

    right = unknown = pulled = 0
    for entry in zoo.entries(settings).values():
        for one in [entry, *(entry.at(str(step)) for step in entry.steps)]:
            try:
                path = weights_file(one, settings)
            except PerturberError as error:
                if one.weights.source == "url":
                    pulled += 1
                else:
                    yield Finding("models", State.ERROR, str(error), _mend(one.name, own=one.own))
                continue
            try:
                sha256 = expected(one, path)
                verify(path, sha256)
                if not sha256:
                    read_parts(path)
            except PerturberError as error:
                yield Finding("models", State.ERROR, str(error), _mend(one.name, own=one.own))
            else:
                right, unknown = right + bool(sha256), unknown + (not sha256)
    said = [f"{right} as expected"] if right else []
    said += [f"{unknown} readable, whose hash is not known"] if unknown else []
    said += [f"{pulled} to be pulled"] if pulled else []
    todo = "" if right + unknown else "Install the project anew: without models there is nothing to look at."
    yield Finding("models", State.OK if right + unknown else State.ERROR, ", ".join(said) or "none are ready", todo)


def _mend(name: str, *, own: bool) -> str:
    if own:
        return f"Bring the file back (perturber restore), or run: perturber models remove {name}."
    return "Install the project and its packages anew: pip install --force-reinstall -e ."


def _uploads(settings: Settings) -> Iterator[Finding]:
    from perturber.objects import Store

    store = Store(settings.data)
    readers: dict[str, Callable[[str], object]] = {"object": store.pair, "background": store.background}
    for kind, read in readers.items():
        names = list(store.names(kind))  # type: ignore[arg-type]
        folder = settings.data / f"{kind}s"
        bad = [name for name in names if not _reads(read, name)]
        bad += sorted({path.name for path in folder.glob("*")} - set(names))
        yield _of_store(
            f"{kind}s", len(names), folder, bad, "Remove these folders, or bring them back: perturber restore."
        )


def _sessions(settings: Settings) -> Iterator[Finding]:
    from perturber.sessions import FILE, Database, Sessions

    found = Sessions(settings.data).all(limit=0)
    path = settings.data / FILE
    said = f"{found.total}, {(path.stat().st_size if path.exists() else 0) / 2**20:.1f} MiB"
    if faults := Database(settings.data).faults():
        todo = "Bring the file back (perturber restore), or export what can be opened: perturber sessions export."
        yield Finding("sessions", State.ERROR, f"{said}; the file is damaged: {'; '.join(faults)[:300]}.", todo)
    else:
        yield Finding("sessions", State.OK, said)


def _others(settings: Settings) -> Iterator[Finding]:
    from perturber.examples import ExampleIndex
    from perturber.featurevis.store import decode
    from perturber.own_groups import OwnGroups
    from perturber.zoo import own

    OwnGroups(settings.data).of("", "")
    folder = settings.data / "visualisations"
    pictures = list(folder.glob("*.png"))
    bad = [path.name for path in pictures if not _reads(lambda p: decode(p.read_bytes()), path)]
    todo = "They are made again when they are asked for; nothing needs to be done."
    yield _of_store("visualisations", len(pictures), folder, bad, todo, State.WARNING)
    folder = settings.data / "examples"
    indices = list(folder.glob("*.npz"))
    bad = [path.name for path in indices if not _reads(ExampleIndex.load, path)]
    yield _of_store("example pictures", len(indices), folder, bad, "Index the folders again: perturber examples index.")
    folder = settings.data / "edits"
    kept = {str(table["weights"].get("path", "")) for table in own.tables(settings).values()}
    nobodys = [path.name for path in folder.glob("*.safetensors") if f"edits/{path.name}" not in kept]
    todo = "Remove these files, or add them to the catalogue: perturber models add."
    count = len(list(folder.glob("*.safetensors")))
    yield _of_store("edited models", count, folder, nobodys, todo, State.WARNING, "in no catalogue")


def _of_store(
    about: str,
    count: int,
    folder: Path,
    bad: list[str],
    todo: str,
    state: State = State.ERROR,
    wrong: str = "cannot be read",
) -> Finding:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    said = f"{count}, {size / 2**20:.1f} MiB"
    if not bad:
        return Finding(about, State.OK, said)
    named = ", ".join(bad[:5]) + (f", … ({len(bad)} in all)" if len(bad) > 5 else "")
    return Finding(about, state, f"{said}; {wrong}: {named}.", todo)


def _reads(read: Callable[[Any], object], what: object) -> bool:
    try:
        read(what)
    except Exception:  # what a broken file raises
        return False
    return True


CHECKS: dict[str, Callable[[Settings], Iterator[Finding]]] = {
    "packages": _packages,
    "device": _device,
    "Chromium": _browser,
    "server": _server,
    "data folder": _folder,
    "models": _models,
    "uploads": _uploads,
    "sessions": _sessions,
    "what is kept": _others,
}
"""What is checked → its check."""
