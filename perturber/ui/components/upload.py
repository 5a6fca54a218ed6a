"""The dialog that takes users' own objects and backgrounds, and the files that can be dropped on the scene."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import dash_bootstrap_components as dbc
from dash import dcc, html
from dash.development.base_component import Component

from perturber.ui.components.controls import button, dialog_title, labelled
from perturber.ui.components.parameter_panel import Kind

LONGEST_NAME = 60

ADDED = "Added to this server. Use it now, or find it in the menu later."
READING = "Reading …"


class Words(NamedTuple):
    """What the dialog says of a kind of things: its title, and the files that it takes."""

    title: str
    takes: str


WORDS: dict[Kind, Words] = {
    "object": Words(
        "Add an object",
        "One OBJ with its MTL and textures (a picture named …alpha… is its opacity), a glTF or GLB, or a ZIP of them. "
        "Two OBJ files of the same topology become a morph pair.",
    ),
    "background": Words("Add a background", "One picture: PNG, JPEG or WebP. Its middle square is shown."),
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What has come of an upload.

    Attributes:
        message: a sentence.
        notes: what of the files was left out, changed or guessed, a sentence each.
        name: of what was added, or None where nothing was.
        preview: the picture of it, as an address.
    """

    message: str
    notes: tuple[str, ...] = ()
    name: str | None = None
    preview: str | None = None


def upload_id(page: str, part: str) -> str:
    """The id of a part of the dialog: ``name``, ``files``, ``outcome``, ``added``, ``close`` or ``use``."""
    return f"{page}-upload-{part}"


def drop_id(page: str) -> str:
    """The id of what takes files that are dropped on the scene."""
    return f"{page}-drop"


def drop_target(page: str, pointer: Component) -> dcc.Upload:
    """What lies over the scene; it takes files that are dropped on it, and a click on it opens no dialog."""
    return _files(drop_id(page), pointer, "drop-target", disable_click=True)


def upload_dialog(page: str, kind: Kind, outcome: Outcome | None = None) -> list[Component]:
    """What the dialog ``<page>-dialog`` holds.

    Args:
        outcome: of files that were dropped on the scene.
    """
    name = dcc.Input(id=upload_id(page, "name"), maxLength=LONGEST_NAME, placeholder="Optional", autoComplete="off")
    drop = [html.Strong("Drop files here, or click to choose them"), html.Span(WORDS[kind].takes)]
    body = [
        labelled("Name", name),
        _files(upload_id(page, "files"), drop, "drop"),
        html.Div(outcome_children(outcome), id=upload_id(page, "outcome")),
        dcc.Store(id=upload_id(page, "added"), data={"kind": kind, "name": outcome.name if outcome else None}),
    ]
    use = html.Button("Use it", id=upload_id(page, "use"), className="use", n_clicks=0, disabled=not was_added(outcome))
    close = button(upload_id(page, "close"), "Close", "Back to the scene as it is")
    return [
        dialog_title(WORDS[kind].title),
        dbc.ModalBody(body, className="upload"),
        dbc.ModalFooter([close, use], className="upload"),
    ]


def plain_dialog(sentence: str, *, wrong: bool = False) -> list[Component]:
    """What the dialog holds while nobody knows yet what the dropped files are."""
    return [dialog_title("Add to the scene"), dbc.ModalBody(said(sentence, wrong=wrong), className="upload")]


def outcome_children(outcome: Outcome | None) -> list[Component]:
    """The sentence, the notes, and the picture of what was added."""
    if outcome is None:
        return []
    children: list[Component] = [said(outcome.message, wrong=outcome.name is None)]
    if outcome.notes:
        children.append(html.Ul([html.Li(note) for note in outcome.notes]))
    if outcome.preview is not None:
        children.append(html.Img(src=outcome.preview, width=224, height=224, alt="Preview"))
    return children


def said(sentence: str, *, wrong: bool = False) -> html.P:
    """A sentence of the dialog."""
    return html.P(sentence, className="message wrong" if wrong else "message", role="alert")


def was_added(outcome: Outcome | None) -> bool:
    """Whether there is something to use."""
    return outcome is not None and outcome.name is not None


def _files(id_: str, children: Any, class_name: str, *, disable_click: bool = False) -> dcc.Upload:
    """What takes files. It accepts any: those that it does not accept it would drop without a word."""
    return dcc.Upload(
        children,
        id=id_,
        multiple=True,
        disable_click=disable_click,
        className=class_name,
        className_active="over",
        style={},
    )
