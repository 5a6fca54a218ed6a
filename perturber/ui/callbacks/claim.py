"""What the Test page does: its state follows its fields, a job tests it, and what has come of it is shown and kept."""

import re
from collections.abc import Mapping
from typing import Any

from dash import Input, Output, State, callback, ctx, dcc, html, no_update

from perturber.errors import BusyError, InvalidInputError, PerturberError
from perturber.experiments.tested import Outcome
from perturber.parameters import PARAMETERS
from perturber.service import LookRequest, job_id
from perturber.service.claim_pictures import report_of
from perturber.service.claims import claim_request, class_list
from perturber.service.estimates import duration
from perturber.service.room import Room
from perturber.service.works.claims import ClaimRequest
from perturber.sessions import NewTest, Sessions
from perturber.sessions.scenes import scene_of
from perturber.ui.callbacks.follow import Settled
from perturber.ui.callbacks.forms import address_callback, query_of
from perturber.ui.callbacks.messages import triggered_value
from perturber.ui.callbacks.session_bar import open_id
from perturber.ui.components.claim import DOWNLOADS, EMPTY, FIELDS, PAGE, claim_page, part, result_parts, scenes_parts
from perturber.ui.components.filmstrip import caption_of, link_of
from perturber.ui.components.session_bar import STORE
from perturber.ui.context import service
from perturber.ui.limits import EXPORTS, SAVES, limited
from perturber.ui.looks import looked, seconds_a_look
from perturber.ui.showing.jobs import job_shown
from perturber.ui.states.claim import MODELS, PATH, ClaimState, link_to, side_of
from perturber.ui.states.page import parse_query

_printing = Room(2)
"""Reports that are made at the same moment: each holds one of the server's threads."""


def claim_callbacks() -> None:
    """To be called once as the page's module is imported."""
    address_callback(part)
    _building()
    _snapshots()
    _running()
    _downloading()
    _keeping()


def entry_callback(page: str) -> None:
    """That of the button by which a page with a scene leads here; to be called once as its module is imported."""

    @callback(
        Output("_pages_location", "href", allow_duplicate=True),
        Input(f"{page}-test", "n_clicks"),
        State(f"{page}-settled", "data"),
        State(f"{page}-facts", "data"),
        prevent_initial_call=True,
    )
    def lead(clicks: object, settled: object, facts: object) -> Any:
        return link_to(Settled.latest(settled, facts).query) if clicks else no_update


def opened(query: Mapping[str, str]) -> html.Div:
    """The page that a link opens."""
    state, problems = ClaimState.from_query(query)
    models = {name: info.label for name, info in service().models().items() if info.classes}
    first = state.models[0] if state.models else MODELS[0]
    try:
        service().model(first)
        classes = {one.wnid or one.name: one.name for one in class_list(service(), first)}
    except PerturberError as error:
        classes, problems = {}, [*problems, str(error)]
    folder = service().settings.examples is not None
    return claim_page(state, problems, models=models, classes=classes, folder=folder)


# ---- the state ----------------------------------------------------------------------------------------------------


def _building() -> None:
    @callback(
        output=[
            Output(part("facts"), "data"),
            Output(part("address"), "data"),
            Output(part("scenes"), "children"),
            Output(part("estimate"), "children"),
            Output(part("said"), "children"),
        ],
        inputs={
            "fields": {name: Input(part(name), "value") for name in FIELDS},
            "clicks": [Input(part("take"), "n_clicks"), Input(part("swap"), "n_clicks")],
        },
        state={
            "link": State(part("link"), "value"),
            "snapshot": State(part("snapshot"), "value"),
            "facts": State(part("facts"), "data"),
        },
        running=[(Output(part("run"), "disabled"), True, False)],  # it would test what is not to be any more
    )
    def build(fields: dict[str, Any], clicks: object, link: object, snapshot: object, facts: object) -> tuple[Any, ...]:
        pictures: Any = no_update
        new = state = ClaimState()
        try:
            state = _state(facts)
            new = _changed(state.with_values(fields), link, snapshot)
            moved = {"query": new.query(), "memory": {}}, f"{PATH}?{new.query()}"
            pictures = _pictures(new)
            return *moved, pictures, _estimate(new), ""
        except (PerturberError, BusyError) as error:
            return {"query": new.query(), "memory": {}}, f"{PATH}?{new.query()}", pictures, "", str(error)


def _changed(state: ClaimState, link: object, snapshot: object) -> ClaimState:
    """With another A, where a button asks for one."""
    if not triggered_value():
        return state
    if ctx.triggered_id == part("swap"):
        return state.with_values({"a": state.b, "b": state.a})
    if ctx.triggered_id == part("take"):
        chosen = link.strip() if isinstance(link, str) and link.strip() else snapshot
        if not isinstance(chosen, str):
            raise InvalidInputError("Paste the link of a scene, or choose a snapshot first.")
        return state.with_values({"a": side_of(*scene_of(chosen, service().settings))})
    return state


def _pictures(state: ClaimState) -> Any:
    scenes = [state.scene(side) for side in "ab"]
    pictures = [looked(LookRequest(scene=scene))[0].image for scene in scenes]
    differs = [key for key in PARAMETERS if getattr(scenes[0], key) != getattr(scenes[1], key)]
    return scenes_parts(pictures, scenes, differs, state.left_out())


def _estimate(state: ClaimState) -> str:
    request = _request(state)
    pairs = len(request.claim)
    words = duration(2 * pairs * seconds_a_look(request.claim.a, request.models))
    return f"{pairs:,} pairs, {2 * pairs:,} pictures × {len(request.models)} networks: about {words}"


def _request(state: ClaimState) -> ClaimRequest:
    return claim_request(service(), state.claim(), state.models, folder=service().settings.examples)


def _state(facts: object) -> ClaimState:
    return ClaimState.from_query(parse_query(query_of(facts)))[0]


def _snapshots() -> None:
    @callback(Output(part("snapshot"), "options"), Input(STORE, "data"))
    def of_session(open_: object) -> Any:
        id_ = open_.get("id") if isinstance(open_, dict) else None
        if not isinstance(id_, str):
            return []
        try:
            strip = Sessions(service().settings.data).open(id_[:40]).strip
        except PerturberError:  # it is gone
            return []
        return [{"value": link_of(one), "label": f"{n} · {caption_of(one)[:80]}"} for n, one in enumerate(strip, 1)]


# ---- the job ------------------------------------------------------------------------------------------------------


def _running() -> None:
    @callback(
        Output(part("job"), "data"),
        Output(part("result"), "children"),
        Output(part("progress"), "children"),
        Output(part("interval"), "disabled"),
        Output(part("run"), "hidden"),
        Output(part("cancel"), "hidden"),
        Output(part("tools"), "hidden"),
        Output(part("wrong"), "children"),
        Input(part("run"), "n_clicks"),
        Input(part("cancel"), "n_clicks"),
        Input(part("interval"), "n_intervals"),
        Input(part("facts"), "data"),
        State(part("job"), "data"),
        prevent_initial_call=True,
    )
    def run(_: object, __: object, ___: object, facts: object, job: object) -> tuple[Any, ...]:
        try:
            return _followed(ctx.triggered_id, facts, job)
        except (PerturberError, BusyError) as error:
            return None, no_update, "", True, False, True, True, str(error)


def _followed(what: object, facts: object, job: object) -> tuple[Any, ...]:
    id_ = job if isinstance(job, str) else ""
    if what == part("run") and triggered_value():
        limited("tests", EXPORTS)
        id_ = service().jobs.submit(_request(_state(facts))).id
    elif what == part("cancel") and triggered_value() and id_:
        service().jobs.cancel(id_)
    elif what == part("facts"):
        return _of_facts(facts)
    shown = job_shown(id_)
    running = shown.running
    done = isinstance(shown.product, Outcome) and not running
    result = result_parts(shown.product) if done else no_update
    words = f"{shown.words} pairs" if running and shown.steps and shown.words[0].isdigit() else shown.words
    return id_, result, words, not running, running, not running, not done, ""


def _of_facts(facts: object) -> tuple[Any, ...]:
    """What is known of another state: its result where there is one, or that it is under way."""
    nothing = (None, html.P(EMPTY, className="empty"), "", True, False, True, True, "")
    try:
        name = job_id(_request(_state(facts)))
        service().jobs.status(name)
    except PerturberError:  # said beside the scenes, or nobody has ordered it
        return nothing
    return _followed("", facts, name)


def outcome_of(job: object) -> Outcome:
    """What a job has found.

    Raises:
        InvalidInputError: it is none of a test, is not finished, or is not kept any more.
    """
    found = service().jobs.product(job) if isinstance(job, str) else None
    if not isinstance(found, Outcome):
        raise InvalidInputError("There is no result yet. Choose Run first.")
    return found


# ---- files --------------------------------------------------------------------------------------------------------


def _downloading() -> None:
    @callback(
        output=[Output(part("download"), "data"), Output(part("done"), "children")],
        inputs={"clicks": [Input(part(name), "n_clicks") for name in DOWNLOADS]},
        state={"job": State(part("job"), "data")},
        running=[(Output(part("done"), "children"), "Making the file …", "")],
        prevent_initial_call=True,
    )
    def download(clicks: object, job: object) -> tuple[Any, Any]:
        kind = str(ctx.triggered_id).removeprefix(f"{PAGE}-")
        if not triggered_value() or kind not in DOWNLOADS:
            return no_update, no_update
        try:
            limited("exports", EXPORTS)
            return file_of(outcome_of(job), kind), ""
        except (PerturberError, BusyError) as error:
            return no_update, str(error)


def _keeping() -> None:
    @callback(
        Output(part("done"), "children", allow_duplicate=True),
        Input(part("keep"), "n_clicks"),
        State(part("name"), "value"),
        State(part("job"), "data"),
        State(STORE, "data"),
        prevent_initial_call=True,
    )
    def keep(clicks: object, name: object, job: object, open_: object) -> Any:
        if not clicks:
            return no_update
        try:
            limited("changes of sessions", SAVES)
            found = outcome_of(job)
            id_ = open_id(open_)
            if id_ is None:
                raise InvalidInputError(
                    "Open a session first: Session at the lower edge of Explore, or Sessions above."
                )
            sessions = Sessions(service().settings.data)
            called = name if isinstance(name, str) and name.strip() else found.claim.clause()[:100]
            value = {"query": ClaimState.of(found.claim, found.models).query(), **found.summary()}
            sessions.save_test(id_, NewTest.of(called, value))
            return f"Kept as “{called}” in {sessions.open(id_).name}."
        except (PerturberError, BusyError) as error:
            return str(error)


def file_of(found: Outcome, kind: str) -> dict[str, Any]:
    """A file for `dcc.Download`."""
    name = f"test-{'-'.join(re.findall('[a-z0-9]+', '-'.join(found.claim.keys)))[:60]}"
    if kind == "csv":
        return dict(dcc.send_string(found.csv(), f"{name}.csv"))
    if kind == "json":
        return dict(dcc.send_string(found.json(), f"{name}.json"))
    with _printing.seat():
        return dict(dcc.send_bytes(report_of(service(), found, pdf=kind == "pdf"), f"{name}.{kind}"))
