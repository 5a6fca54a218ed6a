"""``data-*`` and ``aria-*`` attributes of Dash's elements."""

from typing import Any


def attributes(**values: str) -> dict[str, Any]:
    """Attributes whose names hold hyphens: ``attributes(data_reset="yaw")`` → ``{"data-reset": "yaw"}``."""
    return {name.replace("_", "-"): value for name, value in values.items()}
