"""Figures of the pages by their names, drawn without a browser: what the page behind a link shows.

To be used where an app answers (``with app.server.app_context()``), as the pages themselves.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from perturber.errors import InvalidInputError, UnknownNameError
from perturber.export import Preset, Provenance
from perturber.service.device import choose_device
from perturber.ui.context import service
from perturber.ui.papers.base import Paper, PaperPage, Wish
from perturber.ui.papers.checkpoints import CheckpointPapers
from perturber.ui.papers.claim import ClaimPapers
from perturber.ui.papers.compare import ComparePapers
from perturber.ui.papers.experiments import ExperimentsPapers
from perturber.ui.papers.explore import ExplorePapers
from perturber.ui.papers.figures import FiguresPapers
from perturber.ui.papers.mixing import MixingPapers
from perturber.ui.papers.sweep import SweepPapers

OF_PAGES: tuple[PaperPage, ...] = (
    ExplorePapers(),
    ComparePapers(),
    MixingPapers(),
    CheckpointPapers(),
    SweepPapers(),
    ExperimentsPapers(),
    ClaimPapers(),
)

FIGURES = FiguresPapers({page.path: page for page in OF_PAGES})
"""What is composed of the figures of all pages."""

PAGES: dict[str, PaperPage] = {page.path: page for page in (*OF_PAGES, FIGURES)}
"""Path → page whose figures are drawn here."""


def draw(link: str, kind: str, *, memory: Mapping[str, Any] | None = None, wait: bool = True) -> Paper:
    """A figure of the page that a link opens.

    Args:
        link: address of a page's state; of a whole address only path and query count.
        kind: name of the figure, one of `kinds`.
        memory: what the figure needs and no link holds, as of a `Paper`.
        wait: whether to wait until everything in it is finished, and to order what has to be computed.

    Raises:
        InvalidInputError: there is no such page or figure, there is nothing in it, or something in it is not finished.
    """
    check(link, kind)
    parts = urlsplit(link)
    return _page(parts.path).draw(Wish(query=parts.query, kind=kind, memory=memory or {}, wait=wait))


def check(link: str, kind: str) -> None:
    """Refuse what is no figure of a page.

    Raises:
        InvalidInputError: there is no such page or figure.
    """
    path = urlsplit(link).path
    if kind not in (known := _page(path).kinds):
        raise UnknownNameError(f"figure of {path or '/'}", kind, known)


def kinds(link: str) -> Mapping[str, str]:
    """Names of the figures of the page that a link opens → what each one is, in a few words.

    Raises:
        InvalidInputError: there is no such page, or it has no figures.
    """
    return _page(urlsplit(link).path).kinds


def remembered(path: str, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
    """What a figure needs beside the link, of what its page shows at rest: the `memory` of `draw`.

    Args:
        path: of the page.
        query, memory, records: as a browser sends them.

    Raises:
        InvalidInputError: it is not what a page of this app would send.
    """
    return _page(path).remembered(kind, query, memory, records)


def provenance_of(drawn: Paper, link: str, kind: str, preset: Preset) -> Provenance:
    """What a figure's file says of how it came about.

    Args:
        link, kind: by which it was drawn.
        preset: how it looks in the file.
    """
    parts = urlsplit(link)
    return Provenance(
        link="?".join(part for part in (parts.path or "/", parts.query) if part),
        kind=kind,
        models=drawn.models,
        preset=preset,
        seed=drawn.seed,
        memory=dict(drawn.memory),
        device=choose_device(service().settings.device).type,
        date=datetime.now(UTC),
    )


def _page(path: str) -> PaperPage:
    found = PAGES.get(path or "/")
    if found is None:
        raise InvalidInputError(f"There are no figures of {path[:100]!r} here. There are those of {', '.join(PAGES)}.")
    return found
