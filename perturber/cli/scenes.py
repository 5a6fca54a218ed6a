"""``perturber objects`` and ``perturber backgrounds``: users' own objects and backgrounds."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from perturber.cli.options import Json, Names
from perturber.cli.output import print_json, print_notes
from perturber.config import Settings
from perturber.errors import InvalidInputError

objects_app = typer.Typer(no_args_is_help=True, help="Add, list and remove objects of your own.")
backgrounds_app = typer.Typer(no_args_is_help=True, help="Add, list and remove backgrounds of your own.")

Label = Annotated[str | None, typer.Option(help="Label in the interface; default: the file's name.")]


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
        Path | None, typer.Option(help="Diffuse texture, instead of the one that materials or file names give.")
    ] = None,
    alpha: Annotated[Path | None, typer.Option(help="Alpha texture: white is opaque, black transparent.")] = None,
    second: Annotated[
        Path | None, typer.Option(help="An .obj of the same topology that the first one morphs into.")
    ] = None,
    second_texture: Annotated[Path | None, typer.Option(help="Diffuse texture of --second.")] = None,
    second_alpha: Annotated[Path | None, typer.Option(help="Alpha texture of --second.")] = None,
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
    name = objects.store().add_object(dict(contents.values()), label=label, **said)
    print(name)
    print_notes(name, objects.store().notes("object", name), aside=True)


@backgrounds_app.command("add")
def add_background(
    picture: Annotated[Path, typer.Argument(help="A picture file; its central square is used.", show_default=False)],
    label: Label = None,
) -> None:
    """Add a background and print its name."""
    from perturber import objects

    ((file, content),) = _read([picture]).values()
    name = objects.store().add_background(content, label=label or Path(file).stem.replace("_", " "))
    print(name)
    print_notes(file, objects.store().notes("background", name), aside=True)


@objects_app.command("list")
def list_objects(as_json: Json = False) -> None:
    """List every object by name and label, the built-in ones first."""
    _list("object", as_json=as_json)


@backgrounds_app.command("list")
def list_backgrounds(as_json: Json = False) -> None:
    """List every background by name and label, the built-in ones first."""
    _list("background", as_json=as_json)


@objects_app.command("remove")
def remove_objects(names: Names) -> None:
    """Delete objects of your own permanently."""
    _remove("object", names)


@backgrounds_app.command("remove")
def remove_backgrounds(names: Names) -> None:
    """Delete backgrounds of your own permanently."""
    _remove("background", names)


def _list(kind: Literal["object", "background"], *, as_json: bool) -> None:
    from perturber import objects

    rows = [{"name": name, "label": label, "own": objects.is_own(name)} for name, label in objects.names(kind).items()]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        print(f"{row['name']!s:26} {row['label']}")


def _remove(kind: Literal["object", "background"], names: Sequence[str]) -> None:
    from perturber import objects

    for name in names:
        if name in objects.names(kind) and not objects.is_own(name):
            raise InvalidInputError(f"The {kind} {name!r} is built in and cannot be removed.")
    for name in names:
        objects.store().remove(kind, name)


def _read(paths: Sequence[Path]) -> dict[Path, tuple[str, bytes]]:
    """File → its name among the others, and its content.

    Raises:
        InvalidInputError: a file cannot be read, all together are too large, or two different files have one name.
    """
    limit = Settings().max_upload_mib
    found: dict[Path, tuple[str, bytes]] = {}
    try:
        paths = list(dict.fromkeys(paths))
        if sum(path.stat().st_size for path in paths) > limit * 2**20:
            raise InvalidInputError(f"Together, the files are larger than the limit of {limit} MiB.")
        for path in paths:
            found[path] = path.name, path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"Cannot read {str(error.filename)!r}: {error.strerror}.") from error
    contents: dict[str, bytes] = {}
    for name, content in found.values():
        if contents.setdefault(name, content) != content:
            raise InvalidInputError(f"Two different files are called {name!r}; rename one of them.")
    return found
