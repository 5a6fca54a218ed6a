"""Options of experiments that no scene has."""

import re
from dataclasses import dataclass

from perturber.parameters import Parameter

MOST_NEURONS = 64
"""That are drawn at the same time."""


@dataclass(frozen=True, kw_only=True)
class Channels(Parameter):
    """Channels of a layer as a person writes them: ``0, 5, 12-15``."""

    default: str

    @property
    def allowed(self) -> str:
        """How many, and how they are written."""
        return f"up to {MOST_NEURONS} channels, for example 0, 5, 12-15"

    def parse(self, value: object) -> str:
        """Read such a list.

        Raises:
            InvalidInputError: it is none, or too long.
        """
        text = " ".join(str(value).split()) if isinstance(value, str | int) else ""
        if len(text) > 1000 or not 1 <= len(channels(text)) <= MOST_NEURONS:
            raise self._refuse(value, self.allowed)
        return text


def channels(text: str) -> tuple[int, ...]:
    """The numbers of a `Channels` option, each once; () where it is none, or far too long."""
    found: dict[int, None] = {}
    for part in re.split(r"[,\s]+", text):
        match = re.fullmatch(r"(\d{1,6})(?:[-–](\d{1,6}))?", part, re.ASCII)
        if not match:
            return ()
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first or last - first > MOST_NEURONS:
            return ()
        found |= dict.fromkeys(range(first, last + 1))
    return tuple(found)


def written_channels(numbers: tuple[int, ...]) -> str:
    """Numbers as a `Channels` option has them."""
    return ", ".join(map(str, numbers))
