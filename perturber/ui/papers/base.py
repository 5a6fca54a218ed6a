"""What the figures of all pages have in common."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from plotly.graph_objects import Figure

from perturber.editing import Edit
from perturber.errors import InvalidInputError
from perturber.export import Preset, Weights, layout_size
from perturber.service import JobState, Look, LookRequest, PictureRequest, job_id
from perturber.service.jobs import JobRequest
from perturber.ui.context import service
from perturber.ui.looks import look_to_save, looked, unfinished_plane


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A figure that is asked for.

    Attributes:
        query: of the page's link.
        kind: name of the figure.
        memory: what the figure needs and no link holds, as of a `Paper`; it may come from anywhere.
        wait: whether whoever asks waits for jobs, attacks and feature visualisations, however long they take; else
            what is not finished is refused in a sentence.
    """

    query: str
    kind: str
    memory: Mapping[str, Any] = field(default_factory=dict)
    wait: bool = True


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A figure of a page.

    Attributes:
        figure: laid out as its page saves it.
        name: what its file is called, without an ending.
        models: networks that are in it, or that its page shows, with the hashes of their weights.
        notes: what was wrong in the link, a sentence each.
        seed: of what is random in it, or None.
        memory: what it needs to be drawn again and no link holds, as JSON.
        fit: lays it out for a width and a height of pixels, None for as high as it wants; None where it is laid out
            alike for all files.
        preset: of its file, where nobody says another.
    """

    figure: Figure
    name: str
    models: tuple[Weights, ...]
    notes: tuple[str, ...] = ()
    seed: int | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)
    fit: Callable[[float, float | None], Figure] | None = None
    preset: str = "column"

    def fitted(self, preset: Preset) -> Figure:
        """The figure for a file that looks as a preset says; its numbers stay."""
        return self.figure if self.fit is None else self.fit(*layout_size(preset))


class PaperPage(Protocol):
    """A page whose figures are drawn.

    Attributes:
        path: its address.
        kinds: name of each figure → what it is, in a few words.
    """

    path: str
    kinds: Mapping[str, str]

    def remembered(self, kind: str, query: str, memory: Mapping[str, Any], records: list[Any]) -> dict[str, Any]:
        """What a figure needs beside the link to the state that a page shows: the `memory` of a `Wish`.

        Args:
            query, memory, records: of what the page shows at rest, as a browser sends it.

        Raises:
            InvalidInputError: it is not what a page of this app would send.
        """

    def draw(self, wish: Wish) -> Paper:
        """One of its figures.

        Raises:
            InvalidInputError: there is nothing in it, or what it shows is not finished and nobody waits.
        """


def sized(figure: Figure, size: tuple[float, float]) -> Figure:
    """A figure with its width and height in pixels of the page."""
    return figure.update_layout(width=size[0], height=size[1])


def weights(names: Iterable[str]) -> tuple[Weights, ...]:
    """Networks by their names, each once."""
    return tuple(
        Weights(
            name=name,
            sha256=service().model(name).fingerprint,
            checkpoint="" if Edit.is_edit(name) else name.partition("@")[2],
        )
        for name in dict.fromkeys(names)
    )


def seen(request: LookRequest, *, wait: bool) -> Look:
    """What the service sees, finished.

    Raises:
        InvalidInputError: it is not finished and nobody waits, or it was cancelled or has failed.
    """
    if wait and (request.scene.plane or request.attack is not None):
        service().look_complete(request)
    if wait:
        return looked(request)[0]
    answer, unfinished = look_to_save(request)
    if unfinished is not None:
        raise InvalidInputError(unfinished)
    return answer


def plane_finished(request: PictureRequest, *, wait: bool) -> None:
    """Make sure of the feature visualisation on a picture's plane, where there is one.

    Raises:
        InvalidInputError: it is not finished and nobody waits, or it was cancelled or has failed.
    """
    plane = service().plane_status(request)
    if wait and plane is not None and plane.job is not None:
        service().wait(plane.job)
    unfinished = unfinished_plane(request)
    if unfinished is not None:
        raise InvalidInputError(unfinished)


def product(request: JobRequest, *, wait: bool, button: str) -> Any:
    """What a job has made; who waits orders it as well.

    Args:
        button: that orders it on the page.

    Raises:
        InvalidInputError: it is not finished and nobody waits, or it was cancelled or has failed.
    """
    if wait:
        return service().wait(service().jobs.submit(request).id)
    name = job_id(request)
    try:
        status = service().jobs.status(name)
    except InvalidInputError as error:  # nobody has ordered it
        raise InvalidInputError(f"There is no figure to save yet. Choose {button} first.") from error
    if status.state is JobState.DONE:
        return service().jobs.product(name)
    if status.state.over:
        raise InvalidInputError(status.error or f"{status.title} was cancelled. Choose {button} to begin again.")
    raise InvalidInputError(
        f"This is at step {status.progress.done} of {status.progress.steps}. Save the figure when it is finished."
    )


def shown(figure: Figure | None, why: Callable[[], str] | str) -> Figure:
    """A figure that has something in it.

    Args:
        why: there is nothing, as a sentence.

    Raises:
        InvalidInputError: there is nothing.
    """
    if figure is None or not figure.data:
        raise InvalidInputError(why if isinstance(why, str) else why())
    return figure
