"""Tables of what is kept: rows that can be picked, columns by which they can be sorted, page by page."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import dash_bootstrap_components as dbc
from dash import html
from dash.development.base_component import Component

from perturber.ui.components.attributes import attributes
from perturber.ui.components.controls import button

ButtonId = Callable[[str], dict[str, Any]]
"""Act → id of its button: ``by COLUMN``, ``before``, ``after``."""


class Column(NamedTuple):
    """A column of a table.

    Attributes:
        order: name of the order by which it sorts; empty where it does not.
        title: above it.
        text: whether it is sorted by the alphabet, and not the largest first.
    """

    order: str
    title: str
    text: bool = False


def shelf_table(
    id_of: ButtonId, columns: Sequence[Column], order: str, rows: Sequence[html.Tr], *, before: int
) -> html.Table:
    """A table.

    Args:
        order: by which it is sorted.
        before: columns without a title, before the others.
    """
    heads: list[Component] = [html.Td() for _ in range(before)]
    for column in columns:
        if not column.order:
            heads.append(html.Th(column.title, scope="col", className="plain"))
            continue
        turn = button(id_of(f"by {column.order}"), column.title, f"Sort by {column.title.lower()}", className="sort")
        direction = "ascending" if column.text else "descending"
        sorted_ = attributes(aria_sort=direction) if column.order == order else {}
        heads.append(html.Th(turn, scope="col", className="" if column.text else "amount", **sorted_))
    return html.Table([html.Thead(html.Tr(heads)), html.Tbody(list(rows))])


def pick(id_: dict[str, Any], name: str, picked: bool) -> dbc.Checkbox:
    """The box at the beginning of a row."""
    return dbc.Checkbox(id=id_, value=picked, label=f"Pick {name}", label_class_name="visually-hidden")


def turns(id_of: ButtonId, what: str, offset: int, shown: int, total: int) -> html.Div:
    """What leads to the other rows.

    Args:
        what: the rows are, in the plural.
    """
    return html.Div(
        [
            button(id_of("before"), "‹", f"The {what} before these", disabled=offset == 0),
            html.Span(f"{offset + 1}–{offset + shown} of {total}", className="about"),
            button(id_of("after"), "›", f"The {what} after these", disabled=offset + shown >= total),
        ],
        className="bar turns",
    )


def size_of(count: float) -> str:
    """A number of bytes as a person says it."""
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count:.0f} B"
