"""``perturber featurevis``: feature visualisations made ahead, so that pages find them there."""

import re
import sys
from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError

if TYPE_CHECKING:
    import numpy as np

    from perturber.featurevis import Recipe, Target
    from perturber.service import InferenceService, ModelInfo

CHUNKS = {"cpu": 16, "cuda": 64}
"""Targets that are made together: what an interruption costs at most, and what a GPU takes along at little cost."""


class Objective(StrEnum):
    """What is visualised of a channel."""

    NEURON = "neuron"
    CHANNEL = "channel"


def featurevis(
    model: Annotated[str, typer.Option(help="Catalogue model.")],
    layer: Annotated[str | None, typer.Option(help="Layer of the model.")] = None,
    neurons: Annotated[str, typer.Option(help="Channels of the layer, such as 0-63 or 0,5,12-15, or all.")] = "all",
    classes: Annotated[str | None, typer.Option(help="Classes instead of a layer, such as 0-9, or all.")] = None,
    objective: Annotated[
        Objective, typer.Option(help="The middle unit of a channel's map, or the mean of the map.")
    ] = Objective.NEURON,
    naive: Annotated[
        bool, typer.Option("--naive/--fourier", help="Pixels as they are, or decorrelated Fourier coefficients.")
    ] = False,
    variants: Annotated[int, typer.Option(help="Pictures of each, 1 to 6.")] = 1,
    steps: Annotated[int, typer.Option(help="Steps of Adam.")] = 128,
    size: Annotated[int, typer.Option(help="Side of the pictures in pixels.")] = 128,
    out: Annotated[Path | None, typer.Option(help="Folder that gets a PNG file of each, too.")] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE or auto.")
    ] = None,
) -> None:
    """Make feature visualisations ahead; what is there already is left alone, so that it may be interrupted."""
    from tqdm import tqdm

    from perturber.featurevis import Recipe
    from perturber.service import InferenceService
    from perturber.service.device import choose_device

    recipe = Recipe(naive=naive, variants=variants, steps=steps, size=size)
    settings = Settings() if device is None else Settings(device=device)
    with InferenceService(settings) as service:
        targets = _targets(service.model(model), layer, neurons, classes, objective)
        chunk = CHUNKS[choose_device(settings.device).type]
        made, not_kept = 0, {}
        with tqdm(total=len(targets), unit=" neurons" if layer else " classes", file=sys.stderr) as bar:
            for start in range(0, len(targets), chunk):
                part = targets[start : start + chunk]

                def progress(done: int, start: int = start) -> None:
                    bar.update(start + done - bar.n)

                made += _make(service, model, part, recipe, progress)
                for target, found in zip(part, service.visualise(model, part, recipe, urgent=False), strict=True):
                    if found.error:
                        not_kept[target] = found.error
                    pictures = service.visualisations.pictures(found.key)
                    if out and pictures is not None:
                        _write(out / _file_name(target), pictures)
    what = "neurons" if layer else "classes"
    print(f"{len(targets)} {what}: {len(targets) - made} were there already, {made} made")
    if not_kept:
        raise StorageError(f"{len(not_kept)} of them are not kept. {next(iter(not_kept.values()))}")


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
            raise InvalidInputError(f"{text[:80]!r} says no numbers. Write them like 0-63 or 0,5,12-15, or all.")
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
        raise InvalidInputError("Give either --layer, with --neurons where not all of it is wanted, or --classes.")
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
    from PIL import Image

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.concatenate(list(pictures), axis=1)).save(path, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
