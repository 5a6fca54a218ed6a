"""Who asks: the user on whose behalf this thread works, for what belongs to somebody or is shared out fairly."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a user may do; each may do what those before it may."""

    VIEWER = "viewer"
    EDITOR = "editor"
    ADMIN = "admin"


@dataclass(frozen=True)
class User:
    """Somebody.

    Attributes:
        name: of the account; without accounts the address that a request comes from, and empty for commands.
        role: without accounts everybody may do everything.
    """

    name: str = ""
    role: Role = Role.ADMIN

    def may_change(self, owner: str) -> bool:
        """Whether something of this owner is theirs to cancel, rename or delete."""
        return self.role is Role.ADMIN or self.name == owner


_current: ContextVar[User | None] = ContextVar("user", default=None)


def current() -> User:
    """The user on whose behalf this thread (or context) works."""
    return _current.get() or User()


@contextmanager
def acting(user: User) -> Iterator[None]:
    """Work on somebody's behalf."""
    token = _current.set(user)
    try:
        yield
    finally:
        _current.reset(token)
