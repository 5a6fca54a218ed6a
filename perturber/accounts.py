"""Who may come in from elsewhere: accounts, their passwords' hashes, and links that let others look.

``users.json`` of the data folder holds the accounts, ``secret.key`` what sessions and links are signed with; only
whoever runs the server can read them.
"""

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from itsdangerous import BadData, URLSafeSerializer
from werkzeug.security import check_password_hash, generate_password_hash

from perturber.disk import changing, write_whole
from perturber.errors import InvalidInputError, StorageError, UnknownNameError
from perturber.users import Role

NAME = re.compile(r"[a-z][a-z0-9._-]{0,31}")
SHORTEST, LONGEST = 10, 200
"""Characters of a password."""

METHOD = "scrypt"
DAY = 86400.0


@dataclass(frozen=True)
class Account:
    """Somebody who may log in.

    Attributes:
        password: its hash.
    """

    name: str
    role: Role
    password: str

    @property
    def mark(self) -> str:
        """What their sessions hold: another password makes it another one, and ends them."""
        return f"{self.name} {hashlib.sha256(self.password.encode()).hexdigest()[:32]}"


class Accounts:
    """The accounts in a data folder."""

    def __init__(self, data: Path) -> None:
        self.path = data / "users.json"
        self.key = data / "secret.key"

    def all(self) -> dict[str, Account]:
        """Name → account, by name; read anew, so that other processes' changes count at once.

        Raises:
            InvalidInputError: the file cannot be read.
        """
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))
            return {name: Account(name, Role(one["role"]), str(one["password"])) for name, one in sorted(found.items())}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise InvalidInputError(
                f"The accounts in {str(self.path)!r} cannot be read: {error!s:.200}. Repair the file or remove it."
            ) from error

    def add(self, name: str, role: Role, password: str) -> None:
        """Make an account.

        Raises:
            InvalidInputError: there is one of this name, or name or password are not allowed.
            StorageError: the file cannot be written.
        """
        if not NAME.fullmatch(name):
            raise InvalidInputError(
                f"An account cannot be called {name[:80]!r}. Allowed: up to 32 characters of a-z, 0-9, ., _ and -, the "
                "first a letter."
            )
        account = Account(name, role, _hashed(password))
        with self._changing() as known:
            if name in known:
                raise InvalidInputError(f"There is an account {name!r} already. Give it another password or role.")
            known[name] = account

    def change(self, name: str, *, role: Role | None = None, password: str | None = None) -> None:
        """Give an account another role, or another password, which ends its sessions.

        Raises:
            UnknownNameError: there is no such account.
            InvalidInputError: the password is not allowed.
            StorageError: the file cannot be written.
        """
        new = None if password is None else _hashed(password)
        with self._changing() as known:
            old = _get(known, name)
            known[name] = Account(name, role or old.role, new or old.password)

    def remove(self, name: str) -> None:
        """Remove an account, whose sessions and links end; what it owns belongs to administrators then.

        Raises:
            UnknownNameError: there is no such account.
            StorageError: the file cannot be written.
        """
        with self._changing() as known:
            del known[_get(known, name).name]

    def known(self, name: str, password: str) -> Account | None:
        """The account of this name, if that is its password."""
        account = self.all().get(name)
        right = check_password_hash(account.password if account else _nobody(), password[: LONGEST + 1])
        return account if right else None

    def of_session(self, mark: str) -> Account | None:
        """The account whose session holds this mark, if it has not ended."""
        account = self.all().get(mark.partition(" ")[0])
        return account if account is not None and secrets.compare_digest(account.mark.encode(), mark.encode()) else None

    @cached_property
    def secret(self) -> str:
        """What sessions and links are signed with; made at the first time.

        Raises:
            StorageError: it cannot be kept.
        """
        try:
            if not self.key.exists():
                write_whole(self.key, secrets.token_hex(32).encode())
            return self.key.read_text(encoding="ascii")
        except OSError as error:
            raise StorageError(f"The key {str(self.key)!r} cannot be kept: {error.strerror or error}.") from error

    def share(self, address: str, *, days: float, by: str = "") -> str:
        """The address of a link that leads to a page for some days.

        Args:
            address: of the page, as a browser shows it, or its path.
            by: account that makes it; when that is gone, the link leads nowhere. Empty for whoever runs the server.

        Raises:
            InvalidInputError: no address of a page.
        """
        parts = urlsplit(address)
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        if parts.scheme not in ("", "http", "https") or not is_path(path):
            raise InvalidInputError(f"{address[:80]!r} is no page of this server. Give the address that a page has.")
        token = str(self._signer.dumps([path, int(time.time() + days * DAY), by]))
        return urlunsplit((parts.scheme, parts.netloc, f"/share/{token}", "", ""))

    def shared(self, token: str) -> str | None:
        """Where a link of `share` leads, by its last part; None where it is over."""
        try:
            path, until, by = self._signer.loads(token)
        except BadData:
            return None
        return str(path) if time.time() < until and (not by or by in self.all()) else None

    @property
    def _signer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret, salt="link", signer_kwargs={"digest_method": hashlib.sha256})

    @contextmanager
    def _changing(self) -> Iterator[dict[str, Account]]:
        """What there is, to be changed and then written, while nobody else does so."""
        try:
            with changing(self.path):
                yield (accounts := self.all())
                kept = {name: {"role": one.role, "password": one.password} for name, one in accounts.items()}
                write_whole(self.path, json.dumps(kept, indent=1).encode())  # which makes files for their owner alone
        except OSError as error:
            raise StorageError(f"{str(self.path)!r} cannot be written: {error.strerror or error}.") from error


def _get(accounts: dict[str, Account], name: str) -> Account:
    if name not in accounts:
        raise UnknownNameError("account", name, accounts)
    return accounts[name]


def is_path(text: str) -> bool:
    """Whether this leads to a page of this server, wherever a browser resolves it."""
    return text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()


def _hashed(password: str) -> str:
    if not SHORTEST <= len(password) <= LONGEST:
        raise InvalidInputError(f"A password of {len(password)} characters is not allowed: {SHORTEST} to {LONGEST}.")
    return generate_password_hash(password, METHOD)


@cache
def _nobody() -> str:
    """What the password of a name that there is not is compared with: the time that takes must not tell."""
    return generate_password_hash(secrets.token_hex(), METHOD)
