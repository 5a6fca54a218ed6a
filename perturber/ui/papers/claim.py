"""The figure of the Test page: effects with their intervals."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from perturber.figures.claims import effects_figure
from perturber.service.claims import claim_request
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, product, weights
from perturber.ui.states.claim import PATH, ClaimState
from perturber.ui.states.page import parse_query


class ClaimPapers:
    """See `PaperPage`."""

    path = PATH
    kinds: Mapping[str, str] = MappingProxyType({"effects": "Effects with their intervals"})

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """The effects of the test that the link orders."""
        state, problems = ClaimState.from_query(parse_query(wish.query))
        request = claim_request(service(), state.claim(), state.models, folder=service().settings.examples)
        found = product(request, wait=wish.wait, button="Run")
        return Paper(
            figure=effects_figure(found),
            name="effects",
            models=weights(found.models),
            notes=tuple(problems),
            seed=state.seed,
        )
