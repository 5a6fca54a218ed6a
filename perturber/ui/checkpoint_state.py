"""The state of the Checkpoints page as a value: what its URL holds and what its requests say."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from perturber.config import Settings
from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.examples.folders import picture_names
from perturber.featurevis import Recipe, Target
from perturber.scene import Scene, SceneBase
from perturber.service.comparing_works import MIN_PICTURES
from perturber.service.training_works import PICTURES, DevelopmentRequest, ManyPictures
from perturber.training import Moment, Series
from perturber.ui import values
from perturber.ui.state import Models
from perturber.ui.values import Values
from perturber.ui.view import Objective, View

Tab = Literal["curves", "pictures", "maps", "kernels"]
Source = Literal["scene", "examples"]

CHANNELS = 4
"""Of a layer, that are shown first."""

OWN = ("m1", "m2", "of", "tab", "layer", "channels", "naive", "objective", "pictures", "count")
"""Keys of the URL beside the scene's."""


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

    @classmethod
    def from_json(
        cls, data: object, series: Mapping[str, Series], models: Models, settings: Settings
    ) -> "CheckpointState":
        """Read what a page sends.

        Raises:
            InvalidInputError: anything in it is unknown, out of range or of the wrong kind, or there are no series.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("scene"), Mapping):
            raise InvalidInputError("A request must hold a scene and two checkpoints.")
        scene = Scene.parse({str(key): value for key, value in data["scene"].items()})
        own = {key: data[key] for key in OWN if key in data}
        return cls._read(scene, Values(own, None), series, models, settings)

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], series: Mapping[str, Series], models: Models, settings: Settings
    ) -> tuple["CheckpointState", list[str]]:
        """Read a URL; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.

        Raises:
            InvalidInputError: there are no series.
        """
        problems: list[str] = []
        scene = Scene()
        for key, value in query.items():
            try:
                scene = scene if key in OWN else scene.replace(**{key: value})
            except PerturberError as error:
                problems.append(str(error))
        own = {key: query[key] for key in OWN if key in query}
        return cls._read(scene, Values(own, problems), series, models, settings), problems

    @classmethod
    def _read(
        cls, scene: SceneBase, given: Values, series: Mapping[str, Series], models: Models, settings: Settings
    ) -> "CheckpointState":
        if not series:
            raise InvalidInputError("No model has checkpoints; `perturber train` makes some.")
        take = given.take
        first, *others = series.values()
        second = others[0] if others else first
        slots = (
            take("m1", (first, first.steps[-1]), lambda value: _moment(series, value)),
            take("m2", (second, second.steps[-1 if others else 0]), lambda value: _moment(series, value)),
        )
        of = take("of", 1, lambda value: values.whole("of", value, 1, 2))
        shown = slots[of - 1][0]
        info = models(shown.name)
        layer = take("layer", info.default_layer, lambda value: values.layer(info, value))
        some = tuple(range(min(CHANNELS, info.layers[layer].channels)))
        source: Source = "examples" if settings.examples is not None else "scene"
        return cls(
            scene=scene,
            slots=slots,
            of=of,
            tab=take("tab", "curves", lambda value: values.choice("tab", value, get_args(Tab))),
            layer=layer,
            channels=take("channels", some, lambda value: values.channels(info, layer, value)),
            pictures=take("pictures", source, lambda value: values.choice("pictures", value, get_args(Source))),
            count=take("count", PICTURES, lambda v: values.whole("count", v, MIN_PICTURES, ManyPictures.most)),
            naive=take("naive", False, lambda value: View.parse({"naive": value}).naive),
            objective=take("objective", "neuron", lambda value: View.parse({"objective": value}).objective),
        )

    @property
    def moments(self) -> tuple[Moment, Moment]:
        """What both slots show."""
        (first, a), (second, b) = self.slots
        return first.at(a), second.at(b)

    @property
    def series(self) -> Series:
        """What the tabs show."""
        return self.slots[self.of - 1][0]

    @property
    def neighbours(self) -> list[str]:
        """Models one checkpoint away from those that are shown."""
        found = []
        for series, step in self.slots:
            place = series.steps.index(step)
            found += [series.models[n] for n in (place + 1, place - 1) if 0 <= n < len(series.models)]
        return list(dict.fromkeys(found))

    @property
    def recipe(self) -> Recipe:
        """How the feature visualisations are made."""
        return View(naive=self.naive, objective=self.objective).recipe

    @property
    def targets(self) -> list[Target]:
        """What they are made for."""
        return View(objective=self.objective).targets(self.layer, self.channels)

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

    def facts(self) -> dict[str, Any]:
        """The state for the page's script."""
        return {
            "slots": [{"series": series.name, "step": step} for series, step in self.slots],
            **{key: getattr(self, key) for key in OWN if key not in ("m1", "m2")},
        }


def _moment(series: Mapping[str, Series], value: Any) -> tuple[Series, int]:
    """``name@step``, or the name alone for the last one."""
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
