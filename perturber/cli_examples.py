"""``perturber examples``: the pictures of a folder to which neurons answer most."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    import numpy as np

examples_app = typer.Typer(no_args_is_help=True, help="Pictures of a folder to which neurons answer most.")

Model = Annotated[str, typer.Option(help="Catalogue model.")]

GAP = 4
"""Pixels between the patches of a sheet."""


@examples_app.command("index")
def index_folder(
    folder: Annotated[Path, typer.Argument(help="Pictures; those in sub-folders count too.", show_default=False)],
    model: Model,
    limit: Annotated[int | None, typer.Option(help="Use a fixed subset of this many pictures.", min=1)] = None,
    device: Annotated[
        str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE or auto.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Find the nine best pictures for every channel of every layer; they replace those found before."""
    from tqdm import tqdm

    from perturber.examples import index_path
    from perturber.service import IndexRequest, InferenceService

    settings = Settings() if device is None else Settings(device=device)
    with InferenceService(settings) as service, tqdm(unit=" pictures", file=sys.stderr) as bar:

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        job = service.jobs.submit(IndexRequest(model=model, folder=folder, limit=limit))
        index = service.wait(job.id, progress)
    count = len(index.pictures) - index.unreadable
    neurons = sum(len(tops.values) for tops in index.layers.values())
    if as_json:
        report = {
            "model": model,
            "folder": str(index.folder),
            "count": count,
            "unreadable": index.unreadable,
            "layers": len(index.layers),
            "neurons": neurons,
            "file": str(index_path(settings.data, index.fingerprint)),
        }
        print(json.dumps(report, indent=2, ensure_ascii=False))
        return
    left_out = f", {index.unreadable} could not be read" if index.unreadable else ""
    print(f"{model}: the best of {count} pictures for {neurons} channels of {len(index.layers)} layers{left_out}")


@examples_app.command("show")
def show(
    model: Model,
    layer: Annotated[str, typer.Option(help="Layer of the model.")],
    channel: Annotated[int, typer.Option(help="Channel of the layer.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
) -> None:
    """Write what a channel saw in its nine best pictures as one sheet, and print the pictures."""
    from PIL import Image

    from perturber.examples import ExampleIndex, index_path
    from perturber.service import InferenceService
    from perturber.zoo import check_layer

    settings = Settings(device="cpu")
    with InferenceService(settings) as service:
        info = service.model(model)
    check_layer(model, info.layers, layer, [channel])
    index = ExampleIndex.load(index_path(settings.data, info.fingerprint))
    patches = index.patches(info.layers[layer], channel)
    try:
        Image.fromarray(_sheet(patches)).save(out, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(out)!r}: {error.strerror or error}.") from error
    for example, patch in zip(index.top(layer, channel), patches, strict=True):
        print(f"{example.value:9.3f}  {example.path}{'' if patch is not None else '  (cannot be read any more)'}")


def _sheet(patches: Sequence["np.ndarray | None"], size: int = 96) -> "np.ndarray":
    """Three by three patches on white, row by row; a missing one is grey."""
    import numpy as np

    step = size + GAP
    sheet = np.full((3 * step - GAP, 3 * step - GAP, 3), 255, np.uint8)
    for i, patch in enumerate(patches):
        top, left = i // 3 * step, i % 3 * step
        sheet[top : top + size, left : left + size] = 192 if patch is None else patch
    return sheet
