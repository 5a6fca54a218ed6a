"""The state of the Explore page as a value: what its link holds, and what its controls change."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict, Field

from perturber.errors import InvalidInputError, PerturberError
from perturber.scene import Scene, SceneBase
from perturber.service import LookRequest, ModelInfo, SlotRequest, check_classes
from perturber.ui.states.attack import KEYS, AttackForm, AttackState
from perturber.ui.states.channels import MAX_NEURONS, parse_channels
from perturber.ui.states.display import READERS, View
from perturber.ui.states.page import Memory, scene_from_query, scene_to_query
from perturber.ui.states.reading import Models
from perturber.zoo import check_layer

SLOTS = 3
"""Model 1, Model 2 and the Edited Model, which is empty until there is an edit."""

DEFAULT_MODELS = ("efficientnet_lite0", "lite0_adversarial")
"""A standard network and a robust one that was trained from it, so that their channels correspond."""

FIRST_GROUP = "Dog"
"""What a visitor sees first are neurons that the first scene's object matters to, where a model has such a group."""


class SlotState(BaseModel):
    """One model slot: which network, which of its neurons, and what of it is shown.

    Attributes:
        group: the channels of the group that `channels` were chosen from, through which one can turn; or none.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    layer: str
    channels: tuple[int, ...]
    activations: bool = True
    predictions: bool = True
    hidden: bool = False
    group: tuple[int, ...] = ()

    @classmethod
    def default(cls, info: ModelInfo) -> "SlotState":
        """The model's middle layer and its first neurons."""
        count = min(MAX_NEURONS, info.layers[info.default_layer].channels)
        return cls(model=info.name, layer=info.default_layer, channels=tuple(range(count)))

    @classmethod
    def first(cls, info: ModelInfo) -> "SlotState":
        """Neurons of the first layer whose group `FIRST_GROUP` fills a slot; without one, as `default`."""
        for layer, groups in info.groups.items():
            channels = next((group.channels for group in groups if group.name == FIRST_GROUP), ())
            if len(channels) >= MAX_NEURONS:
                return cls(model=info.name, layer=layer, channels=channels[:MAX_NEURONS], group=channels)
        return cls.default(info)

    def checked(self, models: Models) -> "SlotState":
        """This slot, if the model has all that it names.

        Raises:
            InvalidInputError: naming what is allowed.
        """
        check_layer(self.model, models(self.model).layers, self.layer, self.channels)
        if not 1 <= len(self.channels) <= MAX_NEURONS:
            raise InvalidInputError(f"{len(self.channels)} neurons cannot be shown. Allowed: 1 to {MAX_NEURONS}.")
        return self

    def of(self, model: str, layer: str, models: Models) -> "SlotState":
        """With another model or layer, and the same channels where it has them, else its first ones.

        Raises:
            InvalidInputError: there is no such model or layer.
        """
        layers = models(model).layers
        check_layer(model, layers, layer)
        total = layers[layer].channels
        channels = self.channels
        if any(channel >= total for channel in channels):
            channels = tuple(range(min(len(channels), total)))
        return self.model_copy(update={"model": model, "layer": layer, "channels": channels, "group": ()})

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


Place = Annotated[int, Field(ge=0, lt=2**31)]


class Mark(BaseModel):
    """The unit that was clicked: a cell of a heatmap."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slot: int
    model: str
    layer: str
    channel: int
    row: Place
    column: Place


class ExploreMemory(Memory):
    """What is not worth a link; see `ExploreState`."""

    reference: dict[str, Any] | None = None
    groups: tuple[tuple[int, ...], ...] = ((),) * SLOTS
    mark: Mark | None = None
    history: bool = False
    since: int = 0
    measure: str = "probability"
    form: AttackForm | None = None
    done: int = 0
    job: str | None = Field(default=None, max_length=64)
    said: str = Field(default="", max_length=10_000)


class ExploreState(BaseModel):
    """Everything that the page shows follows from this.

    Attributes:
        reference: the scene from which neurons change, or None.
        mark: the unit whose receptive field is drawn, or None.
        history: whether the history of classes is open.
        since: number of the last look that it has forgotten.
        measure: what it draws, ``probability`` or ``logit``.
    """

    model_config = ConfigDict(frozen=True)

    scene: SceneBase
    slots: tuple[SlotState | None, ...]
    view: View = View()
    attack: AttackState = AttackState()
    reference: SceneBase | None = None
    mark: Mark | None = None
    history: bool = False
    since: int = 0
    measure: str = "probability"

    @classmethod
    def default(cls, models: Models, problems: list[str] | None = None) -> "ExploreState":
        """What a visitor sees first; a slot whose model cannot be loaded is empty.

        Args:
            problems: gets a sentence for each such model.
        """
        slots: list[SlotState | None] = []
        for name in DEFAULT_MODELS:
            try:
                slots.append(SlotState.first(models(name)))
            except InvalidInputError as error:
                slots.append(None)
                if problems is not None:
                    problems.append(str(error))
        return cls(scene=Scene(), slots=(*slots, None))

    @classmethod
    def from_query(cls, query: Mapping[str, str], models: Models) -> tuple["ExploreState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        state = cls.default(models, problems)
        slots = tuple(
            _slot_from_query(slot, number, query, models, problems) for number, slot in enumerate(state.slots, 1)
        )
        options: dict[str, str] = {}
        attack: dict[str, str] = {}
        scene: dict[str, str] = {}
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
                    scene[key] = value
            except PerturberError as error:
                problems.append(str(error))
        found = cls(
            scene=scene_from_query(state.scene, scene, problems),
            slots=slots,
            view=_known_classes(View.parse(options), slots, models, problems),
            attack=AttackState.parse(attack),
        )
        return found._with_form_of_the_attack(), problems

    def recalling(self, memory: Mapping[str, Any]) -> "ExploreState":
        """This state with what is not in a link.

        Raises:
            InvalidInputError: it is not what `memory` gives.
        """
        known = ExploreMemory.read(dict(memory))
        groups = [*known.groups, *[()] * SLOTS]
        slots = tuple(s and s.model_copy(update={"group": groups[n]}) for n, s in enumerate(self.slots))
        form = known.form or self.attack.form
        moved = self.attack.physical and replace(self.attack.physical, job=known.job, said=known.said)
        return self.model_copy(
            update={
                "slots": slots,
                "reference": None if known.reference is None else Scene.parse(known.reference),
                "mark": known.mark,
                "history": known.history,
                "since": known.since,
                "measure": known.measure,
                "attack": replace(self.attack, form=form, done=known.done, physical=moved),
            }
        )

    def memory(self) -> dict[str, Any]:
        """What a link does not hold."""
        physical = self.attack.physical
        return ExploreMemory(
            reference=None if self.reference is None else self.reference.changes(),
            groups=tuple(() if slot is None else slot.group for slot in self.slots),
            mark=self.mark,
            history=self.history,
            since=self.since,
            measure=self.measure,
            form=self.attack.form,
            done=self.attack.done,
            job=None if physical is None else physical.job,
            said="" if physical is None else physical.said,
        ).model_dump(mode="json")

    def query(self) -> str:
        """The link's query: only what differs from the parameters' defaults, and the slots."""
        values: dict[str, object] = dict(scene_to_query(self.scene))
        values |= self.view.query() | self.attack.query()
        for n, slot in enumerate(self.slots, 1):
            if slot is None:
                continue
            values |= {f"m{n}": slot.model, f"l{n}": slot.layer, f"c{n}": ",".join(map(str, slot.channels))}
            values |= {f"{key}{n}": 0 for key, shown in (("a", slot.activations), ("p", slot.predictions)) if not shown}
            values |= {f"h{n}": 1} if slot.hidden else {}
        return urlencode(values, safe=",")

    def sweep_query(self) -> str:
        """The query of Sweep's link to the scene, the shown networks, and the first class or neuron in view."""
        slots = list(self.shown.values()) or [slot for slot in self.slots if slot is not None]
        values: dict[str, object] = dict(scene_to_query(self.scene))
        values |= {f"m{n}": model for n, model in enumerate(dict.fromkeys(slot.model for slot in slots), 1)}
        measures = [f"probability:{self.view.pinned[0]}" if self.view.pinned else "probability"]
        if slots and slots[0].activations and len({slot.layer for slot in slots}) == 1:
            measures.append(f"activation:{slots[0].layer}:{slots[0].channels[0]}:mean")
        return urlencode({**values, "measures": ";".join(measures)}, safe=",:;")

    @property
    def shown(self) -> dict[int, SlotState]:
        """Number → slot of those that are neither empty nor hidden: the others use no compute."""
        return {number: slot for number, slot in enumerate(self.slots) if slot is not None and not slot.hidden}

    def with_scene(self, scene: SceneBase) -> "ExploreState":
        """Of another scene; an attack was on the former one, and ends."""
        return self.model_copy(update={"scene": scene, "attack": self.attack.ended()})

    def with_slot(self, number: int, slot: SlotState) -> "ExploreState":
        """With another slot; an attack on a model that was there ends."""
        before = self.slots[number]
        slots = tuple(slot if n == number else other for n, other in enumerate(self.slots))
        gone = before is not None and slot.model != before.model and self._attacks(number, before.model)
        return self.model_copy(update={"slots": slots, "attack": self.attack.ended() if gone else self.attack})

    def _attacks(self, number: int, model: str) -> bool:
        attack = self.attack
        if attack.physical is not None:
            return number in (attack.form.slot, attack.physical.keeps)
        return attack.attack is not None and attack.attack.model == model

    def with_view(self, **values: Any) -> "ExploreState":
        """With other display options."""
        return self.model_copy(update={"view": replace(self.view, **values)})

    def request(self, client: str | None) -> LookRequest:
        """What the page asks the service: the shown slots, in order."""
        slots = tuple(slot.request(self.view) for slot in self.shown.values())
        return LookRequest(scene=self.scene, slots=slots, client=client, attack=self.attack.request())

    def slot(self, number: int) -> SlotState:
        """A slot that is not empty.

        Raises:
            InvalidInputError: it is, or there is none of this number.
        """
        slot = self.slots[number] if 0 <= number < len(self.slots) else None
        if slot is None:
            raise InvalidInputError("This slot shows no model. Choose one that does.")
        return slot

    def _with_form_of_the_attack(self) -> "ExploreState":
        attack = self.attack.attack
        if attack is None:
            return self
        numbers = [n for n, slot in enumerate(self.slots) if slot is not None and slot.model == attack.model]
        form = AttackForm.of(attack, numbers[0] if numbers else 0)
        return self.model_copy(update={"attack": replace(self.attack, form=form)})


def _known_classes(view: View, slots: tuple[SlotState | None, ...], models: Models, problems: list[str]) -> View:
    """The view without classes that the models of a link do not have, and a sentence for each option that had some."""
    explained = (view.explain,) if isinstance(view.explain, int) else ()
    for option, classes in (("pinned", view.pinned), ("explain", explained)):
        try:
            for slot in filter(None, slots):
                check_classes(models(slot.model), classes)
        except InvalidInputError as error:
            problems.append(str(error))
            view = replace(view, **{option: getattr(View(), option)})
    return view


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
        attempt(lambda: on_layer.model_copy(update={"channels": parse_channels(given["c"]), "group": ()}))
    shown = {"activations": given["a"] != "0", "predictions": given["p"] != "0", "hidden": given["h"] == "1"}
    return slot.model_copy(update=shown)


def _on_layer(slot: SlotState, layer: str, models: Models) -> SlotState:
    layers = models(slot.model).layers
    check_layer(slot.model, layers, layer)
    first = tuple(range(min(MAX_NEURONS, layers[layer].channels)))
    return slot.model_copy(update={"layer": layer, "channels": first, "group": ()})
