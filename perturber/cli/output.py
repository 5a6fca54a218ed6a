"""How commands print and write what they found."""

import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from perturber.errors import InvalidInputError, StorageError
from perturber.json_values import finite

if TYPE_CHECKING:
    import numpy as np


def print_json(value: object) -> None:
    """Print a value as JSON that people can read, too; JSON has no numbers but finite ones, so others are null."""
    print(json.dumps(finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def print_notes(source: object, notes: Iterable[str], *, aside: bool = False) -> None:
    """Print what was done to a file of the user's: left out, scaled, cropped or guessed; `aside` on stderr."""
    for note in notes:
        print(f"{source}: {note}", file=sys.stderr if aside else sys.stdout)


def write_png(picture: "np.ndarray", path: Path) -> None:
    """Write a picture (H, W, 3) uint8 as PNG, whatever the file's ending.

    Raises:
        InvalidInputError: it cannot be written there.
    """
    from PIL import Image

    try:
        Image.fromarray(picture).save(path, format="PNG")
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error


def write_file(content: bytes, path: Path) -> None:
    """Write a file, whole or not at all.

    Raises:
        StorageError: it cannot be written there.
    """
    from perturber.disk import write_whole

    try:
        write_whole(path, content)
    except OSError as error:
        raise StorageError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error


@contextmanager
def progress_bar(unit: str) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr, and what moves it: a function of how many are done, and of how many in all."""
    from tqdm import tqdm

    with tqdm(unit=f" {unit}", file=sys.stderr) as bar:

        def show(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show
