"""Numbers that are not finite, NaN and ±∞: counted, left out of statistics, and said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isfinite

import numpy as np
import torch
from torch import Tensor

NAMED = 3
"""Gaps that a sentence names one by one."""


@dataclass(frozen=True)
class Gap:
    """How many numbers of a kind are not finite.

    Attributes:
        what: the kind, in the plural, as a person would say it.
        count: of those that are not finite, from 1.
        total: of all.
    """

    what: str
    count: int
    total: int

    def __str__(self) -> str:
        return f"{self.count:,} of {self.total:,} {self.what}"


def gaps(kinds: Mapping[str, Tensor]) -> tuple[Gap, ...]:
    """The kinds of numbers among which some are not finite, in the order given."""
    doubtful = {what: values for what, values in kinds.items() if not values.sum().isfinite()}  # quick, mostly all
    found = {what: values.numel() - int(values.isfinite().sum()) for what, values in doubtful.items()}
    return tuple(Gap(what, count, kinds[what].numel()) for what, count in found.items() if count)


def sentence(who: str, found: Sequence[Gap]) -> str:
    """One sentence about somebody's gaps, or nothing where there are none."""
    if not found:
        return ""
    more = [f"{len(found) - NAMED} more kinds"] if len(found) > NAMED else []
    *first, last = [*map(str, found[:NAMED]), *more]
    listed = f"{', '.join(first)} and {last}" if first else last
    return f"{who} gives NaN or ∞ in {listed}, which are left blank."


def means(maps: Tensor) -> Tensor:
    """Mean of each map (…, h, w) over its finite numbers: (…), NaN where a map has none."""
    found = maps.mean((-2, -1))
    if found.isfinite().all():  # then all of them are
        return found
    return torch.where(maps.isfinite(), maps.double(), torch.nan).nanmean((-2, -1)).to(maps.dtype)


def deviation(values: Tensor) -> float:
    """Standard deviation of the finite numbers among all; 0 where there are none."""
    found = values.std(correction=0)
    if found.isfinite():
        return float(found)
    known = values[values.isfinite()].double()  # squares of large numbers overflow, too
    return float(known.std(correction=0)) if len(known) else 0.0


def written(value: float, form: str) -> str:
    """A number in a format; one that is not finite as a sign."""
    return format(value, form) if isfinite(value) else {inf: "∞", -inf: "−∞"}.get(value, "–")


def unknown_steps(count: int, steps: int) -> str:
    """One sentence about an attack, in some of whose steps the gradient was not finite."""
    return (
        f"In {count} of {steps} steps of the attack the gradient was not finite (NaN or ∞); "
        "where it was not, the picture has stayed as it was."
    )


def unknown_margins(shares: np.ndarray, margins: np.ndarray) -> str:
    """One sentence about the margins that are not finite where shares are known, or nothing."""
    count = int((np.isfinite(shares) & ~np.isfinite(margins)).sum())
    return (
        f"{count} of {len(margins)} margins are left blank, because logits are not finite (NaN or ∞)." if count else ""
    )
