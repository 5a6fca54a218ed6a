"""Help: how to use the page, and the table of every parameter."""

import dash
from dash import html

from perturber.parameters import PARAMETERS, Choice, Number, Parameter

dash.register_page(__name__, path="/help", name="Help", title="Perturber · Help", order=9)

GESTURES = (
    ("Drag the scene", "turns the object (yaw and pitch); arrow keys do the same"),
    ("Mouse wheel, + and −", "change the distance"),
    ("Shift-drag, middle-drag", "move the object in the picture plane"),
    ("Double-click", "brings the camera back"),
    ("↺ beside a control", "brings one parameter back"),
    ("The address bar", "always holds the whole state: copy it to show a colleague the same thing"),
)


def layout(**_: str) -> html.Div:
    """The page."""
    return html.Div(
        [
            html.H1("How to use Explore"),
            html.Dl([part for keys, what in GESTURES for part in (html.Dt(keys), html.Dd(what))]),
            html.P(
                "Heatmaps show activations before the non-linearity: red excitation, blue inhibition, white zero. "
                "Their colours end at four standard deviations of the whole layer's activations for this picture. "
                "Bars show logits relative to the largest; the percentage is the softmax probability."
            ),
            html.H1("Parameters"),
            html.Table(
                [
                    html.Thead(html.Tr([html.Th(t) for t in ("Group", "Name", "Key", "Range", "Default", "Effect")])),
                    html.Tbody([_row(parameter) for parameter in PARAMETERS.values()]),
                ],
                className="table table-sm",
            ),
        ],
        className="help",
    )


def _row(parameter: Parameter) -> html.Tr:
    allowed = ""
    if isinstance(parameter, Number):
        allowed = f"{parameter.minimum:g} … {parameter.maximum:g} {parameter.unit}"
    elif isinstance(parameter, Choice):
        allowed = ", ".join(parameter.options)
    cells = (
        parameter.group,
        parameter.label,
        html.Code(parameter.key),
        allowed,
        str(parameter.default),
        parameter.help,
    )
    return html.Tr([html.Td(cell) for cell in cells])
