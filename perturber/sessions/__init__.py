"""Sessions that a team shares: named, with notes and snapshots of what was seen; short links.

Sessions as files are in `perturber.sessions.archive`, which takes seconds to load, as it knows the models.
"""

from perturber.sessions.database import FILE, Database
from perturber.sessions.differences import Difference, Differences, differences
from perturber.sessions.links import Link, ShortLinks
from perturber.sessions.store import (
    ORDERS,
    Figure,
    FigureSummary,
    KeptTest,
    Listing,
    NewFigure,
    NewSnapshot,
    NewTest,
    Session,
    Sessions,
    Snapshot,
    SnapshotSummary,
    State,
    Summary,
    kept_by_owner,
)

__all__ = [
    "FILE",
    "ORDERS",
    "Database",
    "Difference",
    "Differences",
    "Figure",
    "FigureSummary",
    "KeptTest",
    "Link",
    "Listing",
    "NewFigure",
    "NewSnapshot",
    "NewTest",
    "Session",
    "Sessions",
    "ShortLinks",
    "Snapshot",
    "SnapshotSummary",
    "State",
    "Summary",
    "differences",
    "kept_by_owner",
]
