"""A figure as a file: the dialog opens, its fields follow what is chosen, and the server draws what it sends."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback, dcc, no_update, set_props

from perturber.chromium import find
from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.export import FONTS, MIME, PRESETS, Format, Preset, export, styled
from perturber.export.colours import DIVERGING_PALETTES, QUALITATIVE_PALETTES
from perturber.export.presets import DPI, FONT_POINTS, PIXELS_PER_INCH, WIDTH_MM
from perturber.service.room import Room
from perturber.ui import paper
from perturber.ui.callbacks.adding import adding_callback
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.messages import BUG, by_id, triggered_part, triggered_value
from perturber.ui.callbacks.methods import methods_callback
from perturber.ui.callbacks.saving import Saved, saved_figure
from perturber.ui.components.export import (
    BY_CHROMIUM,
    GROUNDS,
    LOOKS,
    OF_A_PRESET,
    SAYS_WRONG,
    Looks,
    disabled_looks,
    export_form,
    export_id,
    look_id,
    part_id,
)
from perturber.ui.failures import told
from perturber.ui.limits import EXPORTS, limited
from perturber.ui.papers.base import Paper
from perturber.ui.states import reading
from perturber.ui.states.figures import PATH as FIGURES

AT_ONCE = 4
"""Figures that may wait for Chromium at the same moment: each holds one of the server's threads."""

_room = Room(AT_ONCE)


def exporting_callbacks(page: str, path: str) -> None:
    """The callbacks of a page with `export_dialog` and some `export_button`; to be called once as it is imported.

    The figures are those of `perturber.ui.paper` for the link that the stores ``<page>-settled`` and ``<page>-facts``
    name (see `Settled.latest`).

    Args:
        path: of the page.
    """
    clientside_callback(ClientsideFunction("page", "save"), Input(f"{page}-saved", "data"), prevent_initial_call=True)
    _opening(page, path)
    _choosing(page)
    _downloading(page, path)
    methods_callback(page, path)
    if path != FIGURES:
        adding_callback(page, path)


def _opening(page: str, path: str) -> None:
    @callback(
        Output(part_id(page, "dialog"), "children"),
        Output(part_id(page, "dialog"), "is_open"),
        Input(export_id(page, ALL), "n_clicks"),
        State(LOOKS, "data"),
        prevent_initial_call=True,
    )
    def wished(_: object, looks: object) -> tuple[Any, Any]:
        if not triggered_value():  # the button has only just come to be
            return no_update, no_update
        kinds = paper.kinds(path)
        kind = triggered_part("export", kinds)
        found = Looks.remembered(looks)
        form = export_form(page, kind, kinds, found, chromium=find() is not None, panel=path != FIGURES)
        return form, True


def _choosing(page: str) -> None:
    names = list(disabled_looks(None))

    @callback(
        [Output(look_id(page, name), "disabled") for name in names],
        Input(look_id(page, "format"), "value"),
        prevent_initial_call=True,
    )
    def of_format(format: object) -> list[bool]:
        return list(disabled_looks(format if isinstance(format, str) else None).values())

    @callback(
        [Output(look_id(page, name), "value") for name in OF_A_PRESET],
        Input(look_id(page, "preset"), "value"),
        prevent_initial_call=True,
    )
    def of_preset(name: object) -> list[Any]:
        if not isinstance(name, str) or name not in PRESETS:
            return [no_update] * len(OF_A_PRESET)
        return [getattr(PRESETS[name], field) for field in OF_A_PRESET]


def _downloading(page: str, path: str) -> None:
    go = part_id(page, "go")

    @callback(
        Output(part_id(page, "file"), "data"),
        Output(f"{page}-saved", "data"),
        Output(part_id(page, "said"), "children"),
        Output(LOOKS, "data", allow_duplicate=True),
        Input(go, "n_clicks"),
        State(look_id(page, ALL), "value"),
        State(look_id(page, ALL), "id"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        running=[(Output(go, "disabled"), True, False), (Output(go, "children"), "Drawing …", "Download")],
        prevent_initial_call=True,
    )
    def download(clicks: object, values: object, ids: object, settled: object, facts: object) -> tuple[Any, ...]:
        if not clicks:  # the dialog has only just come to be
            return (no_update,) * 4
        set_props(part_id(page, "said"), {"className": SAYS_WRONG})
        try:
            limited("exports", EXPORTS)
            chosen = by_id(ids, values, "look")
            file, saved = exported(page, path, chosen, Settled.latest(settled, facts))
            return file or no_update, saved or no_update, "", {name: chosen.get(name) for name in Looks._fields}
        except (PerturberError, BusyError) as error:
            return no_update, no_update, str(error), no_update
        except Exception as error:
            told("a figure could not be exported", error)
            return no_update, no_update, BUG, no_update


def exported(
    page: str, path: str, chosen: Mapping[str, Any], shown: Settled
) -> tuple[dict[str, Any] | None, Saved | None]:
    """A figure as a file for `dcc.Download`, or without a Chromium one that the browser is to draw.

    Args:
        path: of the page.
        chosen: the dialog's fields by their names; they may be anything.
        shown: the state that the page shows.

    Raises:
        InvalidInputError: a field is not allowed, or there is no such figure, or it is not finished.
        DrawingError: it cannot be drawn.
        BusyError: too many are being drawn.
    """
    format = Format(reading.choice("format", chosen.get("format"), tuple(Format)))
    preset, kind = preset_of(chosen), reading.choice("figure", chosen.get("figure"), paper.kinds(path))
    link = f"{path}?{shown.query}"
    memory = paper.remembered(path, kind, shown.query, shown.memory, shown.records)
    drawn = paper.draw(link, kind, memory=memory, wait=False)
    name = f"{page}-{drawn.name}"
    if format in (Format.SVG, Format.PNG) and find() is None:
        return None, by_browser(drawn, format, preset, name)
    provenance, figure = paper.provenance_of(drawn, link, kind, preset), drawn.fitted(preset)
    if format in BY_CHROMIUM:
        with _room.seat():
            content = export(figure, format, provenance)
    else:
        content = export(figure, format, provenance)
    return dcc.send_bytes(content, f"{name}.{format}", type=MIME[format]), None


def by_browser(drawn: Paper, format: Format, preset: Preset, name: str) -> Saved:
    """A figure for the browser to draw and save, in the size and the colours of a preset."""
    laid_out = drawn.fitted(preset)
    figure, scale = (
        styled(laid_out, preset),
        preset.scale(laid_out) * (preset.dpi / PIXELS_PER_INCH if format is Format.PNG else 1.0),
    )
    return saved_figure(figure, format, name, figure.layout.width, figure.layout.height, scale)


def preset_of(chosen: Mapping[str, Any]) -> Preset:
    """How a figure looks, as the dialog's fields say.

    Raises:
        InvalidInputError: a field is not allowed.
    """
    base = PRESETS[reading.choice("size", chosen.get("preset"), PRESETS)]
    width = _number("width", chosen.get("width"), WIDTH_MM, "mm")
    return replace(
        base,
        width=width,
        height=base.height if width == base.width else None,
        font=reading.choice("font", chosen.get("font"), FONTS),
        points=_number("size of the font", chosen.get("points"), FONT_POINTS, "points"),
        dark=reading.choice("ground", chosen.get("ground"), GROUNDS) == "dark",
        qualitative=reading.choice("palette", chosen.get("qualitative"), QUALITATIVE_PALETTES),
        diverging=reading.choice("diverging palette", chosen.get("diverging"), DIVERGING_PALETTES),
        dpi=round(_number("resolution", chosen.get("dpi"), DPI, "dpi")),
    )


def _number(what: str, value: Any, limits: tuple[float, float], unit: str) -> float:
    """A number in a field; what is outside of its limits comes from a browser as nothing at all."""
    try:
        return reading.number(what, value, *limits)
    except InvalidInputError as error:
        low, high = limits
        raise InvalidInputError(f"The {what} must be a number from {low:g} to {high:g} {unit}.") from error
