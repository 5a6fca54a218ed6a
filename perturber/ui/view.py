"""How the Explore page shows what it has: scales, cards, pinned classes; a value that its URL and requests hold."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.featurevis import Recipe, Target

MAX_PINNED = 6
DIVISOR_RANGE = (-3.0, 3.0)
"""Of log10 of a fixed divisor."""

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

    @classmethod
    def parse(cls, values: Mapping[str, Any]) -> "View":
        """Read what a page sends or a link holds; text stands for its value.

        Raises:
            InvalidInputError: a value that is not allowed, with what is.
        """
        view = cls()
        for name, value in values.items():
            if name not in READERS:
                raise UnknownNameError("display option", name, READERS)
            view = replace(view, **{name: READERS[name](name, value)})
        return view

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


def _number(name: str, value: Any) -> float | None:
    least, most = DIVISOR_RANGE
    if value is None or value == "none":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        number = float("nan")
    if isinstance(value, bool) or not least <= number <= most:
        _refuse(name, value, f"numbers from {least:g} to {most:g}")
    return number


def _switch(name: str, value: Any) -> bool:
    if value not in (True, False, "true", "false") or (isinstance(value, int | float) and not isinstance(value, bool)):
        _refuse(name, value, "true, false")
    return value in (True, "true")


def _choice(allowed: tuple[str, ...]) -> Callable[[str, Any], Any]:
    def read(name: str, value: Any) -> Any:
        if value not in allowed:
            _refuse(name, value, ", ".join(allowed))
        return value

    return read


def _whole(name: str, value: Any) -> int:
    if isinstance(value, str) and value.isdecimal() and len(value) <= 6:
        return int(value)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        _refuse(name, value, "whole numbers from 0")
    return value


def _variants(name: str, value: Any) -> int:
    number = _whole(name, value)
    if not 1 <= number <= 6:
        _refuse(name, value, "1 to 6")
    return number


def _classes(name: str, value: Any) -> tuple[int, ...]:
    parts = [part for part in value.split(",") if part] if isinstance(value, str) else value
    if not isinstance(parts, list | tuple) or len(parts) > MAX_PINNED:
        _refuse(name, value, f"up to {MAX_PINNED} classes")
    return tuple(dict.fromkeys(_whole(name, part) for part in parts))


def _explained(name: str, value: Any) -> Any:
    if value in (None, "none", "top"):
        return "top" if value == "top" else None
    return _whole(name, value)


def _refuse(name: str, value: Any, allowed: str) -> None:
    raise InvalidInputError(f"The display option {name!r} cannot be {str(value)[:40]!r}. Allowed: {allowed}.")


READERS: dict[str, Callable[[str, Any], Any]] = {
    "divisor": _number,
    "shared": _switch,
    "overlay": _switch,
    "cards": _choice(get_args(Cards)),
    "naive": _switch,
    "objective": _choice(get_args(Objective)),
    "variants": _variants,
    "pinned": _classes,
    "explain": _explained,
    "summary": _switch,
}
"""Option → function that reads its value."""
