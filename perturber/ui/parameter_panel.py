"""The parameter panel: one control for each row of the parameter table.

Numbers get a slider and a field that the page's script makes inside the placeholders of this panel: they follow the
pointer at the browser's own rate, which Dash's components cannot.
"""

from collections.abc import Iterator
from itertools import groupby

from dash import dcc, html

from perturber.parameters import PARAMETERS, Choice, Number, Parameter
from perturber.scene import SceneBase
from perturber.ui.attributes import attributes


def parameter_panel(page: str, scene: SceneBase) -> html.Div:
    """Every parameter's control, in groups that fold.

    A number's control is an element with ``data-number`` (its key), a choice has the id
    ``{"type": "<page>-choice", "key": <parameter>}``, a reset button has ``data-reset`` (its key, or "all").
    """
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Parameters"),
                    html.Button(
                        "Reset all", className="quiet", title="All parameters back", **attributes(data_reset="all")
                    ),
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
        control = _number(page, parameter)
    elif isinstance(parameter, Choice):
        control = _choice(page, parameter, str(value))
    else:
        raise TypeError(f"no control for {parameter!r}")
    help_ = f"{parameter.help} Default: {parameter.default}{' ' + parameter.unit if parameter.unit else ''}."
    return html.Div(
        [
            html.Label(parameter.label, htmlFor=f"{page}-{parameter.key}", title=help_),
            control,
            html.Button(
                "↺",
                className="reset",
                title=f"Reset {parameter.label}",
                **attributes(aria_label=f"Reset {parameter.label}", data_reset=parameter.key),
            ),
        ],
        className="control",
        title=help_,
    )


def _number(page: str, parameter: Number) -> html.Div:
    unit = html.Span(parameter.unit, className="unit")
    return html.Div(
        [html.Div(className="slider"), html.Div(className="field"), unit],
        className="number",
        **attributes(data_number=parameter.key, data_id=f"{page}-{parameter.key}"),
    )


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
