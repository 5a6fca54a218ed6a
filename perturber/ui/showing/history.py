"""The history of classes over the looks of a page: a figure, and a table."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import plotly.graph_objects as go
from pydantic import StringConstraints

from perturber.figures.style import SLOT_COLOURS, SLOT_MARKS, SLOT_NAMES, base_layout, plain
from perturber.scene import SceneBase
from perturber.service import ClassScore, SlotLook

DASHES = ("dot", "dash", "longdash", "dashdot", "longdashdot", "5px,2px")
COLUMNS = ("update", "time", "slot", "model", "kind", "class_index", "class", "logit", "probability", "scene")

Record = list[Any]
"""Number of the look, its time, the scene's changes, and slot → [model, top, pinned], scores as lists."""

Text = Annotated[str, StringConstraints(max_length=10_000)]
Score = tuple[int, Text, float | None, float | None]
Slots = dict[Annotated[str, StringConstraints(pattern="^[0-2]$")], tuple[Text, list[Score], list[Score]]]
CheckedRecord = tuple[int, Text, dict[str, Any], Slots]
"""A `Record` that may come from anywhere."""


def record_of(sequence: int, scene: SceneBase, looks: Mapping[int, SlotLook]) -> Record:
    """What the history keeps of a look."""

    def scores(found: Sequence[ClassScore]) -> list[list[Any]]:
        return [[one.index, one.name, round(one.logit, 4), round(one.probability, 6)] for one in found]

    slots = {str(n): [look.model, scores(look.top or ()), scores(look.pinned)] for n, look in looks.items()}
    return [sequence, datetime.now(UTC).isoformat(timespec="milliseconds"), scene.changes(), slots]


def history_figure(records: Sequence[Sequence[Any]], pinned: Sequence[int], measure: str) -> go.Figure:
    """The most probable class of each slot, and each pinned one where it is known, from look to look.

    Args:
        measure: ``probability`` or ``logit``.
    """
    figure = go.Figure(layout=base_layout(margin={"l": 52, "r": 8, "t": 8, "b": 28}, showlegend=True))
    updates = [record[0] for record in records]
    value = 3 if measure == "probability" else 2
    for number, colour in enumerate(SLOT_COLOURS):
        slots = [record[3].get(str(number)) for record in records]
        if not any(slots):
            continue
        tops = [slot[1][0] if slot and slot[1] else None for slot in slots]
        trace = _line(updates, tops, value, f"{SLOT_NAMES[number]}: top class", {"color": colour, "width": 2}, number)
        figure.add_trace(trace.update(hovertemplate="%{text}: <b>%{y:.3f}</b>"))
        for n, index in enumerate(pinned):
            found = [_find(slot, index) for slot in slots]
            name = next((score[1] for score in found if score), None)
            if name is not None:
                line = {"color": colour, "width": 1.5, "dash": DASHES[n % len(DASHES)]}
                figure.add_trace(_line(updates, found, value, f"{SLOT_NAMES[number]}: {plain(name)}", line, number))
    figure.update_layout(hovermode="x", legend={"bgcolor": "rgba(255,255,255,0.7)"})
    figure.update_xaxes(title={"text": "update", "standoff": 4}, gridcolor="#f1f3f5", zeroline=False)
    scale = {"range": [0, 1], "tickformat": ".0%"} if measure == "probability" else {}
    figure.update_yaxes(title={"text": measure}, gridcolor="#f1f3f5", zerolinecolor="#adb5bd", **scale)
    return figure


def drawn_of(records: Sequence[Sequence[Any]], pinned: Sequence[int], since: int) -> list[Record]:
    """Of some looks what `history_figure` draws, as records: without times and scenes.

    Args:
        since: number of the last look that is forgotten.
    """

    def drawn(slot: Any) -> list[Any]:
        model, top, _ = slot
        known = [score for score in (_find(slot, index) for index in pinned) if score]
        return [model, top[:1], [score for score in known if score not in top[:1]]]

    return [[r[0], "", {}, {number: drawn(slot) for number, slot in r[3].items()}] for r in records if r[0] > since]


def history_csv(records: Sequence[Record]) -> str:
    """The recorded values as a table, a line for each score."""
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(COLUMNS)
    for update, time, scene, slots in records:
        for number, (model, top, pinned) in slots.items():
            kinds = [*((f"top {rank}", score) for rank, score in enumerate(top, 1)), *(("pinned", s) for s in pinned)]
            for kind, (index, name, logit, probability) in kinds:
                who = [update, time, SLOT_NAMES[int(number)], model, kind]
                table.writerow([*who, index, name, logit, probability, json.dumps(scene)])
    return text.getvalue()


def _line(updates: list[int], scores: list[Any], value: int, name: str, line: dict[str, Any], slot: int) -> go.Scatter:
    return go.Scatter(
        x=updates,
        y=[None if score is None else score[value] for score in scores],
        text=["" if score is None else plain(score[1]) for score in scores],
        name=name,
        mode="lines+markers",
        marker={"size": 5, "symbol": SLOT_MARKS[slot]},
        line=line,
        hovertemplate="%{y:.3f}",
    )


def _find(slot: Any, index: int) -> Any:
    return next((score for score in [*slot[2], *slot[1]] if score[0] == index), None) if slot else None
