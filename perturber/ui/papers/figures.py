"""The figure of the Figures page: panels of other pages, composed into one."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any

from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError, PerturberError, UnknownNameError
from perturber.export import PRESETS, layout_size
from perturber.figures import empty_figure
from perturber.figures.compose import Panel, compose, letter
from perturber.figures.style import plain
from perturber.ui.papers.base import Paper, PaperPage, Wish
from perturber.ui.states.figures import PATH, FiguresState, PanelState
from perturber.ui.states.page import NOT_OURS, parse_query


@dataclass(frozen=True)
class Drawn:
    """A panel: its figure, or why there is none, as a sentence."""

    paper: Paper | None
    why: str = ""


class FiguresPapers:
    """See `PaperPage`.

    Args:
        pages: of other paths, whose figures can be panels.
    """

    path = PATH
    kinds: Mapping[str, str] = MappingProxyType({"figure": "All panels"})

    def __init__(self, pages: Mapping[str, PaperPage]) -> None:
        self.pages = pages

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """Nothing: all is in the link."""
        return {}

    def draw(self, wish: Wish) -> Paper:
        """All panels, none of which may fail."""
        state, problems = FiguresState.from_query(parse_query(wish.query))
        known = wish.memory.get("panels", [])
        if not isinstance(known, list) or not all(isinstance(one, dict) for one in known):
            raise InvalidInputError(NOT_OURS)
        drawn = self.panels(state, memories=known, wait=wish.wait)
        for number, one in enumerate(drawn):
            if one.paper is None:
                raise InvalidInputError(f"Panel {letter(number)} cannot be drawn. {one.why}")
        papers = [one.paper for one in drawn if one.paper is not None]
        return Paper(
            figure=composed(state, drawn, *layout_size(PRESETS[state.preset])),
            name="-".join(re.findall(r"[a-z0-9]+", state.title.lower()))[:60] or "figure",
            models=tuple(dict.fromkeys(model for paper in papers for model in paper.models)),
            notes=(*problems, *dict.fromkeys(note for paper in papers for note in paper.notes)),
            seed=next((paper.seed for paper in papers if paper.seed is not None), None),
            memory={"panels": [dict(paper.memory) for paper in papers]} if any(p.memory for p in papers) else {},
            fit=partial(composed, state, drawn),
            preset=state.preset,
        )

    def panels(self, state: FiguresState, *, memories: Sequence[Mapping[str, Any]] = (), wait: bool) -> list[Drawn]:
        """Each panel; the same figure in two places is drawn once.

        Args:
            memories: of the panels, where a file has kept them.
            wait: as of a `Wish`.
        """
        made: dict[tuple[str, str, str], Drawn] = {}
        found = []
        for number, panel in enumerate(state.panels):
            memory = (memories[number] if number < len(memories) else {}) or panel.memory
            key = (panel.link, panel.kind, repr(memory))
            if key not in made:
                made[key] = self._drawn(panel, memory, wait=wait)
            found.append(made[key])
        return found

    def _drawn(self, panel: PanelState, memory: Mapping[str, Any], *, wait: bool) -> Drawn:
        path, _, query = panel.link.partition("?")
        try:
            page = self.pages.get(path)
            if page is None:
                raise InvalidInputError(f"There are no figures of {path!r}.")
            if panel.kind not in page.kinds:
                raise UnknownNameError(f"figure of {path}", panel.kind, page.kinds)
            return Drawn(page.draw(Wish(query=query, kind=panel.kind, memory=memory, wait=wait)))
        except PerturberError as error:
            return Drawn(None, str(error))


def composed(state: FiguresState, drawn: Sequence[Drawn], width: float, height: float | None) -> Figure:
    """The figure in so many pixels of layout; where a panel cannot be drawn, its cell says why.

    Raises:
        InvalidInputError: there are no panels, or they do not fit into the grid.
    """
    panels = [
        Panel(
            figure=empty_figure(plain(one.why)) if one.paper is None else one.paper.figure,
            caption=panel.caption,
            across=min(panel.across, state.columns),
        )
        for panel, one in zip(state.panels, drawn, strict=True)
    ]
    return compose(
        panels,
        rows=state.rows,
        columns=state.columns,
        width=width,
        height=height,
        letters=state.letters,
        shared=state.shared,
        title=state.title,
    )
