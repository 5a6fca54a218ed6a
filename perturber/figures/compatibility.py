"""Where two models fit together: the result of a compatibility scan."""

import numpy as np
import plotly.graph_objects as go

from perturber.attack import Attack
from perturber.editing.scan import ScanResult
from perturber.figures.style import SLOT_COLOURS, base_layout


def compatibility(result: ScanResult) -> go.Figure:
    """Accuracy (or agreement with Model 1) and margin for each cut, under an attack too where there was one.

    What is not done yet is left out.

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
    margins = {"margin": (result.margin, "solid")}
    if result.attack is not None and result.robust is not None and result.robust_margin is not None:
        under = _words(result.attack)
        kept = "top-1" if result.top1 is not None else "same class"
        traces.append(
            go.Scatter(
                x=places,
                y=result.robust,
                name=f"{kept} under {under}",
                mode="lines+markers",
                line={"color": "#b2182b", "width": 2},
                marker={"size": 6, "symbol": "square"},
                hovertemplate="%{y:.1%}",
            )
        )
        margins["margin under attack"] = (result.robust_margin, "dot")
    traces += [
        go.Scatter(
            x=places,
            y=values,
            name=name,
            yaxis="y2",
            mode="lines+markers",
            line={"color": "#e08e0b", "dash": dash, "width": 1.5},
            marker={"size": 5},
            hovertemplate="%{y:.2f} logits",
        )
        for name, (values, dash) in margins.items()
    ]
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


def _words(attack: Attack) -> str:
    """An attack in a legend; the models are what the figure is about."""
    norm = {"l2": "L2", "linf": "L∞", "l0": "L0"}[attack.norm]
    epsilon = f"{attack.epsilon:g} pixels" if attack.norm == "l0" else f"{attack.epsilon:g}"
    return f"{attack.method.upper()}, {norm}, ε = {epsilon}, {attack.steps} steps"


def scanned(result: ScanResult) -> bool:
    """Whether there is anything to draw."""
    return bool(np.isfinite(result.margin).any())
