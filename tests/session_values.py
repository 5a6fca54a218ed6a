"""Snapshots to be kept, for tests."""

from typing import Any

import numpy as np

from perturber.sessions import NewSnapshot, Sessions


def noise(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def new(seed: int = 0, **changes: Any) -> NewSnapshot:
    given = {"page": "/explore", "query": f"yaw={seed}&m1=efficientnet_lite0", "picture": noise(seed)}
    return NewSnapshot.of(**{**given, "comment": str(seed), **changes})


def comments(sessions: Sessions, id: str) -> list[str]:
    return [one.comment for one in sessions.open(id).strip]
