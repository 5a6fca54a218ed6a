"""Measurements (see `perturber.experiments.measurements`) as experiments of the page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from math import isfinite
from typing import Any

import numpy as np
from plotly.graph_objects import Figure

from perturber.experiments.measurements import Figure as Estimated
from perturber.experiments.measurements import Measurement, Result, find
from perturber.figures.measurements import (
    ALL,
    MAP,
    figures_of,
    is_matrix,
    measurement_figure,
    named_models,
    sphere,
    views,
)
from perturber.figures.pictures import picture_grid
from perturber.finite import written
from perturber.groups.subjects import SUBJECTS, YAWS
from perturber.parameters import PARAMETERS, Number, Parameter
from perturber.service import InferenceService, LookRequest
from perturber.service.measurements import count, kept_result, measurement_request, most, seconds
from perturber.service.works.measuring import MeasurementRequest
from perturber.ui.experiments.base import Chosen, Cost, Experiment, Group, Known, Numbers
from perturber.zoo.evaluate import spread

BORDERS = 2
"""Views at the border of each object's largest region that are shown."""

SIDE = 112
"""Pixels of each of these pictures as it is laid out."""

BORDER = 3
"""Of `perturber.figures.measurements.PARTS`."""

NAMED = 4_000
"""Pictures that are named before a measurement is ordered: what is wrong is said then."""

WORKS = {
    "backgrounds": ("xiao2021",),
    "challenge": ("xiao2021",),
    "corruptions": ("hendrycks2019",),
    "shape": ("geirhos2019", "geirhos2020"),
    "adversarial": ("madry2018",),
    "mixed": ("madry2018",),
}
"""Measurement → keys of the works behind it."""

MOST_DECISIONS = 32
"""Files with decisions of others that are compared."""


@dataclass(frozen=True)
class Measured(Experiment):
    """A measurement, over scenes or over the pictures of a folder.

    Attributes:
        name: of the measurement.
        without: options that do not matter here.
    """

    key: str
    title: str
    asks: str
    name: str
    over_folder: bool = False
    without: tuple[str, ...] = ()

    @property
    def group(self) -> Group:  # type: ignore[override]  # one class for both
        """Where it stands in the list."""
        return "Picture folders" if self.over_folder else "Scenes"

    @property
    def measurement(self) -> Measurement:
        """What is measured."""
        return find(self.name)

    @property
    def definition(self) -> str:  # type: ignore[override]  # that of the measurement
        """What comes out."""
        return self.measurement.definition

    @property
    def source(self) -> str:  # type: ignore[override]
        """Where that is from."""
        return self.measurement.source

    @property
    def folder(self) -> str:  # type: ignore[override]
        """What the folder is for."""
        return self.measurement.folder if self.over_folder else ""

    @property
    def works(self) -> tuple[str, ...]:  # type: ignore[override]
        """Those of the measurement."""
        return WORKS.get(self.name, ())

    def options(self, model: str, given: Mapping[str, object], known: Known) -> tuple[Parameter, ...]:
        """Those of the measurement that matter here; a parameter that moves does so within its own range."""
        found = tuple(option for option in self.measurement.options if option.key not in self.without)
        moving = PARAMETERS.get(str(given.get("parameter", "yaw")))
        if self.name != "fluctuation" or not isinstance(moving, Number):
            return found
        limits: dict[str, Any] = {"minimum": moving.minimum, "maximum": moving.maximum, "unit": moving.unit}
        ends = dict(zip(("low", "high"), _ends(moving), strict=True))
        return tuple(
            replace(option, **limits, default=ends[option.key]) if option.key in ends else option for option in found
        )

    def followed(self, key: str, values: Mapping[str, object]) -> dict[str, object]:
        """Another parameter that moves does so over its own range."""
        follows = ("low", "high") if key == "parameter" else ()
        return {name: value for name, value in values.items() if name not in follows}

    def order(self, service: InferenceService, chosen: Chosen) -> MeasurementRequest:
        """What is to be measured; of two orders for the same the options are the same."""
        defaults = {option.key: option.default for option in self.measurement.options}
        options = {key: value for key, value in chosen.options.items() if value != defaults[key]}
        decisions: Sequence[Any] = ()
        if chosen.folder is not None and self.measurement.takes_decisions:
            decisions = sorted(chosen.folder.glob("*.csv"))[:MOST_DECISIONS]
        return measurement_request(
            service, self.name, chosen.models, options, folder=chosen.folder, decisions=decisions
        )

    def cost(self, service: InferenceService, request: MeasurementRequest) -> Cost:
        """By the pictures, where they are few enough to be named or in a folder, else by the options."""
        pictures = most(service, request)
        if self.over_folder or pictures <= NAMED:
            pictures = count(service, request)
        return Cost(pictures=pictures, seconds=seconds(service, request, pictures))

    def kept(self, service: InferenceService, request: MeasurementRequest) -> Result | None:
        """What is on the disk."""
        return kept_result(service, request)

    def views(self, product: Result) -> dict[str, str]:
        """One for each kind of number."""
        return views(product)

    def figure(self, product: Result, view: str, labels: Mapping[str, str], options: Mapping[str, Any]) -> Figure:
        """Bars, curves, a matrix or a map."""
        return measurement_figure(product, view, labels)

    def examples(
        self, service: InferenceService, product: Result, view: str, labels: Mapping[str, str]
    ) -> Figure | None:
        """Beside a map some views at the border of each object's largest region: a row for each network."""
        if view != MAP:
            return None
        pictures: list[np.ndarray | None] = []
        names: list[str] = []
        distance = product.options["distance"]
        for model in product.models:
            for name, subject in SUBJECTS.items():
                longitudes, latitudes, parts, shares = sphere(product, model, name)
                found = list(spread(list(zip(*np.nonzero(parts == BORDER), strict=True)), BORDERS))
                for row, column in found:
                    scene = subject.scene(yaw=longitudes[column], pitch=-latitudes[row], distance=distance)
                    pictures.append(service.look(LookRequest(scene=scene)).image)
                    place = f"{_degrees(longitudes[column])}, {_degrees(latitudes[row])}"
                    names.append(f"{place}: {shares[row, column]:.0f} %")
                missing = BORDERS - len(found)
                pictures += [None] * missing
                names += [""] * missing
        rows = [labels.get(model, model) for model in product.models]
        if not any(names):
            return None
        return picture_grid(pictures, names, columns=BORDERS * len(SUBJECTS), rows=rows, side=SIDE)

    def numbers(self, product: Result, view: str, labels: Mapping[str, str]) -> Numbers:
        """A row for each group, a column for each network; of pairs a row for each first one."""
        rows: dict[str, None] = {}
        columns: dict[str, None] = {}
        cells: dict[tuple[str, str], str] = {}
        unit = ""
        shown = figures_of(product, view)
        matrix = is_matrix(shown)
        for figure in shown:
            row, column = figure.group or ALL, named_models(figure, labels)
            if matrix:
                row, column = (labels.get(model, model) for model in figure.models)
                row, column = f"{row} →", f"→ {column}"
            rows[row] = columns[column] = None
            cells[row, column], unit = _cell(figure), figure.unit
        head = (f"{unit} [95 % interval]" if unit else "[95 % interval]", *columns)
        return Numbers(
            head=head, rows=tuple((row, *(cells.get((row, column), "") for column in columns)) for row in rows)
        )

    def notes(self, product: Result) -> tuple[str, ...]:
        """What was left out."""
        return product.notes

    def methods(self, chosen: Chosen) -> str:
        """The definition, and how intervals are found."""
        return f"{super().methods(chosen)} Intervals are percentile bootstrap intervals at 95 % [@efron1979]."

    def csv(self, product: Result) -> str:
        """A row for each picture."""
        return product.csv()

    def json(self, product: Result) -> dict[str, Any]:
        """All of the result."""
        return asdict(product)


def _cell(figure: Estimated) -> str:
    deviation = f" ± {figure.deviation:.3g}" if isfinite(figure.deviation) else ""
    interval = f" [{figure.low:.3g}, {figure.high:.3g}]" if isfinite(figure.low) else ""
    return f"{written(figure.value, '.4g')}{deviation}{interval}"


def _degrees(angle: float) -> str:
    return f"{angle:.0f}°".replace("-", "−")


def _ends(moving: Number) -> tuple[float, float]:
    """Between which a parameter moves at first."""
    return (YAWS[0], YAWS[-1]) if moving.key == "yaw" else (moving.minimum, moving.maximum)


MEASURED = (
    Measured(
        "fluctuation",
        "Fluctuation of predictions",
        "How much do predictions waver while the camera goes around an object, or anything else of the scene moves?",
        "fluctuation",
    ),
    Measured(
        "backgrounds",
        "Dependence on backgrounds",
        "Do networks see the object, or what is behind it?",
        "backgrounds",
        without=("pictures",),
    ),
    Measured(
        "corruptions",
        "Robustness against corruptions",
        "Which of fifteen corruptions of a picture do networks stand, and up to which severity?",
        "corruptions",
    ),
    Measured(
        "shape",
        "Shape bias",
        "Where shape and texture say different things, which of them do networks go by?",
        "shape",
        without=("pictures",),
    ),
    Measured(
        "adversarial",
        "Robustness against attacks",
        "How large may an attack be, and does one that was made on a network fool the others?",
        "adversarial",
    ),
    Measured(
        "mixed",
        "Mixed networks",
        "How many early stages of a robust network does a standard one need to become robust?",
        "mixed",
    ),
    Measured(
        "viewpoints",
        "Map of viewpoints",
        "From where around an object do networks recognise it?",
        "viewpoints",
    ),
    Measured(
        "cue-conflict",
        "Cue-conflict pictures",
        "On pictures with the shape of one thing and the texture of another, which do networks and people name?",
        "shape",
        over_folder=True,
        without=("views", "steps"),
    ),
    Measured(
        "challenge",
        "Backgrounds Challenge",
        "How much of the accuracy on real pictures comes from their backgrounds?",
        "challenge",
        over_folder=True,
    ),
    Measured(
        "labelled-corruptions",
        "Corruptions of labelled pictures",
        "How many mistakes do corruptions add on real pictures?",
        "corruptions",
        over_folder=True,
    ),
    Measured(
        "labelled-attacks",
        "Attacks on labelled pictures",
        "How many real pictures are still recognised under attacks?",
        "adversarial",
        over_folder=True,
    ),
    Measured(
        "other-backgrounds",
        "Backgrounds from a folder",
        "Are the built-in objects recognised before real places, too?",
        "backgrounds",
        over_folder=True,
    ),
)
