"""Feature visualisations of what Explore shows: those that are missing are ordered, and followed."""

import hashlib
from collections.abc import Sequence

from perturber.errors import BusyError
from perturber.service import Visualised
from perturber.ui.callbacks.follow import Asked, Follow
from perturber.ui.components.controls import control_id, order_id
from perturber.ui.context import service
from perturber.ui.files import index_version
from perturber.ui.looks import looked
from perturber.ui.showing.class_examples import class_example, pictured_classes
from perturber.ui.showing.slots import explained
from perturber.ui.showing.visualisations import OPEN, card_pictures, making, version
from perturber.ui.states.explore import ExploreState, SlotState

MAKE = "make"
"""Of the button that orders a slot's feature visualisations, or stops them."""


def follow_visualisations(page: str, state: ExploreState, asked: Asked, follow: Follow) -> None:
    """Order what is missing, show what has changed, and say how far each slot's pictures are."""
    stop, again = _orders(asked)
    for number, slot in state.shown.items():
        found: list[Visualised] = []
        if slot.activations and state.view.cards != "none":
            found += _cards(page, number, slot, state, asked, follow, again=again == number)
        if stop == number:  # before a look is waited for
            _cancel(found)
        if slot.predictions:
            found += _example(page, number, slot, state, asked, follow, again=again == number)
        if stop == number:
            _cancel(found)
            follow.running = True
        words, title, _ = making(found)
        follow.running = follow.running or any(one.state in OPEN for one in found)
        if asked.shown.get(f"making{number}") != words:
            follow.shown[f"making{number}"] = words
            follow.show(order_id(page, MAKE, number), children=words, title=title)


def _orders(asked: Asked) -> tuple[int | None, int | None]:
    """The slot whose visualisations are to be stopped, and the one whose are to be made again."""
    if asked.order is None or asked.order["order"] != MAKE or not isinstance(asked.order["slot"], int):
        return None, None
    number = asked.order["slot"]
    return (number, None) if asked.shown.get(f"making{number}", "").endswith("×") else (None, number)


def _cancel(found: Sequence[Visualised]) -> None:
    for job in {one.job for one in found if one.job and one.state in OPEN}:
        service().jobs.cancel(job)


def _cards(
    page: str, number: int, slot: SlotState, state: ExploreState, asked: Asked, follow: Follow, *, again: bool
) -> Sequence[Visualised]:
    info = service().model(slot.model)
    targets = state.view.targets(slot.layer, slot.channels)
    found = service().visualise(info.name, targets, state.view.recipe, again=again)
    index = index_version(info)
    first = state.view.cards == "examples"
    cards = card_pictures(info, targets, state.view.recipe, found, index=index, examples_first=first)
    mark = _mark(slot.model, slot.layer, slot.channels, index, first, [(one.key, version(one)) for one in found])
    if asked.shown.get(f"cards{number}") != mark or asked.woken:
        follow.shown[f"cards{number}"] = mark
        follow.show(control_id(page, "maps", number), pictures=cards)
    return found


def _example(
    page: str, number: int, slot: SlotState, state: ExploreState, asked: Asked, follow: Follow, *, again: bool
) -> Sequence[Visualised]:
    """What the class looks like that is pointed at, or the most probable one."""
    try:
        answer, _ = looked(state.request(asked.settled.follower))
    except BusyError as error:  # what was ordered or cancelled besides is not held up
        follow.running, follow.notice = True, str(error) if asked.order else None
        return []
    look = dict(zip(state.shown, answer.slots, strict=True))[number]
    if not look.top:
        return []
    info, index = service().model(slot.model), asked.hovered.get(number, -1)
    if not 0 <= index < len(info.classes) or index in pictured_classes(info):  # the browser has its picture already
        index = look.top[0].index
    example, found = class_example(info, index, state.view.recipe, order=True, again=again)
    mark = _mark(example, state.view.explain, asked.settled.sequence)
    if asked.shown.get(f"example{number}") != mark:
        follow.shown[f"example{number}"] = mark
        follow.show(control_id(page, "bars", number), evidence=[example, *explained(look, answer.image)])
    return found


def _mark(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]
