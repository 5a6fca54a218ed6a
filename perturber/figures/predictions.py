"""Predictions as bars."""

from collections.abc import Sequence
from math import isfinite

import plotly.graph_objects as go

from perturber.figures.style import SLOT_COLOURS, SLOT_TEXT, base_layout, plain
from perturber.finite import written
from perturber.service.requests import ClassScore

LONGEST_NAME = 34


def prediction_bars(top: Sequence[ClassScore], *, slot: int) -> go.Figure:
    """Bars on the logits, as long as their share of the largest, the logit written inside.

    Above each bar stand the class's name and its softmax probability.

    Args:
        top: classes in falling order.
        slot: number of the model slot, whose colour the bars have.
    """
    largest = max((score.logit for score in top if isfinite(score.logit)), default=0.0)
    lengths = [min(max(0.0, score.logit) / largest, 1.0) if largest > 0 else 0.0 for score in top]
    places = list(range(len(top)))
    names = [plain(_short(score.name)) for score in top]
    hover = [
        f"{plain(score.name)} (class {score.index})<br>logit {written(score.logit, '.3f')}"
        f"<br>probability {written(score.probability, '.2%')}"
        for score in top
    ]
    bars = go.Bar(
        x=lengths,
        y=places,
        orientation="h",
        width=0.42,
        marker={"color": SLOT_COLOURS[slot]},
        text=[written(score.logit, ".2f") for score in top],
        textposition="inside",
        insidetextanchor="start",
        textangle=0,
        textfont={"color": SLOT_TEXT[slot], "size": 11},
        hovertext=hover,
        hovertemplate="%{hovertext}<extra></extra>",
    )
    above = [place - 0.42 for place in places]
    texts = [
        go.Scatter(
            x=[x] * len(top), y=above, text=text, mode="text", textposition=side, hoverinfo="skip", cliponaxis=False
        )
        for x, text, side in (
            (0, [f"<b>{names[0]}</b>", *names[1:]] if names else [], "middle right"),
            (1, [written(score.probability, ".1%") for score in top], "middle left"),
        )
    ]
    figure = go.Figure([bars, *texts], base_layout())
    figure.update_xaxes(visible=False, range=[0, 1], fixedrange=True)
    figure.update_yaxes(visible=False, range=[max(len(top), 1) - 0.6, -0.75], fixedrange=True)
    return figure


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"
