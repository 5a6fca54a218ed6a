"""Values as JSON can have them."""

from collections.abc import Mapping
from math import isfinite


def finite(value: object) -> object:
    """A value as JSON can have it: numbers that are not finite are None, tuples lists."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not isfinite(value) else value
