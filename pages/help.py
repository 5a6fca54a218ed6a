"""Help: how to use the page, and the table of every parameter."""

import dash
from dash import html

from perturber.parameters import PARAMETERS, Parameter

dash.register_page(__name__, path="/help", name="Help", title="Perturber · Help", order=9)

GESTURES = (
    ("Drag the scene", "turns the object (yaw and pitch); arrow keys do the same"),
    ("Mouse wheel, + and −", "change the distance"),
    ("Shift-drag, middle-drag", "move the object in the picture plane"),
    ("Double-click", "brings the camera back"),
    ("↺ beside a control", "brings one parameter back"),
    ("The address bar", "always holds the whole state: copy it to show a colleague the same thing"),
    ("SVG and PNG", "appear over a figure and save it as it is on the page"),
)


def layout(**_: str) -> html.Div:
    """The page."""
    return html.Div(
        [
            html.H1("How to use Explore"),
            html.Dl([part for keys, what in GESTURES for part in (html.Dt(keys), html.Dd(what))]),
            html.P(
                "The scene is a sketch with one colour a vertex that follows the pointer; the model input beside it is "
                "drawn by the service with textures and anti-aliasing, and is exactly what the networks see."
            ),
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
    cells = (
        parameter.group,
        parameter.label,
        html.Code(parameter.key),
        parameter.allowed,
        parameter.default if isinstance(parameter.default, str) else f"{parameter.default:g}",
        parameter.help,
    )
    return html.Tr([html.Td(cell) for cell in cells])
