"""Help: how to use the page, and the table of every parameter."""

import dash
from dash import html

from perturber.parameters import GROUPS, PARAMETERS, Code, Parameter, Switch

dash.register_page(__name__, path="/help", name="Help", title="Perturber · Help", order=9)

GESTURES = (
    ("Drag the scene", "turns the object (yaw and pitch); arrow keys do the same"),
    ("Mouse wheel, + and −", "change the distance"),
    ("Shift-drag, middle-drag", "move the object in the picture plane"),
    ("Double-click", "brings the camera back"),
    ("↺ beside a control", "brings one parameter back; Reset group and Reset all bring back more"),
    ("Find a parameter", "shows the parameters whose name holds all the words"),
    ("Add … beside a menu", "takes your own object or background; files can also be dropped on the scene"),
    (
        "Click on a heatmap",
        "marks what the unit can see of the input, its theoretical receptive field; again: unmarks",
    ),
    ("Act. Normalization", "sets a fixed divisor at which the colours end; 4 σ follows the picture again"),
    ("Group …", "puts neurons into the view that belong together; ‹ and › turn the group's pages"),
    ("⇄ on a card", "flips between the feature visualisation and the nine patches of an indexed picture folder"),
    ("− beside a model", "hides it; it then costs nothing"),
    ("Click on a class", "pins it, or lets it go; pinned classes are followed in the history"),
    ("Reference", "makes the present scene the one against which neurons change"),
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
                "drawn by the service with textures and anti-aliasing, and is exactly what the networks see. Effects "
                "on the finished picture are applied in the order of the table; the sketch shows only those that a "
                "browser has (hue, saturation, contrast, alpha)."
            ),
            html.P(
                "Custom code is GLSL, run for every pixel: it reads and writes vec4 color, and sees vec2 uv (0 to 1, "
                "from the lower left), float value, sampler2D image and vec2 resolution. Local functions, if, for "
                "loops with constant bounds (up to 256 turns, those of nested loops multiplied) and "
                "the functions of GLSL ES 1.00 are there."
            ),
            html.P(
                "Heatmaps show activations before the non-linearity: red excitation, blue inhibition, white zero. "
                "Their colours end at four standard deviations of the whole layer's activations for this picture, or "
                "at the divisor that is set. Under a heatmap stands a picture to which the neuron responds most; such "
                "pictures are made in the background, once for everybody. "
                "Bars show logits relative to the largest; the percentage is the softmax probability."
            ),
            html.H1("Attacks"),
            html.P(
                "PGD step follows the gradient of the chosen model once, inside a ball of size ε about the present "
                "picture: away from the present class, or towards a target. ε is in the scale of pixels from 0 to 1, "
                "for L0 a number of pixels. Attack Alpha fades the perturbation, Original Alpha the picture to grey. "
                "Any change of the scene and a click into it end the attack."
            ),
            html.H1("Comparing models"),
            html.P(
                "JS divergence is the Jensen–Shannon divergence of the probabilities in bits, 0 for the same and 1 for "
                "disjoint ones. Along the depth 1 − cosine and the relative L2 distance tell where two networks of one "
                "architecture begin to differ. Linear CKA (Kornblith et al. 2019) compares the layers of any two "
                "networks over variations of the scene."
            ),
            html.H1("Mixing weights"),
            html.P(
                "Each part of the edited model takes a share α of Model 2's weights and normalisation statistics: "
                "W = W₁ (1 − α) + W₂ α. In prune mode the filters of each convolution are ranked by their mean "
                "absolute weight, and those outside the chosen range of ranks are switched off. The edited model is "
                "the yellow slot of Explore; Save … keeps it as a model of your own."
            ),
            html.H1("Parameters"),
            html.Dl([part for name, group in GROUPS.items() for part in (html.Dt(name), html.Dd(group.help))]),
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


def _default(parameter: Parameter) -> str | html.Code:
    if isinstance(parameter, Code):
        return html.Code(parameter.default)
    if isinstance(parameter, Switch):
        return "on" if parameter.default else "off"
    return parameter.default if isinstance(parameter.default, str) else f"{parameter.default:g}"


def _row(parameter: Parameter) -> html.Tr:
    cells = (
        parameter.group,
        parameter.label,
        html.Code(parameter.key),
        parameter.allowed,
        _default(parameter),
        parameter.help,
    )
    return html.Tr([html.Td(cell) for cell in cells])
