"""Options that several commands take, and what they mean."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.scene import Scene, SceneBase

if TYPE_CHECKING:
    import numpy as np

    from perturber.zoo.pictures import Crop

MODEL = "efficientnet_lite0"
"""What commands use where no model is named."""

Device = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:N; default: PERTURBER_DEVICE, or else auto.")]
Object = Annotated[str | None, typer.Option("--object", help="Pair of foreground objects.")]
Background = Annotated[str | None, typer.Option(help="Picture behind the object.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="PARAMETER=VALUE, repeatable; see `perturber parameters`.")
]
Image = Annotated[Path | None, typer.Option(help="Picture file to use instead of a rendered scene.")]
Resize = Annotated[
    int | None,
    typer.Option(
        help="Bring the shorter side of pictures to this many pixels first. Without --resize and --crop, those of "
        "the input's size are taken as they are.",
        min=1,
    ),
]
CropSide = Annotated[
    int | None, typer.Option("--crop", help="Cut a square of this many pixels out of the middle then.", min=1)
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Model = Annotated[str, typer.Option(help="Model in the catalogue.")]
Models = Annotated[list[str] | None, typer.Option(help="Model in the catalogue; repeatable.")]
Labelled = Annotated[
    Path,
    typer.Option(help="Labelled pictures: a folder, tar, tar.gz or zip with <wnid>_*.JPEG files or <wnid>/ folders."),
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
    values |= dict(assigned(one, "--set") for one in assignments or [])
    return Scene.parse({key: value for key, value in values.items() if value is not None})


def assigned(text: str, option: str, form: str = "PARAMETER=VALUE", example: str = "yaw=-23.3") -> tuple[str, str]:
    """Both sides of what an option sets.

    Raises:
        InvalidInputError: it sets nothing.
    """
    key, separator, value = text.partition("=")
    if not separator:
        raise InvalidInputError(f"{option} cannot be {text[:80]!r}. Write {form}, for example {example}.")
    return key.strip(), value.strip()


def ends(text: str, values: str) -> tuple[str, str]:
    """Both ends of a --range.

    Args:
        text: all of it.
        values: what it sets.

    Raises:
        InvalidInputError: there are not two.
    """
    low, separator, high = values.partition(":")
    if not separator or ":" in high:
        raise InvalidInputError(f"--range cannot be {text[:80]!r}. Write PARAMETER=LOW:HIGH, for example yaw=-60:60.")
    return low.strip(), high.strip()


def cropped(usual: "Crop", resize: int | None, side: int | None) -> "Crop":
    """How pictures become inputs where --resize or --crop say so.

    Raises:
        InvalidInputError: the square would be larger than the picture.
    """
    if resize is None and side is None:
        return usual
    return replace(usual, resize=resize or usual.resize, side=side, always=True)


def has_scene_size(path: Path) -> bool:
    """Whether a picture has the size of what ``render`` and ``attack`` write."""
    from perturber.pictures import size_of
    from perturber.service import IMAGE_SIZE

    return size_of(path) == (IMAGE_SIZE, IMAGE_SIZE)


def picture(
    path: Path | None, resize: int | None = None, side: int | None = None, usual: "Crop | None" = None
) -> "tuple[np.ndarray | None, list[str]]":
    """A picture file as a model input, (S, S, 3) uint8, or None where there is no file; and what was done to it.

    Args:
        usual: how it becomes one where --resize and --crop are not given; by default as scenes are, of 224 pixels.

    Raises:
        InvalidInputError: it cannot be read as a picture, or cropped like this.
    """
    from perturber.service import IMAGE_SIZE
    from perturber.zoo.pictures import TAKEN, Crop, read_picture

    if path is None:
        if resize or side:
            raise InvalidInputError("--resize and --crop are about a picture; give one by --image.")
        return None, []
    crop = cropped(usual or Crop(size=IMAGE_SIZE), resize, side)
    notes: list[str] = []
    found = read_picture(path, notes=notes)
    return crop(found), [*notes, TAKEN if crop.fits(found.size) else crop.rule]
