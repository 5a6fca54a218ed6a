"""How jobs are done: each kind of request has a work that takes it step by step with the engine's resources."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from perturber.service.requests import Progress
from perturber.service.resources import Resources


class Work(Protocol):
    """A job under way."""

    def step(self) -> None:
        """Go on a little."""

    def progress(self) -> Progress:
        """How far it has come."""

    def product(self) -> Any:
        """What there is so far: a picklable preview, or None; at the end the result."""


Begin = Callable[[Resources, Any], Work]
B = TypeVar("B", bound=Begin)

WORKS: dict[type, Begin] = {}
"""Kind of request → what begins the work that does it."""


def does(kind: type) -> Callable[[B], B]:
    """Make a class the work that does requests of this kind; it is called with the resources and the request."""

    def register(begin: B) -> B:
        if kind in WORKS:
            raise TypeError(f"There is a work for {kind.__name__} already.")
        WORKS[kind] = begin
        return begin

    return register


def begin(resources: Resources, request: Any) -> Work:
    """The work that does a request, before its first step.

    Raises:
        TypeError: no work is registered for requests of this kind.
        InvalidInputError: the request cannot be done.
    """
    if type(request) not in WORKS:
        raise TypeError(f"No work does a {type(request).__name__}.")
    return WORKS[type(request)](resources, request)
