"""The parameter panel: one control for each row of the parameter table."""

from collections.abc import Iterator
from itertools import groupby

from dash import dcc, html

from perturber.parameters import PARAMETERS, Choice, Number, Parameter
from perturber.scene import SceneBase


def parameter_panel(page: str, scene: SceneBase) -> html.Div:
    """Every parameter's control, in groups that fold.

    Ids are ``{"type": "<page>-range" | "<page>-number" | "<page>-choice" | "<page>-reset", "key": <parameter>}``.
    """
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Parameters"),
                    html.Button("Reset all", id=f"{page}-reset-all", className="quiet", title="All parameters back"),
                ],
                className="panel-title",
            ),
            html.Div(list(_groups(page, scene)), className="groups"),
        ],
        className="parameters",
    )


def _groups(page: str, scene: SceneBase) -> Iterator[html.Details]:
    for group, rows in groupby(PARAMETERS.values(), key=lambda p: p.group):
        controls = [_control(page, row, getattr(scene, row.key)) for row in rows]
        yield html.Details([html.Summary(group), *controls], open=True)


def _control(page: str, parameter: Parameter, value: float | str) -> html.Div:
    if isinstance(parameter, Number):
        inputs = _number(page, parameter, float(value))
    elif isinstance(parameter, Choice):
        inputs = [_choice(page, parameter, str(value))]
    else:
        raise TypeError(f"no control for {parameter!r}")
    help_ = f"{parameter.help} Default: {parameter.default}{' ' + parameter.unit if parameter.unit else ''}."
    return html.Div(
        [
            html.Label(parameter.label, htmlFor=f"{page}-{parameter.key}", title=help_),
            *inputs,
            html.Button(
                "↺",
                id={"type": f"{page}-reset", "key": parameter.key},
                className="reset",
                title=f"Reset {parameter.label}",
                **{"aria-label": f"Reset {parameter.label}"},
            ),
        ],
        className="control",
        title=help_,
    )


def _number(page: str, parameter: Number, value: float) -> list:
    limits = {"min": parameter.minimum, "max": parameter.maximum, "step": parameter.step, "value": value}
    return [
        dcc.Input(id={"type": f"{page}-range", "key": parameter.key}, type="range", className="range", **limits),
        html.Span(
            [
                dcc.Input(
                    id={"type": f"{page}-number", "key": parameter.key},
                    type="number",
                    className="number",
                    debounce=True,
                    **{**limits, "step": "any"},
                ),
                html.Span(parameter.unit, className="unit"),
            ],
            className="quantity",
        ),
    ]


def _choice(page: str, parameter: Choice, value: str) -> html.Div:
    return html.Div(
        dcc.Dropdown(
            id={"type": f"{page}-choice", "key": parameter.key},
            options=[{"value": key, "label": label} for key, label in parameter.options.items()],
            value=value,
            clearable=False,
            searchable=False,
        ),
        className="choice",
    )
