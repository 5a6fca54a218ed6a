"""Named sessions of the whole team, and the snapshots in them.

Everybody who may come in sees every session; it is changed by its owner and administrators alone. What is deleted can
be brought back for some days. What has been said to be kept outlasts whatever happens to the process (see
`perturber.sessions.database`).
"""

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from sqlalchemy import ColumnElement, Connection, Select, Table, func, literal, literal_column, or_, select

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.quotas import check_room
from perturber.sessions import checks
from perturber.sessions.database import FIGURES, LINKS, PICTURES, SESSIONS, SNAPSHOTS, TESTS, Database
from perturber.users import Role, current, need, need_owner

MAX_SESSIONS = 1_000
"""Of one owner."""

MAX_SNAPSHOTS = 500
"""Of one session."""

MAX_FIGURES = 200
"""Of one session; and as many tests."""

MAX_LISTED = 200

ORDERS = ("changed", "created", "name", "owner", "snapshots", "size")
"""By what sessions are listed: times and sizes the largest first, texts by the alphabet."""

UNDO_SECONDS = 7 * 24 * 3600.0
"""For which what was deleted can be brought back; then the next change of anything removes it for good."""


@dataclass(frozen=True)
class Summary:
    """A session in a list.

    Attributes:
        id: in addresses; the same for ever.
        owner: name of an account; empty where there is none.
        created, changed: seconds since 1970, UTC.
        snapshots: how many it has.
        size: what it takes, in bytes.
        thumbnail: WebP; its own, or else that of its first snapshot; None without both.
    """

    id: str
    name: str
    owner: str
    created: float
    changed: float
    snapshots: int
    size: int
    thumbnail: bytes | None = field(repr=False)


@dataclass(frozen=True)
class Listing:
    """A part of the list of sessions.

    Attributes:
        total: how many there are in all.
    """

    sessions: tuple[Summary, ...]
    total: int


@dataclass(frozen=True)
class SnapshotSummary:
    """A snapshot in the filmstrip.

    Attributes:
        id: the same for ever; never that of another.
        session: the id of its session.
        page: path of the page that it was taken on.
        query: the page's state, as in a link.
        width, height: of the picture, in pixels.
        created: seconds since 1970, UTC.
        thumbnail: WebP.
    """

    id: int
    session: str
    page: str
    query: str
    comment: str
    width: int
    height: int
    created: float
    thumbnail: bytes = field(repr=False)


@dataclass(frozen=True)
class Snapshot(SnapshotSummary):
    """All of a snapshot.

    Attributes:
        memory: what of the page's state is not in a link.
        predictions: as JSON has them.
        picture: the input of the models, a lossless WebP.
    """

    memory: dict[str, Any] = field(repr=False)
    predictions: Any = field(repr=False)
    picture: bytes = field(repr=False)

    def pixels(self) -> np.ndarray:
        """The picture: (H, W, 3) uint8."""
        return checks.pixels_of(self.picture)


@dataclass(frozen=True)
class FigureSummary:
    """A figure of several panels that was kept.

    Attributes:
        id: the same for ever; never that of another.
        session: the id of its session.
        name: that no other figure of the session has.
        created, changed: seconds since 1970, UTC.
    """

    id: int
    session: str
    name: str
    created: float
    changed: float


@dataclass(frozen=True)
class Figure(FigureSummary):
    """All of a figure.

    Attributes:
        value: what it is made of, as JSON has it; whoever draws it must take it for a stranger's.
    """

    value: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class KeptTest(FigureSummary):
    """What came of a test of a claim.

    Attributes:
        value: its settings and effects, as JSON has them; whoever shows it must take it for a stranger's.
    """

    value: dict[str, Any] = field(repr=False)


@dataclass(frozen=True)
class Session(Summary):
    """An open session.

    Attributes:
        notes: Markdown as it was written; whoever shows it must take it for a stranger's.
        strip: its snapshots in order.
    """

    notes: str = field(repr=False)
    strip: tuple[SnapshotSummary, ...] = field(repr=False)


class State(NamedTuple):
    """What a snapshot shows, without its pictures.

    Attributes:
        session, name: id and name of its session.
        id: of the snapshot.
        memory: the text of JSON.
    """

    session: str
    name: str
    id: int
    page: str
    query: str
    memory: str


@dataclass(frozen=True)
class NewSnapshot:
    """A snapshot that is to be kept, checked.

    Attributes:
        memory, predictions: the text of JSON.
    """

    page: str
    query: str
    memory: str
    predictions: str
    comment: str
    picture: checks.Picture

    @classmethod
    def of(
        cls,
        *,
        page: str,
        query: str,
        picture: np.ndarray | bytes,
        memory: Mapping[str, Any] | None = None,
        predictions: object = None,
        comment: str = "",
    ) -> "NewSnapshot":
        """Check what is to be kept, which takes as long as the picture's compression: some 30 ms for 224 × 224.

        Args:
            page: path of the page.
            query: its state, as in a link.
            picture: input of the models, (H, W, 3) uint8, or the content of a PNG or lossless WebP file.
            memory: what of the page's state is not in a link.
            predictions: anything that JSON has.
            comment: of up to 2,000 characters.

        Raises:
            InvalidInputError: something cannot be kept.
        """
        if not isinstance(memory, Mapping | None):
            raise InvalidInputError("A state's memory must be an object of JSON.")
        return cls(
            page=checks.page(page),
            query=checks.query(query),
            memory=checks.plain_json("A state's memory", dict(memory or {})),
            predictions=checks.plain_json("Predictions", predictions),
            comment=checks.prose("A comment", comment, checks.LONGEST_COMMENT),
            picture=checks.Picture.of(picture),
        )

    @property
    def size(self) -> int:
        """Of all that is kept, in bytes."""
        texts = (self.page, self.query, self.memory, self.predictions, self.comment)
        return sum(len(text.encode()) for text in texts) + len(self.picture.content) + len(self.picture.thumbnail)


@dataclass(frozen=True)
class NewFigure:
    """A figure that is to be kept, checked.

    Attributes:
        value: the text of JSON.
    """

    name: str
    value: str
    what: ClassVar[str] = "A figure"

    @classmethod
    def of(cls, name: object, value: object) -> Self:
        """Check what is to be kept.

        Args:
            name: of up to 100 characters.
            value: an object of JSON.

        Raises:
            InvalidInputError: one of them cannot be kept.
        """
        if not isinstance(value, Mapping):
            raise InvalidInputError(f"{cls.what} must be an object of JSON.")
        return cls(checks.line(cls.what, name, checks.LONGEST_NAME), checks.plain_json(cls.what, dict(value)))

    @property
    def size(self) -> int:
        """Of all that is kept, in bytes."""
        return len(self.name.encode()) + len(self.value.encode())


@dataclass(frozen=True)
class NewTest(NewFigure):
    """What came of a test and is to be kept, checked; as of `NewFigure`."""

    what: ClassVar[str] = "A test"


class Sessions:
    """The sessions of a data folder; any number of these may be used at once, in any number of threads and processes.

    Every method raises StorageError where the folder cannot be written or read, and InvalidInputError where its file
    is broken or a newer version's.

    Args:
        data: the data folder.
    """

    def __init__(self, data: Path) -> None:
        self.data = data
        self.database = Database(data)

    # ---- looking ------------------------------------------------------------------------------------------------

    def all(
        self, *, owner: str | None = None, find: str = "", order: str = "changed", offset: int = 0, limit: int = 50
    ) -> Listing:
        """Sessions, those that were changed last first.

        Args:
            owner: whose; None for everybody's.
            find: what the name or the owner's contains, whichever its letters' case.
            order: one of `ORDERS`.
            offset: how many to leave out.
            limit: how many at most, up to 200.

        Raises:
            UnknownNameError: there is no such order.
        """
        chosen: list[ColumnElement[bool]] = [SESSIONS.c.deleted.is_(None)]
        if owner is not None:
            chosen.append(SESSIONS.c.owner == owner)
        if find.strip() and find.isprintable():
            sought = (SESSIONS.c.name, SESSIONS.c.owner)
            chosen.append(or_(*(column.icontains(find.strip(), autoescape=True) for column in sought)))
        rows = _summaries().where(*chosen).order_by(*_order(order), SESSIONS.c.changed.desc(), SESSIONS.c.id)
        with self.database.reading() as connection:
            found = connection.execute(rows.offset(max(0, offset)).limit(min(max(0, limit), MAX_LISTED))).all()
            total = connection.execute(select(func.count()).select_from(SESSIONS).where(*chosen)).scalar_one()
        return Listing(tuple(Summary(**row._mapping) for row in found), total)

    def open(self, id: str) -> Session:
        """A session with its snapshots, but for their pictures.

        Raises:
            InvalidInputError: there is none of this id.
        """
        with self.database.reading() as connection:
            rows = (
                _summaries()
                .add_columns(SESSIONS.c.notes)
                .where(SESSIONS.c.id == _text(id), SESSIONS.c.deleted.is_(None))
            )
            row = connection.execute(rows).first()
            if row is None:
                raise _no_session(id)
            strip = connection.execute(
                _strip().where(SNAPSHOTS.c.session == id, SNAPSHOTS.c.deleted.is_(None)).order_by(SNAPSHOTS.c.position)
            ).all()
        return Session(**row._mapping, strip=tuple(SnapshotSummary(**one._mapping) for one in strip))

    def snapshot(self, id: int) -> Snapshot:
        """All of a snapshot.

        Raises:
            InvalidInputError: there is none of this id.
        """
        rows = _strip().add_columns(SNAPSHOTS.c.memory, SNAPSHOTS.c.predictions, PICTURES.c.content.label("picture"))
        with self.database.reading() as connection:
            row = connection.execute(
                rows.join(SESSIONS).where(
                    SNAPSHOTS.c.id == _number(id), SNAPSHOTS.c.deleted.is_(None), SESSIONS.c.deleted.is_(None)
                )
            ).first()
        if row is None:
            raise _no_snapshot(id)
        texts = {key: json.loads(row._mapping[key]) for key in ("memory", "predictions")}
        return Snapshot(**{**row._mapping, **texts})

    def states(self) -> Iterator[State]:
        """Every snapshot's state, session by session, for whoever asks what they name."""
        columns = (SNAPSHOTS.c[name] for name in ("session", "id", "page", "query", "memory"))
        rows = select(SESSIONS.c.name, *columns).join_from(SNAPSHOTS, SESSIONS)
        rows = rows.where(SNAPSHOTS.c.deleted.is_(None), SESSIONS.c.deleted.is_(None))
        with self.database.reading() as connection:
            for row in connection.execute(rows.order_by(SESSIONS.c.name, SESSIONS.c.id, SNAPSHOTS.c.position)):
                yield State(**row._mapping)

    def figures(self, session: str) -> tuple[FigureSummary, ...]:
        """A session's figures by their names.

        Raises:
            InvalidInputError: there is no such session.
        """
        columns = (FIGURES.c[name] for name in ("id", "session", "name", "created", "changed"))
        chosen = FIGURES.c.session == session, FIGURES.c.deleted.is_(None)
        with self.database.reading() as connection:
            _get_session(connection, session)
            rows = connection.execute(select(*columns).where(*chosen).order_by(FIGURES.c.name, FIGURES.c.id)).all()
        return tuple(FigureSummary(**row._mapping) for row in rows)

    def figure(self, id: int) -> Figure:
        """All of a figure.

        Raises:
            InvalidInputError: there is none of this id.
        """
        columns = (FIGURES.c[name] for name in ("id", "session", "name", "created", "changed", "value"))
        chosen = FIGURES.c.id == _number(id, _no_figure), FIGURES.c.deleted.is_(None), SESSIONS.c.deleted.is_(None)
        with self.database.reading() as connection:
            row = connection.execute(select(*columns).join_from(FIGURES, SESSIONS).where(*chosen)).first()
        if row is None:
            raise _no_figure(id)
        return Figure(**{**row._mapping, "value": json.loads(row.value)})

    def tests(self, session: str) -> tuple[KeptTest, ...]:
        """A session's tests, in the order in which they were made.

        Raises:
            InvalidInputError: there is no such session.
        """
        columns = (TESTS.c[name] for name in ("id", "session", "name", "created", "changed", "value"))
        chosen = TESTS.c.session == session, TESTS.c.deleted.is_(None)
        with self.database.reading() as connection:
            _get_session(connection, session)
            rows = connection.execute(select(*columns).where(*chosen).order_by(TESTS.c.id)).all()
        return tuple(KeptTest(**{**row._mapping, "value": json.loads(row.value)}) for row in rows)

    # ---- sessions -----------------------------------------------------------------------------------------------

    def create(
        self,
        name: str,
        *,
        notes: str = "",
        thumbnail: np.ndarray | bytes | None = None,
        snapshots: Sequence[NewSnapshot] = (),
        figures: Sequence[NewFigure] = (),
        tests: Sequence[NewTest] = (),
    ) -> str:
        """Keep a new session; its id. All of it is kept, or nothing.

        Args:
            name: of up to 100 characters; several sessions may have the same.
            notes: Markdown, of up to 20,000 characters.
            thumbnail: a picture, made small.
            figures, tests: of which no two have one name.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            InvalidInputError: something cannot be kept, or there are too many.
        """
        need(Role.EDITOR, "keep sessions")
        called = checks.line("A session", name, checks.LONGEST_NAME)
        text = checks.prose("Notes", notes, checks.LONGEST_NOTES)
        small = None if thumbnail is None else checks.thumbnail(thumbnail)
        _check_count(len(snapshots))
        _check_figures(len(figures))
        _check_figures(len(tests), TESTS)
        kept = sum(new.size for new in snapshots) + sum(new.size for new in (*figures, *tests))
        self._check_room(current().name, len(text.encode()) + len(small or b"") + kept)
        id, owner, now = secrets.token_hex(8), current().name, time.time()
        with self.database.writing() as connection:
            _purge(connection, now)
            _check_sessions(connection, owner)
            values = {"id": id, "owner": owner, "name": called, "notes": text, "thumbnail": small}
            connection.execute(SESSIONS.insert().values(**values, created=now, changed=now))
            for position, new in enumerate(snapshots):
                _insert(connection, id, new, position, now)
            for figure in figures:
                _insert_figure(connection, id, figure, now)
            for test in tests:
                _insert_figure(connection, id, test, now, TESTS)
        return id

    def rename(self, id: str, name: str) -> None:
        """Give a session another name.

        Raises:
            NotAllowedError: it belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id, or it cannot be called so.
        """
        self._change(id, name=checks.line("A session", name, checks.LONGEST_NAME))

    def write_notes(self, id: str, notes: str) -> None:
        """Give a session other notes, Markdown; raises as `rename`."""
        self._change(id, notes=checks.prose("Notes", notes, checks.LONGEST_NOTES))

    def set_thumbnail(self, id: str, picture: np.ndarray | bytes | None) -> None:
        """Give a session another thumbnail, or None for its first snapshot's; raises as `rename`."""
        self._change(id, thumbnail=None if picture is None else checks.thumbnail(picture))

    def duplicate(self, id: str, name: str | None = None) -> str:
        """Keep a copy of anybody's session as one's own; its id.

        Args:
            name: by default the old one's, with “(copy)”.

        Raises:
            NotAllowedError: the user only looks, or has no room left.
            InvalidInputError: there is none of this id, or too many.
        """
        need(Role.EDITOR, "keep sessions")
        old = self.open(id)
        called = checks.line("A session", name or f"{old.name[: checks.LONGEST_NAME - 7]} (copy)", checks.LONGEST_NAME)
        self._check_room(current().name, old.size)
        new, now = secrets.token_hex(8), time.time()
        with self.database.writing() as connection:
            _purge(connection, now)
            _check_sessions(connection, current().name)
            _get_session(connection, id)  # it may have gone meanwhile
            copied = select(
                literal(new), literal(current().name), literal(called), SESSIONS.c.notes, SESSIONS.c.thumbnail,
                literal(now), literal(now),
            )  # fmt: skip
            columns = ["id", "owner", "name", "notes", "thumbnail", "created", "changed"]
            connection.execute(SESSIONS.insert().from_select(columns, copied.where(SESSIONS.c.id == id)))
            there = SNAPSHOTS.c.session == id, SNAPSHOTS.c.deleted.is_(None)
            columns = [c.name for c in SNAPSHOTS.c if c.name not in ("id", "session", "deleted")]
            for snapshot in connection.execute(select(SNAPSHOTS.c.id).where(*there)).scalars().all():
                values = select(literal(new), *(SNAPSHOTS.c[name] for name in columns)).where(
                    SNAPSHOTS.c.id == snapshot
                )
                connection.execute(SNAPSHOTS.insert().from_select(["session", *columns], values))
                made = connection.exec_driver_sql("SELECT last_insert_rowid()").scalar_one()
                picture = select(literal(made), PICTURES.c.thumbnail, PICTURES.c.content)
                picture = picture.where(PICTURES.c.snapshot == snapshot)
                connection.execute(PICTURES.insert().from_select(["snapshot", "thumbnail", "content"], picture))
            columns = ["name", "value", "size", "created", "changed"]
            for table in (FIGURES, TESTS):
                rows = select(literal(new), *(table.c[name] for name in columns)).order_by(table.c.id)
                rows = rows.where(table.c.session == id, table.c.deleted.is_(None))
                connection.execute(table.insert().from_select(["session", *columns], rows))
        return new

    def delete(self, id: str, *, for_good: bool = False) -> None:
        """Delete a session; for seven days `restore` brings it back.

        Args:
            for_good: remove it at once, also one that was deleted before; until then it takes room.

        Raises:
            NotAllowedError: it belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id.
        """
        need(Role.EDITOR, "delete sessions")
        now = time.time()
        with self.database.writing() as connection:
            _purge(connection, now)
            _own(_get_session(connection, id, deleted=for_good))
            chosen = SESSIONS.c.id == id
            connection.execute(
                SESSIONS.delete().where(chosen) if for_good else SESSIONS.update().where(chosen).values(deleted=now)
            )

    def restore(self, id: str) -> None:
        """Bring back a session that was deleted; nothing happens to one that was not.

        Raises:
            NotAllowedError: it belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id any more, or too many others.
        """
        need(Role.EDITOR, "bring back sessions")
        with self.database.writing() as connection:
            row = _get_session(connection, id, deleted=True)
            _own(row)
            if row.deleted is not None:
                _check_sessions(connection, row.owner)
                connection.execute(SESSIONS.update().where(SESSIONS.c.id == id).values(deleted=None))

    # ---- snapshots ----------------------------------------------------------------------------------------------

    def add(self, session: str, snapshot: NewSnapshot) -> int:
        """Keep a snapshot as a session's last one; its id.

        Raises:
            NotAllowedError: the session belongs to somebody else, the user only looks, or its owner has no room left.
            InvalidInputError: there is no such session, or it has too many.
        """
        self._need_room("keep snapshots", session, snapshot.size)
        now = time.time()
        with self.database.writing() as connection:
            _purge(connection, now)
            _own(_get_session(connection, session))
            there = SNAPSHOTS.c.session == session
            last = connection.execute(select(func.max(SNAPSHOTS.c.position)).where(there)).scalar()
            _check_count(1 + _count(connection, session))
            made = _insert(connection, session, snapshot, 0 if last is None else last + 1, now)
            _touch(connection, session, now)
        return made

    def comment(self, snapshot: int, text: str) -> None:
        """Give a snapshot another comment.

        Raises:
            NotAllowedError: its session belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id, or the comment is too long.
        """
        self._change_snapshot(snapshot, comment=checks.prose("A comment", text, checks.LONGEST_COMMENT))

    def reorder(self, session: str, snapshots: Sequence[int]) -> None:
        """Bring a session's snapshots into another order.

        Args:
            snapshots: ids of those in the session, each once; those that are not named follow in their old order.

        Raises:
            NotAllowedError: the session belongs to somebody else, or the user only looks.
            InvalidInputError: there is no such session, or no such snapshot in it.
        """
        need(Role.EDITOR, "change sessions")
        with self.database.writing() as connection:
            _own(_get_session(connection, session))
            chosen = SNAPSHOTS.c.session == session, SNAPSHOTS.c.deleted.is_(None)
            rows = select(SNAPSHOTS.c.id).where(*chosen).order_by(SNAPSHOTS.c.position)
            there = connection.execute(rows).scalars().all()
            if unknown := [one for one in snapshots if one not in there]:
                raise _no_snapshot(unknown[0])
            for position, one in enumerate(dict.fromkeys([*snapshots, *there])):
                connection.execute(SNAPSHOTS.update().where(SNAPSHOTS.c.id == one).values(position=position))
            _touch(connection, session, time.time())

    def delete_snapshot(self, snapshot: int) -> None:
        """Delete a snapshot; for seven days `restore_snapshot` brings it back, in its place.

        Raises:
            NotAllowedError: its session belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id.
        """
        self._change_snapshot(snapshot, deleted=time.time())

    def restore_snapshot(self, snapshot: int) -> None:
        """Bring back a snapshot that was deleted; raises as `delete_snapshot`, or where the session has too many."""
        self._change_snapshot(snapshot, deleted=None)

    # ---- figures ------------------------------------------------------------------------------------------------

    def save_figure(self, session: str, figure: NewFigure) -> int:
        """Keep a figure in a session, in the place of the one that has its name, if there is one; its id.

        Raises:
            NotAllowedError: the session belongs to somebody else, the user only looks, or its owner has no room left.
            InvalidInputError: there is no such session, or it has too many.
        """
        return self._save(FIGURES, session, figure)

    def _save(self, table: Table, session: str, figure: NewFigure) -> int:
        self._need_room(f"keep {table.name}", session, figure.size)
        now = time.time()
        with self.database.writing() as connection:
            _purge(connection, now)
            _own(_get_session(connection, session))
            there = _figure_called(connection, session, figure.name, table)
            if there is None:
                _check_figures(1 + _count(connection, session, table), table)
                there = _insert_figure(connection, session, figure, now, table)
            else:
                values = {"value": figure.value, "size": figure.size, "changed": now}
                connection.execute(table.update().where(table.c.id == there).values(**values))
            _touch(connection, session, now)
        return there

    def rename_figure(self, id: int, name: str) -> None:
        """Give a figure another name.

        Raises:
            NotAllowedError: its session belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id, it cannot be called so, or another one is.
        """
        self._change_figure(id, name=checks.line("A figure", name, checks.LONGEST_NAME))

    def delete_figure(self, id: int) -> None:
        """Delete a figure; for seven days `restore_figure` brings it back.

        Raises:
            NotAllowedError: its session belongs to somebody else, or the user only looks.
            InvalidInputError: there is none of this id.
        """
        self._change_figure(id, deleted=time.time())

    def restore_figure(self, id: int) -> None:
        """Bring back a figure that was deleted; raises as `delete_figure`, or where another one has its name now."""
        self._change_figure(id, deleted=None)

    # ---- tests --------------------------------------------------------------------------------------------------

    def save_test(self, session: str, test: NewTest) -> int:
        """Keep a test in a session; as `save_figure`."""
        return self._save(TESTS, session, test)

    def rename_test(self, id: int, name: str) -> None:
        """Give a test another name; raises as `rename_figure`."""
        self._change_figure(id, TESTS, name=checks.line("A test", name, checks.LONGEST_NAME))

    def delete_test(self, id: int) -> None:
        """Delete a test; for seven days `restore_test` brings it back. Raises as `delete_figure`."""
        self._change_figure(id, TESTS, deleted=time.time())

    def restore_test(self, id: int) -> None:
        """Bring back a test that was deleted; raises as `restore_figure`."""
        self._change_figure(id, TESTS, deleted=None)

    def _change_figure(self, id: int, table: Table = FIGURES, **values: object) -> None:
        need(Role.EDITOR, "change sessions")
        missing = _no_figure if table is FIGURES else _no_test
        chosen = table.c.id == _number(id, missing)
        if values.get("deleted", 0.0) is not None:
            chosen &= table.c.deleted.is_(None)
        with self.database.writing() as connection:
            row = connection.execute(select(table.c.session, table.c.name).where(chosen)).first()
            if row is None:
                raise missing(id)
            _own(_get_session(connection, row.session))
            name = str(values.get("name", row.name))
            if values.get("deleted") is None and _figure_called(connection, row.session, name, table) not in (None, id):
                raise InvalidInputError(
                    f"There is another {table.name[:-1]} “{name}” in this session. Choose another name."
                )
            connection.execute(table.update().where(chosen).values(**values))
            _check_figures(_count(connection, row.session, table), table)
            _touch(connection, row.session, time.time())

    # ---- changing -----------------------------------------------------------------------------------------------

    def _change(self, id: str, **values: object) -> None:
        need(Role.EDITOR, "change sessions")
        with self.database.writing() as connection:
            _own(_get_session(connection, id))
            connection.execute(SESSIONS.update().where(SESSIONS.c.id == id).values(**values, changed=time.time()))

    def _change_snapshot(self, id: int, **values: object) -> None:
        need(Role.EDITOR, "change sessions")
        with self.database.writing() as connection:
            chosen = SNAPSHOTS.c.id == _number(id)
            if "deleted" not in values or values["deleted"] is not None:
                chosen &= SNAPSHOTS.c.deleted.is_(None)
            row = connection.execute(select(SNAPSHOTS.c.session, SNAPSHOTS.c.deleted).where(chosen)).first()
            if row is None:
                raise _no_snapshot(id)
            _own(_get_session(connection, row.session))
            connection.execute(SNAPSHOTS.update().where(chosen).values(**values))
            _check_count(_count(connection, row.session))
            _touch(connection, row.session, time.time())

    def _need_room(self, what: str, session: str, size: int) -> None:
        """Refuse who may not keep something in a session, or where its owner has no room left."""
        need(Role.EDITOR, what)
        with self.database.reading() as connection:
            _own(row := _get_session(connection, session))
        self._check_room(row.owner, size)

    def _check_room(self, owner: str, more: int) -> None:
        check_room(self.data, owner, more, Settings())


def kept_by_owner(data: Path) -> Counter[str]:
    """Owner → bytes of their sessions and short links, those included that can be brought back."""
    kept: Counter[str] = Counter()
    snapshots = select(SESSIONS.c.owner, func.sum(SNAPSHOTS.c.size)).join_from(SESSIONS, SNAPSHOTS)
    sessions = select(SESSIONS.c.owner, func.sum(_own_size()))
    figures = select(SESSIONS.c.owner, func.sum(FIGURES.c.size)).join_from(SESSIONS, FIGURES)
    tests = select(SESSIONS.c.owner, func.sum(TESTS.c.size)).join_from(SESSIONS, TESTS)
    links = select(LINKS.c.owner, func.sum(func.length(LINKS.c.query)))
    with Database(data).reading() as connection:
        of_sessions = ((rows, SESSIONS) for rows in (snapshots, figures, tests, sessions))
        for rows, table in (*of_sessions, (links, LINKS)):
            for owner, size in connection.execute(rows.group_by(table.c.owner)):
                kept[owner] += size
    return kept


# ---- rows ---------------------------------------------------------------------------------------------------------


def _own_size() -> Any:
    """Bytes of a session without its snapshots; four for a sign of its notes, which is the most that it takes."""
    return 4 * func.length(SESSIONS.c.notes) + func.coalesce(func.length(SESSIONS.c.thumbnail), 0)


def _summaries() -> Select[Any]:
    there = SNAPSHOTS.c.session == SESSIONS.c.id, SNAPSHOTS.c.deleted.is_(None)
    first = select(PICTURES.c.thumbnail).join_from(PICTURES, SNAPSHOTS).where(*there).order_by(SNAPSHOTS.c.position)
    count = select(func.count()).select_from(SNAPSHOTS).where(*there).scalar_subquery()
    size = select(func.coalesce(func.sum(SNAPSHOTS.c.size), 0)).where(*there).scalar_subquery()
    figures, tests = (
        select(func.coalesce(func.sum(table.c.size), 0))
        .where(table.c.session == SESSIONS.c.id, table.c.deleted.is_(None))
        .scalar_subquery()
        for table in (FIGURES, TESTS)
    )
    return select(
        SESSIONS.c.id,
        SESSIONS.c.name,
        SESSIONS.c.owner,
        SESSIONS.c.created,
        SESSIONS.c.changed,
        count.label("snapshots"),
        (size + figures + tests + _own_size()).label("size"),
        func.coalesce(SESSIONS.c.thumbnail, first.limit(1).scalar_subquery()).label("thumbnail"),
    )


def _order(by: str) -> list[ColumnElement[Any]]:
    if by not in ORDERS:
        raise UnknownNameError("order of sessions", by, ORDERS)
    if by in ("name", "owner"):
        return [func.lower(SESSIONS.c[by])]
    return [SESSIONS.c[by].desc() if by in SESSIONS.c else literal_column(by).desc(), SESSIONS.c.created.desc()]


def _strip() -> Select[Any]:
    columns = (
        SNAPSHOTS.c[name] for name in ("id", "session", "page", "query", "comment", "width", "height", "created")
    )
    return select(*columns, PICTURES.c.thumbnail).join_from(SNAPSHOTS, PICTURES)


class _Head(NamedTuple):
    """Of a session, what is asked before it is changed."""

    owner: str
    name: str
    deleted: float | None


def _get_session(connection: Connection, id: str, *, deleted: bool = False) -> _Head:
    rows = select(SESSIONS.c.owner, SESSIONS.c.name, SESSIONS.c.deleted).where(SESSIONS.c.id == _text(id))
    row = connection.execute(rows if deleted else rows.where(SESSIONS.c.deleted.is_(None))).first()
    if row is None:
        raise _no_session(id)
    return _Head(*row)


def _own(row: _Head) -> None:
    need_owner(row.owner, f"The session “{row.name}”")


def _insert(connection: Connection, session: str, new: NewSnapshot, position: int, now: float) -> int:
    values = {name: getattr(new, name) for name in ("page", "query", "memory", "predictions", "comment", "size")}
    values |= {"width": new.picture.width, "height": new.picture.height, "position": position, "created": now}
    made = connection.execute(SNAPSHOTS.insert().values(session=session, **values)).inserted_primary_key
    assert made is not None  # it is one row
    picture = {"thumbnail": new.picture.thumbnail, "content": new.picture.content}
    connection.execute(PICTURES.insert().values(snapshot=made[0], **picture))
    return int(made[0])


def _insert_figure(connection: Connection, session: str, new: NewFigure, now: float, table: Table = FIGURES) -> int:
    values = {"name": new.name, "value": new.value, "size": new.size, "created": now, "changed": now}
    made = connection.execute(table.insert().values(session=session, **values)).inserted_primary_key
    assert made is not None  # it is one row
    return int(made[0])


def _figure_called(connection: Connection, session: str, name: str, table: Table) -> int | None:
    """The id of a session's figure, or test, of this name."""
    chosen = table.c.session == session, table.c.deleted.is_(None), table.c.name == name
    return connection.execute(select(table.c.id).where(*chosen)).scalar()


def _touch(connection: Connection, session: str, now: float) -> None:
    connection.execute(SESSIONS.update().where(SESSIONS.c.id == session).values(changed=now))


def _count(connection: Connection, session: str, table: Table = SNAPSHOTS) -> int:
    rows = select(func.count()).select_from(table)
    return connection.execute(rows.where(table.c.session == session, table.c.deleted.is_(None))).scalar_one()


def _check_count(count: int) -> None:
    if count > MAX_SNAPSHOTS:
        raise InvalidInputError(f"A session cannot have more than {MAX_SNAPSHOTS} snapshots. Delete some first.")


def _check_figures(count: int, table: Table = FIGURES) -> None:
    if count > MAX_FIGURES:
        raise InvalidInputError(f"A session cannot have more than {MAX_FIGURES} {table.name}. Delete some first.")


def _check_sessions(connection: Connection, owner: str) -> None:
    rows = select(func.count()).select_from(SESSIONS)
    chosen = SESSIONS.c.owner == owner, SESSIONS.c.deleted.is_(None)
    if connection.execute(rows.where(*chosen)).scalar_one() >= MAX_SESSIONS:
        raise InvalidInputError(f"There are {MAX_SESSIONS} sessions of this owner already. Delete some first.")


def _purge(connection: Connection, now: float) -> None:
    """Remove for good what was deleted long ago, with all that belongs to it."""
    for table in (SESSIONS, SNAPSHOTS, FIGURES, TESTS):
        connection.execute(table.delete().where(table.c.deleted < now - UNDO_SECONDS))


def _text(id: object) -> str:
    """An id of a session as a text that there may be."""
    if not isinstance(id, str) or not id.isprintable():
        raise _no_session(id)
    return id


def _no_session(id: object) -> InvalidInputError:
    return InvalidInputError(f"There is no session {str(id)[:40]!r}. It may have been deleted.")


def _no_snapshot(id: object) -> InvalidInputError:
    return InvalidInputError(f"There is no snapshot {str(id)[:40]!r}. It may have been deleted.")


def _no_figure(id: object) -> InvalidInputError:
    return InvalidInputError(f"There is no figure {str(id)[:40]!r}. It may have been deleted.")


def _no_test(id: object) -> InvalidInputError:
    return InvalidInputError(f"There is no test {str(id)[:40]!r}. It may have been deleted.")


def _number(id: object, missing: Callable[[object], InvalidInputError] = _no_snapshot) -> int:
    """An id of a snapshot or figure as a number that there may be."""
    if type(id) is not int or not 0 < id < 2**63:
        raise missing(id)
    return id
