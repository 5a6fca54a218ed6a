"""Sweeps: which scenes are looked at, and what comes of them."""

import csv
import io
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from math import isnan
from pathlib import Path

import numpy as np

from perturber.effects import EFFECTS
from perturber.errors import InvalidInputError
from perturber.examples.folders import listed_names
from perturber.experiments.measures import OF_TWO, Column
from perturber.parameters import Code, Neuron, Number, Value, get
from perturber.scene import SceneBase
from perturber.zoo.evaluate import spread

MAX_CELLS = 20_000
MAX_AXES = 2
PICTURE = "picture"
"""In place of a parameter's key, of an axis of pictures."""

MAX_SAMPLED = 6
"""Parameters of a Latin hypercube."""


@dataclass(frozen=True)
class Axis:
    """A parameter and the values that it takes.

    Attributes:
        key: of the parameter.
        values: at least two, different ones, as the parameter reads them.

    Raises:
        InvalidInputError: there is no such parameter, it cannot be swept over, or has not these values.
    """

    key: str
    values: tuple[Value, ...]

    def __post_init__(self) -> None:
        parameter = get(self.key)
        if isinstance(parameter, Code | Neuron):
            raise InvalidInputError(
                f"{parameter.label} ({parameter.key}) is no quantity that a sweep could go through."
            )
        read = tuple(parameter.parse(value) for value in self.values)
        if len(read) < 2:
            raise InvalidInputError(f"{parameter.label} ({parameter.key}) needs two values at least to be swept over.")
        twice = next((value for n, value in enumerate(read) if value in read[:n]), None)
        if twice is not None:
            raise InvalidInputError(f"{parameter.label} ({parameter.key}) is to take the value {twice} twice.")
        object.__setattr__(self, "values", read)

    @classmethod
    def even(cls, key: str, low: object, high: object, count: int) -> "Axis":
        """So many values from one to another at equal distances, both included.

        Raises:
            InvalidInputError: as of the class, or the parameter has no numbers.
        """
        parameter = _number(key)
        if isinstance(count, bool) or not isinstance(count, int) or not 2 <= count <= MAX_CELLS:
            raise InvalidInputError(f"{parameter.label} ({key}) cannot take {str(count)[:40]} values.")
        first, last = (float(f"{end:.9g}") for end in _ends(parameter, low, high))  # so that they say all of it
        values = np.linspace(first, last, count)
        if parameter.whole:
            return cls(key, tuple(dict.fromkeys(float(value) for value in values.round())))
        return cls(key, tuple(float(f"{value:.9g}") for value in values))


@dataclass(frozen=True)
class PictureAxis(Axis):
    """Pictures of a folder, each of which takes the place of the rendered scene; post-processing is applied.

    Attributes:
        key: `PICTURE`, which is no parameter.
        values: names of the files in the folder, different ones; a single one will do.
        folder: that they lie in.

    Raises:
        InvalidInputError: there is none, or one is named twice.
    """

    folder: Path

    def __post_init__(self) -> None:
        if self.key != PICTURE or not self.values or len(set(self.values)) < len(self.values):
            raise InvalidInputError("A sweep over pictures needs one at least, and each of them once.")

    @classmethod
    def of(cls, folder: Path, most: int | None = None) -> "PictureAxis":
        """Those of a folder and its sub-folders, at most so many, evenly spread.

        Raises:
            InvalidInputError: no such folder, or no picture in it.
        """
        return cls(PICTURE, tuple(spread(listed_names(folder), most)), folder)


@dataclass(frozen=True)
class Range:
    """A parameter of a Latin hypercube, and the ends of its range.

    Raises:
        InvalidInputError: there is no such parameter, or it has not these values.
    """

    key: str
    low: float
    high: float

    def __post_init__(self) -> None:
        low, high = _ends(_number(self.key), self.low, self.high)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)


def _number(key: str) -> Number:
    parameter = get(key)
    if not isinstance(parameter, Number):
        raise InvalidInputError(f"{parameter.label} ({key}) has no range. List its values instead.")
    return parameter


def _ends(parameter: Number, low: object, high: object) -> tuple[float, float]:
    ends = parameter.parse(low), parameter.parse(high)
    if ends[0] >= ends[1]:
        raise InvalidInputError(
            f"{parameter.label} ({parameter.key}) cannot go from {ends[0]:g} to {ends[1]:g}. The range must rise."
        )
    return ends


@dataclass(frozen=True)
class Grid:
    """Every combination of the values of one or two parameters; the last one changes fastest.

    In place of the first one there may be pictures (`PictureAxis`).

    Raises:
        InvalidInputError: no axis or too many, one parameter twice, too many cells, or a parameter that changes nothing
            in pictures.
    """

    axes: tuple[Axis, ...]

    def __post_init__(self) -> None:
        if not 1 <= len(self.axes) <= MAX_AXES:
            raise InvalidInputError(f"A sweep goes over one or two parameters, not {len(self.axes)}.")
        _check_keys(self.keys)
        _check_count(len(self))
        if PICTURE in self.keys[1:]:
            raise InvalidInputError("Pictures are the first axis of a sweep. Change the order.")
        if self.pictures is not None:
            for key in self.keys[1:]:
                if key not in post_processing():
                    raise InvalidInputError(
                        f"{get(key).label} ({key}) changes nothing in a picture; only post-processing does."
                    )

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters that are swept over."""
        return tuple(axis.key for axis in self.axes)

    @property
    def pictures(self) -> PictureAxis | None:
        """The first axis where it is one of pictures in place of scenes."""
        first = self.axes[0]
        return first if isinstance(first, PictureAxis) else None

    @property
    def shape(self) -> tuple[int, ...]:
        """Values of each axis."""
        return tuple(len(axis.values) for axis in self.axes)

    def __len__(self) -> int:
        return int(np.prod(self.shape))

    def points(self) -> list[tuple[Value, ...]]:
        """The values of `keys` in each cell."""
        return list(itertools.product(*(axis.values for axis in self.axes)))


@dataclass(frozen=True)
class LatinHypercube:
    """So many points in a box, whose projection on each axis is even (McKay, Beckman & Conover 1979).

    Attributes:
        seed: of the points; more points of the same seed are other ones.

    Raises:
        InvalidInputError: no range or too many, one parameter twice, or too few or many points.
    """

    ranges: tuple[Range, ...]
    count: int
    seed: int = 0

    def __post_init__(self) -> None:
        if not 1 <= len(self.ranges) <= MAX_SAMPLED:
            raise InvalidInputError(f"A Latin hypercube has 1 to {MAX_SAMPLED} parameters, not {len(self.ranges)}.")
        _check_keys(self.keys)
        _check_count(self.count)

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters that are swept over."""
        return tuple(one.key for one in self.ranges)

    @property
    def shape(self) -> tuple[int, ...]:
        """The points, in one row."""
        return (self.count,)

    def __len__(self) -> int:
        return self.count

    def points(self) -> list[tuple[Value, ...]]:
        """The values of `keys` in each point."""
        from scipy.stats import qmc  # a second that no start should wait for

        sampled = qmc.LatinHypercube(d=len(self.ranges), rng=self.seed).random(self.count)
        columns = []
        for one, unit in zip(self.ranges, sampled.T, strict=True):
            values = one.low + unit * (one.high - one.low)
            columns.append(values.round() if _number(one.key).whole else values)
        return [tuple(float(f"{value:.9g}") for value in row) for row in np.stack(columns, 1)]


def post_processing() -> tuple[str, ...]:
    """Keys of the parameters that change a picture, too."""
    return tuple(key for effect in EFFECTS for key in effect.keys)


def _check_keys(keys: Sequence[str]) -> None:
    if len(set(keys)) < len(keys):
        raise InvalidInputError(f"A parameter is named twice: {', '.join(keys)}.")


def _check_count(count: object) -> None:
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MAX_CELLS:
        shown = f"{count:,}" if isinstance(count, int) else str(count)[:40]
        raise InvalidInputError(f"A sweep cannot have {shown} scenes. Allowed: up to {MAX_CELLS:,}.")


Design = Grid | LatinHypercube


def pictures_of(design: Design) -> PictureAxis | None:
    """The pictures in place of scenes; None where there are none."""
    return design.pictures if isinstance(design, Grid) else None


def scene(start: SceneBase, design: Design, point: Sequence[Value]) -> SceneBase:
    """The scene of a point: the start with its values; for a picture, that whose post-processing it gets."""
    changes = dict(zip(design.keys, point, strict=True))
    return start.replace(**{key: value for key, value in changes.items() if key != PICTURE})


def picture(design: Design, point: Sequence[Value]) -> Path | None:
    """The file of the picture that takes the place of a point's scene; None where there is none."""
    axis = pictures_of(design)
    return None if axis is None else axis.folder / str(point[0])


@dataclass(frozen=True, kw_only=True, eq=False)
class Sweep:
    """What has come of a sweep, or as far as it has come.

    Attributes:
        start: the scene, whose other parameters stay.
        models: names of the networks.
        columns: what was measured (M).
        values: (N, M) float32; NaN where a scene was not looked at yet, or the measure is not known.
        tops: (N, number of models) int32, each network's most probable class; −1 where it is not known (yet).
        done: (N,) bool, the scenes that were looked at.
        computed: how many scenes were looked at now, or could not be; the others were kept from earlier sweeps.
        notes: what has gone wrong meanwhile, a sentence each.
    """

    start: SceneBase
    design: Design
    models: tuple[str, ...]
    columns: tuple[Column, ...]
    values: np.ndarray = field(repr=False)
    tops: np.ndarray = field(repr=False)
    done: np.ndarray = field(repr=False)
    computed: int = 0
    notes: tuple[str, ...] = ()

    def of_measures(self) -> list[list[int]]:
        """The columns of each measure, in the order in which they were asked for."""
        found: list[list[int]] = []
        while (first := sum(map(len, found))) < len(self.columns):
            of_two = self.columns[first].measure.kind in OF_TWO
            found.append(list(range(first, first + len(self.models) - of_two)))
        return found

    def table(self) -> tuple[list[str], list[list[object]]]:
        """Head and rows: the parameters' values, then what was measured, then each network's first class."""
        head = [*self.design.keys, *map(str, self.columns), *(f"first class: {model}" for model in self.models)]
        rows = list[list[object]]()
        for point, values, tops in zip(self.design.points(), self.values.tolist(), self.tops.tolist(), strict=True):
            measured = (None if isnan(value) else value for value in values)
            rows.append([*point, *measured, *(None if top < 0 else top for top in tops)])
        return head, rows

    def csv(self) -> str:
        """The table as CSV; what is not known is left empty."""
        head, rows = self.table()
        file = io.StringIO()
        csv.writer(file).writerows([head, *rows])
        return file.getvalue()

    def json(self) -> str:
        """The table as JSON, by column; what is not known is null."""
        head, rows = self.table()
        return json.dumps({name: list(column) for name, column in zip(head, zip(*rows, strict=True), strict=True)})

    def parquet(self) -> bytes:
        """The table as a Parquet file; what is not known is null.

        Raises:
            InvalidInputError: PyArrow is not installed.
        """
        if find_spec("pyarrow") is None:
            raise InvalidInputError("Parquet needs the package pyarrow: pip install 'perturber[parquet]'.")
        import pyarrow
        import pyarrow.parquet

        head, rows = self.table()
        file = io.BytesIO()
        columns = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
        pyarrow.parquet.write_table(pyarrow.table(columns), file)
        return file.getvalue()
