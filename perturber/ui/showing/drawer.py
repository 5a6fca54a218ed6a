"""The figure that is open below the slots of Explore, and the jobs behind it."""

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

from dash import dcc, html
from plotly.graph_objects import Figure

from perturber.errors import InvalidInputError, PerturberError
from perturber.figures import (
    SLOT_NAMES,
    ChannelMeans,
    amplified,
    channel_summary,
    data_uri,
    empty_figure,
    falls,
    layer_changes,
    layer_jumps,
    robustness,
    robustness_csv,
    spectra,
)
from perturber.finite import unknown_margins, unknown_steps, written
from perturber.service import (
    ABOUT,
    LABELS,
    LOW_FREQUENCY,
    ClassScore,
    CurveRequest,
    Curves,
    Look,
    Perturbations,
    PerturbationsRequest,
    check_classes,
    job_id,
)
from perturber.ui.callbacks.follow import Asked, Follow
from perturber.ui.components.controls import control_id, order_id
from perturber.ui.components.drawer import open_figure
from perturber.ui.context import service
from perturber.ui.looks import looked
from perturber.ui.showing.attack_jobs import curve_request, perturbations_request
from perturber.ui.showing.history import Record, history_csv, history_figure
from perturber.ui.showing.jobs import JobShown, job_figure, job_shown
from perturber.ui.states.explore import ExploreState

EXPLAINED = {
    "history": "The followed classes appear here with the next look.",
    "summary": "Activations are switched off.",
    "layers": "Relative change ‖a′ − a‖ / ‖a‖ of each layer’s activations. Take a step of an attack to see it.",
    "models": "One attack with the panel’s settings on each shown model, from the present scene: amplified "
    "perturbations and their radial spectra. Choose Compare to compute it.",
    "curve": "PGD with the panel’s norm at growing ε, or AutoAttack. Choose Compute to compute it.",
}
ORDERS = {"models": "Compare", "curve": "Compute"}
OLD = "of an earlier scene, attack or choice of models"


class OpenFigure(NamedTuple):
    """The figure that is open.

    Attributes:
        draw: makes it; None where there is nothing to draw yet.
        notes: beside it.
        mark: tells it from what else is drawn there.
        old: whether it is about something else than the page shows now.
    """

    draw: Callable[[], Figure | dict[str, Any]] | None
    notes: list[Any]
    mark: str
    old: bool = False


def follow_drawer(page: str, state: ExploreState, asked: Asked, follow: Follow) -> None:
    """Show the open figure, where it is another; order or cancel what a button asks for."""
    order = asked.order["order"] if asked.order else None
    name = order if order in ORDERS else open_figure(state)  # it may have been opened since things were at rest
    if not name:
        return
    jobs = name in ORDERS
    open_ = _of_job(_job(page, name, state, asked, follow), state) if jobs else _of_looks(name, state, asked)
    if order == "csv":
        _save_table(page, name, asked, state, follow)
    if order == "clear":  # the look that follows is not recorded, either
        follow.show(control_id(page, "since"), value=str(asked.settled.sequence + 1))
    mark = f"{name} {open_.mark}"
    if asked.shown.get("figure") != mark:
        follow.shown["figure"] = mark
        follow.show(f"{page}-figure", figure=empty_figure(EXPLAINED[name]) if open_.draw is None else open_.draw())
        follow.show(f"{page}-notes", children=open_.notes)
    follow.show(f"{page}-notes", className="notes old" if open_.old else "notes")


def _of_looks(name: str, state: ExploreState, asked: Asked) -> OpenFigure:
    """A figure of what the page has looked at."""
    settled = asked.settled
    if name == "history":
        records = _records(state, asked)
        draw = (lambda: history_figure(records, state.view.pinned, state.measure)) if records else None
        return OpenFigure(draw, [], f"{settled.sequence} {len(records)} {state.measure} {state.view.pinned}")
    answer, _ = looked(state.request(settled.follower))
    if name == "summary":
        means = channel_means(state, answer)
        draw_means = (lambda: channel_summary(means)) if means else None
        return OpenFigure(draw_means, [], f"{settled.query} {settled.sequence}")
    layers = None if answer.attack is None else answer.attack.layers
    if layers is None:
        return OpenFigure(None, [], "none")
    note = html.P(layer_jumps(layers.layers, layers.change))
    mark = f"{settled.query} {len(layers.change)}"
    return OpenFigure(lambda: layer_changes(layers.layers, layers.change), [note], mark)


def _records(state: ExploreState, asked: Asked) -> list[Record]:
    return [record for record in asked.settled.records if record[0] > state.since]


def channel_means(state: ExploreState, answer: Look) -> list[ChannelMeans]:
    """Of each slot that shows activations."""
    slots = zip(state.shown, answer.slots, strict=True)
    return [ChannelMeans(n, slot.layer or "", slot.means) for n, slot in slots if slot.means is not None]


# ---- jobs ---------------------------------------------------------------------------------------------------------


def _job(page: str, name: str, state: ExploreState, asked: Asked, follow: Follow) -> JobShown | None:
    """Where the job of the open figure stands; a click orders it, or cancels it while it is under way."""
    job = _known(state.attack.job, follow)
    if asked.order and asked.order["order"] == name:
        if job is not None and job.running:
            service().jobs.cancel(job.id)
            job = job_shown(job.id)
        else:
            job = _ordered(page, name, state, asked, follow) or job
    words = "" if job is None else OLD if _is_old(job, state) else job.words
    follow.show(order_id(page, name), children="Cancel" if job is not None and job.running else ORDERS[name])
    follow.show(f"{page}-job", children=words, title=words)
    follow.running = follow.running or (job is not None and job.running)
    return job


def _known(name: str | None, follow: Follow) -> JobShown | None:
    """The job that the link names; one that is forgotten gets a sentence, and can be ordered anew."""
    if name is None:
        return None
    try:
        return job_shown(name)
    except InvalidInputError as error:
        follow.notice = str(error)
        return None


def _ordered(page: str, name: str, state: ExploreState, asked: Asked, follow: Follow) -> JobShown | None:
    try:
        request = perturbations_request(state) if name == "models" else curve_request(state, asked.tools)
        _check_target(request, state)
        job = service().jobs.submit(request).id
    except PerturberError as error:
        follow.notice = str(error)
        return None
    follow.show(control_id(page, "job"), value=f"{name}-{job}")  # the link names it from now on
    follow.notice = ""
    return job_shown(job)


def _of_job(job: JobShown | None, state: ExploreState) -> OpenFigure:
    if job is None or not isinstance(job.product, Perturbations | Curves):
        return OpenFigure(None, [], "none" if job is None else job.state)
    product, mark, old = job.product, f"{job.id} {job.state} {job.done}", _is_old(job, state)
    if isinstance(product, Perturbations):
        notes = [*_pictures(product), *_unknown(product)]
        return OpenFigure(lambda: job_figure(job, lambda: spectra_figure(product)), notes, mark, old)
    request = product.request
    count = "" if request.pictures == "scene" else f"{product.results[0].count} × "
    about = f"{product.results[0].attack}, untargeted. Pictures: {count}{ABOUT[request.pictures]}."
    sentences = [*falls(request.slots, product.results), f"{about} Right is {LABELS[request.pictures]}."]
    if request.method == "pgd":  # AutoAttack looks for no margins
        unknown = (unknown_margins(result.accuracy, result.margin) for result in product.results)
        sentences += [f"{SLOT_NAMES[n]}: {words}" for n, words in zip(request.slots, unknown, strict=True) if words]
    notes = [html.P(sentence) for sentence in sentences]
    return OpenFigure(lambda: job_figure(job, lambda: robustness(request.slots, product.results)), notes, mark, old)


def spectra_figure(product: Perturbations) -> Figure:
    """Radial spectra of the perturbations."""
    found = product.found
    return spectra([p.slot for p in found], [p.spectrum for p in found], [p.low_share for p in found], LOW_FREQUENCY)


def _pictures(product: Perturbations) -> list[Any]:
    return [
        html.Img(
            src=data_uri(amplified(p.perturbation)),
            title=f"{SLOT_NAMES[p.slot]}: {p.low_share:.0%} low. {p.model}: {_said(p.before)} → {_said(p.now)}, "
            f"‖δ‖₂ {p.l2:.3g}, ‖δ‖∞ {p.linf:.3g} ({p.linf * 255:.3g}/255)",
            alt=f"Amplified perturbation of {SLOT_NAMES[p.slot]}",
        )
        for p in product.found
    ]


def _said(score: ClassScore) -> str:
    return f"{score.name} {written(score.probability, '.1%')}"


def _unknown(product: Perturbations) -> list[Any]:
    return [html.P(f"{SLOT_NAMES[p.slot]}: {unknown_steps(p.unknown, p.steps)}") for p in product.found if p.unknown]


def _is_old(job: JobShown, state: ExploreState) -> bool:
    """Whether a job has made something of another scene, attack or choice of models."""
    if job.running or job.product is None:
        return False
    models = tuple(slot.model for slot in state.shown.values())
    if not isinstance(job.product, Curves):
        return not models or job.id != job_id(perturbations_request(state))
    request, form = job.product.request, state.attack.form
    start = request.random_start if request.method == "autoattack" else form.random_start
    now = (state.scene, models, form.norm, start, form.seed)
    return now != (request.scene, request.models, request.norm, request.random_start, request.seed)


def _check_target(request: PerturbationsRequest | CurveRequest, state: ExploreState) -> None:
    """Every shown model must have the class that an attack aims at; a curve is untargeted."""
    if isinstance(request, PerturbationsRequest) and request.attack.target is not None:
        for slot in state.shown.values():
            check_classes(service().model(slot.model), (request.attack.target,))


def _save_table(page: str, name: str, asked: Asked, state: ExploreState, follow: Follow) -> None:
    """Save the values of the open figure as a file."""
    if name == "history":
        follow.show(f"{page}-download", data=dcc.send_string(history_csv(_records(state, asked)), "history.csv"))
        return
    with suppress(InvalidInputError):  # the job is forgotten
        product = None if state.attack.job is None else service().jobs.product(state.attack.job)
        if isinstance(product, Curves):
            table = robustness_csv(product.request.models, product.results)
            follow.show(f"{page}-download", data=dcc.send_string(table, "robustness.csv"))
            return
    follow.notice = "There is no curve to save yet. Choose Compute first."
