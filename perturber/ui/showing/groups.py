"""The menu of neuron groups: computed now, published or measured, and the users' own."""

from collections.abc import Mapping, Sequence
from typing import Any

from perturber.service import ModelInfo
from perturber.ui.states.explore import ExploreState, SlotState

KEEP = "keep"
DROP = "drop"


def group_options(
    state: ExploreState, number: int, slot: SlotState, info: ModelInfo, own: Mapping[str, Sequence[int]]
) -> list[dict[str, Any]]:
    """The options of a slot's menu of groups, under headings.

    Args:
        own: name → channels of the groups that users have kept for this layer.
    """
    others = [n for n in state.shown if n != number]
    pinned = [index for index in state.view.pinned if index < len(info.classes)]
    now = [
        _option("active", "Most active here"),
        _option("relevant", "Most relevant for the top class"),
        *(_option(f"relevant:{index}", f"Most relevant for {info.classes[index]}") for index in pinned),
        _option("changed", "Changed most since the reference", disabled=state.reference is None),
        _option("differ", "Differ most from the other model", disabled=not others),
    ]
    published = [
        _option(f"published:{group.name}", f"{group.name} ({len(group.channels)})")
        for group in info.groups.get(slot.layer, ())
    ]
    kept = [_option(f"own:{name}", f"{name} ({len(channels)})") for name, channels in own.items()]
    removals = [_option(f"{DROP}:{name}", f"Remove “{name}”") for name in own]
    return [
        _heading("Computed now"),
        *now,
        *([_heading(info.groups_title), *published] if published else []),
        _heading("Your own"),
        *kept,
        _option(KEEP, "Keep these channels as a group …"),
        *removals,
    ]


def _option(value: str, label: str, *, disabled: bool = False) -> dict[str, Any]:
    return {"value": value, "label": label, "disabled": disabled}


def _heading(label: str) -> dict[str, Any]:
    return {"value": f"# {label}", "label": label, "disabled": True}
