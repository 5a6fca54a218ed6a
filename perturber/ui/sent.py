"""What the present request has sent."""

from collections.abc import Mapping
from typing import Any

from flask import request

from perturber.errors import InvalidInputError


def sent_json() -> Any:
    """What the present request holds, or None if it is not JSON."""
    try:
        return request.get_json(silent=True)
    except RecursionError:  # brackets in brackets without end
        return None


def sent_object() -> dict[str, Any]:
    """The JSON object that the present request holds.

    Raises:
        InvalidInputError: it holds something else.
    """
    data = sent_json()
    if not isinstance(data, dict):
        raise InvalidInputError("A request must hold a JSON object.")
    return data


def client(data: Mapping[str, Any]) -> str | None:
    """Who asks, for requests that overtake each other; None where that was not said."""
    name = data.get("client")
    return name[:64] if isinstance(name, str) else None
