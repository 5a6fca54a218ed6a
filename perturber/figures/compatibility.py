"""Where two models fit together: the result of a compatibility scan."""

import numpy as np
import plotly.graph_objects as go

from perturber.editing.scan import ScanResult
from perturber.figures.style import SLOT_COLOURS, base_layout


def compatibility(result: ScanResult) -> go.Figure:
    """Accuracy (or agreement with Model 1) and margin for each cut; what is not done yet is left out.

    Cut k: the first k units are Model 2's, the rest Model 1's (`result.reverse`: the other way round).
    """
    front, back = ("Model 1", "Model 2") if result.reverse else ("Model 2", "Model 1")
    places = [f"all {back}", *(f"… {unit}" for unit in result.units[:-1]), f"all {front}"]
    shares = {"same class as Model 1": result.agreement}
    if result.top1 is not None and result.top5 is not None:
        shares = {"top-1": result.top1, "top-5": result.top5, **shares}
    styles = [("#212529", "solid"), ("#6c757d", "dash"), (SLOT_COLOURS[0], "dot")]
    traces = [
        go.Scatter(
            x=places,
            y=values,
            name=name,
            mode="lines+markers",
            line={"color": colour, "dash": dash, "width": 1.5},
            marker={"size": 5},
            hovertemplate="%{y:.1%}",
        )
        for (name, values), (colour, dash) in zip(shares.items(), styles, strict=False)
    ]
    traces.append(
        go.Scatter(
            x=places,
            y=result.margin,
            name="margin",
            yaxis="y2",
            mode="lines+markers",
            line={"color": "#e08e0b", "width": 1.5},
            marker={"size": 5},
            hovertemplate="%{y:.2f} logits",
        )
    )
    figure = go.Figure(traces, base_layout(margin={"l": 52, "r": 52, "t": 24, "b": 70}, showlegend=True))
    share = "this scene: yes or no" if result.count == 1 else f"share of {result.count} pictures"
    figure.update_layout(
        hovermode="x",
        legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"},
        yaxis2={
            "overlaying": "y",
            "side": "right",
            "title": "margin in logits",
            "showgrid": False,
            "zeroline": False,
            "tickmode": "auto",
            "nticks": 6,
        },
    )
    figure.update_xaxes(title=f"{front} up to …, then {back}", tickangle=-35, range=[-0.3, len(places) - 0.7])
    figure.update_yaxes(selector={"overlaying": None}, title=share, tickformat=".0%", range=[-0.04, 1.04])
    return figure


def scanned(result: ScanResult) -> bool:
    """Whether there is anything to draw."""
    return bool(np.isfinite(result.margin).any())
