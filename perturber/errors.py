"""The one family of errors that a user can cause.

Each message is a complete sentence: what was wrong (quoting the input), what is allowed, what to do.
The pages show it where it happened, HTTP answers carry it with status 400, the CLI exits with code 2.
Every other exception is a bug.
"""

from collections.abc import Iterable
from difflib import get_close_matches


class PerturberError(Exception):
    """Base of all errors whose message is meant for the user."""


class InvalidInputError(PerturberError):
    """A value, name or file that cannot be used."""


class UnknownNameError(InvalidInputError):
    """A name that is not one of a known set.

    Args:
        kind: what the name stands for, as the user would say it ("model", "parameter").
        name: what the user gave.
        allowed: the names that exist.
    """

    def __init__(self, kind: str, name: object, allowed: Iterable[str]) -> None:
        names = list(allowed)
        close = get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        shown = ", ".join(names[:40]) + (f", … ({len(names)} in all)" if len(names) > 40 else "")
        super().__init__(f"Unknown {kind} {str(name)[:80]!r}.{hint} Allowed: {shown}.")
        self.allowed = names


class NotAllowedError(PerturberError):
    """Something that this user may not do, or not now."""


class OvertakenError(PerturberError):
    """A request was dropped because its own client has already sent a newer one."""


class GivenUpError(PerturberError):
    """An answer that did not come in time.

    Args:
        seconds: that were waited.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"There was no answer within {seconds:g} seconds, and this was given up. Ask for less at a time (fewer "
            "attack steps, networks or neurons), or try again when the server has less to do."
        )


class BusyError(Exception):
    """There is no room for one more request at this moment.

    Nothing is wrong with the request, and it may come again soon. That is why this is none of the family: whoever reads
    a link or a form takes its errors for wrong values.
    """

    def __init__(self) -> None:
        super().__init__("The server has too much to do at this moment. Try again in a few seconds.")


class StorageError(PerturberError):
    """Something could not be stored; what was computed is still there."""


class DrawingError(PerturberError):
    """A figure could not be drawn for a file."""


class NoChromiumError(DrawingError):
    """There is nothing on this machine to draw figures with.

    Args:
        names: of the programs, any of which would do.
    """

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(
            "This machine has no Chromium to draw SVG, PDF and PNG files with. Install one of: "
            f"{', '.join(names)}; HTML, CSV and JSON files need none."
        )
