"""Where a job stands, as pages show it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from plotly.graph_objects import Figure

from perturber.figures import as_json
from perturber.service import JobState, JobStatus
from perturber.ui.context import cache, service

WORDS = {
    JobState.WAITING: "Queued",
    JobState.DONE: "Done",
    JobState.CANCELLED: "Cancelled",
    JobState.FAILED: "Failed",
}


@dataclass(frozen=True, kw_only=True)
class JobShown:
    """A job at one moment.

    Attributes:
        id, state: of the job.
        done, steps: how far it is.
        words: for the page: its progress, how it has ended, or why it has failed.
        product: what it has made so far, or None.
    """

    id: str
    state: JobState
    done: int
    steps: int
    words: str
    product: Any

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return not self.state.over

    @property
    def share(self) -> float:
        """How much of it is done, from 0 to 1."""
        return self.done / self.steps if self.steps else 0.0


def job_shown(name: str) -> JobShown:
    """Where a job stands; who asks is taken to be looking at it.

    Raises:
        InvalidInputError: there is no such job (any more).
    """
    return shown_as(service().jobs.status(name), service().jobs.product(name))


def shown_as(status: JobStatus, product: Any = None) -> JobShown:
    """A job's status as pages show it."""
    progress = status.progress
    running = status.state is JobState.RUNNING
    return JobShown(
        id=status.id,
        state=status.state,
        done=progress.done,
        steps=progress.steps,
        words=f"{progress.done} of {progress.steps}" if running else status.error or WORDS[status.state],
        product=product,
    )


def job_figure(job: JobStatus | JobShown, draw: Callable[[], Figure], *options: object) -> dict[str, Any]:
    """The figure of what a job has made, as Plotly's script takes it; that of a finished job is drawn once for all.

    Args:
        options: what else the figure depends on.
    """
    if job.state is not JobState.DONE:
        return as_json(draw())
    key = " ".join(map(str, ("figure", job.id, *options)))
    found = cache.get(key)
    if found is None:
        found = as_json(draw())
        cache.set(key, found)
    return found
