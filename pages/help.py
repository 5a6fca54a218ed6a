"""Help: how to use the pages, and the table of every parameter."""

from urllib.parse import urlencode

import dash
from dash import dcc, html

from perturber.attack import METHODS, NORMS
from perturber.parameters import GROUPS, PARAMETERS, Code, Parameter, Switch
from perturber.ui.components.tables import code, plain, table
from perturber.ui.components.tour import AGAIN

dash.register_page(__name__, path="/help", name="Help", title="Perturber · Help", order=9)

GESTURES = (
    ("Drag the scene", "turns the object (yaw and pitch); the arrow keys do the same"),
    ("Mouse wheel, + and −", "change the distance"),
    ("Shift-drag, middle-drag", "move the object parallel to the picture plane; so do the arrow keys with Shift"),
    ("Double-click the scene", "resets the camera; so do 0 and Home"),
    ("↺ beside a control", "resets one parameter; Reset group and Reset all reset more"),
    ("Find a parameter", "shows the parameters whose names contain all the words that you type"),
    ("Add … beside a menu", "takes your own object or background; you can also drop files on the scene"),
    (
        "Click a heatmap",
        "marks what this unit can see of the model input, its theoretical receptive field; arrow keys move a unit "
        "over the maps, and Enter marks it",
    ),
    ("Overlay", "lays the marked heatmap over the model input"),
    ("Act. norm.", "sets the activation at which the colours end; 4 σ lets it follow the picture again"),
    ("Group …", "shows neurons that belong together; ‹ and › go through a large group page by page"),
    ("⇄ on a card", "turns it over: feature visualisation, or patches from an indexed folder of pictures"),
    ("⚙", "sets how feature visualisations are made"),
    ("– beside a model", "hides it; a hidden model uses no compute"),
    ("Click a class", "pins it, or unpins it; the history follows pinned classes"),
    ("Reference", "remembers the present scene, to find the neurons that change most from it"),
    ("Figures", "opens one figure below the slots: history, all channels, or what an attack does"),
    ("The address bar", "holds the whole state of a page: copy it to show a colleague the same thing"),
    (
        "Session",
        "at the lower edge: keeps what the page shows as a snapshot of a session that the whole team sees; click a "
        "picture to open it, pick two to see them side by side",
    ),
    ("Link", "at the lower edge: copies the address, or makes a short one, also of a state that is too long for any"),
    (
        "Tab, Enter, Escape",
        "lead to every control, press it, and close what is open; arrows move sliders, and choose in menus and tabs",
    ),
    (
        "Export beside a figure",
        "saves it as SVG, PDF, PNG, HTML, CSV or JSON, as wide and in the font that a paper needs; the file says "
        "how it came about, and perturber reproduce FILE draws it again",
    ),
    ("Save below the model input", "saves it as the networks see it, 224 × 224"),
)

HALF = ",".join(f"{part}=0.5" for part in ("conv_stem", *(f"blocks.{n}" for n in range(7)), "conv_head", "classifier"))
MIXED = f"mix(efficientnet_lite0,lite0_adversarial;{HALF})"

EXAMPLES = (
    (
        "The untextured dog",
        {"texture_influence": "0"},
        "Only shape and shading are left. Which network still sees a dog, and which of its neurons still respond?",
    ),
    (
        "The faded background",
        {"background_blur": "6", "background_saturation": "0"},
        "The lawn is blurred and grey. How much of the prediction was about the dog?",
    ),
    (
        "The attack on a mixed network",
        {"m3": MIXED, "attack": f"pgd(l2=1,steps=4;{MIXED})", "a3": "0"},
        "The edited model takes half of its weights from each of the two networks, and is attacked. "
        "Does the attack deceive them as well?",
    ),
)
"""After the thesis, chapter 7: a name, the link of Explore, and what to look at."""

SCENE = """
The scene follows the pointer without asking the service. The model input beside it is drawn by the service, with
anti-aliasing and all effects, and is exactly what the networks see. Effects on the finished picture are
applied in the order of the table below; the scene shows only hue, saturation, contrast and alpha.

Custom code is GLSL that runs for every pixel. It reads and writes `vec4 color`, and can use `vec2 uv` (0 to 1, from the
lower left), `float value`, `sampler2D image` and `vec2 resolution`. It may have functions of its own, `if`, and `for`
loops with constant bounds (at most 256 iterations, nested loops multiplied), and all functions of GLSL ES 1.00.

Heatmaps show activations before the non-linearity: red is excitation, blue inhibition, white zero. Their colours end at
four standard deviations of the whole layer’s activations for this picture, or at the value that you set. Below a
heatmap is a picture to which the neuron responds strongly; it is made in the background, once for everybody.

The bars show logits relative to the largest; the percentage is the softmax probability.
"""

ATTACK = """
An attack follows the gradient of the chosen model, step by step, inside a ball of size ε around the present picture:
away from the present class, or towards a target. ε uses the pixel scale from 0 to 1; for L0 it is a number of pixels.
Attack Alpha fades the perturbation; Original Alpha fades the picture to grey. Changing or clicking the scene ends the
attack.
"""

PAGES = """
# Comparing models

The JS divergence is the Jensen–Shannon divergence of the predicted probabilities in bits: 0 where they are the same, 1
where they are disjoint. Over the depth, 1 − cosine and the relative L2 distance show where two networks of one
architecture begin to differ. Linear CKA (Kornblith et al. 2019) compares the layers of any two networks over variations
of the scene.

# Mixing weights

Each part of the edited model takes a share α of Model 2’s weights and normalisation statistics: W = W₁ (1 − α) + W₂ α.
When pruning, the filters of each convolution are ranked by their mean absolute weight, and those outside the chosen
range of ranks are switched off. The edited model is the yellow slot of Explore; Save … keeps it as a model of your own.

# Following a training

On Checkpoints, each slider goes through the checkpoints of one training, and ▶ plays them. While a slider moves, the
feature visualisations follow; once it rests, that checkpoint looks at the scene. The tabs below it show the training as
a whole.

# Measuring

[Experiments](/experiments) measures networks side by side, over scenes or over the server’s folders of pictures, and
draws what neurons answer to. A card says what comes out and how long it takes; intervals are bootstrap intervals at
95 %. What was measured is kept, and shown at once.

# Sessions and the library

A snapshot holds the page’s state with all that its address does not, the model input, and the predictions at that time.
Side by side, both are looked at again with the same questions: differences are A − B, red where A is larger, blue where
B is. [Sessions](/sessions) have notes in Markdown; they go to another server as one file without weights, whose hashes
it holds. What was deleted comes back for seven days. [Library](/library) lists what is anybody’s own, and what uses it.
"""


def layout(**_: str) -> html.Div:
    """The page. Its text is Markdown in one component: a table of hundreds would keep every callback waiting."""
    parts = [
        f"[Take the tour of Explore](/{AGAIN}): five steps through the page, from the scene to its link.",
        "# Three examples",
        table(
            ("", ""),
            [(f"[{plain(name)}](/?{urlencode(query)})", plain(sentence)) for name, query, sentence in EXAMPLES],
        ),
        "# Using Explore",
        table(("", ""), [(f"**{plain(what)}**", plain(does)) for what, does in GESTURES]),
        SCENE,
        "# Attacks",
        ATTACK,
        table(("Method", "Norms", "How it works"), [_method(key) for key in METHODS]),
        PAGES,
        "# Parameters",
        table(("", ""), [(f"**{plain(name)}**", plain(group.help)) for name, group in GROUPS.items()]),
        table(
            ("Group", "Name", "Key", "Range", "Default", "Effect"),
            [_parameter(parameter) for parameter in PARAMETERS.values()],
        ),
    ]
    return html.Div(dcc.Markdown("\n\n".join(parts)), className="help")


def _method(key: str) -> tuple[str, ...]:
    method = METHODS[key]
    return plain(method.label), plain(", ".join(NORMS[norm].label for norm in method.norms)), plain(method.help)


def _parameter(parameter: Parameter) -> tuple[str, ...]:
    return (
        plain(parameter.group),
        plain(parameter.label),
        code(parameter.key),
        plain(parameter.allowed),
        _default(parameter),
        plain(parameter.help),
    )


def _default(parameter: Parameter) -> str:
    if isinstance(parameter, Code):
        return code(parameter.default)
    if isinstance(parameter, Switch):
        return "on" if parameter.default else "off"
    return plain(parameter.default if isinstance(parameter.default, str) else f"{parameter.default:g}")
