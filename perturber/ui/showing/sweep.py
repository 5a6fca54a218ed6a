"""What the Sweep page shows of a sweep: figure, thumbnails, single scenes, and how long it will take."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from dash import dcc, html
from PIL import Image
from plotly.graph_objects import Figure

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.experiments.cells import text
from perturber.experiments.measures import OF_A_CLASS, Measure
from perturber.experiments.sweep import PICTURE, Design, Grid, Sweep, pictures_of
from perturber.figures.sweeps import Thumbnails, sweep_figure
from perturber.parameters import Number, Value, get
from perturber.scene import SceneBase
from perturber.service import LookRequest, ModelInfo, job_id
from perturber.service.estimates import duration
from perturber.service.requests import IMAGE_SIZE
from perturber.service.works.sweeping import SweepRequest
from perturber.ui.components.sweep import KINDS
from perturber.ui.components.tables import plain
from perturber.ui.context import cache, service
from perturber.ui.looks import seconds_a_look, unfinished_plane
from perturber.ui.showing.pictures import jpeg
from perturber.ui.states.sweep import SweepState
from perturber.zoo.pictures import Crop, read_picture

ALONG = 5
"""Thumbnails along an axis, at most."""

SIDE = 112
"""Of a small picture, in pixels."""

MAX_LISTED = 24
"""Selected scenes that are listed, and kept as snapshots at once."""


def infos(state: SweepState) -> list[ModelInfo]:
    """Its networks."""
    return [service().model(name) for name in state.models]


def measure_words(measure: Measure, classes: Sequence[str]) -> str:
    """A measure as a person says it.

    Args:
        classes: names of the first network's classes.
    """
    words = KINDS[measure.kind]
    if measure.kind in OF_A_CLASS:
        index = measure.class_index
        known = index is not None and index < len(classes)
        name = "the start’s first class" if index is None else classes[index] if known else f"class {index}"
        return f"{words.removesuffix(' of a class')} of {name}"
    if measure.kind == "activation":
        where = f"at row {measure.place[0]}, column {measure.place[1]}" if measure.place else measure.pooling
        return f"Activation of {measure.layer}:{measure.channel} ({where})"
    return f"{words} in {measure.layer}" if measure.kind == "change" else words


def all_words(state: SweepState) -> list[str]:
    """Its measures."""
    classes = infos(state)[0].classes
    return [measure_words(measure, classes) for measure in state.measures]


def value_words(key: str, value: Value) -> str:
    """A parameter with a value, as a person says it."""
    if key == PICTURE:
        return str(value)
    parameter = get(key)
    if isinstance(value, bool):
        return f"{parameter.label} {'on' if value else 'off'}"
    if isinstance(parameter, Number):
        space = " " if parameter.unit not in ("", "°") else ""
        return f"{parameter.label} {float(value):.4g}{space}{parameter.unit}"
    return f"{parameter.label} {getattr(parameter, 'options', {}).get(value, str(value)[:60])}"


def changes_words(scene: SceneBase) -> str:
    """What makes a scene another one than the first."""
    changed = [value_words(key, value) for key, value in scene.changes().items()]
    return f"{', '.join(changed)}." if changed else "The first scene, unchanged."


def start_words(state: SweepState) -> str:
    """What makes the start another scene than the first, and what it does for pictures."""
    words = changes_words(state.scene)
    return words if state.pictures is None else f"{words} Its post-processing is applied to each picture."


def noun(design: Design) -> str:
    """What a sweep goes through."""
    return "scenes" if pictures_of(design) is None else "pictures"


def point_words(state: SweepState, number: int) -> str:
    """The values of the parameters in a scene of the sweep."""
    design = state.design
    return ", ".join(value_words(key, value) for key, value in zip(design.keys, design.points()[number], strict=True))


# ---- pictures -----------------------------------------------------------------------------------------------------


def picture(scene: SceneBase, file: Path | None = None, client: str | None = None) -> str:
    """A scene as the service draws it, small, in a ``data:`` address.

    Args:
        file: picture that takes its place.
        client: whose older question this one overtakes.

    Raises:
        InvalidInputError, OvertakenError: as of `InferenceService.look`, or the picture cannot be read.
    """
    key = f"small {hashlib.sha256(f'{scene!r} {text((), file)} {file}'.encode()).hexdigest()}"
    if (known := cache.get(key)) is not None:
        return known
    image = None if file is None else Crop(size=IMAGE_SIZE)(read_picture(file))
    request = LookRequest(scene=scene, image=image, client=client)
    settled = unfinished_plane(request) is None
    look = service().look(request)
    small = Image.fromarray(look.image).resize((SIDE, SIDE), Image.Resampling.LANCZOS)
    made = jpeg(np.asarray(small))
    if settled:
        cache.set(key, made)
    return made


def thumbnails(state: SweepState) -> Thumbnails:
    """Pictures along the axes: at the ends, and for a grid between them; the other parameters are the start's."""
    found: dict[str, list[tuple[Value, str]]] = {}
    design = state.design
    for n, key in enumerate(design.keys):
        values: Sequence[Value]
        if isinstance(design, Grid):
            every = design.axes[n].values
            places = np.linspace(0, len(every) - 1, min(ALONG, len(every))).round().astype(int)
            values = [every[place] for place in places]
        else:
            values = (design.ranges[n].low, design.ranges[n].high)
        made = ((value, _thumbnail(state, key, value)) for value in values)
        found[key] = [(value, source) for value, source in made if source]
    return found


def _thumbnail(state: SweepState, key: str, value: Value) -> str:
    pictures = state.pictures
    if pictures is None:
        return picture(state.scene.replace(**{key: value}))
    if key == PICTURE:
        return _if_readable(state.scene, pictures.folder / str(value))
    return _if_readable(state.scene.replace(**{key: value}), pictures.folder / str(pictures.values[0]))


def _if_readable(scene: SceneBase, file: Path | None, client: str | None = None) -> str:
    """As `picture`; nothing where its file cannot be read."""
    try:
        return picture(scene, file, client)
    except InvalidInputError:
        if file is None:
            raise
        return ""


def figure(state: SweepState, found: Sweep, *, pictures: bool = True) -> Figure:
    """The measure that is drawn.

    Args:
        pictures: whether thumbnails are needed; else they are left out where they cannot be made now.
    """
    try:
        along = thumbnails(state)
    except (PerturberError, BusyError):
        if pictures:
            raise
        along = {}
    labels = [info.label for info in infos(state)]
    return sweep_figure(found, state.shown, labels, said=all_words(state)[state.shown], thumbnails=along)


# ---- single scenes ------------------------------------------------------------------------------------------------


def product_of(request: SweepRequest) -> Sweep | None:
    """What is known of a sweep so far."""
    try:
        product = service().jobs.product(job_id(request))
    except InvalidInputError:  # nobody has ordered it, or it is forgotten
        return None
    return product if isinstance(product, Sweep) else None


def values_words(state: SweepState, found: Sweep | None, number: int) -> list[str]:
    """What is measured in a scene and each network's first class, a line each."""
    if found is None or not found.done[number]:
        return ["not looked at yet"]
    known = infos(state)
    labels = {info.name: info.label for info in known}
    lines = []
    for column in found.of_measures()[state.shown]:
        names = " and ".join(labels[model] for model in found.columns[column].models)
        value = found.values[number, column]
        lines.append(f"{names}: {'not known' if np.isnan(value) else f'{value:.4g}'}")
    for info, top in zip(known, found.tops[number], strict=True):
        if 0 <= top < len(info.classes):
            lines.append(f"{info.label} sees {info.classes[top]}")
    return lines


def tooltip(state: SweepState, found: Sweep | None, number: int, client: str) -> Any:
    """What is shown where a scene is pointed at.

    Raises:
        OvertakenError: another one is pointed at meanwhile.
    """
    lines = [point_words(state, number), *values_words(state, found, number)]
    source = _if_readable(state.at(number), state.file(number), f"{client[:50]} hovers")
    image = [html.Img(src=source, width=SIDE, height=SIDE, alt="")] if source else []
    return html.Div([*image, html.P(_lines(lines))], className="sweep-tip")


def _lines(lines: Sequence[str]) -> list[Any]:
    return [part for line in lines for part in (line, html.Br())][:-1]


def chosen_line(state: SweepState, found: Sweep | None, number: int) -> list[Any]:
    """A scene in a line, with its link to Explore; a picture, without one."""
    words = "; ".join([point_words(state, number), *values_words(state, found, number)])
    if state.pictures is not None:
        return [f"{words}."]
    return [f"{words}. ", html.A("Open it in Explore", href=f"/?{state.explore_query(state.at(number))}")]


def listed(state: SweepState, found: Sweep | None, numbers: Sequence[int]) -> list[Any]:
    """The selected scenes as a table in one component; of many the first ones."""
    what, plural = noun(state.design).removesuffix("s"), noun(state.design)
    rows = [f"| | {what} | measured | |", "| --- | --- | --- | --- |"]
    for number in numbers[:MAX_LISTED]:
        scene = state.at(number)
        link = f"/?{state.explore_query(scene)}".replace("(", "%28").replace(")", "%29").replace("|", "%7C")
        cells = [
            f"![]({source})" if (source := _if_readable(scene, state.file(number))) else "",
            plain(f"{number + 1}: {point_words(state, number)}"),
            " · ".join(map(plain, values_words(state, found, number))),
            "" if state.pictures is not None else f"[Explore]({link})",
        ]
        rows.append(f"| {' | '.join(cells)} |")
    more = len(numbers) - MAX_LISTED
    note = (
        f"{len(numbers)} {what if len(numbers) == 1 else plural}."
        if more <= 0
        else f"The first {MAX_LISTED} of {len(numbers)} {plural}."
    )
    return [html.P(note, className="about"), dcc.Markdown("\n".join(rows), link_target="_self")]


# ---- before it begins ---------------------------------------------------------------------------------------------


def estimate(request: SweepRequest) -> str:
    """How many scenes there are, and how long they will take.

    Raises:
        InvalidInputError: the start cannot be looked at.
    """
    pace = seconds_a_look(request.start, request.models)
    count, networks = len(request.design), len(request.models)
    many = f"{networks} network{'s' * (networks > 1)}"
    return f"{count:,} {noun(request.design)} × {many}: some {duration(count * pace)}, less what is known already."
