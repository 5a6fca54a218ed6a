"""Short links: states that are too long for an address, under names made from them, kept for good."""

import base64
import hashlib
import re
import time
from pathlib import Path
from typing import NamedTuple

from sqlalchemy import Connection, func, select

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.quotas import check_room
from perturber.sessions import checks
from perturber.sessions.database import LINKS, Database
from perturber.users import Role, current, need

SHORTEST = 10
"""Characters of an id; one of another state with the same makes it longer."""

ID = re.compile(r"[a-z2-7]{10,52}")


class Link(NamedTuple):
    """Where a short link leads: a page's path, and the query of its state without the question mark."""

    page: str
    query: str


class ShortLinks:
    """The short links of a data folder.

    Args:
        data: the data folder.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.database = Database(data)

    def short_link(self, query: str, page: str = "/") -> str:
        """The id of a state: the first characters of its SHA-256, so that equal states have equal ones everywhere.

        Args:
            query: of the page's link, up to 100,000 characters.
            page: its path.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            InvalidInputError: no state of a page.
            StorageError: it cannot be kept.
        """
        link = Link(checks.page(page), checks.query(query))
        with self.database.reading() as connection:
            found, free = _place(connection, link)
        if found is not None:
            return found
        need(Role.EDITOR, "make short links")
        check_room(self.data, current().name, len(link.query), Settings())
        with self.database.writing() as connection:
            found, free = _place(connection, link)
            if found is None:
                values = {"owner": current().name, "page": link.page, "query": link.query, "created": time.time()}
                connection.execute(LINKS.insert().values(id=free, **values))
        return found or free

    def long_query(self, id: str) -> Link:
        """Where a short link leads.

        Raises:
            InvalidInputError: there is none of this id.
        """
        row = None
        if isinstance(id, str) and ID.fullmatch(id.lower()):
            with self.database.reading() as connection:
                row = connection.execute(select(LINKS.c.page, LINKS.c.query).where(LINKS.c.id == id.lower())).first()
        if row is None:
            raise InvalidInputError(f"There is no short link {str(id)[:60]!r}. Check that it was copied whole.")
        return Link(row.page, row.query)

    def kept(self) -> tuple[int, int]:
        """How many links there are, and what their states take, in bytes."""
        rows = select(func.count(), func.coalesce(func.sum(func.length(LINKS.c.query)), 0)).select_from(LINKS)
        with self.database.reading() as connection:
            count, size = connection.execute(rows).one()
        return count, size


def _place(connection: Connection, link: Link) -> tuple[str | None, str]:
    """The id of a link where it is kept already, or None; and the shortest one that no other has."""
    digest = _digest(link)
    for length in range(SHORTEST, len(digest) + 1):
        row = connection.execute(select(LINKS.c.page, LINKS.c.query).where(LINKS.c.id == digest[:length])).first()
        if row is None:
            return None, digest[:length]
        if Link(*row) == link:
            return digest[:length], digest[:length]
    raise AssertionError("two texts have one SHA-256")


def _digest(link: Link) -> str:
    digest = hashlib.sha256(f"{link.page}?{link.query}".encode()).digest()
    return base64.b32encode(digest).decode().rstrip("=").lower()
