"""The figure of Mixing: where two models fit together."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from perturber.errors import InvalidInputError
from perturber.figures import compatibility, scanned
from perturber.service import ScanRequest
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, product, shown, sized, weights
from perturber.ui.papers.orders import kept, ordered
from perturber.ui.showing.mixing import known, scan_request
from perturber.ui.states.mixing import MixingState
from perturber.ui.states.page import NOT_OURS, parse_query

SIZE = (900, 360)
"""In pixels."""


class MixingPapers:
    """See `PaperPage`."""

    path = "/mixing"
    kinds: Mapping[str, str] = MappingProxyType({"compatibility": "Compatibility"})

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: the link names the scan."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """The scan that was kept, else the one that the link names, else one of the link's state."""
        state, problems = MixingState.from_query(parse_query(wish.query), known())
        order = wish.memory.get("order")
        if order is not None and not isinstance(order, dict):
            raise InvalidInputError(NOT_OURS)
        request = ordered(ScanRequest, order) if order else _named(state) or scan_request(state, examples=False)
        found = product(request, wait=wish.wait, button="Scan this scene")
        figure = compatibility(found) if found is not None and scanned(found) else None
        return Paper(
            figure=sized(shown(figure, "There is nothing in this scan yet."), SIZE),
            name=wish.kind,
            models=weights((request.first, request.second)),
            notes=tuple(problems),
            seed=None if request.attack is None else request.attack.seed,
            memory={"order": kept(request)},
        )


def _named(state: MixingState) -> ScanRequest | None:
    """The request of the scan that the link names, where it is known."""
    if state.scan is None:
        return None
    try:
        request = service().jobs.request(state.scan)
    except InvalidInputError:  # it is forgotten, or was another server's
        return None
    return request if isinstance(request, ScanRequest) else None
