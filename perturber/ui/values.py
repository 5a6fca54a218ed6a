"""Reading the values of a page's state: what is wrong is refused, or, in a link, told and left at its default."""

from collections.abc import Callable, Mapping
from typing import Any, NoReturn, TypeVar

from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.service import ModelInfo
from perturber.ui.state import MAX_NEURONS, parse_channels
from perturber.zoo import check_layer

T = TypeVar("T")


class Values:
    """Values by name.

    Args:
        given: of a request or of a link, where text stands for its value.
        problems: where a sentence about each wrong value goes; None to refuse it.
    """

    def __init__(self, given: Mapping[str, Any], problems: list[str] | None) -> None:
        self.given, self.problems = given, problems

    def take(self, key: str, default: T, read: Callable[[Any], T]) -> T:
        """What `read` makes of a value, the default where there is none or where it is wrong.

        Raises:
            InvalidInputError: it is wrong, and there is no list of problems.
        """
        try:
            return read(self.given[key]) if key in self.given else default
        except PerturberError as error:
            if self.problems is None:
                raise
            self.problems.append(str(error))
            return default


def layer(info: ModelInfo, value: Any) -> str:
    """The name of a layer that the model has."""
    check_layer(info.name, info.layers, str(value))
    return str(value)


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


def choice(name: str, value: Any, allowed: tuple[str, ...]) -> Any:
    """One of some words."""
    if not isinstance(value, str) or value not in allowed:
        raise UnknownNameError(name, value, allowed)
    return value


def refuse(name: str, value: Any, allowed: str) -> NoReturn:
    """Say what is allowed instead."""
    raise InvalidInputError(f"{name!r} cannot be {str(value)[:40]!r}. Allowed: {allowed}.")
