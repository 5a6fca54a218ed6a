"""What a job has found so far is kept on the disk now and then, so that it goes on where it was."""

from collections.abc import Callable, Iterator
from time import monotonic

from perturber.errors import StorageError
from perturber.service.aside import Aside

KEEP_SECONDS = 10.0
"""After which what was found is kept: a server that is killed loses no more."""


class Keeping:
    """Writes beside the job's steps, one thing after the other.

    Attributes:
        notes: why what was written last could not be kept, as a sentence; it is still there.
    """

    def __init__(self) -> None:
        self.notes: tuple[str, ...] = ()
        self._writing, self._since = Aside(lambda: None), monotonic()

    def due(self) -> bool:
        """Whether it is time to write, and what was written before is there."""
        return monotonic() - self._since > KEEP_SECONDS and self._writing.ready()

    def write(self, function: Callable[[], None]) -> Iterator[None]:
        """Begin to write, after what was written before."""
        yield from self.end()
        self._writing, self._since = Aside(function), monotonic()

    def end(self) -> Iterator[None]:
        """Wait for what is being written, a moment a step."""
        try:
            yield from self._writing.waited()
        except StorageError as error:
            self.notes = (str(error),)
