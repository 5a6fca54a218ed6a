"""The one error of the GLSL compiler: a place in the user's text and a reason."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from perturber.errors import InvalidInputError


@dataclass(frozen=True)
class Place:
    """A character in the user's text; line and column count from 1."""

    line: int
    column: int

    def error(self, reason: str) -> "GlslError":
        """The error to raise for something wrong at this place."""
        return GlslError(reason, line=self.line, column=self.column)


class GlslError(InvalidInputError):
    """A snippet that cannot be used.

    Args:
        reason: what is wrong, as the rest of a sentence without its full stop.
        line: from 1, in the user's own text.
        column: from 1, in characters.
    """

    def __init__(self, reason: str, *, line: int, column: int) -> None:
        end = "" if reason.endswith("?") else "."
        super().__init__(f"Line {line}, column {column}: {reason}{end}")
        self.reason = reason
        self.line = line
        self.column = column


def suggestion(name: str, allowed: Iterable[str]) -> str:
    """``; did you mean 'color'?`` for a name close to an allowed one, else nothing."""
    close = get_close_matches(name, list(allowed), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
