"""What an experiment of the page is: what it asks, what can be chosen, what is ordered, and what is shown of it."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

from plotly.graph_objects import Figure

from perturber.config import Settings
from perturber.errors import UnknownNameError
from perturber.parameters import Parameter
from perturber.service import InferenceService, ModelInfo
from perturber.service.jobs import JobRequest

Group = Literal["Scenes", "Picture folders", "Neurons"]
GROUPS: tuple[Group, ...] = ("Scenes", "Picture folders", "Neurons")


@dataclass(frozen=True)
class Known:
    """What there is to choose from.

    Attributes:
        models: name → what is known of the network; raises InvalidInputError.
        own_groups: network → layer → name → channels of the groups that users have named.
        collections: names of the server's folders of pictures.
        examples: whether there is a folder of example pictures.
    """

    models: Callable[[str], ModelInfo]
    own_groups: Callable[[str], Mapping[str, Mapping[str, Sequence[int]]]] = lambda _: {}
    collections: tuple[str, ...] = ()
    examples: bool = False


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What a state says of the experiment that is open.

    Attributes:
        models: names of the networks, at least one.
        options: of the experiment, each with its value.
        folder: pictures that a collection of the server holds, or None.
    """

    models: tuple[str, ...]
    options: Mapping[str, Any]
    folder: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What an experiment takes.

    Attributes:
        pictures: that each network is shown.
        seconds: if nothing else is to be done.
    """

    pictures: int
    seconds: float


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """The numbers of a figure as a table.

    Attributes:
        head: names of the columns; the first one is that of the rows.
        rows: text.
        said: what they say, a sentence each; it stands before them.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    said: tuple[str, ...] = ()


class Experiment(ABC):
    """An experiment; another one needs no more than a subclass of this and a line in `perturber.ui.experiments`.

    Attributes:
        key: in links.
        title: as a person would say it.
        asks: what it is about, as one question.
        definition: what comes out, with its formula.
        source: where that is from.
        folder: what a folder of pictures is for; "" where none is taken.
        networks: how many can stand side by side.
        works: keys of the works behind it (see `perturber.methods.works`).
    """

    group: ClassVar[Group]
    key: str
    title: str
    asks: str
    definition: str
    source: str
    folder: str = ""
    networks: int = 8
    works: tuple[str, ...] = ()

    @abstractmethod
    def options(self, model: str, given: Mapping[str, object], known: Known) -> tuple[Parameter, ...]:
        """What can be chosen.

        Args:
            model: the first network.
            given: what is chosen so far, on which the others may depend; it may be anything.
        """

    def read(self, model: str, given: Mapping[str, object], known: Known) -> dict[str, Any]:
        """Every option's value: what is given, the default elsewhere.

        Raises:
            InvalidInputError: there is no such option, or it cannot have this value.
        """
        there = {option.key: option for option in self.options(model, given, known)}
        for key in given:
            if key not in there:
                raise UnknownNameError("option of this experiment", key, there)
        return {key: option.parse(given.get(key, option.default)) for key, option in there.items()}

    def followed(self, key: str, values: Mapping[str, object]) -> dict[str, object]:
        """What is chosen once an option has been changed: the others as they are, where they do not follow it."""
        return dict(values)

    @abstractmethod
    def order(self, service: InferenceService, chosen: Chosen) -> JobRequest:
        """What is to be done.

        Raises:
            InvalidInputError: it cannot be.
        """

    @abstractmethod
    def cost(self, service: InferenceService, request: Any) -> Cost:
        """What that takes; may look at a scene to find out.

        Raises:
            InvalidInputError: too much.
        """

    def kept(self, service: InferenceService, request: Any) -> Any:
        """What came of it before, as far as that was kept; None where there is nothing."""
        return None

    @abstractmethod
    def views(self, product: Any) -> dict[str, str]:
        """What can be drawn: name → what it is called; the first one says most."""

    @abstractmethod
    def figure(self, product: Any, view: str, labels: Mapping[str, str], options: Mapping[str, Any]) -> Figure:
        """One of the views.

        Args:
            labels: name → label of each network.
        """

    def fitted(
        self, product: Any, view: str, labels: Mapping[str, str], options: Mapping[str, Any], width: float
    ) -> Figure:
        """One of the views for a file that is so many pixels wide, as its fonts are."""
        return self.figure(product, view, labels, options)

    def examples(self, service: InferenceService, product: Any, view: str, labels: Mapping[str, str]) -> Figure | None:
        """Pictures that say what a view is about; None where there are none."""
        return None

    @abstractmethod
    def numbers(self, product: Any, view: str, labels: Mapping[str, str]) -> Numbers:
        """The numbers of a view."""

    def notes(self, product: Any) -> tuple[str, ...]:
        """What was left out, a sentence each."""
        return ()

    @abstractmethod
    def csv(self, product: Any) -> str:
        """The data."""

    @abstractmethod
    def json(self, product: Any) -> dict[str, Any]:
        """The data and the numbers."""

    def methods(self, chosen: Chosen) -> str:
        """What was done, as a sentence for a paper, with the works of `perturber.methods.works` that it names."""
        options = ", ".join(f"{key} {_said(value)}" for key, value in chosen.options.items())
        works = f" [{'; '.join(f'@{key}' for key in self.works)}]" if self.works else ""
        return f"{self.title}{works} ({options}): {self.definition}"


def _said(value: object) -> str:
    return f"{value:g}".replace("-", "−") if isinstance(value, float) else str(value)


def folder_of(settings: Settings, name: str) -> Path:
    """The collection of this name.

    Raises:
        UnknownNameError: naming those that there are.
    """
    from perturber.examples.folders import collection, collections

    return collection(collections(settings.collections), name)
