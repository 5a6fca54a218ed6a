"""The log: one line for what went wrong or took long, as text or as JSON, with the request that it belongs to."""

import json
import logging
from collections.abc import Callable
from contextvars import ContextVar
from datetime import UTC, datetime

from perturber.errors import InvalidInputError

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""Of the request that is being answered; empty outside of any."""


class RequestFilter(logging.Filter):
    """Gives every record the request during which it was made, as ``request``."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keeps all."""
        record.request = request_id.get()
        return True


class TextFormatter(logging.Formatter):
    """A line for people. Nothing that users send begins a line of its own; those of a traceback begin with a bar."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, request, logger and message."""
        request = f" [{request}]" if (request := getattr(record, "request", "")) else ""
        lines = [f"{_time(record)} {record.levelname}{request} {record.name}: {escaped(record.getMessage())}"]
        if record.exc_info:
            lines += [f"  | {escaped(line)}" for line in self.formatException(record.exc_info).splitlines()]
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """A line for programs: an object with what `TextFormatter` says, and the record's ``fields``, if it has any."""

    def format(self, record: logging.LogRecord) -> str:
        """JSON escapes line ends by itself."""
        said: dict[str, object] = {
            "time": _time(record),
            "level": record.levelname,
            "logger": record.name,
            "request": getattr(record, "request", ""),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)
        return json.dumps(said, default=str)


FORMATTERS: dict[str, Callable[[], logging.Formatter]] = {"text": TextFormatter, "json": JsonFormatter}


def configure(kind: str) -> None:
    """Let this process log to standard error, unless it logs already.

    Args:
        kind: key of `FORMATTERS`.

    Raises:
        InvalidInputError: there is no such kind.
    """
    if kind not in FORMATTERS:
        raise InvalidInputError(f"PERTURBER_LOG cannot be {kind[:80]!r}. Allowed: {', '.join(FORMATTERS)}.")
    handler = logging.StreamHandler()
    handler.setFormatter(FORMATTERS[kind]())
    handler.addFilter(RequestFilter())
    logging.basicConfig(handlers=[handler])


def escaped(text: str) -> str:
    """Text in which what cannot be printed is written as Python writes it: one line, whatever it holds."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def _time(record: logging.LogRecord) -> str:
    return datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
