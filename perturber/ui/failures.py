"""What failed, in one line of the log: where, and what; the traceback is there at the level of debugging."""

import logging
from pathlib import Path
from traceback import extract_tb

import perturber

log = logging.getLogger("perturber")

PLACES = (Path(perturber.__file__).parent, Path(perturber.__file__).parent.parent / "pages")
"""Where this project's code lies, apart from the app's own file."""


def told(what: str, error: BaseException) -> None:
    """Log an error that is a bug."""
    frames = extract_tb(error.__traceback__)
    own = [frame for frame in frames if is_own(Path(frame.filename))] or frames
    place = f" at {own[-1].filename}:{own[-1].lineno}" if own else ""
    message = " ".join(str(error).split())[:500]
    log.error("%s: %s: %s%s", what, type(error).__name__, message, place)
    log.debug("%s", what, exc_info=error)


def is_own(file: Path) -> bool:
    """Whether a file is part of this project."""
    return file == PLACES[0].parent / "app.py" or any(file.is_relative_to(place) for place in PLACES)
