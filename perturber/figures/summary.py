"""All channels of a layer in one figure."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from perturber.figures.style import SLOT_COLOURS, SLOT_DASHES, SLOT_MARKS, SLOT_NAMES, base_layout, plain


@dataclass(frozen=True)
class ChannelMeans:
    """Mean activations (C,) of the channels of one slot's layer."""

    slot: int
    layer: str
    means: np.ndarray

    def sorted(self) -> tuple[np.ndarray, np.ndarray]:
        """Channels by falling mean, and their means."""
        order = np.argsort(-self.means, kind="stable")
        return order, self.means[order]


def channel_summary(slots: Sequence[ChannelMeans]) -> go.Figure:
    """The mean activation of every channel, sorted, one line a slot; hovering tells the channel.

    Where layers have different numbers of channels each spans the whole width.
    """
    traces = []
    for slot in slots:
        channels, means = slot.sorted()
        traces.append(
            go.Scatter(
                x=np.linspace(0, 1, len(means)),
                y=means,
                customdata=channels.tolist(),  # Dash reads it as it is sent, and cannot read packed arrays
                mode="lines+markers",
                marker={"size": 4, "symbol": SLOT_MARKS[slot.slot]},
                line={"color": SLOT_COLOURS[slot.slot], "width": 1, "dash": SLOT_DASHES[slot.slot]},
                name=f"{SLOT_NAMES[slot.slot]} · {plain(slot.layer)}",
                hovertemplate="channel %{customdata}: <b>%{y:+.3f}</b>",
            )
        )
    figure = go.Figure(traces, base_layout(margin={"l": 52, "r": 8, "t": 6, "b": 22}, showlegend=True))
    figure.update_layout(legend={"x": 1, "xanchor": "right", "y": 1, "bgcolor": "rgba(255,255,255,0.7)"})
    figure.update_xaxes(title="channels, by falling mean activation", showticklabels=False, zeroline=False)
    figure.update_yaxes(title="mean activation", zeroline=True, zerolinecolor="#adb5bd", gridcolor="#f1f3f5")
    return figure
