"""The state of the Sweep page as a value: a start, what is gone through, by which networks, and what is measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import quote, unquote, urlencode

from perturber.errors import InvalidInputError, PerturberError
from perturber.examples.folders import collection, collections
from perturber.experiments.measures import OF_A_CLASS, Measure
from perturber.experiments.sweep import (
    MAX_AXES,
    MAX_SAMPLED,
    Axis,
    Design,
    Grid,
    LatinHypercube,
    PictureAxis,
    Range,
    picture,
    pictures_of,
    post_processing,
    scene,
)
from perturber.parameters import PARAMETERS, Code, Neuron, Number, Value, get
from perturber.scene import Scene, SceneBase
from perturber.service import InferenceService
from perturber.service.sweeps import sweep_request
from perturber.service.works.sweeping import SweepRequest
from perturber.ui.states import reading
from perturber.ui.states.display import MAX_CLASS
from perturber.ui.states.explore import DEFAULT_MODELS, SLOTS
from perturber.ui.states.page import scene_from_query, scene_to_query
from perturber.ui.states.reading import LinkValues, Models

PATH = "/sweep"

MAX_MEASURES = 6
MAX_SEED = 999_999
MAX_INDEX = 999_999
"""Of a channel, a row or a column."""

COUNT = 5
"""Values of an axis before anybody says another number."""

PICTURES = 60
"""Pictures of a folder before anybody says another number."""

SAMPLES = 60
"""Scenes of a Latin hypercube before anybody says another number."""

AXES = tuple(f"axis{n}" for n in range(1, MAX_AXES + 1))
OWN = (
    *AXES,
    "pictures",
    "ranges",
    "samples",
    "sampling_seed",
    "measures",
    "shown",
    *(f"m{n}" for n in range(1, SLOTS + 1)),
)
"""Keys of a link beside the scene's parameters."""

STARTED = Axis.even("yaw", -60, 60, COUNT)
"""The axis that is there at first."""


@dataclass(frozen=True, kw_only=True)
class SweepState:
    """Everything that the page shows follows from this.

    Attributes:
        scene: the start, whose other parameters stay.
        design: what is gone through.
        models: one to three networks, each once.
        measures: one to six, each once.
        shown: number of the measure that is drawn.
    """

    scene: SceneBase
    design: Design
    models: tuple[str, ...]
    measures: tuple[Measure, ...]
    shown: int = 0

    @classmethod
    def default(cls) -> "SweepState":
        """Before anything is chosen: how two networks follow a turn of the first scene's object."""
        return cls(
            scene=Scene(), design=Grid((STARTED,)), models=DEFAULT_MODELS, measures=(Measure(kind="probability"),)
        )

    @classmethod
    def from_query(
        cls, query: Mapping[str, str], models: Models, folders: Mapping[str, Path] = MappingProxyType({})
    ) -> tuple["SweepState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Args:
            folders: name → those whose pictures can be gone through.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        values, start = LinkValues(query, problems), cls.default()
        measures = values.take("measures", start.measures, read_measures)
        found = cls(
            scene=scene_from_query(start.scene, {key: text for key, text in query.items() if key not in OWN}, problems),
            design=_read_design(query, start.design, folders, problems),
            models=_read_models(query, start.models, models, problems),
            measures=measures,
            shown=values.take("shown", 1, lambda text: reading.whole("shown", text, 1, len(measures))) - 1,
        )
        return found, problems

    def query(self) -> str:
        """The link's query: what differs from the defaults."""
        start = SweepState.default()
        values: dict[str, str] = scene_to_query(self.scene)
        if self.design != start.design:
            values |= _of_design(self.design)
        if self.models != start.models:
            values |= {f"m{n}": model for n, model in enumerate(self.models, 1)}
        if self.measures != start.measures:
            values["measures"] = ";".join(map(written, self.measures))
        values |= {"shown": str(self.shown + 1)} if self.shown else {}
        return urlencode(values, safe=",:;")

    def with_values(self, **values: Any) -> "SweepState":
        """With other values; a measure that is drawn no more gives its place to the first."""
        new = replace(self, **values)
        return replace(new, shown=new.shown if new.shown < len(new.measures) else 0)

    def with_measure(self, measure: Measure) -> "SweepState":
        """With one measure more, which is drawn from now on.

        Raises:
            InvalidInputError: there are too many.
        """
        if measure in self.measures:
            return replace(self, shown=self.measures.index(measure))
        return replace(self, measures=read_measures([*self.measures, measure]), shown=len(self.measures))

    def without_measure(self) -> "SweepState":
        """Without the measure that is drawn.

        Raises:
            InvalidInputError: it is the last one.
        """
        if len(self.measures) == 1:
            raise InvalidInputError("A sweep needs a measure. Add another one before you remove this.")
        left = (*self.measures[: self.shown], *self.measures[self.shown + 1 :])
        return replace(self, measures=left, shown=min(self.shown, len(left) - 1))

    def request(self, service: InferenceService) -> SweepRequest:
        """The order.

        Raises:
            InvalidInputError: a network cannot be measured so, or there is none of these.
        """
        return sweep_request(service, self.scene, self.design, self.models, self.measures)

    def at(self, number: int) -> SceneBase:
        """The scene of a point of the design."""
        return scene(self.scene, self.design, self.design.points()[number])

    def file(self, number: int) -> Path | None:
        """The picture that takes the place of that scene; None where none does."""
        return picture(self.design, self.design.points()[number])

    @property
    def pictures(self) -> PictureAxis | None:
        """Those that are gone through in place of scenes; None where there are none."""
        return pictures_of(self.design)

    def explore_query(self, of: SceneBase | None = None) -> str:
        """The query of Explore's link to a scene, the start by default, with these networks and what is drawn."""
        values: dict[str, str] = scene_to_query(self.scene if of is None else of)
        measure = self.measures[self.shown]
        for n, model in enumerate(self.models, 1):
            values[f"m{n}"] = model
            if measure.layer is not None:
                values[f"l{n}"] = measure.layer
            if measure.channel is not None:
                values[f"c{n}"] = str(measure.channel)
        if len(self.models) == 1:  # the second slot, which Explore fills otherwise
            values["h2"] = "1"
        if measure.class_index is not None:
            values["pinned"] = str(measure.class_index)
        return urlencode(values, safe=",")


def sweep_of(query: Mapping[str, str], service: InferenceService) -> tuple[SweepState, list[str]]:
    """As `SweepState.from_query`, with a service's networks and folders."""
    return SweepState.from_query(query, service.model, collections(service.settings.collections))


# ---- networks -----------------------------------------------------------------------------------------------------


def read_models(names: Sequence[str], models: Models) -> tuple[str, ...]:
    """One to three networks, each once.

    Raises:
        InvalidInputError: there is none of such a name, or one is there twice, or there are none.
    """
    found = tuple(models(name).name for name in names)
    if not found:
        raise InvalidInputError("A sweep needs a network. Choose one.")
    if len(set(found)) < len(found):
        raise InvalidInputError(f"{next(n for n in found if found.count(n) > 1)} is named twice. Choose another one.")
    return found[:SLOTS]


def _read_models(
    query: Mapping[str, str], default: tuple[str, ...], models: Models, problems: list[str]
) -> tuple[str, ...]:
    given = [query[key] for key in (f"m{n}" for n in range(1, SLOTS + 1)) if key in query]
    if not given:
        return default
    try:
        return read_models(given, models)
    except PerturberError as error:
        problems.append(str(error))
        return default


# ---- designs ------------------------------------------------------------------------------------------------------


def parameters() -> dict[str, str]:
    """Key → label of what can be gone through."""
    return {key: one.label for key, one in PARAMETERS.items() if not isinstance(one, Code | Neuron)}


def effects() -> dict[str, str]:
    """Key → label of those that change pictures, too."""
    return {key: label for key, label in parameters().items() if key in post_processing()}


def numbers() -> dict[str, str]:
    """Key → label of those that have a range."""
    return {key: one.label for key, one in PARAMETERS.items() if isinstance(one, Number)}


def first_axis(key: str) -> Axis:
    """An axis that goes through all that a parameter may be, or, of many pictures, the first few.

    Raises:
        InvalidInputError: it cannot be swept over.
    """
    parameter = get(key)
    if isinstance(parameter, Number):
        return Axis.even(key, parameter.minimum, parameter.maximum, COUNT)
    names = getattr(parameter, "options", None)
    return Axis(key, (False, True) if names is None else tuple(names)[:COUNT])


def is_even(axis: Axis) -> bool:
    """Whether its ends and their number say all of it."""
    if not isinstance(get(axis.key), Number):
        return False
    low, high = axis.values[0], axis.values[-1]
    try:
        return Axis.even(axis.key, low, high, len(axis.values)) == axis
    except InvalidInputError:  # they fall, or are one
        return False


def _plain(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _of_design(design: Design) -> dict[str, str]:
    if isinstance(design, Grid):
        pictures = design.pictures
        found = {} if pictures is None else {"pictures": f"{pictures.folder.name}:{len(pictures.values)}"}
        return found | {name: _of_axis(axis) for name, axis in zip(AXES, axes_of(design), strict=False)}
    ranges = ";".join(f"{one.key}:{_plain(one.low)}:{_plain(one.high)}" for one in design.ranges)
    return {"ranges": ranges, "samples": str(design.count), "sampling_seed": str(design.seed)}


def axes_of(grid: Grid) -> tuple[Axis, ...]:
    """Those that are parameters."""
    return grid.axes if grid.pictures is None else grid.axes[1:]


def _of_axis(axis: Axis) -> str:
    if is_even(axis):
        return f"{axis.key}:{_plain(axis.values[0])}:{_plain(axis.values[-1])}:{len(axis.values)}"
    return f"{axis.key}:{','.join(quote(_plain(value), safe='') for value in axis.values)}"


def _read_design(query: Mapping[str, str], default: Design, folders: Mapping[str, Path], problems: list[str]) -> Design:
    try:
        if "ranges" in query:
            if len(query["ranges"]) > 2000:
                raise InvalidInputError("These are too many ranges for a link.")
            ranges = tuple(map(_read_range, query["ranges"].split(";")[: MAX_SAMPLED + 1]))
            return latin(ranges, query.get("samples", SAMPLES), query.get("sampling_seed", 0))
        axes = tuple(_read_axis(query[name]) for name in AXES if name in query)
        if "pictures" in query:
            name, _, count = query["pictures"].rpartition(":")
            return Grid((pictures(folders, name, count), *axes))
        return Grid(axes) if axes else default
    except PerturberError as error:
        problems.append(str(error))
        return default


def pictures(folders: Mapping[str, Path], name: object, count: object) -> PictureAxis:
    """Pictures of one of the folders, so many at most, evenly spread.

    Raises:
        InvalidInputError: there are none; the folder goes by its name, for where it lies is the server's affair.
    """
    folder, most = collection(folders, name), reading.whole("pictures", count, 1, 10**6)
    try:
        return PictureAxis.of(folder, most)
    except InvalidInputError as error:
        raise InvalidInputError(str(error).replace(str(folder), folder.name)) from error


def latin(ranges: tuple[Range, ...], count: object, seed: object) -> LatinHypercube:
    """A Latin hypercube of what a link or a form says.

    Raises:
        InvalidInputError: it cannot be so.
    """
    return LatinHypercube(
        ranges, reading.whole("samples", count, 1, 10**6), reading.whole("sampling_seed", seed, 0, MAX_SEED)
    )


def _read_axis(text: str) -> Axis:
    key, _, rest = text.partition(":")
    parts = rest.split(":")
    if len(parts) == 1:
        return Axis(key, tuple(unquote(value) for value in rest.split(",")))
    if len(parts) != 3:
        raise InvalidInputError(
            f"An axis cannot be {text[:80]!r}. Write PARAMETER:LOW:HIGH:COUNT, for example yaw:-60:60:5."
        )
    return Axis.even(key, parts[0], parts[1], reading.whole("count", parts[2], 2, 10**6))


def _read_range(text: str) -> Range:
    parts = text.split(":")
    if len(parts) != 3:
        raise InvalidInputError(f"A range cannot be {text[:80]!r}. Write PARAMETER:LOW:HIGH, for example yaw:-60:60.")
    return Range(*parts)  # type: ignore[arg-type]  # the parameter reads them


# ---- measures -----------------------------------------------------------------------------------------------------


def written(measure: Measure) -> str:
    """A measure as a link has it: its kind, then its class, or its layer, channel and how it is pooled."""
    if measure.kind in OF_A_CLASS:
        return measure.kind if measure.class_index is None else f"{measure.kind}:{measure.class_index}"
    if measure.kind == "activation":
        how = measure.pooling if measure.place is None else f"{measure.place[0]},{measure.place[1]}"
        return f"activation:{measure.layer}:{measure.channel}:{how}"
    return f"change:{measure.layer}" if measure.kind == "change" else measure.kind


def read_measure(text: str) -> Measure:
    """A measure as `written`.

    Raises:
        InvalidInputError: it is none.
    """
    kind, *rest = text.split(":")
    most = {"change": 1, "activation": 3}.get(kind, 1 if kind in OF_A_CLASS else 0)
    if len(rest) > most:
        raise InvalidInputError(f"A measure cannot be {text[:80]!r}. Write for example probability:281 or entropy.")
    rest += [""] * (3 - len(rest))
    if kind in OF_A_CLASS:
        return Measure(kind=kind, class_index=read_index("class", rest[0], MAX_CLASS) if rest[0] else None)  # type: ignore[arg-type]
    if kind == "change":
        return Measure(kind="change", layer=_layer(rest[0]))
    if kind != "activation":
        return Measure(kind=kind)  # type: ignore[arg-type]
    row, comma, column = rest[2].partition(",")
    place = (read_index("row", row), read_index("column", column)) if comma else None
    return activation(rest[0], rest[1], "place" if place else rest[2] or "mean", place)


def activation(layer: str, channel: object, pooling: str, place: tuple[int, int] | None) -> Measure:
    """The activation of a neuron; raises as `read_measure`."""
    number = read_index("channel", channel)
    return Measure(kind="activation", layer=_layer(layer), channel=number, pooling=pooling, place=place)  # type: ignore[arg-type]


def read_index(what: str, value: object, most: int = MAX_INDEX) -> int:
    """A number that counts from 0.

    Raises:
        InvalidInputError: it is none.
    """
    return reading.whole(what, value, 0, most)


def _layer(text: str) -> str:
    if not text or len(text) > 200 or not text.isprintable() or set(text) & set(":;,"):
        raise InvalidInputError(f"A layer cannot be {text[:80]!r}. Choose one of a network.")
    return text


def read_measures(value: str | Sequence[Measure]) -> tuple[Measure, ...]:
    """One to six measures, each once.

    Raises:
        InvalidInputError: one is none, or there are too many.
    """
    parts = [read_measure(text) for text in value.split(";")[: MAX_MEASURES + 1]] if isinstance(value, str) else value
    found = tuple(dict.fromkeys(parts))
    if len(found) > MAX_MEASURES:
        raise InvalidInputError(f"A sweep has up to {MAX_MEASURES} measures. Remove one first.")
    return found
