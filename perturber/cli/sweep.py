"""``perturber sweep``: measures of networks over many scenes, as a table."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from perturber.cli import options
from perturber.cli.output import print_notes, progress_bar, write_file
from perturber.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from perturber.experiments.measures import Measure
    from perturber.experiments.sweep import Axis, Design, Range, Sweep

ENDINGS = (".csv", ".parquet", ".json")
COUNT = 9
"""Values of an axis that says nothing of their number."""


def sweep(
    out: Annotated[Path, typer.Option(help=f"File to write, of a kind that its ending says: {', '.join(ENDINGS)}.")],
    axis: Annotated[
        list[str] | None,
        typer.Option(
            help="PARAMETER=LOW:HIGH:COUNT, or PARAMETER=VALUE,VALUE,…; once or twice, and every combination is shown."
        ),
    ] = None,
    sample: Annotated[
        int | None, typer.Option(help="So many scenes of a Latin hypercube over the ranges.", min=1)
    ] = None,
    ranges: Annotated[
        list[str] | None, typer.Option("--range", help="PARAMETER=LOW:HIGH of --sample; up to six.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of --sample.", min=0)] = 0,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures that take the place of the scene, each with all values of an --axis."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Of --images: so many at most, evenly spread.", min=1)] = None,
    model: options.Models = None,
    measure: Annotated[
        list[str] | None,
        typer.Option(
            help="logit:CLASS, probability:CLASS, margin:CLASS, rank:CLASS (without a class that of the start), "
            "entropy, activation:LAYER:CHANNEL with :mean, :max or :ROW,COLUMN, change:LAYER, agreement or divergence; "
            "repeatable."
        ),
    ] = None,
    object_: options.Object = None,
    background: options.Background = None,
    assignments: options.Set = None,
    device: options.Device = None,
) -> None:
    """Look at every combination of some parameters' values, and write down what networks make of the scenes."""
    if out.suffix.lower() not in ENDINGS:
        raise InvalidInputError(f"{out.name!r} does not end like a table’s file: {', '.join(ENDINGS)}.")
    start = options.scene(object_, background, assignments)
    design = _design(axis or [], sample, ranges or [], seed, images, limit)
    from perturber.service import InferenceService
    from perturber.service.estimates import duration
    from perturber.service.sweeps import seconds, sweep_request

    models = list(dict.fromkeys(model or [options.MODEL]))
    with InferenceService(options.settings(device)) as service:
        measures = [_measure(text, service.model(models[0]).classes) for text in measure or [_usual(images)]]
        request = sweep_request(service, start, design, models, measures)
        took = seconds(service, request)
        print(f"{len(design):,} scenes × {len(models)} networks: some {duration(took)}", file=sys.stderr)
        with progress_bar("scenes") as progress:
            found = service.wait(service.jobs.submit(request).id, progress)
    print_notes(out, found.notes, aside=True)
    if found.computed < len(design):
        print(f"{len(design) - found.computed:,} scenes were known from earlier sweeps", file=sys.stderr)
    _write(found, out)


def _usual(images: Path | None) -> str:
    """What is measured where nothing is named."""
    return "probability" if images is None else "entropy"


def _design(
    axes: list[str], sample: int | None, ranges: list[str], seed: int, images: Path | None, limit: int | None
) -> "Design":
    from perturber.experiments.sweep import Grid, LatinHypercube, PictureAxis

    if images is None and limit is not None:
        raise InvalidInputError("--limit is about --images. Give a folder, or leave it out.")
    if images is not None:
        if sample is not None or ranges:
            raise InvalidInputError("Pictures are gone through by --axis, not by --sample and --range.")
        return Grid((PictureAxis.of(images, limit), *map(read_axis, axes)))
    if sample is None and ranges:
        raise InvalidInputError("--range is about --sample. Say how many scenes there are to be, or use --axis.")
    if (sample is not None) == bool(axes):
        raise InvalidInputError("Say where to look by --axis or --images, or by --sample and --range, and not by both.")
    if sample is not None:
        return LatinHypercube(tuple(map(_range, ranges)), sample, seed)
    return Grid(tuple(map(read_axis, axes)))


def read_axis(text: str) -> "Axis":
    """An axis as --axis has it.

    Raises:
        InvalidInputError: it cannot be read.
    """
    from perturber.experiments.sweep import Axis

    key, values = options.assigned(text, "--axis", "PARAMETER=…", "yaw=-60:60")
    if ":" not in values:
        return Axis(key, tuple(value.strip() for value in values.split(",")))
    low, high, *count = values.split(":")
    if len(count) > 1 or not all(one.strip().isdecimal() for one in count):
        raise InvalidInputError(
            f"--axis cannot be {text[:80]!r}. Write PARAMETER=LOW:HIGH:COUNT, for example yaw=-60:60:9."
        )
    return Axis.even(key, low.strip(), high.strip(), int(count[0][:9]) if count else COUNT)


def _range(text: str) -> "Range":
    from perturber.experiments.sweep import Range

    key, values = options.assigned(text, "--range", "PARAMETER=…", "yaw=-60:60")
    return Range(key, *options.ends(text, values))  # type: ignore[arg-type]  # the parameter reads them


def _measure(text: str, classes: tuple[str, ...]) -> "Measure":
    from perturber.cli.attack import find_class
    from perturber.experiments.measures import ABOUT, OF_A_CLASS, Measure

    kind, _, rest = text.partition(":")
    if kind not in ABOUT:
        raise UnknownNameError("measure", kind, ABOUT)
    if kind in OF_A_CLASS:
        return Measure(kind=kind, class_index=find_class(classes, rest) if rest else None)  # type: ignore[arg-type]
    if kind == "change":
        return Measure(kind="change", layer=rest)
    if kind != "activation":
        if rest:
            raise InvalidInputError(f"The {kind} is that of all classes, without {rest[:80]!r}.")
        return Measure(kind=kind)  # type: ignore[arg-type]
    layer, _, more = rest.partition(":")
    channel, _, how = more.partition(":")
    if not channel.isdecimal():
        raise InvalidInputError(
            f"{text[:80]!r} names no neuron. Write activation:LAYER:CHANNEL, with :max for example."
        )
    row, comma, column = how.partition(",")
    if comma and row.isdecimal() and column.isdecimal():
        place = int(row[:9]), int(column[:9])
        return Measure(kind="activation", layer=layer, channel=int(channel[:9]), pooling="place", place=place)
    return Measure(kind="activation", layer=layer, channel=int(channel[:9]), pooling=how or "mean")  # type: ignore[arg-type]


def _write(found: "Sweep", out: Path) -> None:
    written = {".csv": lambda: found.csv().encode(), ".json": lambda: found.json().encode(), ".parquet": found.parquet}
    write_file(written[out.suffix.lower()](), out)
