"""``perturber examples``: the pictures of a folder that activate neurons most."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli.options import Device, Json, Limit, Model, settings
from perturber.cli.output import print_json, progress_bar, write_png

if TYPE_CHECKING:
    import numpy as np

examples_app = typer.Typer(no_args_is_help=True, help="Find the pictures in a folder that activate neurons most.")

GAP = 4
"""Pixels between the patches of a sheet."""


@examples_app.command("index")
def index_folder(
    folder: Annotated[
        Path, typer.Argument(help="Folder with pictures; those in sub-folders count too.", show_default=False)
    ],
    model: Model,
    limit: Limit = None,
    device: Device = None,
    as_json: Json = False,
) -> None:
    """Find the nine pictures that activate each channel of each layer most; replaces an earlier index."""
    from perturber.examples import index_path
    from perturber.service import IndexRequest, InferenceService

    chosen = settings(device)
    with InferenceService(chosen) as service, progress_bar("pictures") as progress:
        job = service.jobs.submit(IndexRequest(model=model, folder=folder, limit=limit))
        index = service.wait(job.id, progress)
    count = len(index.pictures) - index.unreadable
    neurons = sum(len(tops.values) for tops in index.layers.values())
    if as_json:
        print_json(
            {
                "model": model,
                "folder": str(index.folder),
                "count": count,
                "unreadable": index.unreadable,
                "layers": len(index.layers),
                "neurons": neurons,
                "file": str(index_path(chosen.data, index.fingerprint)),
            }
        )
        return
    left_out = f", {index.unreadable} could not be read" if index.unreadable else ""
    print(f"{model}: indexed {count} pictures for {neurons} channels of {len(index.layers)} layers{left_out}")


@examples_app.command("show")
def show(
    model: Model,
    layer: Annotated[str, typer.Option(help="Layer of the model.")],
    channel: Annotated[int, typer.Option(help="Channel of the layer.")],
    out: Annotated[Path, typer.Option(help="PNG file to write.")],
) -> None:
    """Save a sheet of what a channel saw in the nine pictures that activate it most, and list them."""
    from perturber.examples import ExampleIndex, index_path
    from perturber.service import InferenceService
    from perturber.zoo import check_layer

    chosen = settings("cpu")
    with InferenceService(chosen) as service:
        info = service.model(model)
    check_layer(model, info.layers, layer, [channel])
    index = ExampleIndex.load(index_path(chosen.data, info.fingerprint))
    patches = index.patches(info.layers[layer], channel)
    write_png(_sheet(patches), out)
    for example, patch in zip(index.top(layer, channel), patches, strict=True):
        print(f"{example.value:9.3f}  {example.path}{'' if patch is not None else '  (can no longer be read)'}")


def _sheet(patches: Sequence["np.ndarray | None"], size: int = 96) -> "np.ndarray":
    """Three by three patches on white, row by row; a missing one is grey."""
    import numpy as np

    step = size + GAP
    sheet = np.full((3 * step - GAP, 3 * step - GAP, 3), 255, np.uint8)
    for i, patch in enumerate(patches):
        top, left = i // 3 * step, i % 3 * step
        sheet[top : top + size, left : left + size] = 192 if patch is None else patch
    return sheet
