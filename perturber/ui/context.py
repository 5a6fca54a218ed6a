"""What pages find in the app that they belong to: its service, and its cache."""

from importlib.util import find_spec
from typing import Any

from flask import current_app
from flask_caching import Cache

from perturber.config import Settings
from perturber.errors import InvalidInputError, StorageError
from perturber.service import InferenceService

KEY = "PERTURBER_SERVICE"

SECONDS = 3600
"""For which an answer is kept."""

ENTRIES = 128
"""Answers that are kept in memory or files; a look holds some 200 KB, one of an attack 800 KB."""

cache = Cache()
"""Of answers that cost something and are asked for again; each app has its own behind it (see `create_app`)."""


def service() -> InferenceService:
    """The service of the app that answers the present request."""
    return current_app.config[KEY]


def cache_config(settings: Settings) -> dict[str, Any]:
    """Flask-Caching's options for the place that the settings name.

    Raises:
        InvalidInputError: they name none.
        StorageError: its folder cannot be made.
    """
    common = {"CACHE_DEFAULT_TIMEOUT": SECONDS, "CACHE_THRESHOLD": ENTRIES}
    if settings.cache == "memory":
        return {"CACHE_TYPE": "SimpleCache", **common}
    if settings.cache == "files":
        folder = settings.data / "cache"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(f"The cache {str(folder)!r} cannot be made: {error.strerror}.") from error
        return {"CACHE_TYPE": "FileSystemCache", "CACHE_DIR": str(folder), **common}
    if settings.cache.startswith(("redis://", "rediss://")):
        if find_spec("redis") is None:
            raise InvalidInputError("A Redis cache needs the package redis: pip install 'perturber[redis]'.")
        return {
            "CACHE_TYPE": "RedisCache",
            "CACHE_REDIS_URL": settings.cache,
            "CACHE_KEY_PREFIX": "perturber ",
            **common,
        }
    raise InvalidInputError(
        f"PERTURBER_CACHE cannot be {settings.cache[:80]!r}. Allowed: memory, files, or a redis:// address."
    )
