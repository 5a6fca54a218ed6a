"""The database of sessions: one SQLite file in the data folder, for several processes at once.

What was committed outlasts a kill and a power cut (a write-ahead log that each commit settles), and what was not is not
there. A connection lives as long as one transaction, so that none is carried into another process, and nobody holds a
file that a restored one has replaced. On a network folder all processes must run on one machine, as SQLite says of its
write-ahead log.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Float,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    NullPool,
    Table,
    Text,
    create_engine,
    event,
)
from sqlalchemy.exc import DBAPIError

from perturber.disk import PATIENCE_SECONDS, changing, settle, unwritable
from perturber.errors import InvalidInputError, PerturberError, StorageError

FILE = "sessions.db"
LOG_FILES = (f"{FILE}-wal", f"{FILE}-shm")
"""What SQLite keeps beside it while it is open, or was not closed."""

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        "CREATE TABLE sessions (id TEXT PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL, notes TEXT NOT NULL, "
        "thumbnail BLOB, created REAL NOT NULL, changed REAL NOT NULL, deleted REAL)",
        "CREATE INDEX sessions_by_change ON sessions (deleted, changed)",
        "CREATE TABLE snapshots (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, position INTEGER NOT NULL, "
        'page TEXT NOT NULL, "query" TEXT NOT NULL, memory TEXT NOT NULL, predictions TEXT NOT NULL, '
        "comment TEXT NOT NULL, width INTEGER NOT NULL, height INTEGER NOT NULL, size INTEGER NOT NULL, "
        "created REAL NOT NULL, deleted REAL)",
        "CREATE INDEX snapshots_in_order ON snapshots (session, deleted, position)",
        "CREATE TABLE pictures (snapshot INTEGER PRIMARY KEY REFERENCES snapshots (id) ON DELETE CASCADE, "
        "thumbnail BLOB NOT NULL, content BLOB NOT NULL)",
        'CREATE TABLE links (id TEXT PRIMARY KEY, owner TEXT NOT NULL, page TEXT NOT NULL, "query" TEXT NOT NULL, '
        "created REAL NOT NULL)",
    ),
    (
        "CREATE TABLE figures (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL, "
        "size INTEGER NOT NULL, created REAL NOT NULL, changed REAL NOT NULL, deleted REAL)",
        "CREATE INDEX figures_by_name ON figures (session, deleted, name)",
    ),
    (
        "CREATE TABLE tests (id INTEGER PRIMARY KEY AUTOINCREMENT, "
        "session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL, "
        "size INTEGER NOT NULL, created REAL NOT NULL, changed REAL NOT NULL, deleted REAL)",
        "CREATE INDEX tests_by_name ON tests (session, deleted, name)",
    ),
)
"""What brings a database from each version to the next; one that has been released is never changed."""

_schema = MetaData()

SESSIONS = Table(
    "sessions",
    _schema,
    Column("id", Text, primary_key=True),
    Column("owner", Text),
    Column("name", Text),
    Column("notes", Text),
    Column("thumbnail", LargeBinary),
    Column("created", Float),
    Column("changed", Float),
    Column("deleted", Float),
)
SNAPSHOTS = Table(
    "snapshots",
    _schema,
    Column("id", Integer, primary_key=True),
    Column("session", ForeignKey("sessions.id")),
    Column("position", Integer),
    Column("page", Text),
    Column("query", Text),
    Column("memory", Text),
    Column("predictions", Text),
    Column("comment", Text),
    Column("width", Integer),
    Column("height", Integer),
    Column("size", Integer),
    Column("created", Float),
    Column("deleted", Float),
)
PICTURES = Table(
    "pictures",
    _schema,
    Column("snapshot", ForeignKey("snapshots.id"), primary_key=True),
    Column("thumbnail", LargeBinary),  # before the content, which would have to be passed to reach it
    Column("content", LargeBinary),
)


def _of_a_session(name: str) -> Table:
    """Values in JSON that a session keeps by name."""
    return Table(
        name,
        _schema,
        Column("id", Integer, primary_key=True),
        Column("session", ForeignKey("sessions.id")),
        Column("name", Text),
        Column("value", Text),
        Column("size", Integer),
        Column("created", Float),
        Column("changed", Float),
        Column("deleted", Float),
    )


FIGURES, TESTS = _of_a_session("figures"), _of_a_session("tests")
LINKS = Table(
    "links",
    _schema,
    Column("id", Text, primary_key=True),
    Column("owner", Text),
    Column("page", Text),
    Column("query", Text),
    Column("created", Float),
)


class Database:
    """The file, and transactions on it.

    Args:
        data: the data folder; the file is made when something is written.
    """

    def __init__(self, data: Path) -> None:
        self.path = data.absolute() / FILE

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One state of everything, whoever writes meanwhile; where there is no file, nothing is in it.

        Raises:
            InvalidInputError: the file is broken, or a newer version's.
            StorageError: it cannot be read at this moment.
        """
        with _in_words(self.path), _engine(self.path, writes=False).begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """All that is done within, or nothing where it fails; nobody else writes meanwhile.

        Raises:
            InvalidInputError: the file is broken, or a newer version's.
            StorageError: the disk is full or read-only, or somebody else takes too long.
        """
        with _in_words(self.path), _engine(self.path, writes=True).begin() as connection:
            yield connection

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep the file open meanwhile, for a server, whose changes are quicker then.

        Otherwise the last connection that is closed writes everything from the log into the file, and removes the log.
        What is wrong with the file is for those to say who use it.
        """
        connection = None
        with suppress(PerturberError), _in_words(self.path):
            connection = _open_to_write(self.path)
        try:
            yield
        finally:
            if connection is not None:
                connection.close()

    def copy(self, place: Path) -> bool:
        """Write one state of everything to a new file, also while others write.

        Returns:
            Whether there is anything to copy.

        Raises:
            InvalidInputError, StorageError: as of `reading`; or the place cannot be written.
        """
        if not self.path.exists():
            return False
        with _in_words(self.path):
            connection = _open_to_read(self.path)
            try:
                connection.execute("VACUUM INTO ?", (str(place),))
            finally:
                connection.close()
        return True

    def faults(self) -> list[str]:
        """What SQLite finds wrong with the file, in its words; it may take a second for each 100 MB.

        Raises:
            InvalidInputError, StorageError: as of `reading`.
        """
        with self.reading() as connection:
            found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA quick_check(5)")]
            orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        return [line for line in found if line != "ok"] + [f"{len(orphans)} rows belong to nothing"] * bool(orphans)


@lru_cache(maxsize=16)
def _engine(path: Path, *, writes: bool) -> Engine:
    """What remembers how statements are compiled; it holds no connection."""
    opened: Callable[[Path], sqlite3.Connection] = _open_to_write if writes else _open_to_read
    engine = create_engine("sqlite://", creator=lambda: opened(path), poolclass=NullPool)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


# ---- connections --------------------------------------------------------------------------------------------------


def _open_to_write(path: Path) -> sqlite3.Connection:
    if not path.exists():
        with changing(path):
            _make(path)
    connection = _connect(f"{path.as_uri()}?mode=rw")
    try:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = FULL")
        if _version(connection, path) < len(MIGRATIONS):
            with changing(path):
                migrate(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _make(path: Path) -> None:
    """An empty file for its owner alone.

    An existing one is never opened but by SQLite: closing it would end the locks of all of this process's connections.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        settle(path.parent)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the present version; nobody else may do so at the same time."""
    version = _version(connection)
    if version == 0:
        connection.execute("PRAGMA auto_vacuum = FULL")  # the file shrinks when something is removed for good
        connection.execute("PRAGMA journal_mode = WAL")
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            for statement in statements:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")
            connection.execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise


def _open_to_read(path: Path) -> sqlite3.Connection:
    connection = _readable(path)
    if connection is not None:
        try:
            if (version := _version(connection, path)) == len(MIGRATIONS):
                return connection
        except BaseException:
            connection.close()
            raise
        connection.close()
        if version:
            return _open_to_write(path)  # which brings it up to date
    connection = _connect(":memory:")  # there is nothing yet
    migrate(connection)
    return connection


def _readable(path: Path) -> sqlite3.Connection | None:
    """A connection that has read something; None where there is no file."""
    if not path.exists():
        return None
    connection = _connect(f"{path.as_uri()}?mode=rw")
    try:
        _version(connection)
        return connection
    except sqlite3.OperationalError as error:
        connection.close()
        log = path.with_name(LOG_FILES[0])
        if _code(error) not in UNWRITABLE or (log.exists() and log.stat().st_size):
            raise
    # A read-only folder takes no log; a file to which nothing is owed by one can be read as it is.
    return _connect(f"{path.as_uri()}?mode=ro&immutable=1")


def _connect(address: str) -> sqlite3.Connection:
    # Without isolation level it begins no transactions of its own.
    return sqlite3.connect(address, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None, check_same_thread=False)


def _version(connection: sqlite3.Connection, path: Path | None = None) -> int:
    """That of the schema.

    Raises:
        InvalidInputError: it is newer than what is known here.
    """
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise InvalidInputError(
            f"The sessions in {str(path or FILE)!r} were kept by a newer version of Perturber (schema {version}, known "
            f"here: {len(MIGRATIONS)}). Use that version, or set PERTURBER_DATA to another folder."
        )
    return version


# ---- errors -------------------------------------------------------------------------------------------------------

UNWRITABLE = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
}
BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def _code(error: object) -> int:
    """The primary one of SQLite's result codes; 0 where it is not known."""
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """What goes wrong with the file as a sentence; anything else is a bug, and stays what it is."""
    try:
        yield
    except PerturberError:
        raise
    except OSError as error:
        raise unwritable(path.parent, error) from error
    except (DBAPIError, sqlite3.Error) as error:
        reason = error.orig if isinstance(error, DBAPIError) else error
        code = _code(reason)
        if code in UNWRITABLE:
            raise unwritable(path.parent, OSError(0, str(reason))) from error
        if code in BUSY:
            raise StorageError(
                f"Somebody else has been writing to {str(path)!r} for {PATIENCE_SECONDS:g} seconds. Try again later."
            ) from error
        if code in BROKEN:
            raise InvalidInputError(
                f"The sessions in {str(path)!r} cannot be read: {reason}. Bring the file back (perturber restore), or "
                "move it away."
            ) from error
        raise
