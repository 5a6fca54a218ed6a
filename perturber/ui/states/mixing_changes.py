"""What each control of the Mixing page does to its state; those that order something are the page's (`pages/`)."""

from collections.abc import Callable
from dataclasses import replace

from perturber.editing import LEVELS, Edit, Level
from perturber.editing.edit import DEFAULTS
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.ui.states import reading
from perturber.ui.states.mixing import (
    EPSILONS,
    MAX_UNDO,
    MAX_UNDO_LENGTH,
    MixingState,
    ScanForm,
    Version,
    read_level,
)
from perturber.ui.states.mixing_edits import Known, fitted, read_edit, read_model, with_amounts
from perturber.ui.states.mixing_presets import preset_amounts, presets
from perturber.ui.states.page import Change

Step = Callable[[MixingState, Change, Known], MixingState]

MODES = ("mix", "prune")


def changed(state: MixingState, change: Change, known: Known) -> MixingState:
    """The state after a change.

    Raises:
        UnknownNameError: the page has no such control.
        InvalidInputError: the control cannot have this value; the sentence says what is allowed.
    """
    if change.control not in STEPS:
        raise UnknownNameError("control", change.control, STEPS)
    return STEPS[change.control](state, change, known)


def all_amounts(state: MixingState, units: tuple[str, ...]) -> dict[str, tuple[float, ...]]:
    """Unit → its amounts, of all units."""
    listed = state.edit.values()
    return {unit: listed.get(unit, DEFAULTS[state.edit.mode]) for unit in units}


# ---- the edit -----------------------------------------------------------------------------------------------------


def _edited(
    state: MixingState,
    known: Known,
    *,
    edit: Edit,
    second: str | None = None,
    level: Level | None = None,
    sliding: bool = False,
) -> MixingState:
    """With another edit, so that it can be undone.

    Args:
        sliding: whether this is a step of a drag, whose first step alone is remembered.
    """
    fine, edit = fitted(edit, level or state.level, known)
    new = replace(state, edit=edit, second=second or state.second, level=fine, sliding=sliding)
    if sliding and state.sliding:
        return new
    if new.version() == state.version():
        return replace(state, sliding=False)
    return replace(new, past=_bounded((*state.past, state.version())), future=())


def _bounded(versions: tuple[Version, ...]) -> tuple[Version, ...]:
    """The newest, as many as may be kept."""
    kept: list[Version] = []
    room = MAX_UNDO_LENGTH
    for version in reversed(versions[-MAX_UNDO:]):
        room -= len(version.edit)
        if room < 0 and kept:
            break
        kept.insert(0, version)
    return tuple(kept)


def _first(state: MixingState, change: Change, known: Known) -> MixingState:
    first = read_model(change.text, known)
    if first == state.edit.first:
        return state
    return _edited(state, known, edit=Edit(first, state.edit.second, state.edit.mode))


def _second(state: MixingState, change: Change, known: Known) -> MixingState:
    found = state.mixed_with(change.text, known)
    return _edited(state, known, edit=found.edit, second=found.second)


def _mode(state: MixingState, change: Change, known: Known) -> MixingState:
    mode = reading.choice("mode", change.value, MODES)
    if mode == state.edit.mode:
        return state
    first, second = state.edit.first, state.second
    return _edited(state, known, edit=Edit.prune(first, {}) if mode == "prune" else Edit.mix(first, second, {}))


def _level(state: MixingState, change: Change, known: Known) -> MixingState:
    """Finer sliders keep what is set; coarser ones cannot."""
    level = read_level(change.value)
    coarser = LEVELS.index(level) < LEVELS.index(state.level)
    return _edited(state, known, edit=with_amounts(state.edit, {}) if coarser else state.edit, level=level)


def _slide(state: MixingState, change: Change, known: Known) -> MixingState:
    """The sliders say where they stand, or (see `Moved`) whether a drag is over."""
    sent = change.value if isinstance(change.value, dict) else {}
    if type(sent.get("done")) is bool:
        return replace(state, sliding=state.sliding and not sent["done"])
    units = known.units(state.edit.first, state.edit.second, state.level)
    if not sent or not all(map(_are_shares, sent.values())):
        raise InvalidInputError("The sliders must give a list of numbers from 0 to 1 for each part.")
    if not set(sent) <= set(units):
        raise InvalidInputError("The sliders have changed to other parts meanwhile. Move one of these.")
    default = DEFAULTS[state.edit.mode]
    moved = {name: tuple(values) for name, values in sent.items() if tuple(values) != default}
    return _edited(state, known, edit=with_amounts(state.edit, moved), sliding=True)


def _are_shares(values: object) -> bool:
    return isinstance(values, list) and all(isinstance(value, int | float) and 0 <= value <= 1 for value in values)


def _preset(state: MixingState, change: Change, known: Known) -> MixingState:
    units = known.units(state.edit.first, state.edit.second, state.level)
    name = reading.choice("preset", change.value, [name for name, _ in presets(state.edit.mode, units)])
    return _edited(state, known, edit=with_amounts(state.edit, preset_amounts(name, all_amounts(state, units))))


def _kept(state: MixingState, change: Change, known: Known) -> MixingState:
    """An edit that was kept; the sliders become as fine as it needs."""
    edit = read_edit(str(known.kept(change.text)), known)
    return _edited(state, known, edit=edit, second=edit.second, level=LEVELS[0])


def _undo(state: MixingState, change: Change, known: Known) -> MixingState:
    """As often as the button was clicked since; redo is undo the other way round."""
    clicks = reading.whole("The number of clicks", change.value, 0, 10**9)
    times = max(0, clicks - state.clicks.get(change.control, 0))
    state = replace(state, clicks={**state.clicks, change.control: clicks}, sliding=False)
    back = change.control == "back"
    for _ in range(min(times, MAX_UNDO)):
        here, there = (state.past, state.future) if back else (state.future, state.past)
        if not here:
            break
        there = _bounded((*there, state.version()))
        past, future = (here[:-1], there) if back else (there, here[:-1])
        state = replace(_restored(state, here[-1], known), past=past, future=future)
    return state


def _restored(state: MixingState, version: Version, known: Known) -> MixingState:
    edit = read_edit(version.edit, known)
    level, edit = fitted(edit, version.level, known)
    return replace(state, edit=edit, second=edit.second or read_model(version.second, known), level=level)


# ---- the scan that is to be made ----------------------------------------------------------------------------------


def _reverse(state: MixingState, change: Change, _: Known) -> MixingState:
    return _with_form(state, reverse="reverse" in change.on)


def _attack(state: MixingState, change: Change, _: Known) -> MixingState:
    norm = reading.choice("attack", change.value, ("none", *EPSILONS))
    if norm == "none":
        return _with_form(state, norm=None)
    return _with_form(state, norm=norm, epsilon=EPSILONS[norm])


def _epsilon(state: MixingState, change: Change, _: Known) -> MixingState:
    return _with_form(state, epsilon=reading.number("ε", change.value, 0, 10**6))


def _with_form(state: MixingState, **values: object) -> MixingState:
    return replace(state, form=ScanForm(**{**state.form.model_dump(), **values}))


def _nothing(state: MixingState, _: Change, __: Known) -> MixingState:
    return state


STEPS: dict[str, Step] = {
    "first": _first,
    "second": _second,
    "mode": _mode,
    "level": _level,
    "units": _slide,
    "preset": _preset,
    "kept": _kept,
    "back": _undo,
    "forth": _undo,
    "reverse": _reverse,
    "attack": _attack,
    "epsilon": _epsilon,
    "bars": _nothing,
}
"""Control → what a change of it does."""
