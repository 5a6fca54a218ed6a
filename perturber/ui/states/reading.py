"""Reading the values of a page's state: what is wrong is refused, or, in a link, told and left at its default."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, NoReturn, TypeVar

from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.service import ModelInfo
from perturber.ui.states.channels import MAX_NEURONS, parse_channels
from perturber.zoo import check_layer

T = TypeVar("T")

Models = Callable[[str], ModelInfo]
"""Name → what is known of the model, which may be the text of an edit; raises InvalidInputError."""


class LinkValues:
    """Values of a link by name, where text stands for everything.

    Attributes:
        problems: a sentence about each value that was wrong.
    """

    def __init__(self, given: Mapping[str, Any], problems: list[str]) -> None:
        self.given, self.problems = given, problems

    def take(self, key: str, default: T, read: Callable[[Any], T]) -> T:
        """What `read` makes of a value; the default where there is none, or where it is wrong."""
        try:
            return read(self.given[key]) if key in self.given else default
        except PerturberError as error:
            self.problems.append(str(error))
            return default


def layer(info: ModelInfo, value: Any) -> str:
    """The name of a layer that the model has."""
    check_layer(info.name, info.layers, str(value))
    return str(value)


def layer_options(info: ModelInfo) -> list[dict[str, str]]:
    """A menu's options: the model's layers in network order, with channels and resolution."""
    return [
        {"value": one.name, "label": f"{one.name}  ·  {one.channels} ch, {one.height}×{one.width}"}
        for one in info.layers.values()
    ]


def channels(info: ModelInfo, layer: str, value: Any) -> tuple[int, ...]:
    """1 to 8 channels of a layer, each once; a list, or as a person writes them."""
    found = parse_channels(value) if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not 1 <= len(found) <= MAX_NEURONS:
        refuse("channels", value, f"1 to {MAX_NEURONS} channels")
    check_layer(info.name, info.layers, layer, found)
    return tuple(dict.fromkeys(found))


def whole(name: str, value: Any, least: int, most: int) -> int:
    """A whole number in a range."""
    if isinstance(value, str) and value.isdecimal() and len(value) <= 6:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        refuse(name, value, f"whole numbers from {least} to {most}")
    return value


def number(name: str, value: Any, least: float, most: float) -> float:
    """A number in a range."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        found = float("nan")
    if isinstance(value, bool) or not least <= found <= most:
        refuse(name, value, f"numbers from {least:g} to {most:g}")
    return found


def switch(name: str, value: Any) -> bool:
    """On or off; in a link the words true and false."""
    if not isinstance(value, bool | str) or value not in (True, False, "true", "false"):
        refuse(name, value, "true, false")
    return value in (True, "true")


def choice(name: str, value: Any, allowed: Iterable[str]) -> Any:
    """One of some words."""
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise UnknownNameError(name, value, words)
    return value


def refuse(name: str, value: Any, allowed: str) -> NoReturn:
    """Say what is allowed instead.

    Raises:
        InvalidInputError: always.
    """
    raise InvalidInputError(f"{name!r} cannot be {str(value)[:40]!r}. Allowed: {allowed}.")
