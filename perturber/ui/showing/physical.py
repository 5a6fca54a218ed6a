"""The physical attack of Explore: ordered, followed from look to look while it moves the sliders, told at its end."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace

from perturber.errors import InvalidInputError, PerturberError
from perturber.experiments.smallest import listed, named
from perturber.experiments.smallest import written as with_unit
from perturber.experiments.space import Space, usual
from perturber.figures import SLOT_NAMES
from perturber.finite import written
from perturber.scene import SceneBase
from perturber.service import JobState
from perturber.service.seekers import adversary_request, goal
from perturber.service.seeking import Said
from perturber.service.works.adversary import Adversary, AdversaryRequest, Visited
from perturber.ui.callbacks.messages import Props
from perturber.ui.context import service
from perturber.ui.showing.jobs import job_shown
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.physical import PhysicalAttack

EVERY_MS = 400
"""Between two looks at how far it is: jobs are previewed about as often."""

NAMED = 8
"""Parameters that a sentence names, of those that have moved farthest."""


def ordered(state: ExploreState) -> ExploreState:
    """The state with a physical attack under way on its scene; blocks for a look at it.

    Raises:
        InvalidInputError: nothing may move, a slot is empty, or the models and the target cannot be a goal.
        NotAllowedError: the user only looks.
    """
    form, physical = state.attack.form, state.attack.physical or PhysicalAttack()
    if physical.job is not None:
        return state
    space = Space.around(state.scene, usual(state.scene, physical.keys))
    fooled = state.slot(form.slot).model
    keeps = None if physical.keeps is None else state.slot(physical.keeps).model
    sought = goal(service(), state.scene, fooled, keeps, target=form.target)
    job = service().jobs.submit(adversary_request(service(), space, sought, renders=physical.renders)).id
    attack = state.attack.with_physical(job=job, start=(), said="")
    return state.model_copy(update={"attack": replace(attack, done=0)})


def followed(state: ExploreState) -> ExploreState:
    """The state with the scene that its physical attack has come to, and what is said of it."""
    physical = state.attack.physical
    if physical is None or physical.job is None:
        return state
    try:
        job, request = job_shown(physical.job), service().jobs.request(physical.job)
    except InvalidInputError as error:
        return _at(state, state.scene, physical.halted(str(error)))
    if not isinstance(request, AdversaryRequest):
        return _at(state, state.scene, physical.halted(""))
    start, product = request.space.start, job.product
    if not isinstance(product, Adversary):  # or it has failed, or somebody has cancelled it
        return _at(state, state.scene, physical if job.running else physical.halted(job.words))
    if job.state is JobState.DONE:
        scene = start if product.found is None else product.found.scene
        said = _nothing(product) if product.found is None else _sentence(state, request.space, product, product.found)
        return _at(state, scene, physical.moved(start, scene, job=None, said=said), len(product.path))
    if not job.running:
        return _at(state, state.scene, physical.halted(job.words))
    best = product.found or min(product.path, key=lambda one: one.gap)
    return _at(state, best.scene, physical.moved(start, best.scene, said=_so_far(product, best)), len(product.path))


def given_up(before: str, now: str, visit: str) -> None:
    """End the job that moved the sliders before, if the same visit does not follow it any more.

    Args:
        before, now: marks of who follows which one (see `mark`).
    """
    who, _, name = before.rpartition(" ")
    if before == now or who != visit:
        return
    with suppress(PerturberError):  # it is forgotten, or somebody else has ordered it, too
        if isinstance(service().jobs.request(name), AdversaryRequest):
            service().jobs.cancel(name)


def mark(state: ExploreState, visit: str) -> str:
    """Who follows which job; empty where none is under way."""
    physical = state.attack.physical
    return "" if physical is None or physical.job is None else f"{visit} {physical.job}"


def physical_props(page: str, state: ExploreState) -> list[Props]:
    """What the attack's panel says of it."""
    attack, physical = state.attack, state.attack.physical
    running = physical is not None and physical.job is not None
    progress = f"{attack.done} of at most {physical.renders} renders" if physical is not None and running else ""
    return [
        {"id": f"{page}-attack-progress", "props": {"children": progress}},
        {"id": f"{page}-outcome", "props": {"children": "" if physical is None else physical.said}},
    ]


def _at(state: ExploreState, scene: SceneBase, physical: PhysicalAttack, done: int | None = None) -> ExploreState:
    attack = replace(state.attack, physical=physical, done=state.attack.done if done is None else done)
    return state.model_copy(update={"scene": scene, "attack": attack})


# ---- in words -----------------------------------------------------------------------------------------------------


def _so_far(found: Adversary, best: Visited) -> str:
    if found.found is not None:
        return f"Found {best.distance:.2g} widths of the ranges away; a nearer scene is looked for."
    return f"Nothing is found yet; the best scene so far is {best.gap:.2g} logits away."


def _nothing(found: Adversary) -> str:
    return (
        f"Nothing was found in {found.renders:,} renders, and the sliders are back at the start: let more parameters "
        "move, or allow more renders."
    )


def _sentence(state: ExploreState, space: Space, adversary: Adversary, found: Visited) -> str:
    """What was found: how each model's class changes, by which parameters, after how many renders."""
    before, after = ({one.model: one for one in said} for said in (adversary.before, adversary.after))
    steps = space.point(found.scene)
    order = sorted((n for n, step in enumerate(steps) if step), key=lambda n: -abs(steps[n]))
    models = listed([_of_model(state, model, before, after, still=bool(order)) for model in adversary.goal.models])
    moved = [_of_parameter(space.keys[n], space.start, found.scene) for n in order[:NAMED]]
    if not moved:
        return f"Nothing has to move: {models} already."
    moved += [f"{len(order) - NAMED} more parameters"] if len(order) > NAMED else []
    away = f"{found.distance:.2g} widths of the ranges away"
    return f"{models}, with {listed(moved)}: {away}, after {adversary.renders:,} renders."


def _of_model(
    state: ExploreState, model: str, before: Mapping[str, Said], after: Mapping[str, Said], *, still: bool
) -> str:
    numbers = (state.attack.form.slot, state.attack.physical.keeps if state.attack.physical else None)
    slots = [n for n in numbers if n is not None and (slot := state.slots[n]) is not None and slot.model == model]
    info = service().model(model)
    name = SLOT_NAMES[slots[0]] if slots else info.label

    def said(one: Said) -> str:
        top = info.classes[one.top] if one.top >= 0 else "nothing"
        return f"{top} ({written(one.probability, '.1%')})"

    if before[model].top == after[model].top:
        return f"{name} {'still ' if still else ''}says {said(after[model])}"
    return f"{name} says {said(after[model])} in place of {said(before[model])}"


def _of_parameter(key: str, start: SceneBase, scene: SceneBase) -> str:
    return f"{named(key)} {getattr(start, key):.9g} → {with_unit(key, getattr(scene, key))}"
