"""Figures of the pages by their names, drawn without a browser: what the page behind a link would save.

To be used where an app answers (``with app.server.app_context()``), as the pages themselves.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.export import Weights
from perturber.service import JobState
from perturber.training import all_series
from perturber.ui.callbacks.checkpoints import figure_of, saved_size
from perturber.ui.callbacks.explore import NAMES, PAPER, figure_name, paper_figure
from perturber.ui.components.checkpoints import PANELS
from perturber.ui.context import service
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.explore import SLOTS, ExploreState
from perturber.ui.states.page import parse_query


@dataclass(frozen=True)
class Paper:
    """A figure of a page.

    Attributes:
        figure: laid out as its page saves it.
        models: networks that the page shows, with the hashes of their weights.
        notes: what was wrong in the link, a sentence each.
    """

    figure: Figure
    models: tuple[Weights, ...]
    notes: tuple[str, ...]


def draw(link: str, kind: str) -> Paper:
    """A figure of the page that a link opens; takes as long as everything in it needs to be finished.

    Args:
        link: address of a page's state; of a whole address only path and query count.
        kind: name of the figure, one of `kinds`.

    Raises:
        InvalidInputError: there is no such page or figure, or there is nothing in it.
    """
    parts = urlsplit(link)
    page = _page(parts.path)
    if kind not in (known := page.kinds):
        raise UnknownNameError(f"figure of {parts.path or '/'}", kind, known)
    return page.draw(parts.query, kind)


def kinds(link: str) -> tuple[str, ...]:
    """Names of the figures of the page that a link opens.

    Raises:
        InvalidInputError: there is no such page, or it has no figures.
    """
    return _page(urlsplit(link).path).kinds


# ---- Explore ------------------------------------------------------------------------------------------------------

OF_SLOTS = {figure_name(what, number): (what, number) for what in NAMES for number in range(SLOTS)}
"""Name of a figure of Explore, as that of its file → what it shows, and of which slot."""


def _of_explore(query: str, kind: str) -> Paper:
    state, problems = ExploreState.from_query(parse_query(query), service().model)
    what, number = OF_SLOTS[kind]
    _finish(state, number)
    figure = paper_figure(state, what, number).update_layout(**_sides(PAPER[what]))
    return Paper(figure, _weights(slot.model for slot in state.slots if slot is not None), tuple(problems))


def _finish(state: ExploreState, number: int) -> None:
    """Wait for what is still on its way in the picture, and for the feature visualisations beside the maps.

    Raises:
        InvalidInputError: one of them could not be made.
    """
    request = state.request(None)
    if request.scene.plane or request.attack is not None:
        service().look_complete(request)
    slot = state.slot(number)
    if state.view.cards != "visualisation" or not slot.layer:
        return
    targets = state.view.targets(slot.layer, slot.channels)
    for one in service().visualise(slot.model, targets, state.view.recipe):
        if one.state is not JobState.DONE and one.job is not None:
            service().wait(one.job)


# ---- Checkpoints --------------------------------------------------------------------------------------------------


def _of_checkpoints(query: str, kind: str) -> Paper:
    settings = service().settings
    state, problems = CheckpointState.from_query(parse_query(query), all_series(settings), service().model, settings)
    figure = figure_of(state, kind, "")
    figure.update_layout(**_sides(saved_size(figure, state)))
    return Paper(figure, _weights(state.series.models), tuple(problems))


# ---- all ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Page:
    kinds: tuple[str, ...]
    draw: Callable[[str, str], Paper]


PAGES = {
    "/": _Page(tuple(OF_SLOTS), _of_explore),
    "/checkpoints": _Page(PANELS, _of_checkpoints),
}
"""Path → page whose figures are drawn here."""


def _page(path: str) -> _Page:
    found = PAGES.get(path or "/")
    if found is None:
        raise InvalidInputError(f"There are no figures of {path[:100]!r} here. There are those of {', '.join(PAGES)}.")
    return found


def _sides(size: tuple[int, int]) -> dict[str, int]:
    return dict(zip(("width", "height"), size, strict=True))


def _weights(names: Iterable[str]) -> tuple[Weights, ...]:
    return tuple(
        Weights(name=name, sha256=service().model(name).fingerprint, checkpoint=name.partition("@")[2])
        for name in names
    )
