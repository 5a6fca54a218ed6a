"""The figures of Compare: what each of its tabs shows."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError
from perturber.ui.components.compare import TABS
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, plane_finished, product, sized, weights
from perturber.ui.showing.compare import channels_figure, depth_figure, infos_of, job_of, labels_of, similarity_figure
from perturber.ui.states.compare import CompareState, unlike
from perturber.ui.states.page import parse_query

SIZE = (1000, 560)
"""In pixels."""


class ComparePapers:
    """See `PaperPage`."""

    path = "/compare"
    kinds: Mapping[str, str] = MappingProxyType({tab: label for tab, (label, _) in TABS.items()})

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """What a tab shows, also where another one is open."""
        state, problems = CompareState.from_query(parse_query(wish.query), service().model)
        state = state.with_values(tab=wish.kind)
        figure = sized(_drawn(state, wait=wish.wait), SIZE)
        return Paper(figure=figure, name=wish.kind, models=weights(state.models), notes=tuple(problems))


def _drawn(state: CompareState, *, wait: bool) -> Figure:
    asked = state.request()
    if state.tab in ("channels", "depth") or state.pictures == "scene":
        plane_finished(asked, wait=wait)
    request = job_of(state)
    if request is not None:
        found = product(request, wait=wait, button="Compute")
        return similarity_figure(state, found, labels_of(state))
    answer = service().compare(asked)
    if answer.maps is not None:
        return channels_figure(state, answer.maps, labels_of(state))
    infos = infos_of(state)
    if answer.depth:
        return depth_figure(state, answer, infos)
    raise InvalidInputError(unlike(infos[state.a - 1], infos[state.b - 1]) or "There is no figure to save.")
