"""What each control of the Explore page does to its state; those that ask the service are the page's (`pages/`)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from perturber.attack import METHODS
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.ui.states import physical, reading
from perturber.ui.states.attack import MOST_STEPS, AttackState
from perturber.ui.states.channels import MAX_NEURONS, parse_channels, resized, turned
from perturber.ui.states.display import READERS
from perturber.ui.states.explore import ExploreState, Mark, SlotState
from perturber.ui.states.page import Change
from perturber.ui.states.reading import Models

Step = Callable[[ExploreState, Change, Models], ExploreState]


def changed(state: ExploreState, change: Change, models: Models) -> ExploreState:
    """The state after a change.

    Raises:
        UnknownNameError: the page has no such control.
        InvalidInputError: the control cannot have this value; the sentence says what is allowed.
    """
    if change.control not in STEPS:
        raise UnknownNameError("control", change.control, STEPS)
    return STEPS[change.control](state, change, models)


# ---- slots --------------------------------------------------------------------------------------------------------


def chosen(state: ExploreState, number: int, channels: tuple[int, ...], group: tuple[int, ...] = ()) -> ExploreState:
    """With these channels in a slot, of the group that they begin."""
    slot = state.slot(number).model_copy(update={"channels": channels[:MAX_NEURONS], "group": group})
    return state.with_slot(number, slot)


def added(state: ExploreState, number: int, channel: int, models: Models) -> ExploreState:
    """With one channel more in a slot, in place of the last one where it is full."""
    slot = state.slot(number)
    if channel in slot.channels or channel >= _total(slot, models):
        return state
    kept = slot.channels if len(slot.channels) < MAX_NEURONS else slot.channels[:-1]
    return chosen(state, number, (*kept, channel))


def _add(state: ExploreState, change: Change, models: Models) -> ExploreState:
    """A channel was clicked in the figure of all channels."""
    point = change.value if isinstance(change.value, dict) else {}
    number, channel = point.get("slot"), point.get("channel")
    if type(number) is not int or type(channel) is not int or channel < 0:
        raise InvalidInputError("A channel is named by slot and channel.")
    return added(state, number, channel, models)


def _model(state: ExploreState, change: Change, models: Models) -> ExploreState:
    slot, info = state.slot(change.number), models(change.text)
    layer = slot.layer if slot.layer in info.layers else info.default_layer
    return state.with_slot(change.number, slot.of(info.name, layer, models))


def _layer(state: ExploreState, change: Change, models: Models) -> ExploreState:
    slot = state.slot(change.number)
    return state.with_slot(change.number, slot.of(slot.model, change.text, models))


def _channels(state: ExploreState, change: Change, models: Models) -> ExploreState:
    slot = state.slot(change.number).model_copy(update={"channels": parse_channels(change.value), "group": ()})
    return state.with_slot(change.number, slot.checked(models))


def _count(state: ExploreState, change: Change, models: Models) -> ExploreState:
    slot = state.slot(change.number)
    count = reading.whole("The number of neurons", change.value, 1, MAX_NEURONS)
    channels = resized(slot.channels, count, _total(slot, models), slot.group)
    return chosen(state, change.number, channels, slot.group)


def _turn(pages: int) -> Step:
    def step(state: ExploreState, change: Change, models: Models) -> ExploreState:
        slot = state.slot(change.number)
        return chosen(state, change.number, turned(slot.channels, pages, _total(slot, models), slot.group), slot.group)

    return step


def _shows(state: ExploreState, change: Change, _: Models) -> ExploreState:
    shown = {"activations": "activations" in change.on, "predictions": "predictions" in change.on}
    return state.with_slot(change.number, state.slot(change.number).model_copy(update=shown))


def _hide(state: ExploreState, change: Change, _: Models) -> ExploreState:
    slot = state.slot(change.number)
    return state.with_slot(change.number, slot.model_copy(update={"hidden": not slot.hidden}))


def _mark(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """A cell of a heatmap was clicked; a second click on the same one takes the mark away."""
    cell = change.value if isinstance(change.value, dict) else {}
    slot = state.slot(change.number)
    unit: dict[str, Any] = {key: cell.get(key) for key in ("channel", "row", "column")}
    if any(type(place) is not int or not 0 <= place < 2**31 for place in unit.values()):
        raise InvalidInputError("A unit is named by channel, row and column.")
    mark = Mark(slot=change.number, model=slot.model, layer=slot.layer, **unit)
    return state.model_copy(update={"mark": None if mark == state.mark else mark})


def _total(slot: SlotState, models: Models) -> int:
    return models(slot.model).layers[slot.layer].channels


# ---- display ------------------------------------------------------------------------------------------------------


def _option(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.with_view(**{change.control: READERS[change.control](change.control, change.value)})


def _four_sigma(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.with_view(divisor=None)


def _boxes(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.with_view(shared="shared" in change.on, overlay="overlay" in change.on)


def _slopes(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.with_view(slopes="slopes" in change.on)


def _naive(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.with_view(naive=change.text == "naive")


def _pin(state: ExploreState, change: Change, models: Models) -> ExploreState:
    """A class was chosen in the menu, or clicked in a slot's prediction."""
    index = change.value.get("index") if isinstance(change.value, dict) else change.value
    if index is None:
        return state
    index = reading.whole("pinned", index, 0, 10**6)
    if not isinstance(change.value, dict) and index in state.view.pinned:
        return state
    return state.model_copy(update={"view": state.view.toggled(index)})


def _reference(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.model_copy(update={"reference": state.scene})


def _drawer(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """One figure below the slots is open, or none."""
    name = change.text
    figure = name if name in ("layers", "models", "curve") else None
    attack = replace(state.attack, figure=figure if state.attack.open != figure else state.attack.figure)
    return state.model_copy(
        update={
            "history": name == "history",
            "view": replace(state.view, summary=name == "summary"),
            "attack": attack,
        }
    )


def _since(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.model_copy(update={"since": reading.whole("since", change.value, 0, 2**53)})


def _measure(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return state.model_copy(update={"measure": reading.choice("measure", change.value, ("probability", "logit"))})


# ---- attack -------------------------------------------------------------------------------------------------------


def _with_attack(state: ExploreState, attack: AttackState) -> ExploreState:
    return state.model_copy(update={"attack": attack})


def _form(key: str, read: Callable[[Any], Any]) -> Step:
    def step(state: ExploreState, change: Change, _: Models) -> ExploreState:
        return _with_attack(state, state.attack.with_form(**{key: read(change.value)}))

    return step


def _method(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return _with_attack(state, state.attack.of_kind(change.text))


def _attack_slot(state: ExploreState, change: Change, _: Models) -> ExploreState:
    number = reading.whole("The model to attack", change.value, 0, len(state.slots) - 1)
    state.slot(number)
    return _with_attack(state, state.attack.with_form(slot=number))


def _attack_count(state: ExploreState, change: Change, _: Models) -> ExploreState:
    if state.attack.physical is not None:
        return _with_attack(state, state.attack.with_physical(renders=physical.renders(change.value)))
    count = reading.whole("The number of steps", change.value, 1, MOST_STEPS)
    form = state.attack.form.model_copy(update={"count": count})
    return _with_attack(state, replace(state.attack, form=form))


def _run(state: ExploreState, change: Change, _: Models) -> ExploreState:
    attack = state.attack
    if attack.physical is not None:
        raise InvalidInputError("A physical attack takes no steps on the picture. Choose another method for that.")
    most = METHODS[attack.form.method].max_steps
    steps = min(attack.form.count if change.control == "attack-run" else 1, most)
    running = attack.attack is not None and attack.done < attack.attack.steps
    return _with_attack(state, attack if running else attack.run(state.slot(attack.form.slot).model, steps))


def _stop(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return _with_attack(state, state.attack.halted())


def _end(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """The picture as it is without an attack: of a physical one, the scene in which it began."""
    moved = state.attack.physical
    if moved is None:
        return _with_attack(state, state.attack.ended())
    scene = state.scene.replace(**dict(moved.start))
    return state.model_copy(update={"scene": scene, "attack": state.attack.with_physical(start=(), said="")})


def _grab(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """Whoever clicks into the scene moves it from now on."""
    return _with_attack(state, state.attack.ended())


def _keeps(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """A model's slot to part the attacked one from was chosen, or −1 for none."""
    number = reading.whole("The model to stay right", change.value, -1, len(state.slots) - 1)
    if number >= 0:
        state.slot(number)
    return _with_attack(state, state.attack.with_physical(keeps=None if number < 0 else number))


def _moves(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return _with_attack(state, state.attack.with_physical(moves=physical.groups(change.value)))


def _attack_alpha(state: ExploreState, change: Change, _: Models) -> ExploreState:
    return _with_attack(state, replace(state.attack, attack_alpha=reading.number("Attack Alpha", change.value, 0, 1)))


def _original_alpha(state: ExploreState, change: Change, _: Models) -> ExploreState:
    share = reading.number("Original Alpha", change.value, 0, 1)
    return _with_attack(state, replace(state.attack, original_alpha=share))


def _job(state: ExploreState, change: Change, _: Models) -> ExploreState:
    """The open figure has a job, or another one, which the link names from now on."""
    if change.text.partition("-")[0] != state.attack.open:  # it was closed meanwhile
        return state
    return _with_attack(state, replace(state.attack, figure=AttackState.parse({"attack_figure": change.text}).figure))


def _maybe(value: Any) -> float | None:
    return None if value in (None, "") else reading.number("The step size", value, 0, 10**6)


def _target(value: Any) -> int | None:
    return None if value in (None, "") else reading.whole("The target", value, 0, 10**6)


STEPS: dict[str, Step] = {
    "model": _model,
    "layer": _layer,
    "channels": _channels,
    "count": _count,
    "back": _turn(-1),
    "on": _turn(1),
    "shows": _shows,
    "hide": _hide,
    "maps": _mark,
    "bars": _pin,
    "divisor": _option,
    "four-sigma": _four_sigma,
    "boxes": _boxes,
    "slopes": _slopes,
    "cards": _option,
    "objective": _option,
    "variants": _option,
    "naive": _naive,
    "explain": _option,
    "pin": _pin,
    "reference": _reference,
    "drawer": _drawer,
    "add": _add,
    "since": _since,
    "measure": _measure,
    "grab": _grab,
    "attack-slot": _attack_slot,
    "attack-method": _method,
    "attack-keeps": _keeps,
    "attack-moves": _moves,
    "attack-epsilon": _form("epsilon", lambda value: reading.number("ε", value, 0, 10**6)),
    "attack-step-size": _form("step_size", _maybe),
    "attack-target": _form("target", _target),
    "attack-start": _form("random_start", lambda value: value == ["random"]),
    "attack-count": _attack_count,
    "attack-step": _run,
    "attack-run": _run,
    "attack-stop": _stop,
    "attack-end": _end,
    "attack-alpha": _attack_alpha,
    "original-alpha": _original_alpha,
    "job": _job,
}
"""Control → what a change of it does."""
