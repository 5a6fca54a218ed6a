"""What the Compare page shows of an answer, and of what its jobs have found."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from perturber.editing import Edit
from perturber.experiments import Similarity
from perturber.figures import SIGMAS, activation_mosaic
from perturber.figures.comparison import (
    begins,
    cka_heatmap,
    column_colours,
    correlation_heatmap,
    difference_mosaic,
    divergence_lines,
)
from perturber.finite import written
from perturber.service import (
    Agreement,
    ChannelMaps,
    ClassScore,
    Column,
    Comparison,
    Correlation,
    JobState,
    JobStatus,
    ModelInfo,
    SimilarityRequest,
)
from perturber.ui.callbacks.follow import Follow
from perturber.ui.callbacks.messages import Props
from perturber.ui.components.bars import NO_LOGITS, BarRow, bar_rows
from perturber.ui.components.compare import HIDDEN, SIDES, TABS
from perturber.ui.components.compare_controls import EXPLAINED, pictures_sentence
from perturber.ui.components.controls import control_id, order_id
from perturber.ui.components.maps import MapsProperties, figure_without_values, map_values, scale_ends
from perturber.ui.context import service
from perturber.ui.states.compare import CompareState, unlike

REFERENCE = "The predictions of the others are compared with these."
OTHER_CLASSES = "Its classes are not those of model 1, so their predictions cannot be compared."


def infos_of(state: CompareState) -> list[ModelInfo]:
    """What is known of the models, in their order."""
    return [service().model(name) for name in state.models]


def labels_of(state: CompareState) -> tuple[str, str]:
    """Names of A and B."""
    a, b = (service().model(name).label for name in state.pair)
    return a, b


# ---- columns ------------------------------------------------------------------------------------------------------


def column_props(page: str, answer: Comparison) -> list[Props]:
    """What each network predicts, and how far it agrees with the first."""
    props: list[Props] = []
    for n, column in enumerate(answer.columns):
        rows = bar_rows(column.top, action="Click to pin it.")
        bars = {"rows": rows, "pinned": _pinned_rows(column, n), "empty": "" if rows else NO_LOGITS}
        props.append({"id": control_id(page, "bars", n), "props": bars})
        props.append({"id": f"{page}-agreement-{n}", "props": {"children": _agreement(column.agreement, n)}})
    return props


def _pinned_rows(column: Column, number: int) -> list[BarRow]:
    differences: Sequence[float | None] = (
        column.agreement.differences if column.agreement else [None] * len(column.pinned)
    )
    return [_pinned_row(score, gap, number) for score, gap in zip(column.pinned, differences, strict=True)]


def _pinned_row(score: ClassScore, difference: float | None, number: int) -> BarRow:
    what = f"Logit of {score.name}{', and the difference to model 1' if number else ''}. Click to let it go."
    gap = ""
    if difference is not None and not np.isnan(difference):
        gap = f"{'−' if difference < 0 else '+'}{written(abs(difference), '.2f')}"
    logit = written(score.logit, ".2f").replace("-", "−")
    return BarRow(index=score.index, name=score.name, share=logit, number=gap, length=0.0, title=what)


def _agreement(agreement: Agreement | None, number: int) -> str:
    """A table in Markdown; it holds no text but ours."""
    if number == 0:
        return REFERENCE
    if agreement is None:
        return OTHER_CLASSES
    rows = [
        ("Same top class as 1", "✓" if agreement.same_top1 else "✗"),
        ("Shared top 5", f"{agreement.shared_top5} of 5"),
        ("JS divergence", f"{written(agreement.jensen_shannon, '.3f')} bit"),
    ]
    return "\n".join(["| | |", "|:--|--:|", *(f"| {words} | {value} |" for words, value in rows)])


# ---- what a look shows below the columns --------------------------------------------------------------------------


def tab_props(
    page: str, state: CompareState, answer: Comparison, infos: Sequence[ModelInfo], drawn: Mapping[str, str]
) -> tuple[list[Props], dict[str, str]]:
    """The open tab.

    Args:
        infos: of the models in their order.
        drawn: what was drawn before.

    Returns:
        What components show, and what is drawn then.
    """
    props, now = _channels_props(page, state, answer.maps, drawn) if state.tab == "channels" else ([], {})
    if state.tab == "depth" and answer.depth:
        figure = {"figure": depth_figure(state, answer, infos), "style": {}}
        props = [{"id": control_id(page, "graph", "depth"), "props": figure}]
    missing = unlike(infos[state.a - 1], infos[state.b - 1]) or ""
    hint = missing if answer.maps is None and not answer.depth else ""
    if state.tab in ("channels", "depth"):
        props += [
            _text(f"{page}-hint", hint),
            _text(f"{page}-note", "" if hint else _note(state, answer, infos)),
            {"id": f"{page}-hints", "props": {"className": "hint" if hint else "hint gone"}},
        ]
        props += [{"id": control_id(page, "graph", "depth"), "props": {"style": HIDDEN}}] if hint else []
    elif drawn.get("tab") != state.tab:  # the job's own sentences follow
        props += [_text(f"{page}-hint", ""), _text(f"{page}-note", "")]
        props += [{"id": f"{page}-hints", "props": {"className": "hint gone"}}]
        props += [{"id": control_id(page, "graph", "job"), "props": {"style": HIDDEN}}]
    return props, {**now, "tab": state.tab}


def _text(id_: Any, words: str) -> Props:
    return {"id": id_, "props": {"children": words}}


def _channels_props(
    page: str, state: CompareState, maps: ChannelMaps | None, drawn: Mapping[str, str]
) -> tuple[list[Props], dict[str, str]]:
    if maps is None:
        gone: list[Props] = [{"id": f"{page}-rows", "props": {"className": "rows gone"}}]
        return [*gone, {"id": control_id(page, "bars", "most"), "props": {"rows": []}}], {}
    scale = SIGMAS * maps.deviation
    height, width = maps.a.shape[1:]
    signature = f"{height} {width} {','.join(map(str, state.channels))}"
    figure = None
    if drawn.get("maps") != signature:
        figure = figure_without_values(activation_mosaic(maps.a, state.channels, scale=scale))
    props: list[Props] = [{"id": f"{page}-rows", "props": {"className": "rows"}}]
    for side, values in zip(SIDES, (maps.a, maps.b, maps.a - maps.b), strict=True):
        shown: MapsProperties = {
            "values": map_values(values),
            "scale": scale if scale > 0 else 1.0,
            "ends": scale_ends(scale),
        }
        if figure is not None:
            shown |= {"figure": figure, "channels": state.channels, "aspect": (height, width)}
        props.append({"id": f"{page}-maps-{side}", "props": dict(shown)})
    rows = {"rows": _most_rows(maps.most, state.channels)}
    return [*props, {"id": control_id(page, "bars", "most"), "props": rows}], {"maps": signature}


def _most_rows(most: Sequence[tuple[int, float]], shown: Sequence[int]) -> list[BarRow]:
    largest = most[0][1] if most and most[0][1] > 0 else 1.0
    return [
        BarRow(
            index=channel,
            name=f"✓ {channel}" if channel in shown else str(channel),
            share=written(size, ".3g"),
            number="",
            length=max(0.0, size) / largest,
            title=f"Channel {channel}: " + ("shown; click to remove it" if channel in shown else "click to show it"),
        )
        for channel, size in most
    ]


def _note(state: CompareState, answer: Comparison, infos: Sequence[ModelInfo]) -> str:
    """A sentence about the figure."""
    if state.tab == "channels":
        most = answer.maps.most[0][1] if answer.maps is not None else 0.0
        if np.isnan(most):  # the largest one, so that all are
            return f"A and B cannot be compared at {state.layer}, where no number of both is finite."
        return "Channel, mean |A − B|" if most > 0 else f"A and B do not differ at {state.layer} for this picture."
    sentences = []
    names = _names(infos)
    for number, found in answer.depth.items():
        first, unknown = begins(found), np.isnan(found.cosine).any()
        never = "never differs from A where all numbers are finite." if unknown else "never differs from A."
        how = f"differs from A from {first} on." if first else never
        sentences.append(f"{names[number]} {how}")
    left_out = [names[n] for n in range(len(infos)) if n not in answer.depth and n != state.a - 1]
    if left_out:
        sentences.append(f"Not shown because their architecture is another: {', '.join(left_out)}.")
    return "\n".join(sentences)


def _names(infos: Sequence[ModelInfo]) -> list[str]:
    return [f"{n} · {info.label}" for n, info in enumerate(infos, 1)]


# ---- figures ------------------------------------------------------------------------------------------------------


def channels_figure(state: CompareState, maps: ChannelMaps, labels: tuple[str, str]) -> go.Figure:
    """The channels of A and B and their difference, as they are saved."""
    scale = SIGMAS * maps.deviation
    return difference_mosaic(maps.a, maps.b, state.channels, scale=scale, names=labels, layer=state.layer)


def depth_figure(state: CompareState, answer: Comparison, infos: Sequence[ModelInfo]) -> go.Figure:
    """The divergence from A, layer by layer."""
    return divergence_lines(answer.depth, _names(infos), column_colours([Edit.is_edit(name) for name in state.models]))


def similarity_figure(state: CompareState, product: Similarity | Correlation, labels: tuple[str, str]) -> go.Figure:
    """What a job has found."""
    if isinstance(product, Similarity):
        return cka_heatmap(product, labels)
    return correlation_heatmap(product.matrix, labels, (state.layer, state.other), matched=state.matched)


# ---- jobs ---------------------------------------------------------------------------------------------------------


def job_of(state: CompareState) -> SimilarityRequest | None:
    """What the open tab computes in the background, or None."""
    plane: np.ndarray | None = None
    if state.pictures == "scene" and state.scene.plane:
        plane = service().plane(state.scene.plane_neuron)
    return state.job(service().model, plane)


def job_props(
    page: str,
    follow: Follow,
    state: CompareState,
    status: JobStatus | None,
    product: Similarity | Correlation | None,
) -> None:
    """Where the open tab's computation stands.

    Args:
        status: None where nobody has ordered it.
        product: what it has found so far.
    """
    under = status is not None and not status.state.over
    done = status is not None and status.state is JobState.DONE
    follow.running = under
    hidden = "use gone"
    follow.show(order_id(page, "compute"), className=hidden if under else "use in-cka in-same", disabled=done)
    follow.show(order_id(page, "cancel"), className="use in-cka in-same" if under else hidden)
    progress = {"value": 0, "max": 1}
    if status is not None:
        progress = {"value": status.progress.done, "max": status.progress.steps}
    follow.show(f"{page}-progress", class_name="in-cka in-same" if under else "gone", **progress)
    follow.show(f"{page}-steps", children=_steps(status))
    follow.show(f"{page}-note", children="" if product is None else _found(product))
    hint = "" if product is not None else _job_hint(state, status)
    follow.show(f"{page}-hint", children=hint)
    follow.show(f"{page}-hints", className="hint words" if hint else "hint gone")


def _steps(status: JobStatus | None) -> str:
    if status is None:
        return ""
    if not status.state.over and status.progress.done:
        return f"{status.progress.done} of {status.progress.steps} steps"
    return {JobState.WAITING: "queued", JobState.RUNNING: ""}.get(status.state, str(status.state))


def _job_hint(state: CompareState, status: JobStatus | None) -> str:
    if status is None:
        question = TABS[state.tab][1]
        not_yet = "Not computed for this state yet. Choose Compute."
        return "\n\n".join([question, EXPLAINED[state.tab], pictures_sentence(state), not_yet])
    return {
        JobState.WAITING: "Queued …",
        JobState.RUNNING: "Making the pictures and showing them to both networks …",
        JobState.CANCELLED: "Cancelled.",
        JobState.FAILED: status.error or "The job failed.",
        JobState.DONE: "",
    }[status.state]


def _found(product: Similarity | Correlation) -> str:
    """What a job has found, as a sentence."""
    if isinstance(product, Similarity):
        best = [found for found in (_best_layer(product, row) for row in range(len(product.rows))) if found]
        aligned = sum(row == column for row, column in best)
        alike = f"{aligned} of {len(best)} layers of A are most similar to the layer of B with the same name."
        return f"{product.count} pictures. " + (alike if best else "")
    same = product.same
    note = (
        f"{same.count} of {len(same.diagonal)} channels correlate most with the channel of the same index "
        f"({product.count} pictures)."
    )
    dead = int(np.isnan(product.matrix).all(1).sum())
    if dead:
        note += f" {dead} channels of A never change" if dead > 1 else " One channel of A never changes"
        note += ", or are not finite." if dead > 1 else ", or is not finite."
    return note


def _best_layer(found: Similarity, row: int) -> tuple[str, str] | None:
    """A layer of A, and the layer of B that is most similar to it; None where nothing is known."""
    values = found.cka[row]
    return None if np.isnan(values).all() else (found.rows[row], found.columns[int(np.nanargmax(values))])
