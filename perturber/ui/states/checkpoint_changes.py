"""What each control of the Checkpoints page does to its state."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import get_args

from perturber.errors import UnknownNameError
from perturber.training import Series
from perturber.ui.states import reading
from perturber.ui.states.checkpoints import PLAY_SECONDS, CheckpointState, Source, Tab, moment, read_count
from perturber.ui.states.display import View
from perturber.ui.states.page import Change
from perturber.ui.states.reading import Models


@dataclass(frozen=True)
class Known:
    """What a change is understood with.

    Attributes:
        series: by name.
        now: seconds since 1970.
    """

    series: Mapping[str, Series]
    models: Models
    now: float


Step = Callable[[CheckpointState, Change, Known], CheckpointState]


def changed(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    """The state after a change.

    Raises:
        UnknownNameError: the page has no such control.
        InvalidInputError: the control cannot have this value; the sentence says what is allowed.
    """
    if change.control not in STEPS:
        raise UnknownNameError("control", change.control, STEPS)
    return STEPS[change.control](state, change, known)


def _series(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    """Another training; its checkpoint is the last one."""
    found, step = moment(known.series, change.text)
    state = state.at_place(change.number, found, found.steps.index(step))
    return state.with_play(change.number, None).checked(known.models)


def _place(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    """The slider was let go; that ends playing."""
    state.check_slot(change.number)
    series, _step = state.slots[change.number]
    place = reading.whole("checkpoint", change.value, 0, len(series.steps) - 1)
    return state.at_place(change.number, series, place).with_play(change.number, None)


def _play(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    """Begin, from the first checkpoint if it stands at the last one; or stop."""
    number = change.number
    state.check_slot(number)
    if state.playing[number] is not None:
        return state.with_play(number, None)
    series, _ = state.slots[number]
    if len(series.steps) == 1:
        return state
    if state.places[number] == len(series.steps) - 1:
        state = state.at_place(number, series, 0)
    return state.with_play(number, known.now + PLAY_SECONDS)


def _of(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    return replace(state, of=reading.whole("of", change.value, 1, 2)).checked(known.models)


def _tab(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    tab = reading.choice("tab", change.value, get_args(Tab))
    return state if tab == state.tab else replace(state, tab=tab, opened=state.opened + 1)


def _layer(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    info = known.models(state.series.name)
    return replace(state, layer=reading.layer(info, change.text)).checked(known.models)


def _channels(state: CheckpointState, change: Change, known: Known) -> CheckpointState:
    info = known.models(state.series.name)
    return replace(state, channels=reading.channels(info, state.layer, change.text))


def _parameterisation(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    return replace(state, naive=reading.choice("parameterisation", change.value, ("fourier", "naive")) == "naive")


def _objective(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    return replace(state, objective=View.parse({"objective": change.value}).objective)


def _pictures(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    return replace(state, pictures=reading.choice("pictures", change.value, get_args(Source)))


def _count(state: CheckpointState, change: Change, _: Known) -> CheckpointState:
    return replace(state, count=read_count("number of pictures", change.text))


def _nothing(state: CheckpointState, _: Change, __: Known) -> CheckpointState:
    """Classes can be clicked on other pages."""
    return state


STEPS: dict[str, Step] = {
    "series": _series,
    "place": _place,
    "play": _play,
    "of": _of,
    "tab": _tab,
    "layer": _layer,
    "channels": _channels,
    "naive": _parameterisation,
    "objective": _objective,
    "pictures": _pictures,
    "count": _count,
    "bars": _nothing,
}
"""Control → what a change of it does."""
