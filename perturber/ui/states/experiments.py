"""The state of the Experiments page as a value: which experiment is open, of which networks, with which options."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import urlencode

from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.ui.experiments import EXPERIMENTS, Experiment, Known
from perturber.ui.states import reading
from perturber.ui.states.explore import DEFAULT_MODELS
from perturber.ui.states.reading import LinkValues

PATH = "/experiments"
FIRST = next(iter(EXPERIMENTS))
"""The experiment that is open where a link names none."""

MODEL = re.compile(r"m([1-9])")
OWN = ("experiment", "folder", "figure")
"""Keys of a link that are no option; `MODEL` are others."""

MOST_MODELS = 8
VIEW = re.compile(r"[\w ,±.()-]{1,80}")


@dataclass(frozen=True, kw_only=True)
class ExperimentsState:
    """Everything that the page shows follows from this.

    Attributes:
        experiment: key of the one that is open.
        models: names of the networks, each once; an experiment that takes one takes the first.
        options: those that are not at their default.
        folder: name of a collection, for experiments that take one; "" where there is none.
        figure: name of the view of the result; "" for the first one.
    """

    experiment: str = FIRST
    models: tuple[str, ...] = DEFAULT_MODELS
    options: Mapping[str, Any] = field(default_factory=dict)
    folder: str = ""
    figure: str = ""

    @classmethod
    def from_query(cls, query: Mapping[str, str], known: Known) -> tuple["ExperimentsState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        values = LinkValues(query, problems)
        key = values.take("experiment", FIRST, lambda text: reading.choice("experiment", text, EXPERIMENTS))
        models = _models(query, known, problems)
        state = cls(experiment=key, models=models)._in_a_folder(known)
        state = values.take("folder", state, lambda name: state.with_folder(name, known))
        given = {name: text for name, text in query.items() if name not in OWN and not MODEL.fullmatch(name)}
        return replace(
            state,
            options=_options(state, given, known, problems),
            figure=values.take("figure", "", read_view),
        ), problems

    @property
    def shown(self) -> Experiment:
        """The experiment that is open."""
        return EXPERIMENTS[self.experiment]

    @property
    def compared(self) -> tuple[str, ...]:
        """The networks that it takes."""
        return self.models[: self.shown.networks]

    def query(self) -> str:
        """The query of a link to this state."""
        values: dict[str, str] = {} if self.experiment == FIRST else {"experiment": self.experiment}
        if self.models != DEFAULT_MODELS:
            values |= {f"m{n}": name for n, name in enumerate(self.models, 1)}
        values |= {key: _written(value) for key, value in self.options.items()}
        values |= {"folder": self.folder} if self.folder else {}
        values |= {"figure": self.figure} if self.figure else {}
        return urlencode(values, safe=",@")

    def values(self, known: Known) -> dict[str, Any]:
        """Every option's value.

        Raises:
            InvalidInputError: an option is not allowed any more.
        """
        return self.shown.read(self.models[0], self.options, known)

    def opened(self, key: object, known: Known) -> "ExperimentsState":
        """With another experiment, its options at their defaults.

        Raises:
            UnknownNameError: there is none of this key.
        """
        name = reading.choice("experiment", key, EXPERIMENTS)
        return replace(self, experiment=name, options={}, figure="", folder="")._in_a_folder(known)

    def with_models(self, names: object, known: Known) -> "ExperimentsState":
        """With other networks; options that the first one does not have go back to their defaults.

        Raises:
            InvalidInputError: none is chosen, too many, or there is no such network.
        """
        if self.shown.networks == 1 and isinstance(names, str):
            names = [names, *(name for name in self.models[1:] if name != names)]
        if not isinstance(names, list) or not names:
            raise InvalidInputError("Choose a network at least.")
        if len(names) > MOST_MODELS:
            raise InvalidInputError(f"Up to {MOST_MODELS} networks stand side by side. Remove one first.")
        models = tuple(dict.fromkeys(known.models(str(name)).name for name in names))
        state = replace(self, models=models)
        return replace(state, options=_options(state, self.options, known, []))

    def with_folder(self, name: object, known: Known) -> "ExperimentsState":
        """With another collection.

        Raises:
            InvalidInputError: there is none of this name, or the experiment takes none.
        """
        if not self.shown.folder:
            raise InvalidInputError(f"{self.shown.title} takes no folder of pictures.")
        if name not in known.collections:
            raise UnknownNameError("collection of pictures", name, known.collections or ["none, there is no folder"])
        return replace(self, folder=str(name))

    def with_option(self, key: str, value: object, known: Known) -> "ExperimentsState":
        """With another value of an option, and of those that follow it.

        Raises:
            InvalidInputError: there is no such option, or it cannot have this value.
        """
        options = {option.key: option for option in self.shown.options(self.models[0], self.options, known)}
        if key not in options:
            raise UnknownNameError("option of this experiment", key, options)
        given = self.shown.followed(key, {**self.options, key: options[key].parse("" if value is None else value)})
        return replace(self, options=_options(self, given, known, []))

    def with_figure(self, name: object) -> "ExperimentsState":
        """With another view of the result.

        Raises:
            InvalidInputError: it is no name of one.
        """
        return replace(self, figure=read_view(name))

    def _in_a_folder(self, known: Known) -> "ExperimentsState":
        """With the first collection, where the experiment takes one."""
        return replace(self, folder=known.collections[0]) if self.shown.folder and known.collections else self


def read_view(name: object) -> str:
    """The name of a view.

    Raises:
        InvalidInputError: it is none.
    """
    if not isinstance(name, str) or not VIEW.fullmatch(name):
        raise InvalidInputError(f"A figure of an experiment cannot be called {str(name)[:40]!r}.")
    return name


def _models(query: Mapping[str, str], known: Known, problems: list[str]) -> tuple[str, ...]:
    numbered = sorted((int(found[1]), text) for key, text in query.items() if (found := MODEL.fullmatch(key)))
    names: dict[str, None] = {}
    for number, text in numbered or enumerate(DEFAULT_MODELS, 1):
        try:
            if number > MOST_MODELS:
                raise InvalidInputError(f"Up to {MOST_MODELS} networks stand side by side. {text[:80]!r} is left out.")
            names[known.models(text).name] = None
        except PerturberError as error:
            problems.append(str(error))
    return tuple(names) or DEFAULT_MODELS[:1]


def _options(state: ExperimentsState, given: Mapping[str, Any], known: Known, problems: list[str]) -> dict[str, Any]:
    """Those of the given options that are allowed, and not at their default; which there are depends on them."""
    left, found = dict(given), dict[str, Any]()
    while True:
        there = {option.key: option for option in state.shown.options(state.models[0], found, known)}
        key = next((key for key in there if key in left), None)
        if key is None:
            break
        try:
            found[key] = there[key].parse(left.pop(key))
        except PerturberError as error:
            problems.append(str(error))
    for key in left:
        problems.append(str(UnknownNameError("option of this experiment", key, there)))
    return {key: value for key, value in found.items() if key in there and value != there[key].default}


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
