"""``perturber backup`` and ``perturber restore``: the data folder as one archive, and back."""

from pathlib import Path
from typing import Annotated

import typer

from perturber.cli.output import print_notes
from perturber.config import Settings

Archive = Annotated[Path, typer.Argument(help="FILE.tar.zst, FILE.tar.gz or FILE.tar.", show_default=False)]


def backup(
    file: Archive,
    small: Annotated[
        bool, typer.Option("--small", help="Leave out what can be made or pulled again: visualisations, weights.")
    ] = False,
) -> None:
    """Copy the data folder into an archive, also while a server runs. The cache of answers is left out."""
    from perturber.backup import backup as copy

    copied = copy(Settings(), file, small=small)
    print_notes(file, copied.notes, aside=True)
    print(f"{copied.files} files, {copied.size / 2**20:.1f} MiB")


def restore(
    file: Archive,
    replace: Annotated[bool, typer.Option("--replace", help="Replace what is in the data folder.")] = False,
) -> None:
    """Unpack such an archive into the data folder; no server may run on it."""
    from perturber.backup import restore as unpack

    copied = unpack(Settings(), file, replace=replace)
    print(f"{copied.files} files, {copied.size / 2**20:.1f} MiB")
