"""The parameter panel: one control for each row of the parameter table.

Everything but menus is made by the page's script inside the placeholders of this panel: such controls follow the
pointer at the browser's own rate, which Dash's components cannot.
"""

from collections.abc import Iterator
from itertools import groupby

from dash import dcc, html

from perturber.parameters import GROUPS, PARAMETERS, Choice, Number, Parameter, Switch, Text
from perturber.scene import SceneBase
from perturber.ui.attributes import attributes


def parameter_panel(page: str, scene: SceneBase) -> html.Div:
    """Every parameter's control, in groups that fold, with a field that finds them.

    The placeholder of a number, switch or text has ``data-number``, ``data-switch`` or ``data-text`` (its key), a
    menu has the id ``{"type": "<page>-choice", "key": <parameter>}``, a reset button has ``data-reset`` (its key, or
    "all") or ``data-reset-group``; a control says in ``data-words`` what it can be found by.
    """
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Parameters"),
                    html.Div(
                        id=f"{page}-search",
                        className="search",
                        **attributes(data_hint="Find a parameter", data_label="Find a parameter by name"),
                    ),
                    html.Button(
                        "Reset all", className="quiet", title="All parameters back", **attributes(data_reset="all")
                    ),
                ],
                className="panel-title",
            ),
            html.Div(
                [*_groups(page, scene), html.P("No parameter has such a name.", className="nothing")],
                className="groups",
            ),
        ],
        className="parameters",
    )


def _groups(page: str, scene: SceneBase) -> Iterator[html.Details]:
    for name, rows in groupby(PARAMETERS.values(), key=lambda p: p.group):
        group = GROUPS[name]
        yield html.Details(
            [
                html.Summary(
                    [
                        html.Span(name, className="name"),
                        html.Button(
                            "Reset group",
                            className="quiet",
                            title=f"All parameters of {name} back",
                            **attributes(data_reset_group=name),
                        ),
                    ],
                    title=group.help,
                ),
                *(_control(page, row, getattr(scene, row.key)) for row in rows),
            ],
            open=group.unfolded,
            **attributes(data_group=name),
        )


def _control(page: str, parameter: Parameter, value: object) -> html.Div:
    label = html.Label(parameter.label, htmlFor=f"{page}-{parameter.key}")
    help_ = parameter.help
    if not isinstance(parameter, Text):
        help_ += f" Default: {parameter.default}{' ' + parameter.unit if parameter.unit else ''}."
    return html.Div(
        [
            label,
            _input(page, parameter, value),
            html.Button(
                "↺",
                className="reset",
                title=f"Reset {parameter.label}",
                **attributes(aria_label=f"Reset {parameter.label}", data_reset=parameter.key),
            ),
        ],
        className="control tall" if isinstance(parameter, Text) and parameter.lines > 1 else "control",
        title=help_,
        **attributes(data_words=f"{parameter.group} {parameter.label} {parameter.key}".lower()),
    )


def _input(page: str, parameter: Parameter, value: object) -> html.Div:
    place = f"{page}-{parameter.key}"
    if isinstance(parameter, Number):
        unit = html.Span(parameter.unit, className="unit")
        return html.Div(
            [html.Div(className="slider"), html.Div(className="field"), unit],
            className="number",
            **attributes(data_number=parameter.key, data_id=place),
        )
    if isinstance(parameter, Switch):
        return html.Div(className="on-off", **attributes(data_switch=parameter.key, data_id=place))
    if isinstance(parameter, Text):
        return html.Div(
            [html.Div(className="field"), html.Div(className="message", role="alert")],
            className="text",
            **attributes(data_text=parameter.key, data_id=place, data_lines=str(parameter.lines)),
        )
    if isinstance(parameter, Choice):
        return _choice(page, parameter, str(value))
    raise TypeError(f"no control for {parameter!r}")


def _choice(page: str, parameter: Choice, value: str) -> html.Div:
    return html.Div(
        [
            dcc.Dropdown(
                id={"type": f"{page}-choice", "key": parameter.key},
                options=[{"value": key, "label": label} for key, label in parameter.options.items()],
                value=value,
                clearable=False,
                searchable=False,
            ),
            html.Button(
                "Add …",
                className="quiet",
                title=f"Add your own {parameter.kind}",
                **attributes(data_add=parameter.kind),
            ),
        ],
        className="choice",
    )
