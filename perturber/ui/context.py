"""What pages find in the app that they belong to: its service, and its cache."""

import logging
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from flask import current_app
from flask_caching import Cache

from perturber.config import Settings
from perturber.disk import unwritable, writable
from perturber.errors import InvalidInputError
from perturber.service import InferenceService

log = logging.getLogger(__name__)

KEY = "PERTURBER_SERVICE"

SECONDS = 3600
"""For which an answer is kept."""

ENTRIES = 128
"""Answers that are kept in memory or files; a look holds some 200 KB, one of an attack 800 KB."""


class SpareCache(Cache):
    """A cache whose place may fail, and nobody's answer with it: what cannot be read there is made anew."""

    def get(self, *args: Any, **options: Any) -> Any:
        """What is kept under a key, or None."""
        return self._tried(super().get, *args, **options)

    def set(self, *args: Any, **options: Any) -> bool | None:
        """Keep something under a key; whether that was done."""
        return self._tried(super().set, *args, **options)

    @staticmethod
    def _tried(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        try:
            return function(*args, **options)
        except Exception as error:  # each kind of cache has errors of its own
            log.warning("The cache cannot be used: %s.", str(error).rstrip("."))
            return None


cache = SpareCache()
"""Of answers that cost something and are asked for again; each app has its own behind it (see `create_app`)."""


def service() -> InferenceService:
    """The service of the app that answers the present request."""
    return current_app.config[KEY]


def cache_config(settings: Settings) -> dict[str, Any]:
    """Flask-Caching's options for the place that the settings name; memory where its folder cannot be written.

    Raises:
        InvalidInputError: they name none.
    """
    common = {"CACHE_DEFAULT_TIMEOUT": SECONDS, "CACHE_THRESHOLD": ENTRIES}
    if settings.cache == "memory":
        return {"CACHE_TYPE": "SimpleCache", **common}
    if settings.cache == "files":
        folder = settings.data / "cache"
        try:
            writable(folder)
        except OSError as error:
            log.warning("%s Answers are cached in memory.", unwritable(settings.data, error))
            return {"CACHE_TYPE": "SimpleCache", **common}
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
