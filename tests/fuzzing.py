"""How much is tried of what is made at random: ``PERTURBER_FUZZ=20 pytest …`` tries twenty times as much."""

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("PERTURBER_FUZZ", "1"))


def fuzz(count: int) -> settings:
    """Try so many examples, however long each takes."""
    return settings(
        deadline=None,
        max_examples=count * FACTOR,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture, HealthCheck.data_too_large],
    )
