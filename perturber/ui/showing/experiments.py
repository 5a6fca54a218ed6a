"""Experiments: what an open one would take, where it stands, and what came of it."""

from dataclasses import dataclass
from typing import Any

from plotly.graph_objects import Figure

from perturber.errors import BusyError, InvalidInputError
from perturber.examples.folders import collections
from perturber.figures import as_json
from perturber.own_groups import OwnGroups
from perturber.service import JobState, JobStatus, job_id
from perturber.service.estimates import duration
from perturber.service.jobs import JobRequest
from perturber.ui.context import cache, service
from perturber.ui.experiments import Chosen, Known, folder_of
from perturber.ui.states.experiments import ExperimentsState

NO_FOLDER = (
    "This server offers no folders of pictures. Start Perturber with PERTURBER_COLLECTIONS=FOLDER; "
    "its subfolders are then in this menu."
)


def known() -> Known:
    """What this server has to choose from."""
    settings = service().settings
    return Known(
        models=service().model,
        own_groups=OwnGroups(settings.data).by_layer,
        collections=tuple(collections(settings.collections)),
        examples=settings.examples is not None,
    )


def labels(state: ExperimentsState) -> dict[str, str]:
    """Name → label of each network."""
    return {name: service().model(name).label for name in state.models}


def chosen(state: ExperimentsState, there: Known) -> Chosen:
    """What is to be done.

    Raises:
        InvalidInputError: an option is not allowed, or there is no folder.
    """
    folder = None
    if state.shown.folder:
        if not state.folder:
            raise InvalidInputError(NO_FOLDER)
        folder = folder_of(service().settings, state.folder)
    return Chosen(models=state.compared, options=state.values(there), folder=folder)


@dataclass(frozen=True, kw_only=True)
class Stand:
    """Where the open experiment stands.

    Attributes:
        request: that is, or would be, ordered.
        job: id that follows from it.
        status: of the job; None where nobody has ordered it.
        product: what has come of it so far, or was kept; None where there is nothing.
        before: whether that was kept on the disk, and no job was needed.
    """

    request: JobRequest
    job: str
    status: JobStatus | None
    product: Any
    before: bool = False

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.status is not None and not self.status.state.over

    @property
    def finished(self) -> bool:
        """Whether what has come of it is all."""
        return self.product is not None and not self.running


def stand(state: ExperimentsState, there: Known) -> Stand:
    """Where the open experiment stands; who asks is taken to be looking at its job.

    Raises:
        InvalidInputError: it cannot be done so.
    """
    request = state.shown.order(service(), chosen(state, there))
    name = job_id(request)
    try:
        status: JobStatus | None = service().jobs.status(name)
        product = service().jobs.product(name)
    except InvalidInputError:  # nobody has ordered it
        status, product = None, None
    if status is not None and status.state in (JobState.CANCELLED, JobState.FAILED):
        product = None
    before = product is None and (status is None or status.state.over)
    if before:
        product = state.shown.kept(service(), request)
    return Stand(request=request, job=name, status=status, product=product, before=before and product is not None)


def view_of(state: ExperimentsState, views: dict[str, str]) -> str:
    """The view that is shown: the one of the state, where there is such a one, else the first."""
    return state.figure if state.figure in views else next(iter(views), "")


def drawn(state: ExperimentsState, found: Stand, view: str, values: dict[str, Any]) -> Figure:
    """The figure of what has come of it."""
    return state.shown.figure(found.product, view, labels(state), values)


def figure_json(state: ExperimentsState, found: Stand, view: str, values: dict[str, Any]) -> dict[str, Any]:
    """The same as Plotly's script takes it; that of what is finished is drawn once for all."""
    if not found.finished:
        return as_json(drawn(state, found, view, values))
    key = f"experiment {found.job} {view} {values.get('alike')}"
    made = cache.get(key)
    if made is None:
        made = as_json(drawn(state, found, view, values))
        cache.set(key, made)
    return made


def examples_json(state: ExperimentsState, found: Stand, view: str) -> dict[str, Any] | None:
    """The pictures beside a view; None where there are none."""
    key = f"examples {found.job} {view}"
    made = cache.get(key)
    if made is None:
        figure = state.shown.examples(service(), found.product, view, labels(state))
        made = {} if figure is None else as_json(figure)
        cache.set(key, made)
    return made or None


def said(state: ExperimentsState, error: object) -> str:
    """A sentence about the experiment, in which its folder goes by its name: where that lies is the server's affair."""
    folder = collections(service().settings.collections).get(state.folder)
    return str(error) if folder is None else str(error).replace(str(folder), state.folder)


def cost_words(state: ExperimentsState, found: Stand) -> str:
    """How many pictures each network will be shown, and how long that takes; found out once for all."""
    key = f"cost {found.job}"
    words = cache.get(key)
    if words is not None:
        return words
    try:
        cost = state.shown.cost(service(), found.request)
    except BusyError:
        return ""
    networks = len(state.compared)
    shown = f"{cost.pictures:,} pictures × {networks} network{'s' * (networks > 1)}"
    words = f"{shown}: about {duration(cost.seconds)}"
    cache.set(key, words)
    return words
