"""``perturber figure`` and ``reproduce``: a page's figure as a file, and once more from such a file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import isfinite, isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.cli import options
from perturber.cli.output import print_notes, write_file
from perturber.errors import InvalidInputError, UnknownNameError

if TYPE_CHECKING:
    from perturber.config import Settings
    from perturber.export import Format, Preset, Provenance
    from perturber.ui.papers.base import Paper

FORMATS = "svg, pdf, png, html, csv or json"


def figure(
    link: Annotated[str, typer.Argument(help="A page's address, or its path and query.", show_default=False)],
    out: Annotated[Path, typer.Option(help=f"File to write, of a format that its ending says: {FORMATS}.")],
    kind: Annotated[str | None, typer.Option(help="Name of the figure; without it, they are listed.")] = None,
    preset: Annotated[
        str | None,
        typer.Option(help="column (85 mm), page (175 mm) or slide; default: a composed figure's own, else column."),
    ] = None,
    width: Annotated[float | None, typer.Option(help="Of the file, in millimetres.")] = None,
    points: Annotated[float | None, typer.Option(help="Size of the font.")] = None,
    font: Annotated[str | None, typer.Option(help="sans or serif.")] = None,
    dark: Annotated[bool, typer.Option("--dark", help="Light on dark ground.")] = False,
    colours: Annotated[str | None, typer.Option(help="Palette of lines and bars.")] = None,
    diverging: Annotated[str | None, typer.Option(help="Palette of maps: red-blue or orange-purple.")] = None,
    dpi: Annotated[int | None, typer.Option(help="Of a PNG.")] = None,
    device: options.Device = None,
) -> None:
    """Draw a figure of the page that a link opens, as a file that says how it came about."""
    given = {"width": width, "points": points, "font": font, "qualitative": colours, "diverging": diverging, "dpi": dpi}
    changes = {key: value for key, value in given.items() if value is not None}
    _preset(preset or "column", dark, changes)  # says what is wrong before anything is drawn
    format = _format(out)
    from perturber.ui import paper

    if kind is None:
        raise InvalidInputError(f"Name the figure with --kind. There are {', '.join(paper.kinds(link))}.")
    with app_of(options.settings(device)):
        drawn = paper.draw(link, kind)
        provenance = paper.provenance_of(drawn, link, kind, _preset(preset or drawn.preset, dark, changes))
    print_notes(link[:100], drawn.notes, aside=True)
    _write(drawn, format, provenance, out)


def reproduce(
    file: Annotated[Path, typer.Argument(help="A figure that was exported here.", show_default=False)],
    out: Annotated[
        Path | None, typer.Option(help=f"File to write it to, of the same or another format: {FORMATS}.")
    ] = None,
    device: options.Device = None,
) -> None:
    """Draw a figure once more as its file says, and say whether its numbers are the same."""
    from perturber.export import compared, read_provenance

    before = read_provenance(file)
    format = None if out is None else _format(out)
    with app_of(options.settings(device)):
        from perturber.ui import paper

        drawn = paper.draw(before.link, before.kind, memory=before.memory)
        provenance = paper.provenance_of(drawn, before.link, before.kind, before.preset)
    for what, then, now in _changes(before, provenance):
        print(f"{what}: {then} then, {now} now")
    found = compared(drawn.figure, before.data_sha256, before.data)
    if found.equal:
        print("Its numbers are equal to the bit.")
    elif isnan(found.difference):
        print("Its numbers differ. The file does not hold them, so by how much is not known.")
    elif not isfinite(found.difference):
        print("It shows other things than the file: not the same points or cells.")
    else:
        print(f"Its numbers differ by {found.difference:.3g} at most.")
    if out is not None and format is not None:
        _write(drawn, format, provenance, out)


def _preset(name: str, dark: bool, changes: dict[str, Any]) -> "Preset":
    from perturber.export import PRESETS

    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return replace(PRESETS[name], dark=dark, **changes)


def _changes(before: "Provenance", now: "Provenance") -> Iterator[tuple[str, str, str]]:
    """What is not as it was when the file was written."""
    for what, a, b in (("version", before.package, now.package), ("device", before.device, now.device)):
        if a != b:
            yield what, a, b
    for then, here in zip(before.models, now.models, strict=False):
        if then != here:
            yield "network", f"{then.name} {then.sha256[:12]}", f"{here.name} {here.sha256[:12]}"


@contextmanager
def app_of(settings: "Settings") -> "Iterator[None]":
    """An app that answers nobody but this process."""
    from app import create_app
    from perturber.service import InferenceService

    with InferenceService(settings) as service, create_app(service=service).server.app_context():
        yield


def _format(out: Path) -> "Format":
    from perturber.export import Format

    ending = out.suffix.lower().removeprefix(".")
    if ending not in tuple(Format):
        raise InvalidInputError(f"{out.name!r} does not end like a figure's file: {FORMATS}.")
    return Format(ending)


def _write(drawn: "Paper", format: "Format", provenance: "Provenance", out: Path) -> None:
    from perturber.export import export

    content = export(drawn.fitted(provenance.preset), format, provenance)
    write_file(content, out)
    print(f"{out}: {len(content) / 1024:.0f} KiB", file=sys.stderr)
