"""``perturber measure``: measurements of networks side by side, with intervals and the data behind them."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from perturber.cli import options
from perturber.cli.output import print_json, print_notes, progress_bar, write_file
from perturber.errors import InvalidInputError
from perturber.json_values import finite

if TYPE_CHECKING:
    from perturber.experiments.measurements import Figure, Measurement, Result

LIST = "list"
ENDINGS = (".csv", ".json")


class MeasureCommand(TyperCommand):
    """Lists the measurements in its help; whoever does not ask for that does not wait until torch is loaded."""

    def get_help(self, ctx: Any) -> str:
        """The help, with a line for each measurement."""
        from perturber.experiments.measurements import MEASUREMENTS

        self.epilog = "\n\n".join(f"{one.name}: {one.title}" for one in MEASUREMENTS.values())
        return super().get_help(ctx)


def measure(
    name: Annotated[str, typer.Argument(help=f"Measurement, or {LIST!r} to see what there is, with definitions.")],
    model: options.Models = None,
    images: Annotated[
        Path | None,
        typer.Option(help="Folder of pictures of your own; `list` says what each measurement does with it."),
    ] = None,
    decisions: Annotated[
        list[Path] | None, typer.Option(help="CSV file of other observers' decisions to compare with; repeatable.")
    ] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="OPTION=VALUE, repeatable; `list` has the options.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="File to write: .csv for the data, .json for the data and the figures.")
    ] = None,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Measure networks side by side: one number with its 95 % interval for each, and the data behind it."""
    if out is not None and out.suffix.lower() not in ENDINGS:
        raise InvalidInputError(f"{out.name!r} does not end like a file of a measurement: {', '.join(ENDINGS)}.")
    from perturber.experiments.measurements import MEASUREMENTS, find

    if name == LIST:
        _list(list(MEASUREMENTS.values()), as_json=as_json)
        return
    find(name)
    given = _given(assignments or [])
    from perturber.service import InferenceService
    from perturber.service.measurements import count, measurement_request, seconds

    models = list(dict.fromkeys(model or [options.MODEL]))
    with InferenceService(options.settings(device)) as service:
        request = measurement_request(service, name, models, given, folder=images, decisions=decisions or ())
        pictures = count(service, request)
        took = seconds(service, request, pictures)
        among = "among" if request.measurement.one_by_one else "×"
        print(f"{pictures:,} pictures {among} {len(request.models)} networks: some {took:.0f} s", file=sys.stderr)
        with progress_bar("pictures") as progress:
            found: Result = service.wait(service.jobs.submit(request).id, progress)
    if out is not None:
        _write(found, out)
    if as_json:
        print_json(_told(found))
        return
    _print(found, out)


def _given(assignments: list[str]) -> dict[str, object]:
    return dict(options.assigned(one, "--set", "OPTION=VALUE", "count=5") for one in assignments)


def _list(measurements: "list[Measurement]", *, as_json: bool) -> None:
    told = [
        {
            "name": one.name,
            "title": one.title,
            "definition": one.definition,
            "source": one.source,
            "images": one.folder,
            "decisions": one.takes_decisions,
            "options": [
                {"key": option.key, "help": option.help, "allowed": option.allowed, "default": option.default}
                for option in one.options
            ],
        }
        for one in measurements
    ]
    if as_json:
        print_json(told)
        return
    for one in measurements:
        print(f"{one.name}: {one.title}\n  {one.definition}\n  Source: {one.source}.")
        if one.folder:
            print(f"  --images: {one.folder}")
        for option in one.options:
            print(f"  --set {option.key}={option.default}  {option.help} Allowed: {_short(option.allowed)}.")
        print()


def _short(text: str, most: int = 160) -> str:
    return text if len(text) <= most else f"{text[:most]}…"


def _told(found: "Result") -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(found)


def _write(found: "Result", out: Path) -> None:
    import json

    is_csv = out.suffix.lower() == ".csv"
    content = found.csv() if is_csv else json.dumps(finite(_told(found)), ensure_ascii=False, allow_nan=False)
    write_file(content.encode(), out)


def _print(found: "Result", out: Path | None) -> None:
    print(f"{found.measurement} over {found.pictures:,} pictures; [95 % intervals]")
    group = None
    for figure in found.figures:
        if figure.name != group:
            group = figure.name
            print(f"\n{figure.name}{f' ({figure.unit})' if figure.unit else ''}")
        print(f"  {_line(figure)}")
    print_notes(out or found.measurement, found.notes)


def _line(figure: "Figure") -> str:
    from perturber.finite import written

    name = " − ".join(figure.models) if figure.name.endswith("difference") else " → ".join(figure.models)
    interval = "" if figure.low != figure.low else f"  [{figure.low:.3g}, {figure.high:.3g}]"
    deviation = "" if figure.deviation != figure.deviation else f" ± {figure.deviation:.3g}"
    return f"{name:44} {figure.group:22} {written(figure.value, '.4g')}{deviation}{interval}"
