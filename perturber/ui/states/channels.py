"""Channels of a layer as people write them, and as they follow one another."""

import re
from collections.abc import Sequence

from perturber.errors import InvalidInputError

MAX_NEURONS = 8
"""Channels that are shown side by side."""


def parse_channels(text: object) -> tuple[int, ...]:
    """Channel numbers as a person writes them: ``0, 5, 12-15``.

    Raises:
        InvalidInputError: anything else, or too many.
    """
    channels: list[int] = []
    for part in re.split(r"[,\s]+", str(text).strip()):
        match = re.fullmatch(r"(\d{1,6})(?:[-–](\d{1,6}))?", part)
        if not match:
            raise InvalidInputError(
                f"{str(text)[:80]!r} is not a list of channels. Write numbers and ranges, for example 0, 5, 12-15."
            )
        first, last = int(match[1]), int(match[2] or match[1])
        channels += range(first, min(last, first + MAX_NEURONS) + 1)
    if len(channels) > MAX_NEURONS:
        raise InvalidInputError(f"{str(text)[:80]!r} names too many channels. Allowed: up to {MAX_NEURONS}.")
    return tuple(channels)


def written(channels: Sequence[int]) -> str:
    """Channels as a field shows them; `parse_channels` reads it."""
    return ", ".join(map(str, channels))


def resized(channels: Sequence[int], count: int, total: int, group: Sequence[int] = ()) -> tuple[int, ...]:
    """As many channels as wanted: the first ones of those given, then those that follow in the group or the layer.

    Args:
        total: channels that the layer has.
        group: the group that the channels were chosen from, or none.
    """
    count = min(count, total)
    if len(group) >= count:
        start = group.index(channels[0]) if channels and channels[0] in group else 0
        return _around(group, start, count)
    kept = list(channels[:count])
    following = kept[-1] + 1 if kept else 0
    while len(kept) < count:
        if following % total not in kept:
            kept.append(following % total)
        following += 1
    return tuple(kept)


def turned(channels: Sequence[int], pages: int, total: int, group: Sequence[int] = ()) -> tuple[int, ...]:
    """The channels that many pages further on, in the group if it has more than are shown, else in the layer."""
    count = len(channels)
    if len(group) <= count:
        return tuple((channel + pages * count) % total for channel in channels)
    place = group.index(channels[0]) if channels[0] in group else 0
    return _around(group, (place + pages * count) % len(group), count)


def _around(group: Sequence[int], start: int, count: int) -> tuple[int, ...]:
    return tuple(group[(start + n) % len(group)] for n in range(count))
