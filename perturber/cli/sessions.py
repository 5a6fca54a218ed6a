"""``perturber sessions``: what a team has kept of its work, as files."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from perturber.cli.options import Json
from perturber.cli.output import print_json, print_notes
from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError

sessions_app = typer.Typer(no_args_is_help=True, help="List sessions, and carry them to another server as files.")


@sessions_app.command("list")
def list_sessions(
    owner: Annotated[str | None, typer.Option(help="Whose; default: everybody's.")] = None, as_json: Json = False
) -> None:
    """List sessions, those that were changed last first: id, date, snapshots, size, owner and name."""
    rows: list[dict[str, Any]] = []
    while len(part := _part(owner, len(rows))):
        rows += part
    if as_json:
        print_json(rows)
        return
    for row in rows:
        size = f"{row['size'] / 2**20:.1f} MiB"
        print(f"{row['id']}  {row['changed'][:16]}  {row['snapshots']:4} {size:>10}  {row['owner']:12} {row['name']}")


@sessions_app.command("export")
def export(
    id: Annotated[str, typer.Argument(help="As `list` prints it.", show_default=False)],
    out: Annotated[Path | None, typer.Option(help="File to write; default: named after the session.")] = None,
) -> None:
    """Write a session to one zip file, with the objects, backgrounds and groups of your own that it shows."""
    from perturber.disk import write_whole
    from perturber.sessions.archive import export_session

    exported = export_session(Settings(), id)
    path = out or Path(exported.name)
    try:
        write_whole(path, exported.content)
    except OSError as error:
        raise StorageError(f"{str(path)!r} cannot be written: {error.strerror or error}.") from error
    print(path)
    print_notes(path, exported.notes, aside=True)


@sessions_app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="Zip file as `export` writes it.", show_default=False)],
) -> None:
    """Keep the session in such a file, and print its id."""
    from perturber.sessions.archive import import_session

    try:
        with file.open("rb") as opened:
            content = opened.read(Settings().max_upload_mib * 2**20 + 1)
    except OSError as error:
        raise InvalidInputError(f"Cannot read {str(file)!r}: {error.strerror}.") from error
    imported = import_session(Settings(), content)
    print(imported.id)
    print_notes(file, imported.notes, aside=True)


def _part(owner: str | None, offset: int) -> list[dict[str, Any]]:
    from perturber.sessions import Sessions

    names = ("id", "name", "owner", "snapshots", "size")
    return [
        {
            **{name: getattr(one, name) for name in names},
            "changed": datetime.fromtimestamp(one.changed, UTC).isoformat(),
        }
        for one in Sessions(Settings().data).all(owner=owner, offset=offset, limit=200).sessions
    ]
