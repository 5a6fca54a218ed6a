"""The figures of Experiments: what came of the experiment that a link opens."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, Wish, product, shown, weights
from perturber.ui.showing.experiments import known, labels, stand, view_of
from perturber.ui.states.experiments import PATH, ExperimentsState
from perturber.ui.states.page import parse_query

WIDE = 600
"""Pixels of a figure that has room in one column."""

NO_EXAMPLES = "There are no pictures beside this figure. The map of viewpoints has some."


class ExperimentsPapers:
    """See `PaperPage`."""

    path = PATH
    kinds: Mapping[str, str] = MappingProxyType({"result": "Result", "examples": "Views at the border"})

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """The view that the link names, of what was kept or of what is computed now."""
        there = known()
        state, problems = ExperimentsState.from_query(parse_query(wish.query), there)
        found = stand(state, there)
        result = found.product if found.finished else product(found.request, wait=wish.wait, button="Run")
        one, names = state.shown, labels(state)
        views = one.views(result)
        view = view_of(state, views)
        if state.figure and view != state.figure:
            raise InvalidInputError(f"There is nothing called {state.figure!r} in this result: {', '.join(views)}.")
        values = state.values(there)
        fit = None
        if wish.kind == "examples":
            figure = shown(one.examples(service(), result, view, names), NO_EXAMPLES)
        else:
            figure = shown(one.figure(result, view, names, values), "There is nothing in this result yet.")

            def fit(width: float, height: float | None) -> Figure:
                return one.fitted(result, view, names, values, width)

        return Paper(
            figure=figure,
            name=state.experiment if wish.kind == "result" else f"{state.experiment}-{wish.kind}",
            models=weights(state.compared),
            notes=(*problems, *one.notes(result)),
            fit=fit,
            preset="column" if figure.layout.width <= WIDE else "page",
            seed=int(values["seed"]) if "seed" in values else None,
        )
