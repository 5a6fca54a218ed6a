"""The figure of Sweep: the measure that is drawn."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from perturber.experiments.sweep import LatinHypercube
from perturber.service import PictureRequest
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, plane_finished, product, weights
from perturber.ui.showing.sweep import figure
from perturber.ui.states.page import parse_query
from perturber.ui.states.sweep import PATH, sweep_of


class SweepPapers:
    """See `PaperPage`."""

    path = PATH
    kinds: Mapping[str, str] = MappingProxyType({"measure": "The measure that is drawn"})

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """The sweep of the link, finished."""
        state, problems = sweep_of(parse_query(wish.query), service())
        request = state.request(service())
        for number in (0, len(state.design) - 1):
            plane_finished(PictureRequest(scene=state.at(number)), wait=wish.wait)
        found = product(request, wait=wish.wait, button="Run")
        return Paper(
            figure=figure(state, found),
            name=f"sweep-{'-'.join(state.design.keys)}"[:80],
            models=weights(state.models),
            notes=(*problems, *found.notes),
            seed=state.design.seed if isinstance(state.design, LatinHypercube) else None,
        )
