"""The state of the Checkpoints page as a value: what its link holds and what it asks the service."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from pydantic import Field

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.examples.folders import picture_names
from perturber.featurevis import Recipe, Target
from perturber.scene import Scene, SceneBase
from perturber.service import MIN_PICTURES, PICTURES, DevelopmentRequest, LookRequest, ManyPictures, SlotRequest
from perturber.training import Moment, Series
from perturber.ui.states import reading
from perturber.ui.states.display import Objective, View
from perturber.ui.states.explore import SlotState
from perturber.ui.states.page import Memory, scene_from_query, scene_to_query
from perturber.ui.states.reading import LinkValues, Models

Tab = Literal["curves", "pictures", "maps", "kernels"]
Source = Literal["scene", "examples"]

CHANNELS = 4
"""Of a layer, that are shown first: those with which Explore begins, or the layer's first ones."""

PLAY_SECONDS = 0.66
"""Between two checkpoints while a training is played; a slow answer is waited for."""

OWN = ("m1", "m2", "of", "tab", "layer", "channels", "naive", "objective", "pictures", "count")
"""Keys of a link beside the scene's."""


class CheckpointMemory(Memory):
    """What is not worth a link; see `CheckpointState`."""

    playing: tuple[float | None, float | None] = (None, None)
    opened: int = Field(default=0, ge=0)


@dataclass(frozen=True, kw_only=True)
class CheckpointState:
    """Everything that the page shows follows from this.

    Attributes:
        slots: of Model 1 and Model 2, the series and the step.
        of: the slot whose series the tabs show, 1 or 2.
        layer: of that slot's model; the other slot shows it if its model has it.
        channels: 1 to 8 of `layer`.
        naive, objective: of the feature visualisations, as in a `View`.
        pictures: what correlations are taken over: variations of the scene, or the configured folder's pictures.
        count: how many.
        playing: of each slot, when its next checkpoint is due, in seconds since 1970; None while it is not played.
        opened: how often another tab was opened: figures of before are gone from the page.
    """

    scene: SceneBase
    slots: tuple[tuple[Series, int], tuple[Series, int]]
    of: int
    tab: Tab
    layer: str
    channels: tuple[int, ...]
    naive: bool
    objective: Objective
    pictures: Source
    count: int
    playing: tuple[float | None, float | None] = (None, None)
    opened: int = 0

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], series: Mapping[str, Series], models: Models, settings: Settings
    ) -> tuple["CheckpointState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.

        Raises:
            InvalidInputError: there are no series.
        """
        if not series:
            raise InvalidInputError("No model has checkpoints; `perturber train` makes some.")
        problems: list[str] = []
        take = LinkValues(query, problems).take
        scene = scene_from_query(Scene(), {k: v for k, v in query.items() if k not in OWN}, problems)
        one, *others = series.values()
        second = others[0] if others else one
        slots = (
            take("m1", (one, one.steps[-1]), lambda value: moment(series, value)),
            take("m2", (second, second.steps[-1 if others else 0]), lambda value: moment(series, value)),
        )
        of = take("of", 1, lambda value: reading.whole("of", value, 1, 2))
        info = models(slots[of - 1][0].name)
        first = SlotState.first(info)
        layer = take("layer", first.layer, lambda value: reading.layer(info, value))
        some = first.channels if layer == first.layer else range(min(CHANNELS, info.layers[layer].channels))
        source: Source = "examples" if settings.examples is not None else "scene"
        state = cls(
            scene=scene,
            slots=slots,
            of=of,
            tab=take("tab", "curves", lambda value: reading.choice("tab", value, get_args(Tab))),
            layer=layer,
            channels=take("channels", tuple(some[:CHANNELS]), lambda value: reading.channels(info, layer, value)),
            pictures=take("pictures", source, lambda value: reading.choice("pictures", value, get_args(Source))),
            count=take("count", PICTURES, lambda value: read_count("count", value)),
            naive=take("naive", False, lambda value: reading.switch("naive", value)),
            objective=take("objective", "neuron", lambda value: View.parse({"objective": value}).objective),
        )
        return state, problems

    def query(self) -> str:
        """The link's query: the scene's parameters where they differ from their defaults, and all of the page's own."""
        values: dict[str, object] = dict(scene_to_query(self.scene))
        values |= {f"m{n}": f"{series.name}@{step}" for n, (series, step) in enumerate(self.slots, 1)}
        values |= {"of": self.of, "tab": self.tab, "layer": self.layer, "naive": str(self.naive).lower()}
        values |= {"objective": self.objective, "pictures": self.pictures, "count": self.count}
        values |= {"channels": ",".join(map(str, self.channels))}
        return urlencode(values, safe=",@")

    def memory(self) -> dict[str, Any]:
        """What a link does not hold."""
        return CheckpointMemory(playing=self.playing, opened=self.opened).model_dump(mode="json")

    def recalling(self, memory: Mapping[str, Any]) -> "CheckpointState":
        """This state with what is not in a link.

        Raises:
            InvalidInputError: it is not what `memory` gives.
        """
        known = CheckpointMemory.read(dict(memory))
        return replace(self, playing=known.playing, opened=known.opened)

    def with_scene(self, scene: SceneBase) -> "CheckpointState":
        """Of another scene."""
        return replace(self, scene=scene)

    def at_place(self, number: int, series: Series, place: int) -> "CheckpointState":
        """With the checkpoint at this place of a series in a slot, or the last one where there are fewer.

        Raises:
            InvalidInputError: there is no such slot.
        """
        self.check_slot(number)
        slot = series, series.steps[max(0, min(place, len(series.steps) - 1))]
        first, second = self.slots
        return replace(self, slots=(slot, second) if number == 0 else (first, slot))

    def checked(self, models: Models) -> "CheckpointState":
        """With the layer and the channels that the shown series' model has."""
        info = models(self.series.name)
        layer = self.layer if self.layer in info.layers else info.default_layer
        total = info.layers[layer].channels
        some = tuple(range(min(len(self.channels), total)))
        return replace(self, layer=layer, channels=some if max(self.channels) >= total else self.channels)

    def played(self, now: float) -> "CheckpointState":
        """One checkpoint further in each slot that is played and due; the last one ends it.

        Args:
            now: seconds since 1970.
        """
        state = self
        for number, due in enumerate(self.playing):
            if due is not None and due <= now:
                series, _ = self.slots[number]
                place = self.places[number] + 1
                over = place >= len(series.steps) - 1
                state = state.at_place(number, series, place).with_play(number, None if over else now + PLAY_SECONDS)
        return state

    def with_play(self, number: int, due: float | None) -> "CheckpointState":
        """With the next checkpoint of a slot due then, or no longer played."""
        first, second = self.playing
        return replace(self, playing=(due, second) if number == 0 else (first, due))

    def check_slot(self, number: int) -> None:
        """Refuse a slot that the page does not have.

        Raises:
            InvalidInputError: it is neither 0 nor 1.
        """
        if number not in (0, 1):
            raise InvalidInputError(f"There is no slot {number}. Allowed: 0, 1.")

    @property
    def moments(self) -> tuple[Moment, Moment]:
        """What both slots show."""
        (first, a), (second, b) = self.slots
        return first.at(a), second.at(b)

    @property
    def places(self) -> tuple[int, int]:
        """Of both slots' checkpoints in their series, from 0."""
        (first, a), (second, b) = self.slots
        return first.steps.index(a), second.steps.index(b)

    @property
    def series(self) -> Series:
        """What the tabs show."""
        return self.slots[self.of - 1][0]

    @property
    def nearest(self) -> list[str]:
        """All models of both series: those that are shown, then by how many checkpoints they are away."""
        found = []
        for (series, _), place in zip(self.slots, self.places, strict=True):
            found += [(abs(n - place), -n, model) for n, model in enumerate(series.models)]
        return list(dict.fromkeys(model for *_, model in sorted(found, key=lambda one: one[:2])))

    @property
    def recipe(self) -> Recipe:
        """How the feature visualisations are made."""
        return View(naive=self.naive, objective=self.objective).recipe

    @property
    def targets(self) -> list[Target]:
        """What they are made for."""
        return View(objective=self.objective).targets(self.layer, self.channels)

    @property
    def pair(self) -> str:
        """The query of a link to another page with both checkpoints and the scene."""
        models = {f"m{n}": one.model for n, one in enumerate(self.moments, 1)}
        return urlencode({**scene_to_query(self.scene), **models}, safe=",@")

    def request(self, client: str | None) -> LookRequest:
        """What both checkpoints are asked."""
        slots = tuple(SlotRequest(model=one.model) for one in self.moments)
        return LookRequest(scene=self.scene, slots=slots, client=client)

    def development(self, models: Models, settings: Settings) -> DevelopmentRequest:
        """What the curves need to be computed.

        Raises:
            InvalidInputError: a checkpoint cannot be loaded, or there is no folder of example pictures.
        """
        count, scene = self.count, self.scene
        if self.pictures == "examples":
            if settings.examples is None:
                raise InvalidInputError("No folder of example pictures is set; start with PERTURBER_EXAMPLES=FOLDER.")
            count = max(MIN_PICTURES, min(count, len(picture_names(settings.examples))))
        names = self.series.models
        return DevelopmentRequest(
            name=self.series.name,
            models=names,
            fingerprints=tuple(models(name).fingerprint for name in names),
            batch=ManyPictures(scene=scene if self.pictures == "scene" else None, count=count),
        )


def moment(series: Mapping[str, Series], value: Any) -> tuple[Series, int]:
    """``name@step``, or the name alone for the last one.

    Raises:
        UnknownNameError: there is no such series or checkpoint.
    """
    name, sign, step = str(value).partition("@")
    if name not in series:
        raise UnknownNameError("model with checkpoints", name, series)
    found = series[name]
    if not sign:
        return found, found.steps[-1]
    known = {str(number): number for number in found.steps}
    if step not in known:
        raise UnknownNameError(f"checkpoint of {name}", step, known)
    return found, known[step]


def read_count(name: str, value: Any) -> int:
    """How many pictures correlations are taken over.

    Raises:
        InvalidInputError: it is no number of them.
    """
    return reading.whole(name, value, MIN_PICTURES, ManyPictures.most)
