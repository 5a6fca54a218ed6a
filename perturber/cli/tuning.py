"""``perturber tuning`` and ``fourier``: what neurons answer to, and which frequencies networks are sensitive to."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli import options
from perturber.cli.output import progress_bar, write_file
from perturber.errors import InvalidInputError

if TYPE_CHECKING:
    import plotly.graph_objects as go

Out = Annotated[Path, typer.Option(help="File to write: .npz with the numbers, or .html with the figure.")]


def tuning(
    layer: Annotated[str, typer.Option(help="Layer of the model.")],
    out: Out,
    model: options.Model = options.MODEL,
    neurons: Annotated[str, typer.Option(help="Channels of the layer: such as 0-63 or 0,5,12-15, or all.")] = "all",
    family: Annotated[str | None, typer.Option(help="curves, gratings, colours, gradients or boundaries.")] = None,
    axis: Annotated[
        list[str] | None, typer.Option(help="PARAMETER=LOW:HIGH:COUNT, twice: over scenes instead of a family.")
    ] = None,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
) -> None:
    """Show neurons pictures over two quantities, and draw the pictures weighted by their responses."""
    kind = _kind(out)
    if (family is None) == (not axis):
        raise InvalidInputError("Name a family of pictures by --family, or two parameters by --axis, and not both.")
    from perturber.cli.featurevis import parse_numbers
    from perturber.cli.sweep import read_axis
    from perturber.experiments.sweep import Grid
    from perturber.service import InferenceService
    from perturber.service.works.tuning import TuningRequest
    from perturber.zoo import check_layer

    start = options.scene(object_, background, assignments)
    grid = Grid(tuple(map(read_axis, axis))) if axis else None
    with InferenceService(options.settings(device)) as service:
        info = service.model(model)
        check_layer(info.name, info.layers, layer)
        count = info.layers[layer].channels
        request = TuningRequest(
            model=info.name,
            layer=layer,
            channels=tuple(
                parse_numbers(neurons, count, lambda ends: check_layer(info.name, info.layers, layer, ends))
            ),
            family=family,
            scene=None if grid is None else start,
            grid=grid,
            fingerprint=info.fingerprint,
            plane=service.plane(start.plane_neuron) if start.plane else None,
        )
        with progress_bar("pictures") as progress:
            found = service.wait(service.jobs.submit(request).id, progress)
    if kind == ".html":
        from perturber.figures.tuning import tuning_curves

        _write_figure(tuning_curves(found), out)
        return
    _write_arrays(out, responses=found.responses, thumbnails=found.thumbnails, channels=list(found.channels))


def fourier(
    out: Out,
    model: options.Models = None,
    norm: Annotated[float, typer.Option(help="L2 norm of what is added to each channel, [0, 1] pixel scale.")] = 4.0,
    most: Annotated[int, typer.Option(help="Frequencies up to so many cycles a picture.", min=1)] = 8,
    count: Annotated[int, typer.Option(help="Pictures: the scene and random variations of it.", min=3)] = 16,
    seed: Annotated[int, typer.Option(help="Of the variations and of the signs.", min=0)] = 0,
    folder: Annotated[bool, typer.Option("--folder", help="Pictures of PERTURBER_EXAMPLES instead of scenes.")] = False,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
) -> None:
    """Measure how often one added spatial frequency changes what networks predict."""
    kind = _kind(out)
    from perturber.service import InferenceService
    from perturber.service.batches import Batch
    from perturber.service.works.tuning import FourierRequest

    start = options.scene(object_, background, assignments)
    with InferenceService(options.settings(device)) as service:
        infos = [service.model(name) for name in dict.fromkeys(model or [options.MODEL])]
        plane = service.plane(start.plane_neuron) if start.plane else None
        request = FourierRequest(
            models=tuple(info.name for info in infos),
            batch=Batch(scene=None if folder else start, count=count, seed=seed, plane=plane),
            norm=norm,
            most=most,
            seed=seed,
            fingerprints=tuple(info.fingerprint for info in infos),
        )
        with progress_bar("batches") as progress:
            found = service.wait(service.jobs.submit(request).id, progress)
    if kind == ".html":
        from perturber.figures.tuning import fourier_sensitivity

        _write_figure(fourier_sensitivity(found, tuple(info.label for info in infos)), out)
        return
    _write_arrays(out, **dict(zip(found.models, found.errors, strict=True)))


def _kind(out: Path) -> str:
    ending = out.suffix.lower()
    if ending not in (".npz", ".html"):
        raise InvalidInputError(f"{out.name!r} ends neither in .npz nor in .html.")
    return ending


def _write_figure(figure: "go.Figure", out: Path) -> None:
    write_file(figure.to_html(include_plotlyjs=True).encode(), out)


def _write_arrays(out: Path, **arrays: object) -> None:
    import io

    import numpy as np

    file = io.BytesIO()
    np.savez_compressed(file, **{name: np.asarray(array) for name, array in arrays.items()})  # type: ignore[arg-type]
    write_file(file.getvalue(), out)
