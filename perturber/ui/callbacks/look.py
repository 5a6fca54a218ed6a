"""The hot path of every page with a scene: what was changed → the page's state → the service → what is shown.

The browser sends a `PageRequest` and gets an `Answer`; ``assets/page.js`` is the other end of both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

from dash import ALL, ClientsideFunction, Input, Output, State, callback, clientside_callback

from perturber import objects
from perturber.errors import BusyError, OvertakenError, PerturberError
from perturber.parameters import PARAMETERS, Neuron, Value, get
from perturber.scene import SceneBase
from perturber.service import LookRequest, Progress
from perturber.ui.callbacks.messages import BUG, Answer, PageRequest, Postponed, Props, SentChange, digest
from perturber.ui.components.controls import Controls, control_id
from perturber.ui.context import service
from perturber.ui.failures import told
from perturber.ui.live import Unknown, begins, publish
from perturber.ui.looks import unfinished_plane
from perturber.ui.states.page import MAX_CHANGES, Change, PageState, parse_query

S = TypeVar("S", bound=PageState)

PLANE_EVERY_MS = 400
"""Between two looks at a plane whose feature visualisation is still growing."""

BUSY = "The server has too much to do at this moment; this page asks again by itself."
BUSY_MS = 500
"""After which a page asks again what there was no room for."""

HEARD = ("value", "n_clicks", "clicked", "moved", "clickData")
"""Properties of controls by which a page hears of a change."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What a page shows of one look.

    Attributes:
        props: id → properties of the components.
        status: parts of the status line.
        drawn: name → what is drawn there; it comes back with the next request, so that it need not be sent again.
        again: as in an `Answer`.
        plane: how far the feature visualisation on the scene's plane has come, or None where there is none.
        record, live: as in an `Answer`.
        notices: sentences about what is shown.
        state: the page's state if the look has changed it, else None.
    """

    props: list[Props]
    status: list[str]
    service_ms: float
    drawn: dict[str, str] = field(default_factory=dict)
    again: int | None = None
    plane: Progress | None = None
    record: list[Any] | None = None
    live: bool = False
    notices: Sequence[str] = ()
    state: PageState | None = None


class ScenePage(Protocol, Generic[S]):
    """What a page with a scene is made of."""

    name: str

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[S, list[str]]:
        """The state that a link holds, and one sentence for each thing that was wrong in it."""

    def changed(self, state: S, change: Change) -> S:
        """The state after a change; the page may ask the service what it means.

        Raises:
            InvalidInputError: the control cannot have this value.
        """

    def controls(self, state: S) -> Controls:
        """What each control shows."""

    def show(self, state: S, asked: PageRequest) -> Shown:
        """Ask the service about the state, and say what the page shows of it.

        Raises:
            OvertakenError: a newer request of the same visit was faster.
            InvalidInputError: it cannot be shown.
        """


def look_callbacks(page: ScenePage[S]) -> None:
    """The callbacks of a page with a scene; to be called once as its module is imported."""
    name = page.name
    control = control_id(name, ALL, ALL)
    clientside_callback(
        ClientsideFunction("page", "heard"),
        Output(f"{name}-heard", "data"),  # never written; without an output a page that is opened later is not heard
        *(Input(control, heard) for heard in HEARD),
        Input("live-seat", "data"),
        State(f"{name}-panel", "value"),
        State(f"{name}-facts", "data"),
    )

    @callback(Output(f"{name}-panel", "answer"), Input(f"{name}-panel", "request"), prevent_initial_call=True)
    def look(data: object) -> Answer:
        return answer(page, data)


def answer(page: ScenePage[S], data: object) -> Answer:
    """One request of a page → everything that the page shows, all of it from one answer of the service."""
    return {**_answer(page, data), "request": digest(data)}


def _answer(page: ScenePage[S], data: object) -> Answer:
    asked = PageRequest.read(data)
    changes = [*Postponed.read(asked.memory).postponed, *asked.changes]
    try:
        return _answered(page, asked, [sent.change() for sent in changes])
    except BusyError:
        return _postponed(asked, changes)
    except Exception as error:  # the page goes on; whatever it was is said
        if not isinstance(error, PerturberError):
            told(f"a look of {page.name} failed", error)
        return _failed(asked, str(error) if isinstance(error, PerturberError) else BUG)


def _answered(page: ScenePage[S], asked: PageRequest, changes: list[Change]) -> Answer:
    if whole := begins(asked.seat, asked.client):
        asked = asked.model_copy(update={"drawn": Unknown()})
    before, _ = page.read(parse_query(asked.query), asked.memory)
    state, problems, scene = _with_scene(before, asked.scene)
    sent, notices = state.scene, list[str](problems.values())
    for change in changes:
        try:
            state = page.changed(state, change)
        except PerturberError as error:
            notices.append(str(error))
    shown, overtaken = None, False
    try:
        shown = page.show(state, asked)
        notices += shown.notices
        if shown.plane is not None and shown.plane.finished:  # or nobody makes it (any more)
            notices += filter(None, [unfinished_plane(LookRequest(scene=state.scene))])
        state = shown.state or state  # type: ignore[assignment]  # a page's look gives a state of its own kind
        scene |= {key: value for key, value in state.scene.as_dict().items() if value != getattr(sent, key)}
    except OvertakenError:
        overtaken = True
    except PerturberError as error:
        notices.append(str(error))
        state = before
    props = _control_props(page, None if whole else before, state, changes)
    notices += _notes(state.scene)
    props.append({"id": "notice", "props": {"children": " ".join(notices)}})
    if problems or asked.memory.get("problems") or whole:
        props.append({"id": f"{page.name}-panel", "props": {"problems": problems}})
    if shown is not None:
        status = [*shown.status, *([f"{1000 / asked.pace:.1f} updates/s"] if asked.pace else [])]
        props += [*shown.props, {"id": f"{page.name}-status", "props": {"children": " · ".join(status)}}]
    found = Answer(
        client=asked.client,
        sequence=asked.sequence,
        request="",
        looked=shown is not None,
        failed=False,
        query=state.query(),
        memory={**state.memory(), "problems": bool(problems)},
        scene=scene,
        props=props,
        drawn=shown.drawn if shown else {},
        again=0 if overtaken else _again(shown),
        plane=shown.plane.done if shown and shown.plane else None,
        record=shown.record if shown else None,
        live=shown.live if shown else False,
        serviceMs=shown.service_ms if shown else 0.0,
    )
    publish(page.name, asked.seat, found, None if whole else before.scene, state.scene)
    return found


def _notes(scene: SceneBase) -> list[str]:
    """What the user has to know of the files of the object and the background that are shown."""
    store = objects.store()
    found = {
        "Object": store.notes("object", scene.object),
        "Background": store.notes("background", scene.background),
    }
    return [f"{thing}: {' '.join(notes)}" for thing, notes in found.items() if notes]


def _again(shown: Shown | None) -> int | None:
    if shown is None:
        return None
    return PLANE_EVERY_MS if shown.again is None and shown.plane and not shown.plane.finished else shown.again


def _postponed(asked: PageRequest, changes: Sequence[SentChange]) -> Answer:
    """Nothing has happened yet: the page asks again, and its memory brings back what was changed."""
    memory = {**asked.memory, "postponed": [change.model_dump() for change in changes[-MAX_CHANGES:]]}
    return {**_failed(asked, BUSY), "query": asked.query, "memory": memory, "again": BUSY_MS}


def _failed(asked: PageRequest, sentence: str) -> Answer:
    return Answer(
        client=asked.client,
        sequence=asked.sequence,
        request="",
        looked=False,
        failed=True,
        query=None,
        memory={},
        scene={},
        props=[{"id": "notice", "props": {"children": sentence}}],
        drawn={},
        again=None,
        plane=None,
        record=None,
        live=False,
        serviceMs=0.0,
    )


def _with_scene(state: S, sent: Mapping[str, Any]) -> tuple[S, dict[str, str], dict[str, Value]]:
    """The state with the scene that was sent.

    Returns:
        The state, where what is wrong keeps its value; parameter → sentence of what is wrong; and parameters that
        are read differently from what was sent.
    """
    scene, problems = state.scene, dict[str, str]()
    for key, value in sent.items():
        if key in PARAMETERS and getattr(scene, key) == value and type(getattr(scene, key)) is type(value):
            continue
        try:
            changed = scene.replace(**{key: value})
            if isinstance(get(key), Neuron):
                service().check(LookRequest(scene=changed.replace(plane=True)))
            scene = changed
        except PerturberError as error:
            problems[key] = str(error)
    read = {
        key: getattr(scene, key) for key, value in sent.items() if key not in problems and value != getattr(scene, key)
    }
    return (state if scene == state.scene else state.with_scene(scene)), problems, read


def _control_props(page: ScenePage[S], before: S | None, state: S, changes: list[Change]) -> list[Props]:
    """What controls show now, of those that may show something else; all of them where nothing is known of before."""
    touched = {(change.control, change.slot) for change in changes}
    if before is not None and not touched and _only_moved(before, state):
        return []  # no control shows anything of the scene
    new = page.controls(state)
    old: Controls = {} if before is None else page.controls(before)
    return [
        {"id": control_id(page.name, at.control, at.slot), "props": props}
        for at, props in new.items()
        if (at.control, at.slot) in touched or old.get(at) != props
    ]


def _only_moved(before: PageState, state: PageState) -> bool:
    """Whether a state differs in its scene alone, which has ended nothing that was under way, such as an attack."""
    return before.with_scene(before.scene) == before and before.with_scene(state.scene) == state
