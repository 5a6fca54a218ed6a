"""Explore: change a scene and watch what happens in two networks, from the picture to the prediction."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import dash
from dash import html

from perturber.errors import InvalidInputError
from perturber.figures import SLOT_NAMES
from perturber.service import Look, ModelInfo, RankRequest, SlotLook
from perturber.ui.callbacks.claim import entry_callback
from perturber.ui.callbacks.enlarging import enlarging_callbacks
from perturber.ui.callbacks.explore import explore_callbacks, neuron_views, own_groups
from perturber.ui.callbacks.exporting import exporting_callbacks
from perturber.ui.callbacks.follow import Asked, Follow, follow_callbacks
from perturber.ui.callbacks.look import Shown, look_callbacks
from perturber.ui.callbacks.messages import PageRequest, Props
from perturber.ui.callbacks.saving import saving_callbacks
from perturber.ui.callbacks.session_bar import session_callbacks
from perturber.ui.callbacks.tour import tour_callbacks
from perturber.ui.callbacks.uploads import upload_callbacks
from perturber.ui.components.attack_form import attack_controls, attack_form, is_running
from perturber.ui.components.controls import At, Controls, control_id
from perturber.ui.components.drawer import drawer, drawer_class, drawer_controls, open_figure
from perturber.ui.components.explore_display import display_controls, headings, slopes_switch
from perturber.ui.components.maps import Pictures
from perturber.ui.components.scene_page import scene_page
from perturber.ui.components.slot import slot_class, slot_controls, slot_frame, slot_id
from perturber.ui.context import service
from perturber.ui.files import class_examples, index_version
from perturber.ui.looks import looked
from perturber.ui.moments import Moment, opened
from perturber.ui.showing.attack import attack_notices, attack_props
from perturber.ui.showing.class_examples import class_example, pictures_of
from perturber.ui.showing.drawer import follow_drawer
from perturber.ui.showing.followed import follow_visualisations
from perturber.ui.showing.groups import DROP, KEEP, group_options
from perturber.ui.showing.history import record_of
from perturber.ui.showing.notices import network_notices
from perturber.ui.showing.overlay import CAPTION, overlay_props
from perturber.ui.showing.physical import EVERY_MS, followed, given_up, mark, ordered, physical_props
from perturber.ui.showing.pictures import model_input
from perturber.ui.showing.slopes import follow_slopes, moved_on, ordered_for
from perturber.ui.showing.slots import bars_props, divisor_of, maps_props, scales, slot_signature
from perturber.ui.showing.visualisations import card_pictures
from perturber.ui.states import reading
from perturber.ui.states.channels import MAX_NEURONS
from perturber.ui.states.explore import ExploreState, SlotState
from perturber.ui.states.explore_changes import changed, chosen
from perturber.ui.states.page import Change

PAGE, PATH = "explore", "/"

dash.register_page(__name__, path=PATH, name="Explore", title="Perturber · Explore", order=0)

SWEEP = "Let parameters of this scene go through their ranges, and see what these networks make of it"

RANKINGS = ("active", "changed", "relevant", "differ")


def layout(**query: str) -> html.Div:
    """The page in the state that its link holds."""
    state, problems = opened(PAGE_PARTS, query)
    controls = PAGE_PARTS.controls(state)
    main = [
        headings(PAGE, controls),
        *(slot_frame(PAGE, n, slot, controls) for n, slot in enumerate(state.slots)),
        drawer(PAGE, state, controls, examples=service().settings.examples is not None),
        html.Data(id=control_id(PAGE, "job"), value=""),
    ]
    return scene_page(
        PAGE,
        PATH,
        state,
        html.Section(main, className="slots"),
        problems=[*problems, *_examples_problem()],
        caption=CAPTION,
        over_input=[
            html.Img(id=f"{PAGE}-overlay", className="overlay", hidden=True),
            html.Div(id=f"{PAGE}-field", className="field", hidden=True),
        ],
        buttons=[
            html.A("Sweep", id=f"{PAGE}-sweep", href=f"/sweep?{state.sweep_query()}", title=SWEEP),
            html.Button(id=control_id(PAGE, "reference"), n_clicks=0, **controls[At("reference")]),
        ],
        above_parameters=[attack_form(PAGE, state, controls), slopes_switch(PAGE, controls)],
    )


def _examples_problem() -> list[str]:
    """A sentence if the configured folder of example pictures cannot be used."""
    try:
        for class_list in {info.class_list for info in service().models().values()}:
            class_examples(class_list)
    except InvalidInputError as error:
        return [str(error)]
    return []


class ExplorePage:
    """What the page is made of (see `ScenePage` and `FollowedPage`)."""

    name = PAGE
    path = PATH

    def read(self, query: Mapping[str, str], memory: Mapping[str, Any]) -> tuple[ExploreState, list[str]]:
        """The state that a link holds, with what its memory adds."""
        state, problems = ExploreState.from_query(query, service().model)
        return state.recalling(memory), problems

    def changed(self, state: ExploreState, change: Change) -> ExploreState:
        """The state after a change; groups of neurons and jobs are the service's, or what users have kept."""
        if change.control == "group":
            return _of_group(state, change)
        if change.control == "attack-run" and state.attack.physical is not None:
            return ordered(state)
        return changed(state, change, service().model)

    def controls(self, state: ExploreState) -> Controls:
        """What each control shows."""
        models = models_of(state)
        attacked = state.slots[state.attack.form.slot] if state.attack.form.slot < len(state.slots) else None
        classes = classes_of(state) if attacked is None else models[attacked.model].classes
        controls = display_controls(state.view, classes_of(state)) | attack_controls(state, classes)
        controls |= drawer_controls(state)
        controls[At("reference")] = reference_props(state)
        for number, slot in enumerate(state.slots):
            groups = [] if slot is None else _groups(state, number, slot, models[slot.model])
            controls |= slot_controls(number, slot, models, groups)
        return controls

    def show(self, state: ExploreState, asked: PageRequest) -> Shown:
        """Ask the service about the state; a physical attack has moved its scene meanwhile."""
        state = followed(state)
        answer, kept = looked(state.request(asked.client))
        looks = dict(zip(state.shown, answer.slots, strict=True))
        ends = scales(looks, state.view)
        drawn = {f"maps{n}": slot_signature(slot, state.view) for n, slot in looks.items()}
        drawn |= {f"frame{n}": slot_class(slot) for n, slot in enumerate(state.slots)} | {"drawer": drawer_class(state)}
        if state.view.divisor is None and ends:
            drawn["divisor"] = f"{divisor_of(ends)}"
        props: list[Props] = [
            model_input(PAGE, answer.image),
            {"id": f"{PAGE}-sweep", "props": {"href": f"/sweep?{state.sweep_query()}"}},
        ]
        for n, slot in looks.items():
            known = asked.drawn.get(f"maps{n}") == drawn[f"maps{n}"]
            cards = None if known else _cards(state, n)
            props.append(maps_props(PAGE, n, slot, ends.get(n, 1.0), drawn=known, cards=cards))
            props.append(_bars(state, n, slot, answer))
        props += _frames(state, asked.drawn, drawn)
        if state.mark is not None or state.view.overlay or asked.drawn.get("marked"):
            marked = state.mark is not None or state.view.overlay
            drawn |= {"marked": "yes"} if marked else {}
            props += overlay_props(PAGE, state, looks, ends, models_of(state))
        if answer.attack is not None or asked.drawn.get("attacked"):
            drawn |= {} if answer.attack is None else {"attacked": "yes"}
            props += attack_props(PAGE, answer.attack, [SLOT_NAMES[n] for n, s in state.shown.items() if s.predictions])
        if state.attack.physical is not None or asked.drawn.get("physical"):
            drawn |= {} if state.attack.physical is None else {"physical": mark(state, asked.client) or "none"}
            given_up(asked.drawn.get("physical", ""), drawn.get("physical", ""), asked.client)
            props += physical_props(PAGE, state)
        if state.view.slopes and (jobs := ordered_for(state, looks, asked.client)):
            drawn["slopes"] = jobs
        if (before := asked.drawn.get("slopes", "")) != drawn.get("slopes", ""):
            props += moved_on(PAGE, state, before)
        state = _with_steps(state, answer)
        return Shown(
            props=props,
            status=_status(answer, list(state.shown), kept),
            service_ms=0.0 if kept else answer.total_ms,
            drawn=drawn,
            again=_again(state),
            plane=answer.plane,
            record=record_of(asked.sequence, state.scene, looks),
            live=open_figure(state) in ("history", "summary"),
            notices=[*network_notices(answer.slots), *attack_notices(answer.attack)],
            state=state,
        )

    def lasting(self, state: ExploreState) -> ExploreState:
        """The state without the number of the look from which its history is drawn, and without a job that moves it."""
        physical = state.attack.physical and state.attack.physical.halted(said="")
        return state.model_copy(update={"since": 0, "attack": replace(state.attack, physical=physical)})

    def moment(self, state: ExploreState) -> Moment:
        """What the service is asked about it."""
        return Moment(state.request(None), tuple(SLOT_NAMES[number] for number in state.shown))

    def follow(self, state: ExploreState, asked: Asked) -> Follow:
        """Feature visualisations of what is shown, the open figure with its job, and slopes."""
        follow = Follow()
        follow_drawer(PAGE, state, asked, follow)  # first: what it cancels does not wait for a look
        follow_visualisations(PAGE, state, asked, follow)
        follow_slopes(PAGE, state, asked, follow)
        return follow


def _again(state: ExploreState) -> int | None:
    """Milliseconds after which an attack is to be asked about again, while one is under way."""
    if not is_running(state.attack):
        return None
    return 0 if state.attack.physical is None else EVERY_MS


def _with_steps(state: ExploreState, answer: Look) -> ExploreState:
    if state.attack.physical is not None:
        return state
    done = 0 if answer.attack is None else answer.attack.progress.done
    return state.model_copy(update={"attack": replace(state.attack, done=done)})


def _cards(state: ExploreState, number: int) -> list[Pictures] | None:
    """What stands under the maps of other neurons: pictures that are made already, and room for the others."""
    slot = state.slot(number)
    if state.view.cards == "none":
        return None
    info = service().model(slot.model)
    targets = state.view.targets(slot.layer, slot.channels)
    return card_pictures(
        info,
        targets,
        state.view.recipe,
        service().visualise(info.name, targets, state.view.recipe, order=False),
        index=index_version(info),
        examples_first=state.view.cards == "examples",
    )


def _bars(state: ExploreState, number: int, look: SlotLook, answer: Look) -> Props:
    info, example = service().model(look.model), None
    if look.top:
        example, _ = class_example(info, look.top[0].index, state.view.recipe, order=False)
    return bars_props(PAGE, number, look, answer.image, example=example, examples=pictures_of(info, look))


def _frames(state: ExploreState, before: Mapping[str, str], now: Mapping[str, str]) -> list[Props]:
    """Slots that fold, the drawer, and the slider from which a fixed scale would start."""
    ids = {f"frame{n}": slot_id(PAGE, n) for n in range(len(state.slots))} | {"drawer": f"{PAGE}-drawer"}
    new = {key for key in now if before.get(key) != now[key]}
    props: list[Props] = [{"id": id_, "props": {"className": now[key]}} for key, id_ in ids.items() if key in new]
    if "divisor" in new:
        props.append({"id": control_id(PAGE, "divisor"), "props": {"value": float(now["divisor"])}})
    return props


def reference_props(state: ExploreState) -> dict[str, Any]:
    """What the button says that makes a scene the reference."""
    if state.reference is None:
        title = "Make this scene the reference, to find the neurons that change most from it"
        return {"children": "Reference", "title": title, "className": "quiet reference"}
    title = "A reference scene is set; a click sets it to the present scene"
    return {"children": "Reference ✓", "title": title, "className": "quiet reference chosen"}


def _groups(state: ExploreState, number: int, slot: SlotState, info: ModelInfo) -> list[dict[str, Any]]:
    return group_options(state, number, slot, info, own_groups().of(slot.model, slot.layer))


def _of_group(state: ExploreState, change: Change) -> ExploreState:
    """With the channels of a group that was chosen in a slot's menu."""
    slot = state.slot(change.number)
    kind, _, name = change.text.partition(":")
    own = own_groups()
    if kind in ("", KEEP):  # the dialog asks for a name
        return state
    if kind == DROP:
        own.remove(slot.model, slot.layer, name)
        return state
    if kind == "own":
        group = tuple(own.of(slot.model, slot.layer).get(name, ()))
    elif kind == "published":
        known = service().model(slot.model).groups.get(slot.layer, ())
        group = next((found.channels for found in known if found.name == name), ())
    else:
        return chosen(state, change.number, _ranked(state, change.number, kind, name))
    if not group:
        raise InvalidInputError(f"There is no group {name[:80]!r} of {slot.layer} (any more).")
    return chosen(state, change.number, group, group)


def _ranked(state: ExploreState, number: int, by: str, index: str) -> tuple[int, ...]:
    slot = state.slot(number)
    others = [other for n, other in state.shown.items() if n != number]
    request = RankRequest(
        by=reading.choice("ranking", by, RANKINGS),
        scene=state.scene,
        model=slot.model,
        layer=slot.layer,
        reference=state.reference,
        class_index=reading.whole("class", index, 0, 10**6) if index else None,
        other=(others[0].model, others[0].layer) if others else None,
        count=MAX_NEURONS,
    )
    return service().rank(request).channels


def models_of(state: ExploreState) -> dict[str, ModelInfo]:
    """Every model that can be chosen, and those edited ones that are shown."""
    shown = {slot.model: service().model(slot.model) for slot in state.slots if slot is not None}
    return {**service().models(), **shown}


def classes_of(state: ExploreState) -> tuple[str, ...]:
    """Names of the classes of the first model that is shown."""
    slots = [slot for slot in state.slots if slot is not None]
    return service().model(slots[0].model).classes


def _status(answer: Look, numbers: list[int], kept: bool) -> list[str]:
    networks = [f"{SLOT_NAMES[n]} {slot.milliseconds:.0f} ms" for n, slot in zip(numbers, answer.slots, strict=True)]
    if kept:
        return ["Cached answer", answer.device]
    parts = [f"Render {answer.render_ms:.0f} ms", *networks, f"service {answer.total_ms:.0f} ms", answer.device]
    if answer.plane and not answer.plane.finished:
        parts.insert(0, f"Feature visualisation: step {answer.plane.done} of {answer.plane.steps}")
    return parts


PAGE_PARTS = ExplorePage()
look_callbacks(PAGE_PARTS)
follow_callbacks(PAGE_PARTS)
saving_callbacks(PAGE)
exporting_callbacks(PAGE, "/")
enlarging_callbacks(PAGE, neuron_views)
upload_callbacks(PAGE)
session_callbacks(PAGE_PARTS)
entry_callback(PAGE)
explore_callbacks(PAGE, PAGE_PARTS.controls)
tour_callbacks()
