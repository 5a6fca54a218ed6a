"""The state of the Figures page as a value: a grid of panels, each a figure of another page."""

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, Self
from urllib.parse import urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError, field_validator

from perturber.errors import InvalidInputError
from perturber.export import PRESETS

PATH = "/figures"
KEY = "figure"
"""Of the link: the value as JSON."""

MOST = 6
"""Rows, and columns."""

LONGEST_LINK, LONGEST_CAPTION, LONGEST_TITLE = 30_000, 300, 200
LONGEST = 90_000
"""Characters of a figure in a link, which short links and files hold."""

PAGE = re.compile(r"/[a-z0-9_-]{0,40}")

Side = Annotated[int, Field(ge=1, le=MOST)]


def _line(text: str) -> str:
    """A text on one line, without signs that cannot be printed."""
    return " ".join("".join(sign for sign in text if sign.isprintable() or sign.isspace()).split())


class PanelState(BaseModel):
    """A panel.

    Attributes:
        link: path and query of the page's state that it shows.
        kind: name of the figure there (see `perturber.ui.paper.kinds`).
        caption: below it.
        across: columns that it takes.
        memory: what the figure needs and no link holds (see `perturber.ui.papers.base.Paper`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    link: Annotated[str, StringConstraints(max_length=LONGEST_LINK)]
    kind: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,60}$")]
    caption: Annotated[str, StringConstraints(max_length=LONGEST_CAPTION)] = ""
    across: Side = 1
    memory: dict[str, JsonValue] = {}

    @field_validator("link")
    @classmethod
    def _of_a_page(cls, link: str) -> str:
        path, _, query = link.partition("?")
        if not PAGE.fullmatch(path) or path == PATH or not query.isprintable() or "#" in query:
            raise ValueError("no link to a page whose figures can be panels")
        return link

    @field_validator("caption")
    @classmethod
    def _plain(cls, caption: str) -> str:
        return _line(caption)

    @classmethod
    def of(cls, link: str, kind: str, memory: Mapping[str, Any] | None = None) -> "PanelState":
        """A figure of a page.

        Args:
            link: of a whole address, only path and query count.

        Raises:
            InvalidInputError: it is none.
        """
        try:
            parts = urlsplit(link.strip())
            return cls(link=_relative(parts.path, parts.query), kind=kind, memory=dict(memory or {}))
        except ValueError as error:  # of pydantic, too
            raise InvalidInputError(
                f"{link[:80]!r} is no link to a page whose figures can be panels. Copy one from the address bar."
            ) from error


def _relative(path: str, query: str) -> str:
    return f"{path or '/'}?{query}" if query else path or "/"


class FiguresState(BaseModel):
    """Everything that the page shows follows from this.

    Attributes:
        rows, columns: of the grid.
        panels: row by row.
        letters: whether they are called a, b, c …
        shared: whether all maps of activations get one scale, with one colour bar.
        title: above all.
        preset: for which file it is laid out on the page, a key of `perturber.export.PRESETS`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    rows: Side = 2
    columns: Side = 3
    panels: Annotated[tuple[PanelState, ...], Field(max_length=MOST * MOST, strict=False)] = ()
    letters: bool = True
    shared: bool = False
    title: Annotated[str, StringConstraints(max_length=LONGEST_TITLE)] = ""
    preset: str = "page"

    @field_validator("title")
    @classmethod
    def _plain(cls, title: str) -> str:
        return _line(title)

    @field_validator("preset")
    @classmethod
    def _known(cls, preset: str) -> str:
        if preset not in PRESETS:
            raise ValueError(f"one of {', '.join(PRESETS)}")
        return preset

    @classmethod
    def read(cls, value: object) -> "FiguresState":
        """A figure from JSON.

        Raises:
            InvalidInputError: it is none.
        """
        try:
            state = cls.model_validate(value)
        except (ValidationError, RecursionError) as error:
            raise InvalidInputError(f"This is no figure: {_first(error)}.") from error
        if (length := len(state.query())) > LONGEST:
            raise InvalidInputError(
                f"A figure cannot take {length:,} characters in a link. Allowed: up to {LONGEST:,}. Remove panels."
            )
        return state

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple["FiguresState", list[str]]:
        """Read a link.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems = [f"{key[:40]!r} says nothing about a figure." for key in query if key != KEY]
        if KEY not in query:
            return cls(), problems
        try:
            if len(query[KEY]) > LONGEST:
                raise InvalidInputError("This link is too long for a figure.")
            return cls.read(json.loads(query[KEY])), problems
        except (InvalidInputError, ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, InvalidInputError) else "This link holds no figure: it was cut off."
            return cls(), [*problems, said]

    def as_json(self) -> str:
        """What differs from the default, on one line."""
        value = self.model_dump(mode="json", exclude_defaults=True)
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    def value(self) -> dict[str, Any]:
        """All of it as JSON, to be kept."""
        return self.model_dump(mode="json")

    def query(self) -> str:
        """The query of a link to this state."""
        return urlencode({KEY: self.as_json()}) if self != FiguresState() else ""

    def with_values(self, **values: object) -> Self:
        """With other values.

        Raises:
            InvalidInputError: one is not allowed.
        """
        return type(self).read({**dict(self), "panels": self.panels, **values})  # type: ignore[return-value]

    def with_panel(self, panel: PanelState) -> Self:
        """With one panel more, and one row more where it needs that.

        Raises:
            InvalidInputError: there are too many.
        """
        if len(self.panels) >= MOST * MOST:
            raise InvalidInputError(f"A figure has up to {MOST * MOST} panels. Remove one first.")
        panels = (*self.panels, panel)
        needed = -(-sum(min(one.across, self.columns) for one in panels) // self.columns)
        return self.with_values(panels=panels, rows=min(MOST, max(self.rows, needed)))

    def changed(self, number: int, **values: object) -> Self:
        """With another panel in the place of one.

        Raises:
            InvalidInputError: there is none of this number, or a value is not allowed.
        """
        self.check(number)
        try:
            panel = PanelState.model_validate({**dict(self.panels[number]), **values})
        except ValidationError as error:
            raise InvalidInputError(f"This cannot be a panel: {_first(error)}.") from error
        return self.with_values(panels=(*self.panels[:number], panel, *self.panels[number + 1 :]))

    def without(self, number: int) -> Self:
        """Without a panel; raises as `changed`."""
        self.check(number)
        return self.with_values(panels=(*self.panels[:number], *self.panels[number + 1 :]))

    def moved(self, number: int, by: int) -> Self:
        """With a panel that is by so many places later, as far as there are places; raises as `changed`."""
        self.check(number)
        order = [n for n in range(len(self.panels)) if n != number]
        order.insert(max(0, min(number + by, len(order))), number)
        return self.ordered(order)

    def ordered(self, numbers: list[int]) -> Self:
        """With its panels in another order; those that are not named follow.

        Raises:
            InvalidInputError: a number is none of a panel.
        """
        for number in numbers:
            self.check(number)
        order = dict.fromkeys([*numbers, *range(len(self.panels))])
        return self.with_values(panels=tuple(self.panels[number] for number in order))

    def check(self, number: object) -> None:
        """Refuse what is no number of a panel.

        Raises:
            InvalidInputError: it is none.
        """
        if type(number) is not int or not 0 <= number < len(self.panels):
            raise InvalidInputError(f"There is no panel {str(number)[:40]!r}. Choose one in the list.")


def _first(error: ValidationError | RecursionError) -> str:
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    first = error.errors(include_url=False, include_input=False, include_context=False)[0]
    place = ".".join(map(str, first["loc"]))[:80]
    return f"{place}: {first['msg'].removeprefix('Value error, ')}".removeprefix(": ")
