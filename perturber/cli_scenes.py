"""``perturber objects`` and ``perturber backgrounds``: the users' own things without a browser."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError

objects_app = typer.Typer(no_args_is_help=True, help="Objects of your own: add, list, remove.")
backgrounds_app = typer.Typer(no_args_is_help=True, help="Backgrounds of your own: add, list, remove.")

Label = Annotated[str | None, typer.Option(help="Name in the interface; by default after the file.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Names = Annotated[list[str], typer.Argument(help="Names as `list` prints them.", show_default=False)]


@objects_app.command("add")
def add_object(
    files: Annotated[
        list[Path],
        typer.Argument(
            help="An .obj with its .mtl and pictures, a .glb, a .gltf with its files, two .obj, or a .zip of such.",
            show_default=False,
        ),
    ],
    texture: Annotated[
        Path | None, typer.Option(help="Diffuse texture, instead of what materials or names say.")
    ] = None,
    alpha: Annotated[Path | None, typer.Option(help="Alpha texture: white is there, black is not.")] = None,
    second: Annotated[
        Path | None, typer.Option(help="An .obj of the same topology, into which the first morphs.")
    ] = None,
    second_texture: Annotated[Path | None, typer.Option(help="Its diffuse texture.")] = None,
    second_alpha: Annotated[Path | None, typer.Option(help="Its alpha texture.")] = None,
    label: Label = None,
) -> None:
    """Add an object, or a pair that morphs, and print its name."""
    from perturber import objects

    roles = {
        "texture": texture,
        "alpha": alpha,
        "second": second,
        "second_texture": second_texture,
        "second_alpha": second_alpha,
    }
    contents = _read([*files, *(path for path in roles.values() if path is not None)])
    said = {role: None if path is None else contents[path][0] for role, path in roles.items()}
    print(objects.store().add_object(dict(contents.values()), label=label, **said))


@backgrounds_app.command("add")
def add_background(
    picture: Annotated[Path, typer.Argument(help="A picture file; its middle is used.", show_default=False)],
    label: Label = None,
) -> None:
    """Add a background and print its name."""
    from perturber import objects

    ((name, content),) = _read([picture]).values()
    print(objects.store().add_background(content, label=label or Path(name).stem.replace("_", " ")))


@objects_app.command("list")
def list_objects(as_json: Json = False) -> None:
    """Print name and label of every object, the library's first."""
    _list("object", as_json=as_json)


@backgrounds_app.command("list")
def list_backgrounds(as_json: Json = False) -> None:
    """Print name and label of every background, the library's first."""
    _list("background", as_json=as_json)


@objects_app.command("remove")
def remove_objects(names: Names) -> None:
    """Remove objects of your own for good."""
    _remove("object", names)


@backgrounds_app.command("remove")
def remove_backgrounds(names: Names) -> None:
    """Remove backgrounds of your own for good."""
    _remove("background", names)


def _list(kind: Literal["object", "background"], *, as_json: bool) -> None:
    from perturber import objects

    rows = [{"name": name, "label": label, "own": objects.is_own(name)} for name, label in objects.names(kind).items()]
    if as_json:
        print(json.dumps(rows, indent=2, ensure_ascii=False))
        return
    for row in rows:
        print(f"{row['name']!s:26} {row['label']}")


def _remove(kind: Literal["object", "background"], names: Sequence[str]) -> None:
    from perturber import objects

    for name in names:
        if name in objects.names(kind) and not objects.is_own(name):
            raise InvalidInputError(f"The {kind} {name!r} belongs to the project and cannot be removed.")
    for name in names:
        objects.store().remove(kind, name)


def _read(paths: Sequence[Path]) -> dict[Path, tuple[str, bytes]]:
    """File → its name among the others, and its content.

    Raises:
        InvalidInputError: it cannot be read, all are too large together, or two of one name are different files.
    """
    limit = Settings().max_upload_mib
    found: dict[Path, tuple[str, bytes]] = {}
    try:
        paths = list(dict.fromkeys(paths))
        if sum(path.stat().st_size for path in paths) > limit * 2**20:
            raise InvalidInputError(f"The files are larger than {limit} MiB together.")
        for path in paths:
            found[path] = path.name, path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"Cannot read {str(error.filename)!r}: {error.strerror}.") from error
    contents: dict[str, bytes] = {}
    for name, content in found.values():
        if contents.setdefault(name, content) != content:
            raise InvalidInputError(f"Two different files are called {name!r}; rename one of them.")
    return found
