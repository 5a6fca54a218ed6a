"""Options that several commands take, and what they mean."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.scene import Scene, SceneBase

if TYPE_CHECKING:
    import numpy as np

MODEL = "efficientnet_lite0"
"""What commands use where no model is named."""

Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE, or else auto.")]
Object = Annotated[str | None, typer.Option("--object", help="Pair of foreground objects.")]
Background = Annotated[str | None, typer.Option(help="Picture behind the object.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="PARAMETER=VALUE, repeatable; see `perturber parameters`.")
]
Image = Annotated[Path | None, typer.Option(help="Picture file to use instead of a rendered scene.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[str, typer.Option(help="Model in the catalogue.")]
Models = Annotated[list[str] | None, typer.Option(help="Model in the catalogue; repeatable.")]
Labelled = Annotated[
    Path,
    typer.Option(help="Labelled pictures: a folder, tar or tar.gz with <wnid>_*.JPEG files or <wnid>/ folders."),
]
Limit = Annotated[int | None, typer.Option(help="Use a fixed subset of this many pictures.", min=1)]
Only = Annotated[Path | None, typer.Option(help="Text file of picture names; other pictures are left out.")]
Names = Annotated[list[str], typer.Argument(help="Names as `list` prints them.", show_default=False)]


def settings(device: str | None = None, **changes: Any) -> Settings:
    """The environment's settings, with what a command's options change."""
    return Settings(**changes) if device is None else Settings(device=device, **changes)


def scene(object_: str | None, background: str | None, assignments: list[str] | None) -> SceneBase:
    """The scene that options describe.

    Raises:
        InvalidInputError: an assignment is not PARAMETER=VALUE, or a value is not allowed.
    """
    values: dict[str, object] = {"object": object_, "background": background}
    for assignment in assignments or []:
        key, separator, value = assignment.partition("=")
        if not separator:
            raise InvalidInputError(
                f"--set cannot be {assignment[:80]!r}. Write PARAMETER=VALUE, for example yaw=-23.3."
            )
        values[key.strip()] = value.strip()
    return Scene.parse({key: value for key, value in values.items() if value is not None})


def picture(path: Path | None) -> "np.ndarray | None":
    """A picture file as a model input, (S, S, 3) uint8; None where there is no file.

    Raises:
        InvalidInputError: it cannot be read as a picture.
    """
    from perturber.service import IMAGE_SIZE
    from perturber.zoo.pictures import crop, read_picture

    return None if path is None else crop(read_picture(path), IMAGE_SIZE)
