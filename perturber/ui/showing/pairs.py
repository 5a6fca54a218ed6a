"""Two snapshots side by side: both are looked at again, and what differs between them is drawn and listed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import plotly.graph_objects as go

from perturber.errors import PerturberError
from perturber.figures import SIGMAS
from perturber.figures.comparison import difference_mosaic
from perturber.service import Look, SlotLook, SlotRequest
from perturber.sessions import Snapshot
from perturber.ui.context import service
from perturber.ui.looks import look_to_save
from perturber.ui.moments import KEPT, Moment
from perturber.ui.states.page import parse_query

SAME = 2
"""Steps of 255 by which a picture may differ that another device has drawn."""

LARGEST = 1e9
"""Beyond which no network has a logit; what a file holds might be any number."""


@dataclass(frozen=True)
class Score:
    """A class in two snapshots; what is not known of it is None.

    Attributes:
        logits, probabilities: in A and in B.
    """

    name: str
    logits: tuple[float | None, float | None]
    probabilities: tuple[float | None, float | None]


@dataclass(frozen=True)
class SlotPair:
    """One slot of two snapshots.

    Attributes:
        title: what the slot is called, and which networks it has in A and in B.
        scores: the most probable classes of both, and those that are followed.
        figure: maps of A, of B, and A − B, or None.
        why: there is none, as a sentence, or empty.
    """

    title: str
    scores: tuple[Score, ...]
    figure: go.Figure | None = None
    why: str = ""


@dataclass(frozen=True)
class Pair:
    """What can be said of two snapshots.

    Attributes:
        slots: in the order of A's, then those that B alone has.
        notes: why a snapshot cannot be looked at again, a sentence each; then its kept predictions are shown.
    """

    slots: tuple[SlotPair, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Side:
    """A snapshot, and what it shows where it is looked at again."""

    name: str
    kept: Mapping[str, Mapping[str, Any]] = field(repr=False)
    moment: Moment | None = None
    why: str = ""

    @property
    def slots(self) -> dict[str, SlotRequest]:
        return {} if self.moment is None else dict(zip(self.moment.slots, self.moment.request.slots, strict=True))

    def asking(self, more: Mapping[str, Mapping[str, Any]]) -> "_Side":
        """With other questions of its slots."""
        if self.moment is None:
            return self
        slots = tuple(replace(slot, **more.get(name, {})) for name, slot in self.slots.items())
        return replace(self, moment=replace(self.moment, request=replace(self.moment.request, slots=slots)))


def pair_of(first: Snapshot, second: Snapshot) -> Pair:
    """Look at two snapshots again, with the same questions to both.

    Raises:
        BusyError: there is no room for that now.
    """
    sides = [_side(name, snapshot) for name, snapshot in (("A", first), ("B", second))]
    names = list(dict.fromkeys([*sides[0].kept, *sides[1].kept]))
    whys = {name: _unlike(sides, name) for name in names}
    sides = [side.asking({name: _question(sides, side, name, whys[name]) for name in names}) for side in sides]
    looks, notes = [], []
    for side, snapshot in zip(sides, (first, second), strict=True):
        look, why = _look(side, snapshot)
        looks.append(look)
        notes += [f"{side.name} cannot be looked at again: {why} What was kept of it is shown."] if why else []
    found = [
        {} if look is None or side.moment is None else dict(zip(side.moment.slots, look.slots, strict=True))
        for side, look in zip(sides, looks, strict=True)
    ]
    return Pair(tuple(_slot(name, sides, found, whys[name]) for name in names), tuple(notes))


def _side(name: str, snapshot: Snapshot) -> _Side:
    """A snapshot's state as its page reads it; where anything in it is not here any more, what was kept alone."""
    kept = _kept(snapshot.predictions)
    page = KEPT.get(snapshot.page)
    if page is None:
        return _Side(name, kept, why=f"There is no page {snapshot.page} with a scene.")
    try:
        state, problems = page.read(parse_query(snapshot.query), snapshot.memory)
        if problems:
            return _Side(name, kept, why=" ".join(problems))
        moment = page.moment(state)
        for slot in moment.request.slots:
            service().model(slot.model)
    except PerturberError as error:
        return _Side(name, kept, why=str(error))
    slots = tuple(replace(slot, explain=None, summary=False) for slot in moment.request.slots)
    request = replace(moment.request, slots=slots)
    if request.attack is not None:
        request = replace(request, attack=replace(request.attack, details=False, layers=False))
    return _Side(name, kept or {key: {} for key in moment.slots}, replace(moment, request=request))


def _kept(predictions: object) -> dict[str, Mapping[str, Any]]:
    """Slot → what was kept of it; a file that was brought in may hold anything."""
    found: dict[str, Mapping[str, Any]] = {}
    for one in predictions if isinstance(predictions, list) else []:
        if isinstance(one, dict) and isinstance(one.get("slot"), str):
            scores = one.get("scores")
            known = [score for score in scores if _is_score(score)] if isinstance(scores, list) else []
            found[one["slot"][:60]] = {**one, "scores": known[:100]}
    return found


def _is_score(score: object) -> bool:
    """Whether it is what `perturber.ui.moments.predictions` keeps of a class."""
    if not isinstance(score, dict) or type(score.get("index")) is not int or not isinstance(score.get("name"), str):
        return False
    numbers = [score.get(key) for key in ("logit", "probability")]
    return all(number is None or (isinstance(number, float | int) and abs(number) < LARGEST) for number in numbers)


def _unlike(sides: Sequence[_Side], name: str) -> str:
    """Why the maps of a slot cannot be set side by side; empty if they can."""
    slots = [side.slots.get(name) for side in sides]
    for side, slot in zip(sides, slots, strict=True):
        if slot is None:
            return f"{side.name} has no {name}." if side.moment is not None and side.kept else "Its maps were not kept."
        if slot.layer is None:
            return f"{side.name} shows no maps of {name}."
    a, b = (slot for slot in slots if slot is not None)
    layers = [service().model(slot.model).layers.get(str(slot.layer)) for slot in (a, b)]
    if a.layer != b.layer:
        return f"A shows {a.layer} and B {b.layer}: maps of two layers have no difference."
    shapes = {None if layer is None else (layer.channels, layer.height, layer.width) for layer in layers}
    return "" if len(shapes) == 1 and None not in shapes else f"{a.layer} has other maps in B’s network than in A’s."


def _question(sides: Sequence[_Side], side: _Side, name: str, why: str) -> dict[str, Any]:
    """What a slot is asked: the channels of A, and the classes of both."""
    slot = side.slots.get(name)
    if slot is None:
        return {}
    question: dict[str, Any] = {} if why else {"channels": sides[0].slots[name].channels}
    lists = {service().model(one.slots[name].model).class_list for one in sides if name in one.slots}
    if slot.predictions and len(lists) == 1:
        count = len(service().model(slot.model).classes)
        classes = [score["index"] for one in sides for score in one.kept.get(name, {}).get("scores", ())]
        question["pinned"] = tuple(dict.fromkeys(index for index in classes if 0 <= index < count))
    return question


def _look(side: _Side, snapshot: Snapshot) -> tuple[Look | None, str]:
    """What the service makes of a snapshot now, and why that is not to be shown."""
    if side.moment is None:
        return None, side.why
    try:
        look, unfinished = look_to_save(side.moment.request)
    except PerturberError as error:
        return None, str(error)
    if unfinished is not None:
        return None, unfinished
    kept = snapshot.pixels()
    if kept.shape != look.image.shape or np.abs(kept.astype(int) - look.image).max() > SAME:
        return None, "Its picture is drawn differently now."
    return look, ""


def _slot(name: str, sides: Sequence[_Side], found: Sequence[Mapping[str, SlotLook]], why: str) -> SlotPair:
    looks = [one.get(name) for one in found]
    a, b = looks
    labels = [_label(side, name) for side in sides]
    title = f"{name}: {labels[0]}" if labels[0] == labels[1] else f"{name}: {labels[0]} in A, {labels[1]} in B"
    scores = _scores(sides, looks, name)
    if why or a is None or b is None or a.activations is None or b.activations is None:
        return SlotPair(title, scores, why=why or "Its maps were not kept.")
    scale = SIGMAS * max(a.deviation, b.deviation)
    figure = difference_mosaic(
        a.activations, b.activations, a.channels, scale=scale, names=(labels[0], labels[1]), layer=str(a.layer)
    )
    return SlotPair(title, scores, figure)


def _label(side: _Side, name: str) -> str:
    slot = side.slots.get(name)
    if slot is not None:
        return service().model(slot.model).label
    kept = side.kept.get(name, {})
    return str(kept.get("label") or kept.get("model") or "nothing")[:80]


def _scores(sides: Sequence[_Side], looks: Sequence[SlotLook | None], name: str) -> tuple[Score, ...]:
    """The classes of both, those that are most probable in A first."""
    known: list[dict[tuple[int, str], tuple[float | None, float | None]]] = []
    for side, look in zip(sides, looks, strict=True):
        if look is not None:
            scores = [(s.index, s.name, s.logit, s.probability) for s in (*(look.top or ()), *look.pinned)]
        else:
            kept = side.kept.get(name, {}).get("scores", ())
            scores = [(s["index"], s["name"], s.get("logit"), s.get("probability")) for s in kept]
        known.append({(index, label): (logit, share) for index, label, logit, share in scores})
    both = dict.fromkeys([*known[0], *known[1]])
    nothing = (None, None)
    found = [(key[1], known[0].get(key, nothing), known[1].get(key, nothing)) for key in both]
    made = [Score(label[:80], (a[0], b[0]), (a[1], b[1])) for label, a, b in found]
    return tuple(sorted(made, key=lambda one: [-(share if share is not None else -1) for share in one.probabilities]))
