"""``perturber featurevis``: feature visualisations computed ahead of time, so that pages find them ready."""

import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli.options import Device, Model, settings
from perturber.cli.output import write_png
from perturber.errors import InvalidInputError, StorageError

if TYPE_CHECKING:
    import numpy as np

    from perturber.featurevis import Recipe, Target
    from perturber.service import InferenceService, ModelInfo

CHUNKS = {"cpu": 16, "cuda": 64}
"""Targets that are computed together: the most that an interruption costs, and what a GPU does at little extra cost."""


class Objective(StrEnum):
    """What is visualised of a channel."""

    NEURON = "neuron"
    CHANNEL = "channel"


def featurevis(
    model: Model,
    layer: Annotated[str | None, typer.Option(help="Layer of the model.")] = None,
    neurons: Annotated[str, typer.Option(help="Channels of the layer: such as 0-63 or 0,5,12-15, or all.")] = "all",
    classes: Annotated[str | None, typer.Option(help="Classes instead of a layer: such as 0-9, or all.")] = None,
    objective: Annotated[
        Objective, typer.Option(help="The central unit of a channel's map, or the mean of the map.")
    ] = Objective.NEURON,
    naive: Annotated[
        bool, typer.Option("--naive/--fourier", help="Optimise plain pixels, or decorrelated Fourier coefficients.")
    ] = False,
    variants: Annotated[int, typer.Option(help="Pictures per target, 1 to 6.")] = 1,
    steps: Annotated[int, typer.Option(help="Steps of Adam.")] = 128,
    size: Annotated[int, typer.Option(help="Side length of the pictures, in pixels.")] = 128,
    out: Annotated[Path | None, typer.Option(help="Folder to which each is also written, as a PNG file.")] = None,
    device: Device = None,
) -> None:
    """Compute feature visualisations ahead of time. Those in the store are kept, so an interrupted run can resume."""
    from perturber.featurevis import Recipe
    from perturber.service import InferenceService
    from perturber.service.device import choose_device

    recipe = Recipe(naive=naive, variants=variants, steps=steps, size=size)
    chosen = settings(device)
    what = "neurons" if layer else "classes"
    with InferenceService(chosen) as service:
        targets = _targets(service.model(model), layer, neurons, classes, objective)
        chunk = CHUNKS[choose_device(chosen.device).type]
        made, lost = fill(service, model, targets, recipe, chunk=chunk, what=what, out=out)
    print(f"{len(targets)} {what}: {len(targets) - made} already there, {made} made")
    if lost:
        raise StorageError(f"{len(lost)} of them could not be stored. {next(iter(lost.values()))}")


def fill(
    service: "InferenceService",
    model: str,
    targets: "Sequence[Target]",
    recipe: "Recipe",
    *,
    chunk: int,
    what: str,
    out: Path | None,
) -> "tuple[int, dict[Target, str]]":
    """Compute what is missing: how many that were, and why some could not be stored."""
    from tqdm import tqdm

    made, lost = 0, {}
    with tqdm(total=len(targets), unit=f" {what}", file=sys.stderr) as bar:
        for start in range(0, len(targets), chunk):
            part = targets[start : start + chunk]

            def progress(done: int, start: int = start) -> None:
                bar.update(start + done - bar.n)

            made += _make(service, model, part, recipe, progress)
            for target, found in zip(part, service.visualise(model, part, recipe, urgent=False), strict=True):
                if found.error:
                    lost[target] = found.error
                pictures = service.visualisations.pictures(found.key)
                if out and pictures is not None:
                    _write(out / _file_name(target), pictures)
    return made, lost


def parse_numbers(text: str, count: int, check: Callable[[Sequence[int]], None]) -> list[int]:
    """Numbers as a user writes them, in that order, each once.

    Args:
        text: such as ``0-63`` or ``0,5,12-15``, or ``all``.
        count: how many there are, 0 to `count` - 1.
        check: refuses numbers that do not exist; gets the ends of ranges alone.

    Raises:
        InvalidInputError: anything else, or what `check` says.
    """
    if text.strip() == "all":
        return list(range(count))
    numbers: dict[int, None] = {}
    for part in text.split(","):
        found = re.fullmatch(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?", part)
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        if last < first:
            raise InvalidInputError(
                f"{text[:80]!r} is not a list of numbers. Write them like 0-63 or 0,5,12-15, or all."
            )
        check((first, last))
        numbers |= dict.fromkeys(range(first, last + 1))
    return list(numbers)


def _targets(
    info: "ModelInfo", layer: str | None, neurons: str, classes: str | None, objective: Objective
) -> "list[Target]":
    """What the options name, if the model has it."""
    from perturber.featurevis import Target
    from perturber.service.checks import check_classes
    from perturber.zoo import check_layer

    if (layer is None) == (classes is None):
        raise InvalidInputError("Give either --layer (with --neurons for some of its channels) or --classes.")
    if classes is not None:
        chosen = parse_numbers(classes, len(info.classes), lambda ends: check_classes(info, ends))
        return [Target(kind="class", index=index) for index in chosen]
    assert layer is not None
    check_layer(info.name, info.layers, layer)
    channels = info.layers[layer].channels
    chosen = parse_numbers(neurons, channels, lambda ends: check_layer(info.name, info.layers, layer, ends))
    return [Target(kind=objective.value, layer=layer, index=index) for index in chosen]


def _make(
    service: "InferenceService",
    model: str,
    targets: "Sequence[Target]",
    recipe: "Recipe",
    progress: Callable[[int], None],
) -> int:
    """Wait until all are there; how many had to be made.

    Args:
        progress: called with the number of targets that are done, also with what their job's progress amounts to.
    """
    found = service.visualise(model, targets, recipe, urgent=False)
    missing = [f for f in found if f.job]
    there = len(targets) - len(missing)
    for job in dict.fromkeys(f.job for f in missing if f.job):
        service.wait(job, lambda done, steps: progress(there + len(missing) * done // steps))
    progress(len(targets))
    return len(missing)


def _file_name(target: "Target") -> str:
    """Of a target's PNG file; what could mean something to a file system is left out of a layer's name."""
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '_', target.layer or 'class')}_{target.index}.png"


def _write(path: Path, pictures: "np.ndarray") -> None:
    """Variants (variants, S, S, 3) side by side."""
    import numpy as np

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
    write_png(np.concatenate(list(pictures), axis=1), path)
