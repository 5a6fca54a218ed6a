"""Edits that take one choice: all sliders of the Mixing page at once."""

from collections.abc import Callable, Mapping, Sequence

Amounts = tuple[float, ...]
Rule = Callable[[int, Amounts], Amounts]
"""A unit's place in forward order, and its amounts → its new amounts."""

RANGES: dict[str, tuple[str, Amounts]] = {
    "whole": ("All filters", (0, 1)),
    "strong": ("Strongest half", (0.5, 1)),
    "weak": ("Weakest half", (0, 0.5)),
    "middle": ("Without the outer tenths", (0.1, 0.9)),
}
"""Of pruning: name → label, and the range of filters that stay in each unit."""

MIXTURES: dict[str, tuple[str, Rule]] = {
    "none": ("Model 1 everywhere", lambda _, __: (0,)),
    "all": ("Model 2 everywhere", lambda _, __: (1,)),
    "swap": ("Swap the models", lambda _, amounts: (round(1 - amounts[0], 4),)),
    "alternate": ("Alternate", lambda place, _: (place % 2,)),
}
"""Of mixing: name → label, and what it does to each unit."""


def presets(mode: str, units: Sequence[str]) -> list[tuple[str, str]]:
    """Names and labels of the presets for some units; none without units."""
    if not units:
        return []
    if mode == "prune":
        return [(name, label) for name, (label, _) in RANGES.items()]
    return [
        *((name, label) for name, (label, _) in MIXTURES.items()),
        *((f"early:{unit}", f"Model 2 up to {unit}") for unit in units[:-1]),
        *((f"late:{unit}", f"Model 2 from {unit} on") for unit in units[1:]),
    ]


def preset_amounts(name: str, amounts: Mapping[str, Amounts]) -> dict[str, Amounts]:
    """What a preset makes of the amounts of all units, in forward order.

    Args:
        name: one of `presets`.
    """
    if name in RANGES:
        return dict.fromkeys(amounts, RANGES[name][1])
    if name in MIXTURES:
        rule = MIXTURES[name][1]
        return {unit: rule(place, values) for place, (unit, values) in enumerate(amounts.items())}
    side, _, unit = name.partition(":")
    border = list(amounts).index(unit)
    part = range(border + 1) if side == "early" else range(border, len(amounts))
    return {other: (float(place in part),) for place, other in enumerate(amounts)}
