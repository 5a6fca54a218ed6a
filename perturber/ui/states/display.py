"""How the Explore page shows what it has: scales, cards, pinned classes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.featurevis import Recipe, Target
from perturber.ui.states import reading

MAX_PINNED = 6
MAX_VARIANTS = 6
MAX_CLASS = 999_999
DIVISOR_RANGE = (-3.0, 3.0)
"""Of log10 of a fixed divisor."""
DIVISOR_STEP = 0.05

Cards = Literal["visualisation", "examples", "none"]
Objective = Literal["neuron", "channel"]


@dataclass(frozen=True, kw_only=True)
class View:
    """What is shown beside the activations themselves, and how.

    Attributes:
        divisor: log10 of the activation at which the colours end, −3 to 3; None for four standard deviations.
        shared: whether the slots share one scale.
        overlay: whether the chosen heatmap lies over the model input.
        cards: what stands under each heatmap.
        naive, objective, variants: of the feature visualisations (`perturber.featurevis.Recipe`).
        pinned: classes whose scores are followed.
        explain: class for which Grad-CAM and the input's gradient are shown, ``"top"``, or None.
        summary: whether the figure of all channels is open.
        slopes: whether slopes stand beside the sliders.
    """

    divisor: float | None = None
    shared: bool = False
    overlay: bool = False
    cards: Cards = "visualisation"
    naive: bool = False
    objective: Objective = "neuron"
    variants: int = 1
    pinned: tuple[int, ...] = ()
    explain: int | Literal["top"] | None = None
    summary: bool = False
    slopes: bool = False

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "View":
        """Read what a link holds.

        Raises:
            InvalidInputError: a value that is not allowed, with what is.
        """
        view = cls()
        for name, value in values.items():
            if name not in READERS:
                raise UnknownNameError("display option", name, READERS)
            view = replace(view, **{name: READERS[name](name, value)})
        return view

    def toggled(self, index: int) -> "View":
        """With this class pinned, or let go if it was.

        Raises:
            InvalidInputError: too many are pinned already.
        """
        without = tuple(other for other in self.pinned if other != index)
        if without != self.pinned:
            return replace(self, pinned=without, explain="top" if self.explain == index else self.explain)
        if len(without) >= MAX_PINNED:
            raise InvalidInputError(f"Up to {MAX_PINNED} classes can be pinned. Click one of them to let it go.")
        return replace(self, pinned=(*without, index))

    def as_dict(self) -> dict[str, Any]:
        """All values, for JSON."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def query(self) -> dict[str, str]:
        """What differs from the default, as text."""
        default = View()
        return {
            name: ",".join(map(str, value)) if isinstance(value, tuple) else str(value).lower()
            for name, value in self.as_dict().items()
            if value != getattr(default, name)
        }

    @property
    def recipe(self) -> Recipe:
        """How feature visualisations are made."""
        return Recipe(naive=self.naive, variants=self.variants)

    def targets(self, layer: str, channels: tuple[int, ...]) -> list[Target]:
        """What they are made for."""
        return [Target(kind=self.objective, layer=layer, index=channel) for channel in channels]


def _divisor(name: str, value: Any) -> float | None:
    return None if value in (None, "none") else reading.number(name, value, *DIVISOR_RANGE)


def _choice(allowed: tuple[str, ...]) -> Callable[[str, Any], Any]:
    return lambda name, value: reading.choice(name, value, allowed)


def _class(name: str, value: Any) -> int:
    return reading.whole(name, value, 0, MAX_CLASS)


def read_classes(name: str, value: Any) -> tuple[int, ...]:
    """Up to six classes, each once; a list, or numbers with commas between them.

    Raises:
        InvalidInputError: anything else.
    """
    parts = [part for part in value.split(",") if part] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) > MAX_PINNED:
        reading.refuse(name, value, f"up to {MAX_PINNED} classes")
    return tuple(dict.fromkeys(_class(name, part) for part in parts))


def _explained(name: str, value: Any) -> Any:
    if value in (None, "none", "top"):
        return "top" if value == "top" else None
    return _class(name, value)


READERS: dict[str, Callable[[str, Any], Any]] = {
    "divisor": _divisor,
    "shared": reading.switch,
    "overlay": reading.switch,
    "cards": _choice(get_args(Cards)),
    "naive": reading.switch,
    "objective": _choice(get_args(Objective)),
    "variants": lambda name, value: reading.whole(name, value, 1, MAX_VARIANTS),
    "pinned": read_classes,
    "explain": _explained,
    "summary": reading.switch,
    "slopes": reading.switch,
}
"""Option → function that reads its value."""
