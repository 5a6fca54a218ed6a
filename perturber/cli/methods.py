"""``perturber methods``: what was done for what a link shows, as text for a paper."""

from pathlib import Path
from typing import Annotated

import typer

from perturber.cli import options
from perturber.cli.output import print_notes, write_file


def methods(
    link: Annotated[str, typer.Argument(help="A page's address, or its path and query.", show_default=False)],
    kind: Annotated[str | None, typer.Option(help="Name of one of its figures; default: all that it shows.")] = None,
    bib: Annotated[Path | None, typer.Option(help="File to write the works to; default: they are printed.")] = None,
    device: options.Device = None,
) -> None:
    """Print a paragraph for a paper's methods section (Markdown), and the works that it names (BibTeX)."""
    from perturber.cli.figure import app_of
    from perturber.ui.methods import describe

    with app_of(options.settings(device)):
        found = describe(link, kind)
    print_notes(link[:100], found.notes, aside=True)
    print(found.markdown)
    if bib is None:
        print(found.bibtex)
        return
    write_file(found.bibtex.encode(), bib)
