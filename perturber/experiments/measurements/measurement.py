"""What a measurement is: which pictures it shows to networks, what it keeps of each answer, what it makes of them."""

import csv
import io
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from math import isnan, nan
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from perturber.attack import Attack
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.examples.folders import picture_names
from perturber.experiments.measurements.statistics import Estimate, Statistic, bootstrap
from perturber.groups.subjects import SUBJECTS, VIEWS, Subject
from perturber.order import largest
from perturber.parameters import Number, Parameter
from perturber.scene import Scene, SceneBase
from perturber.zoo.classes import IMAGENET_1K, ClassName
from perturber.zoo.collections import labels
from perturber.zoo.evaluate import spread

MAX_PICTURES = 50_000
"""That one measurement shows to each network."""


@dataclass(frozen=True, kw_only=True)
class Pick(Parameter):
    """An option that is one of a few words.

    Attributes:
        choices: word → what it means.
    """

    default: str
    choices: Mapping[str, str]

    @property
    def allowed(self) -> str:
        """The words."""
        return ", ".join(self.choices)

    def parse(self, value: object) -> str:
        """Read a word.

        Raises:
            UnknownNameError: naming the words that exist.
        """
        if value not in self.choices:
            raise UnknownNameError(self.label.lower(), value, self.choices)
        return str(value)


@dataclass(frozen=True, kw_only=True)
class Numbers(Parameter):
    """An option that is a list of different numbers on an interval, in rising order; as text with commas between.

    Attributes:
        most: numbers that are allowed.
    """

    default: str
    minimum: float
    maximum: float
    whole: bool = False
    most: int = 33

    @property
    def allowed(self) -> str:
        """How many, and which."""
        kind = "whole numbers" if self.whole else "numbers"
        return f"1 to {self.most} {kind} from {self.minimum:g} to {self.maximum:g}, with commas between"

    def parse(self, value: object) -> str:
        """Read such a list.

        Raises:
            InvalidInputError: it is none.
        """
        try:
            numbers = sorted({float(part) for part in str(value).split(",")})
        except ValueError:
            raise self._refuse(value, self.allowed) from None
        good = all(self.minimum <= one <= self.maximum and (one.is_integer() or not self.whole) for one in numbers)
        if not good or not 1 <= len(numbers) <= self.most:
            raise self._refuse(value, self.allowed)
        return ",".join(f"{one:.6g}" for one in numbers)


def numbers(text: str) -> tuple[float, ...]:
    """The numbers of a `Numbers` option."""
    return tuple(map(float, text.split(",")))


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A picture that is shown to every network.

    Attributes:
        scene: that is rendered, or whose post-processing a picture file gets.
        file: of a picture in place of the scene, or None.
        behind: whether the file is the background of the scene's object rather than the whole picture.
        parts: ``both``, or the ``object`` alone before mid-grey, or its ``background`` alone.
        right: WordNet identifiers of classes that count as right; names of those without one.
        attack: that the picture is under when it is shown, on the network that it names; all its steps are taken.
        models: networks that it is shown to; None for all.
        facts: what the measurement wants to know of it again.
    """

    scene: SceneBase = field(default_factory=lambda: Scene.parse({}))
    file: Path | None = None
    behind: bool = False
    parts: Literal["both", "object", "background"] = "both"
    right: frozenset[str] = frozenset()
    attack: Attack | None = None
    models: tuple[str, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Order:
    """What is to be measured.

    Attributes:
        classes: model → its classes, for each model that is measured.
        options: key → value, of every option of the measurement.
        folder: pictures of the user's own, or None.
        decisions: files with other observers' decisions (see `perturber.experiments.measurements.decisions`).
    """

    classes: Mapping[str, Sequence[ClassName]]
    options: Mapping[str, Any]
    folder: Path | None = None
    decisions: tuple[Path, ...] = ()

    @property
    def models(self) -> tuple[str, ...]:
        """Names of the networks, in their order."""
        return tuple(self.classes)

    def whole(self, key: str) -> int:
        """The value of an option that is a whole number."""
        return int(self.options[key])


@dataclass(frozen=True, kw_only=True, eq=False)
class Seen:
    """What came of the trials.

    Attributes:
        trials: N; those whose file could not be read are left out.
        readings: model → (N, R) what was read off its logits; NaN for trials that it was not shown.
        low: (N,) share of the attack's energy below `perturber.service.LOW_FREQUENCY` cycles a pixel; NaN where there
            was no attack.
    """

    trials: Sequence[Trial]
    readings: Mapping[str, np.ndarray]
    low: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One of the numbers that a measurement comes to.

    Attributes:
        name: what it is.
        models: one, or two for a difference (the first minus the second) or a pair.
        group: what part of the pictures it is about; "" for all.
        deviation: standard deviation over the units, where that is part of the measurement; else NaN.
    """

    name: str
    models: tuple[str, ...]
    group: str = ""
    unit: str = ""
    value: float
    low: float = nan
    high: float = nan
    deviation: float = nan
    count: int


@dataclass(frozen=True, kw_only=True)
class Result:
    """What was measured.

    Attributes:
        measurement: its name.
        options: key → value.
        figures: the numbers that it comes to.
        head, rows: the data behind them.
        notes: what was left out, a sentence each.
        pictures: that each network was shown.
    """

    measurement: str
    models: tuple[str, ...]
    options: Mapping[str, Any]
    figures: tuple[Figure, ...]
    head: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)
    pictures: int
    notes: tuple[str, ...] = ()

    def figure(self, name: str, *models: str, group: str = "") -> Figure:
        """The one with this name.

        Raises:
            UnknownNameError: there is none.
        """
        for figure in self.figures:
            if (figure.name, figure.models, figure.group) == (name, models, group):
                return figure
        raise UnknownNameError("figure", name, {figure.name for figure in self.figures})

    def csv(self) -> str:
        """The data as CSV; what is not known is left empty."""
        file = io.StringIO()
        known = [[None if isinstance(v, float) and isnan(v) else v for v in row] for row in self.rows]
        csv.writer(file).writerows([self.head, *known])
        return file.getvalue()


class Measurement(ABC):
    """A way to measure networks, side by side.

    Attributes:
        name: on the command line.
        title: as a person would say it.
        definition: what comes out, with its formula.
        source: where the definition is from.
        options: what can be chosen; every one has a default.
        folder: what a folder of the user's own is for; "" where there is no use for one.
        takes_decisions: whether other observers' decisions can be compared.
        one_by_one: whether most pictures are shown to one network alone.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    definition: ClassVar[str]
    source: ClassVar[str]
    options: ClassVar[tuple[Parameter, ...]] = ()
    folder: ClassVar[str] = ""
    takes_decisions: ClassVar[bool] = False
    one_by_one: ClassVar[bool] = False

    def read_options(self, given: Mapping[str, object]) -> dict[str, Any]:
        """Every option's value: what is given, the default elsewhere.

        Raises:
            InvalidInputError: there is no such option, or it cannot have this value.
        """
        known = {option.key: option for option in self.options}
        for key in given:
            if key not in known:
                raise UnknownNameError(f"option of {self.name}", key, known or ["none, it has no options"])
        return {key: option.parse(given.get(key, option.default)) for key, option in known.items()}

    def arrange(
        self, given: Sequence[str], options: Mapping[str, Any], stages: Callable[[str, str], Sequence[str]]
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """The networks that are measured when these are given, and the options that go with them; here both as given.

        Args:
            options: of every option of the measurement.
            stages: the stages that two networks have in common, in forward order.

        Raises:
            InvalidInputError: these networks cannot be measured together.
        """
        return tuple(given), dict(options)

    @abstractmethod
    def most(self, order: Order) -> int:
        """How many pictures it takes, at most; by the options alone."""

    def gradients(self, order: Order) -> int:
        """How many gradients of a network its attacks take, in all, at most."""
        return 0

    @abstractmethod
    def trials(self, order: Order) -> list[Trial]:
        """The pictures to show; reads names in folders, but no pictures.

        Raises:
            InvalidInputError: they cannot be made so, or a network cannot be measured by them.
        """

    def read(self, logits: Tensor, trials: Sequence[Trial], classes: Sequence[ClassName]) -> Tensor:
        """What is kept of a network's answers (B, K): (B, R); here whether it is right, and the right probability."""
        return recognised(logits, trials, classes)

    @abstractmethod
    def result(self, order: Order, seen: Seen) -> Result:
        """What comes out."""

    def _result(self, order: Order, seen: Seen, figures: Sequence[Figure], head: Sequence[str], rows: Any) -> Result:
        return Result(
            measurement=self.name,
            models=order.models,
            options=order.options,
            figures=tuple(figures),
            head=tuple(head),
            rows=tuple(map(tuple, rows)),
            pictures=len(seen.trials),
        )


def outputs(classes: Sequence[ClassName], wanted: Collection[str]) -> list[int]:
    """Which of a network's outputs these identifiers (or names) stand for."""
    return [index for index, one in enumerate(classes) if (one.wnid or one.name) in wanted]


def recognised(logits: Tensor, trials: Sequence[Trial], classes: Sequence[ClassName]) -> Tensor:
    """Whether the most probable class is right, and the probability of all right ones together: (B, 2) float32."""
    best, probabilities = largest(logits, 1), logits.double().softmax(1)
    found = torch.zeros(len(trials), 2)
    for n, trial in enumerate(trials):
        right = outputs(classes, trial.right)
        found[n, 0] = float(int(best.indices[n, 0]) in right and not bool(best.values[n, 0].isnan()))
        found[n, 1] = float(probabilities[n, right].sum())
    return found


def of_subject(subject: Subject) -> frozenset[str]:
    """The WordNet identifiers of the classes that name an object."""
    return frozenset(IMAGENET_1K[index].wnid for index in subject.right)


def check_subjects(order: Order) -> None:
    """Refuse networks that cannot name the four objects.

    Raises:
        InvalidInputError: saying which one lacks what.
    """
    for model, classes in order.classes.items():
        for name, subject in SUBJECTS.items():
            if not outputs(classes, of_subject(subject)):
                raise InvalidInputError(
                    f"{model} has no class that stands for the {name} ({subject.pair.replace('_', ' ')}), so it cannot "
                    "be measured by the built-in objects. Give a folder of pictures with its classes, if there is one."
                )


def labelled(order: Order, count: int) -> list[tuple[Path, str]]:
    """Pictures of the folder and the class of each, evenly spread over those whose class every network knows.

    Raises:
        InvalidInputError: there is none.
    """
    assert order.folder is not None
    names = picture_names(order.folder)
    found: list[tuple[Path, str]] = []
    first, *others = order.classes.values()
    known = [{one.wnid or one.name for one in classes} for classes in others]
    for name, index in zip(names, labels(names, first), strict=True):
        key = "" if index is None else first[index].wnid or first[index].name
        if key and all(key in classes for classes in known):
            found.append((order.folder / name, key))
    if not found:
        raise InvalidInputError(
            f"No picture in {str(order.folder)!r} has a class that all the networks know. "
            "Name them <wnid>_*.JPEG or put them into <wnid>/."
        )
    return list(spread(found, count))


def pictures(order: Order) -> list[Trial]:
    """As many as the option of this name says: labelled ones of the folder, or scenes of the four objects.

    Raises:
        InvalidInputError: the folder has none, or a network cannot name the objects.
    """
    count = order.whole("pictures")
    if order.folder is not None:
        return [
            Trial(file=path, right=frozenset({key}), facts={"picture": path.relative_to(order.folder).as_posix()})
            for path, key in labelled(order, count)
        ]
    check_subjects(order)
    return [
        Trial(
            scene=SUBJECTS[name].scene(**view),
            right=of_subject(SUBJECTS[name]),
            facts={"picture": f"{name}, {', '.join(f'{key} {value:g}' for key, value in view.items())}"},
        )
        for name, view in spread([(name, view) for name in SUBJECTS for view in VIEWS], count)
    ]


def recognised_rows(order: Order, seen: Seen) -> tuple[list[str], list[list[Any]]]:
    """Head and rows: facts of the trials, whether each network was right, and the right probability in per cent."""
    head = [*seen.trials[0].facts, *(f"{model}: {what}" for model in order.models for what in ("right", "%"))]
    rows = []
    for n, trial in enumerate(seen.trials):
        measured = (seen.readings[model][n].tolist() for model in order.models)
        found = [value for right, share in measured for value in (int(right), 100 * share)]
        rows.append([*trial.facts.values(), *found])
    return head, rows


def figures(
    name: str,
    model: str | tuple[str, ...],
    statistic: Statistic,
    count: int,
    *,
    groups: Sequence[str] = ("",),
    unit: str = "",
    deviations: Sequence[float] = (),
) -> list[Figure]:
    """The figures that a statistic over so many units comes to, one of each group; see `bootstrap`."""
    estimates: list[Estimate] = bootstrap(statistic, count)
    return [
        Figure(
            name=name,
            models=(model,) if isinstance(model, str) else model,
            group=group,
            unit=unit,
            value=estimate.value,
            low=estimate.low,
            high=estimate.high,
            deviation=deviations[n] if len(deviations) else nan,
            count=estimate.count,
        )
        for n, (group, estimate) in enumerate(zip(groups, estimates, strict=True))
    ]


def whole(key: str, label: str, default: int, minimum: int, maximum: int, help_: str) -> Number:
    """An option that is a whole number."""
    return Number(
        key=key, label=label, group="", default=default, minimum=minimum, maximum=maximum, step=1, whole=True,
        help=help_,
    )  # fmt: skip
