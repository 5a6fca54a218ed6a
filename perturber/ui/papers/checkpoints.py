"""The figures of Checkpoints: curves over a training, and tables of pictures."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError
from perturber.service import JobState, LookRequest
from perturber.training import Development, all_series
from perturber.ui.components.checkpoints import CURVES, PANELS
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, plane_finished, product, shown, sized, weights
from perturber.ui.showing import training
from perturber.ui.showing.checkpoints import all_made
from perturber.ui.states.checkpoints import CheckpointState
from perturber.ui.states.page import parse_query

CURVE = (720, 420)
"""Pixels of a curve."""

CELL = 128
"""Pixels a side of a picture in a table of pictures."""

BORDER = (120, 40)
"""Pixels around such a table."""

EMPTY = "This figure is empty: there is nothing to save yet."


class CheckpointPapers:
    """See `PaperPage`."""

    path = "/checkpoints"
    kinds: Mapping[str, str] = MappingProxyType(
        {panel: CURVES[panel][0] if panel in CURVES else "Table of pictures" for panel in PANELS}
    )

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """A curve, or what the open tab shows of all checkpoints."""
        settings = service().settings
        query = parse_query(wish.query)
        state, problems = CheckpointState.from_query(query, all_series(settings), service().model, settings)
        figure = figure_of(state, wish.kind, wait=wish.wait)
        return Paper(
            figure=sized(figure, saved_size(figure, state, wish.kind)),
            name=state.tab if wish.kind == "multiples" else wish.kind,
            models=weights(state.series.models),
            notes=tuple(problems),
        )


def figure_of(state: CheckpointState, panel: str, *, wait: bool) -> Figure:
    """A figure of the page for a file.

    Raises:
        InvalidInputError: there is nothing to see in it yet, or what it shows is not finished and nobody waits.
    """
    if panel == "predictions" or (panel == "multiples" and state.tab == "maps"):
        plane_finished(LookRequest(scene=state.scene), wait=wait)
    if panel == "multiples":
        return _multiples(state, wait=wait)
    if panel in ("activations", "weights"):
        drawn = training.correlation_curves(state, _development(state, wait=wait))
        return drawn[("activations", "weights").index(panel)]
    return shown(training.error_curves(state) if panel == "errors" else training.predictions(state, ""), EMPTY)


def _development(state: CheckpointState, *, wait: bool) -> Development:
    found = training.correlated(state)
    if found.state is JobState.DONE and found.product is not None:  # it may be kept on the disk
        return found.product
    return product(state.development(service().model, service().settings), wait=wait, button="Compute")


def _multiples(state: CheckpointState, *, wait: bool) -> Figure:
    if state.tab == "curves":
        raise InvalidInputError("No table of pictures is open. Open one of the other tabs, then save it.")
    if state.tab != "pictures":
        return shown(training.of_all(state, "")[0], EMPTY)
    if wait:
        for job in {
            one.found.job for column in all_made(state, state.series, order=True) for one in column if one.open
        }:
            service().wait(str(job))
    figure = training.visualisations(state, all_made(state, state.series))
    if not figure.layout.images:
        raise InvalidInputError(EMPTY)
    return figure


def saved_size(figure: Figure, state: CheckpointState, panel: str) -> tuple[int, int]:
    """Width and height of such a file, in pixels of the page."""
    if panel != "multiples":
        return CURVE
    columns, rows = figure.layout.xaxis.range[1] + 0.5, figure.layout.yaxis.range[0] + 0.5
    width = CELL * len(state.series.steps)
    return width + BORDER[0], round(width * rows / columns) + BORDER[1]
