"""What each control of the Compare page does to its state."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any, get_args

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.service import MAX_MODELS, MAX_PICTURES, MIN_PICTURES
from perturber.ui.states import reading
from perturber.ui.states.channels import MAX_NEURONS, resized
from perturber.ui.states.compare import MIN_MODELS, CompareState, Pictures, Tab, model_name
from perturber.ui.states.display import MAX_PINNED
from perturber.ui.states.page import Change
from perturber.ui.states.reading import Models

OTHER = " other"
"""Option of a column's menu that asks for a model by its name; no model is called so."""


@dataclass(frozen=True)
class Known:
    """What a change is understood by.

    Attributes:
        names: of the catalogue's models, in its order.
        models: what is known of a model or an edit.
    """

    names: Sequence[str]
    models: Models


Step = Callable[[CompareState, Change, Known], CompareState]


def changed(state: CompareState, change: Change, known: Known) -> CompareState:
    """The state after a change.

    Raises:
        UnknownNameError: the page has no such control.
        InvalidInputError: the control cannot have this value; the sentence says what is allowed.
    """
    if change.control not in STEPS:
        raise UnknownNameError("control", change.control, STEPS)
    return STEPS[change.control](state, change, known)


# ---- columns ------------------------------------------------------------------------------------------------------


def _with_models(state: CompareState, models: Sequence[str], known: Known) -> CompareState:
    return state.with_values(models=tuple(models)).fitted(known.models)


def _replaced(state: CompareState, number: int, name: str, known: Known) -> CompareState:
    if not 0 <= number < len(state.models):
        raise InvalidInputError(f"There is no model {number + 1}. Allowed: 1 to {len(state.models)}.")
    name = known.models(model_name(name)).name
    return _with_models(state, (*state.models[:number], name, *state.models[number + 1 :]), known)


def _model(state: CompareState, change: Change, known: Known) -> CompareState:
    return state if change.value == OTHER else _replaced(state, change.number, change.text, known)


def _named(state: CompareState, change: Change, known: Known) -> CompareState:
    """The dialog names the column, counted from 0, and the model."""
    number, _, name = change.text.partition(" ")
    return _replaced(state, int(number), name, known) if number.isdecimal() and len(number) < 3 else state


def _add(state: CompareState, change: Change, known: Known) -> CompareState:
    if len(state.models) >= MAX_MODELS:
        raise InvalidInputError(f"Up to {MAX_MODELS} models can be compared. Remove one first.")
    fresh = [name for name in known.names if name not in state.models]
    return _with_models(state, (*state.models, (fresh or known.names)[0]), known)


def _remove(state: CompareState, change: Change, known: Known) -> CompareState:
    number = change.number
    if len(state.models) <= MIN_MODELS or not 0 <= number < len(state.models):
        raise InvalidInputError(f"A comparison needs at least {MIN_MODELS} models. Add another one first.")
    return _with_models(state, (*state.models[:number], *state.models[number + 1 :]), known)


# ---- classes ------------------------------------------------------------------------------------------------------


def _pin(state: CompareState, change: Change, known: Known) -> CompareState:
    """A class was chosen in the menu."""
    if change.value is None or change.value in state.pinned:
        return state
    return _toggled_class(state, change.value, known)


def _bars(state: CompareState, change: Change, known: Known) -> CompareState:
    """A class of a column was clicked, or a channel in the list of those that differ most."""
    index = change.value.get("index") if isinstance(change.value, dict) else None
    if change.slot != "most":
        return _toggled_class(state, index, known)
    total = known.models(state.pair[0]).layers[state.layer].channels
    channel = reading.whole("channel", index, 0, total - 1)
    without = tuple(other for other in state.channels if other != channel)
    if without == state.channels:
        return state.with_values(channels=(*without[: MAX_NEURONS - 1], channel))
    return state.with_values(channels=without) if without else state


def _toggled_class(state: CompareState, value: Any, known: Known) -> CompareState:
    classes = min(len(known.models(name).classes) for name in state.models)
    index = reading.whole("pinned", value, 0, classes - 1)
    without = tuple(other for other in state.pinned if other != index)
    if without == state.pinned and len(without) >= MAX_PINNED:
        raise InvalidInputError(f"Up to {MAX_PINNED} classes can be pinned. Click one of them to let it go.")
    return state.with_values(pinned=without if without != state.pinned else (*without, index))


# ---- tabs ---------------------------------------------------------------------------------------------------------


def _tab(state: CompareState, change: Change, _: Known) -> CompareState:
    return state.with_values(tab=reading.choice("tab", change.value, get_args(Tab)))


def _to_cka(state: CompareState, change: Change, _: Known) -> CompareState:
    return state.with_values(tab="cka")


def _side(state: CompareState, change: Change, known: Known) -> CompareState:
    """Another column is A or B; if it was the other one, they change places."""
    place = reading.whole(change.control, change.value, 1, len(state.models))
    sides = {"a": state.a, "b": state.b}
    before = sides[change.control]
    other = "b" if change.control == "a" else "a"
    sides[change.control] = place
    if sides[other] == place:
        sides[other] = before
    return state.with_values(**sides).fitted(known.models)


def _layer(state: CompareState, change: Change, known: Known) -> CompareState:
    layer = reading.layer(known.models(state.pair[0]), change.value)
    return state.with_values(layer=layer).fitted(known.models)


def _other(state: CompareState, change: Change, known: Known) -> CompareState:
    return state.with_values(other=reading.layer(known.models(state.pair[1]), change.value))


def _graph(state: CompareState, change: Change, known: Known) -> CompareState:
    """A point of the depth leads to its layer's channels, a pair of layers to theirs."""
    points = change.value.get("points") if isinstance(change.value, dict) else None
    point = points[0] if isinstance(points, list) and points and isinstance(points[0], dict) else {}
    x, y = (unescape(str(point.get(axis))) for axis in "xy")  # as figures write names (see `perturber.figures.style`)
    if state.tab == "depth":
        layer = reading.layer(known.models(state.pair[0]), x)
        return state.with_values(tab="channels", layer=layer).fitted(known.models)
    if state.tab == "cka":
        layer, other = reading.layer(known.models(state.pair[0]), y), reading.layer(known.models(state.pair[1]), x)
        return state.with_values(tab="same", layer=layer, other=other).fitted(known.models)
    return state


# ---- channels -----------------------------------------------------------------------------------------------------


def _channels(state: CompareState, change: Change, known: Known) -> CompareState:
    return state.with_values(channels=reading.channels(known.models(state.pair[0]), state.layer, change.text))


def _number(state: CompareState, change: Change, known: Known) -> CompareState:
    total = known.models(state.pair[0]).layers[state.layer].channels
    count = reading.whole("The number of channels", change.value, 1, min(MAX_NEURONS, total))
    return state.with_values(channels=resized(state.channels, count, total))


def _most(state: CompareState, change: Change, known: Known) -> CompareState:
    total = known.models(state.pair[0]).layers[state.layer].channels
    most = tuple(channel for channel in state.most if 0 <= channel < total)
    return state.with_values(channels=most[: len(state.channels)]) if most else state


# ---- jobs ---------------------------------------------------------------------------------------------------------


def _count(state: CompareState, change: Change, _: Known) -> CompareState:
    count = reading.whole("The number of pictures", change.value, MIN_PICTURES, MAX_PICTURES)
    return state.with_values(count=count)


def _pictures(state: CompareState, change: Change, _: Known) -> CompareState:
    return state.with_values(pictures=reading.choice("pictures", change.value, get_args(Pictures)))


def _matched(state: CompareState, change: Change, _: Known) -> CompareState:
    return state.with_values(matched=reading.choice("order", change.value, ("number", "partner")) == "partner")


def _same(state: CompareState, change: Change, _: Known) -> CompareState:
    """A click into the scene changes nothing by itself."""
    return state


STEPS: dict[str, Step] = {
    "model": _model,
    "named": _named,
    "add": _add,
    "remove": _remove,
    "pin": _pin,
    "bars": _bars,
    "tab": _tab,
    "to-cka": _to_cka,
    "a": _side,
    "b": _side,
    "layer": _layer,
    "other": _other,
    "graph": _graph,
    "channels": _channels,
    "number": _number,
    "most": _most,
    "count": _count,
    "pictures": _pictures,
    "matched": _matched,
    "grab": _same,
}
"""Control → what a change of it does."""
