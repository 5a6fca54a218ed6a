"""Who asks: the user on whose behalf this thread works, for what belongs to somebody or is shared out fairly."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from perturber.errors import NotAllowedError


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
        """Whether something of this owner is theirs to cancel, rename or delete; what has none is the admins'."""
        return self.role is Role.ADMIN or self.name == owner != ""

    def may(self, role: Role) -> bool:
        """Whether they may do what a role may do."""
        return list(Role).index(self.role) >= list(Role).index(role)


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


def need(role: Role, what: str) -> None:
    """Refuse what the current user's role does not allow.

    Args:
        what: they want to do.

    Raises:
        NotAllowedError: naming the role that may.
    """
    if not (user := current()).may(role):
        raise NotAllowedError(f"A {user.role} cannot {what}; that takes an {role}. Ask an administrator to be one.")


def need_owner(owner: str, what: str) -> None:
    """Refuse to change what belongs to somebody else.

    Args:
        owner: name of an account; empty where there is none.
        what: belongs to them.

    Raises:
        NotAllowedError: naming whom it belongs to.
    """
    if not current().may_change(owner):
        whose = f"{owner}; only they and administrators" if owner else "the administrators; only they"
        raise NotAllowedError(f"{what} belongs to {whose} may change it.")
