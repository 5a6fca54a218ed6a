"""What a class looks like: one picture of each from a user's folder."""

from pathlib import Path

import numpy as np

from perturber.errors import InvalidInputError
from perturber.examples.folders import real_file
from perturber.zoo.evaluate import labelled_pictures
from perturber.zoo.pictures import Crop, read_picture

TRIES = 5
"""Files of a class that are kept in case the first ones are broken; all of ImageNet would fill the memory."""


class ClassExamples:
    """Example pictures of classes: files ``<wnid>_*.JPEG``, or the first ones by name in folders ``<wnid>/``.

    Links that lead out of the folder are not followed.

    Args:
        folder: is listed once; what comes later is not seen.
        classes: a key of `perturber.zoo.classes.CLASS_LISTS`.

    Attributes:
        paths: class index → its example, the first file by name; a class without one is missing.

    Raises:
        InvalidInputError: no such folder, or no picture of a class in it.
    """

    def __init__(self, folder: Path, classes: str = "imagenet1k") -> None:
        labelled = labelled_pictures(folder, classes)
        self._folder = folder.resolve()
        self._files: dict[int, list[Path]] = {}
        for path, label in labelled:
            files = self._files.setdefault(label, [])
            if len(files) < TRIES and real_file(self._folder, path):
                files.append(path)
        self.paths = {label: files[0] for label, files in self._files.items() if files}
        if not self.paths:
            raise InvalidInputError(
                f"The pictures in {str(folder)!r} are links to files outside it. Put the files themselves there."
            )

    def picture(self, index: int, size: int = 224) -> np.ndarray | None:
        """The middle of a class's example: (size, size, 3) uint8.

        A file that cannot be read gives way to the next one of its class.

        Returns:
            None where the folder has no example of this class.
        """
        for path in self._files.get(index, ()):
            if real := real_file(self._folder, path):  # may have become a link since
                try:
                    return Crop(size=size)(read_picture(real))
                except InvalidInputError:
                    continue
        return None
