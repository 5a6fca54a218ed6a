"""The state of the Explore page as a value: what its URL holds and what its requests say."""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from perturber.errors import InvalidInputError, PerturberError
from perturber.scene import Scene, SceneBase
from perturber.service import LookRequest, ModelInfo, SlotRequest
from perturber.ui.attack_state import KEYS, AttackState
from perturber.ui.view import READERS, View
from perturber.zoo import check_layer

MAX_NEURONS = 8
SLOTS = 3
"""Model 1, Model 2 and the Edited Model, which is empty until there is an edit."""

DEFAULT_MODELS = ("efficientnet_lite0", "efficientnet_lite1")

Models = Callable[[str], ModelInfo]
"""Name → what is known of the model; raises UnknownNameError."""


class SlotState(BaseModel):
    """One model slot: which network, which of its neurons, and what of it is shown."""

    model_config = ConfigDict(frozen=True)

    model: str
    layer: str
    channels: tuple[int, ...]
    activations: bool = True
    predictions: bool = True
    hidden: bool = False

    @classmethod
    def default(cls, info: ModelInfo) -> "SlotState":
        """The model's middle layer and its first neurons."""
        count = min(MAX_NEURONS, info.layers[info.default_layer].channels)
        return cls(model=info.name, layer=info.default_layer, channels=tuple(range(count)))

    def checked(self, models: Models) -> "SlotState":
        """This slot, if the model has all that it names.

        Raises:
            InvalidInputError: naming what is allowed.
        """
        check_layer(self.model, models(self.model).layers, self.layer, self.channels)
        if not 1 <= len(self.channels) <= MAX_NEURONS:
            raise InvalidInputError(f"{len(self.channels)} neurons cannot be shown. Allowed: 1 to {MAX_NEURONS}.")
        return self

    def request(self, view: View) -> SlotRequest:
        """What this slot asks the service."""
        return SlotRequest(
            model=self.model,
            layer=self.layer if self.activations else None,
            channels=self.channels if self.activations else (),
            predictions=self.predictions,
            pinned=view.pinned if self.predictions else (),
            summary=view.summary and self.activations,
            explain=view.explain if self.predictions else None,
        )


class ExploreState(BaseModel):
    """Everything that the page shows follows from this; a slot that is None is empty."""

    model_config = ConfigDict(frozen=True)

    scene: SceneBase
    slots: tuple[SlotState | None, ...]
    view: View = View()
    attack: AttackState = AttackState()

    @classmethod
    def default(cls, models: Models) -> "ExploreState":
        """What a visitor sees first."""
        return cls(scene=Scene(), slots=(*(SlotState.default(models(name)) for name in DEFAULT_MODELS), None))

    @classmethod
    def from_json(cls, data: object, models: Models) -> "ExploreState":
        """Read what a page sends.

        Raises:
            InvalidInputError: anything in it is unknown, out of range or of the wrong kind.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("scene"), Mapping):
            raise InvalidInputError("A request must hold a scene and its model slots.")
        slots = data.get("slots")
        if not isinstance(slots, list) or len(slots) > SLOTS or not all(isinstance(s, Mapping | None) for s in slots):
            raise InvalidInputError(f"A request must hold a list of up to {SLOTS} model slots.")
        view = data.get("view", {})
        if not isinstance(view, Mapping):
            raise InvalidInputError("The view of a request must hold display options by name.")
        return cls(
            scene=Scene.parse({str(key): value for key, value in data["scene"].items()}),
            slots=tuple(None if slot is None else _slot_from_json(slot, models) for slot in slots),
            view=View.parse(view),
            attack=AttackState.parse(data),
        )

    @classmethod
    def from_query(cls, query: Mapping[str, str], models: Models) -> tuple["ExploreState", list[str]]:
        """Read a URL; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        state = cls.default(models)
        scene = state.scene
        slots = []
        for number, slot in enumerate(state.slots, 1):
            slots.append(_slot_from_query(slot, number, query, models, problems))
        options: dict[str, str] = {}
        attack: dict[str, str] = {}
        for key, value in query.items():
            if re.fullmatch(rf"[mlcaph][1-{SLOTS}]", key):
                continue
            try:
                if key in KEYS:
                    AttackState.parse({key: value})
                    attack[key] = value
                elif key in READERS:
                    View.parse({key: value})
                    options[key] = value
                else:
                    scene = scene.replace(**{key: value})
            except PerturberError as error:
                problems.append(str(error))
        return cls(
            scene=scene, slots=tuple(slots), view=View.parse(options), attack=AttackState.parse(attack)
        ), problems

    def query(self) -> str:
        """The URL's query: only what differs from the parameters' defaults, and the slots."""
        values: dict[str, object] = dict(self.scene.changes())
        values |= self.view.query() | self.attack.query()
        for n, slot in enumerate(self.slots, 1):
            if slot is None:
                continue
            values |= {f"m{n}": slot.model, f"l{n}": slot.layer, f"c{n}": ",".join(map(str, slot.channels))}
            values |= {f"{key}{n}": 0 for key, shown in (("a", slot.activations), ("p", slot.predictions)) if not shown}
            values |= {f"h{n}": 1} if slot.hidden else {}
        return urlencode(values, safe=",")

    @property
    def shown(self) -> dict[int, SlotState]:
        """Number → slot of those that are neither empty nor hidden: the others cost nothing."""
        return {number: slot for number, slot in enumerate(self.slots) if slot is not None and not slot.hidden}

    def request(self, client: str | None) -> LookRequest:
        """What the page asks the service: the shown slots, in order."""
        slots = tuple(slot.request(self.view) for slot in self.shown.values())
        attack = self.attack.request(details=client is not None)
        return LookRequest(scene=self.scene, slots=slots, client=client, attack=attack)


def parse_channels(text: object) -> tuple[int, ...]:
    """Channel numbers as a person writes them: ``0, 5, 12-15``.

    Raises:
        InvalidInputError: anything else, or too many.
    """
    channels: list[int] = []
    for part in re.split(r"[,\s]+", str(text).strip()):
        match = re.fullmatch(r"(\d{1,6})(?:[-–](\d{1,6}))?", part)
        if not match:
            raise InvalidInputError(f"Channels cannot be {str(text)[:80]!r}. Write numbers, for example 0, 5, 12-15.")
        first, last = int(match[1]), int(match[2] or match[1])
        channels += range(first, min(last, first + MAX_NEURONS) + 1)
    if len(channels) > MAX_NEURONS:
        raise InvalidInputError(f"{str(text)[:80]!r} are too many channels. Allowed: up to {MAX_NEURONS}.")
    return tuple(channels)


def _slot_from_json(data: Mapping[str, Any], models: Models) -> SlotState:
    model, layer, channels = data.get("model"), data.get("layer"), data.get("channels")
    if not isinstance(channels, list):
        raise InvalidInputError("A model slot must hold a list of channels.")
    info = models(str(model))
    for channel in channels:
        check_layer(info.name, info.layers, str(layer), (channel,))
    slot = SlotState(
        model=info.name,
        layer=str(layer),
        channels=tuple(channels),
        activations=data.get("activations") is not False,
        predictions=data.get("predictions") is not False,
        hidden=data.get("hidden") is True,
    )
    return slot.checked(models)


def _slot_from_query(
    start: SlotState | None, number: int, query: Mapping[str, str], models: Models, problems: list[str]
) -> SlotState | None:
    slot = start

    def attempt(step: Callable[[], SlotState]) -> None:
        nonlocal slot
        try:
            slot = step().checked(models)
        except PerturberError as error:
            problems.append(str(error))

    given = {key: query.get(f"{key}{number}") for key in "mlcaph"}
    if given["m"] is not None:
        attempt(lambda: SlotState.default(models(str(given["m"]))))
    if slot is None:
        return None
    known = slot
    if given["l"] is not None:
        attempt(lambda: _on_layer(known, str(given["l"]), models))
    on_layer = slot
    if given["c"] is not None:
        attempt(lambda: on_layer.model_copy(update={"channels": parse_channels(given["c"])}))
    shown = {"activations": given["a"] != "0", "predictions": given["p"] != "0", "hidden": given["h"] == "1"}
    return slot.model_copy(update=shown)


def _on_layer(slot: SlotState, layer: str, models: Models) -> SlotState:
    layers = models(slot.model).layers
    check_layer(slot.model, layers, layer)
    return slot.model_copy(update={"layer": layer, "channels": tuple(range(min(MAX_NEURONS, layers[layer].channels)))})
