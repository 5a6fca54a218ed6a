"""The rows of the table, in the order in which the interface shows them and effects are applied."""

from dataclasses import dataclass

from perturber.errors import UnknownNameError
from perturber.parameters.kinds import Choice, Code, Neuron, Number, Parameter, Switch


@dataclass(frozen=True)
class Group:
    """A heading of the interface: one sentence about its parameters, and whether it is unfolded at first."""

    help: str
    unfolded: bool = False


GROUPS: dict[str, Group] = {
    "Scene": Group("The object and the picture behind it.", unfolded=True),
    "Camera": Group(
        "Where the object stands before the camera; dragging and scrolling on the scene change it, too.", unfolded=True
    ),
    "Morph": Group("Blends the pair's first object into its second.", unfolded=True),
    "Surface": Group("The object's texture.", unfolded=True),
    "Light": Group("Three lamps that stand still while the object turns.", unfolded=True),
    "Backdrop": Group("The picture behind the object.", unfolded=True),
    "Feature Visualisation": Group("A plane that shows what a neuron responds to, in place of the object."),
    "Post-processing": Group("Changes to the finished picture, applied from top to bottom.", unfolded=True),
    "Frequency Decomposition": Group(
        "Splits the picture into a low band (its Gaussian blur) and a high band (the rest), to change them separately."
    ),
    "Corruptions": Group(
        "ImageNet-C's imitations of camera faults and bad weather (Hendrycks & Dietterich 2019), from severity 0 "
        "(none) to 5; whole numbers are the published severities."
    ),
}
"""Heading → what stands there, in the interface's order."""


def _corruption(family: str, label: str, help_: str) -> Number:
    return Number(
        key=f"corruption_{family}", label=label, group="Corruptions", default=0.0, minimum=0, maximum=5, step=0.05,
        unit="severity", help=help_,
    )  # fmt: skip


def _seed(key: str, label: str, group: str, what: str) -> Number:
    return Number(
        key=key, label=label, group=group, default=0, minimum=0, maximum=9999, step=1, whole=True,
        help=f"Chooses {what}; has no effect on its own. Not monotone.",
    )  # fmt: skip


# fmt: off
_SCENE: tuple[Parameter, ...] = (
    Choice(
        key="object", label="Object", group="Scene", default="dog_cat", kind="object",
        help="The pair of foreground objects that the morph sliders blend.",
    ),
    Choice(
        key="background", label="Background", group="Scene", default="lawn", kind="background",
        help="The picture behind the object.",
    ),
    Number(
        key="yaw", label="Yaw", group="Camera", default=-35.0, minimum=-180, maximum=180, step=0.1,
        unit="°", periodic=True,
        help="Turns the object about its vertical axis; 0 faces the camera, positive turns the front to the right.",
    ),
    Number(
        key="pitch", label="Pitch", group="Camera", default=-12.0, minimum=-90, maximum=90, step=0.1, unit="°",
        help="Pitch of the camera; negative looks down on the object from above.",
    ),
    Number(
        key="roll", label="Roll", group="Camera", default=0.0, minimum=-180, maximum=180, step=0.1, unit="°",
        periodic=True,
        help="Turns the object in the picture plane; positive turns counter-clockwise.",
    ),
    Number(
        key="distance", label="Distance", group="Camera", default=4.0, minimum=0.5, maximum=20, step=0.05,
        unit="radii",
        help="Distance from the camera to the object's centre, in radii of its bounding sphere.",
    ),
    Number(
        key="pan_x", label="Pan X", group="Camera", default=0.0, minimum=-3, maximum=3, step=0.01, unit="radii",
        help="Moves the object to the right (positive) or left, parallel to the picture plane.",
    ),
    Number(
        key="pan_y", label="Pan Y", group="Camera", default=0.0, minimum=-3, maximum=3, step=0.01, unit="radii",
        help="Moves the object up (positive) or down, parallel to the picture plane.",
    ),
    Number(
        key="morph", label="Overall", group="Morph", default=0.0, minimum=0, maximum=1, step=0.01,
        help="Blends shape and texture together from the pair's first object (0) to its second (1).",
    ),
    Number(
        key="shape_morph", label="Shape", group="Morph", default=0.0, minimum=-1, maximum=1, step=0.01,
        help="Added to Overall for the shape alone; the sum is clipped to 0…1.",
    ),
    Number(
        key="texture_morph", label="Texture", group="Morph", default=0.0, minimum=-1, maximum=1, step=0.01,
        help="Added to Overall for the texture alone; the sum is clipped to 0…1.",
    ),
    Number(
        key="texture_influence", label="Texture Influence", group="Surface", default=1.0, minimum=0, maximum=1,
        step=0.01,
        help="1 shows the object's texture, 0 a solid white surface.",
    ),
    Number(
        key="texture_blur", label="Texture Blur", group="Surface", default=0.0, minimum=0, maximum=11, step=0.05,
        unit="mip levels",
        help="Raises the texture's mip level: each level halves the resolution, the last leaves a single colour.",
    ),
    Number(
        key="lighting_influence", label="Lighting Influence", group="Light", default=1.0, minimum=0, maximum=1,
        step=0.01,
        help="1 lights the object with three lamps (Blinn–Phong), 0 uniformly: a factor of 1.0 everywhere.",
    ),
    Number(
        key="light_azimuth", label="Light Azimuth", group="Light", default=0.0, minimum=-180, maximum=180, step=1,
        unit="°", periodic=True,
        help="Turns the lamps about the vertical axis; positive moves the light in front to the right. Not monotone.",
    ),
    Number(
        key="light_elevation", label="Light Elevation", group="Light", default=0.0, minimum=-90, maximum=90, step=1,
        unit="°",
        help="Tilts the lamps; positive raises the light in front. Not monotone.",
    ),
    Number(
        key="background_blur", label="Background Blur", group="Backdrop", default=0.0, minimum=0, maximum=8,
        step=0.05, unit="mip levels",
        help="Raises the background's mip level: each level halves the resolution, the last leaves a single colour.",
    ),
    Number(
        key="background_saturation", label="Background Saturation", group="Backdrop", default=1.0, minimum=0,
        maximum=2, step=0.01,
        help="Scales the background's colourfulness: grey + value · (colour − grey); 0 is grey, 1 unchanged.",
    ),
    Number(
        key="background_rotation", label="Background Rotation", group="Backdrop", default=0.0, minimum=-180,
        maximum=180, step=0.5, unit="°", periodic=True,
        help="Turns the background about its centre; positive turns counter-clockwise. Its mirror image fills the "
        "corners. Not monotone.",
    ),
    Switch(
        key="plane", label="Show Plane", group="Feature Visualisation",
        help="Replaces the object with a plane that shows a neuron's feature visualisation: same camera, same "
        "post-processing.",
    ),
    Neuron(
        key="plane_neuron", label="Neuron", group="Feature Visualisation", default="blocks.3.0:0", longest=200,
        help="The neuron whose feature visualisation the plane shows: layer:neuron in the catalogue's first network, "
        "or model/layer:neuron.",
    ),
)

_POST_PROCESSING: tuple[Parameter, ...] = (
    Number(
        key="alpha", label="Alpha", group="Post-processing", default=1.0, minimum=0, maximum=1, step=0.01,
        help="Fades the whole picture towards black: value · picture.",
    ),
    Number(
        key="hue", label="Hue", group="Post-processing", default=0.0, minimum=-0.5, maximum=0.5, step=0.005,
        unit="turns",
        help="Rotates every hue by this fraction of the colour circle (HSV). Periodic, not monotone.",
    ),
    Number(
        key="saturation", label="Saturation", group="Post-processing", default=1.0, minimum=0, maximum=2, step=0.01,
        help="Scales the colourfulness: grey + value · (picture − grey), grey being BT.601 luma; 0 is grey.",
    ),
    Number(
        key="contrast", label="Contrast", group="Post-processing", default=1.0, minimum=0, maximum=4, step=0.01,
        help="Scales the distance from mid-grey: 0.5 + value · (picture − 0.5); 0 is grey.",
    ),
    Number(
        key="brightness", label="Brightness", group="Post-processing", default=0.0, minimum=-1, maximum=1, step=0.01,
        help="Added to every pixel: picture + value; −1 is black, 1 white.",
    ),
    Number(
        key="noise", label="Gaussian Noise", group="Post-processing", default=0.0, minimum=0, maximum=0.5, step=0.005,
        unit="std",
        help="Adds Gaussian noise of this standard deviation, in the [0, 1] pixel scale.",
    ),
    _seed("noise_seed", "Noise Seed", "Post-processing", "which noise Gaussian Noise adds"),
    Number(
        key="patch_shuffle", label="Patch Shuffling", group="Post-processing", default=1, minimum=1, maximum=16,
        step=1, unit="patches", whole=True,
        help="Cuts the picture into k × k patches and shuffles them; 1 leaves it whole. Not monotone.",
    ),
    _seed("patch_seed", "Patch Seed", "Post-processing", "the order in which Patch Shuffling lays the patches"),
    Number(
        key="custom_value", label="Custom Parameter", group="Post-processing", default=1.0, minimum=0, maximum=2,
        step=0.01,
        help="The number that the custom code sees as `value`; what it does is up to the code.",
    ),
    Code(
        key="custom_code", label="Custom Code", group="Post-processing", longest=10_000, lines=5,
        default="color.rgb = (color.rgb - 0.5) * value + 0.5;",
        help="GLSL run for each pixel: reads and writes vec4 color; sees vec2 uv, float value, sampler2D image, "
        "vec2 resolution. The default is contrast around 0.5.",
    ),
)

_FREQUENCY: tuple[Parameter, ...] = (
    Number(
        key="cutoff", label="Cutoff", group="Frequency Decomposition", default=4.0, minimum=0.25, maximum=32, step=0.25,
        unit="px",
        help="The boundary between the bands: the low band is the picture blurred by a Gaussian of this standard "
        "deviation. Has no effect on its own.",
    ),
    *(
        row
        for band, other in (("low", "0 leaves a uniform grey in its place"), ("high", "0 leaves only the low band"))
        for row in (
            Number(
                key=f"{band}_alpha", label=f"{band.title()} Alpha", group="Frequency Decomposition", default=1.0,
                minimum=0, maximum=2, step=0.01,
                help=f"Scales the {band} band; {other}, 1 changes nothing.",
            ),
            Number(
                key=f"{band}_sigma", label=f"{band.title()} Sigma", group="Frequency Decomposition", default=0.0,
                minimum=0, maximum=32, step=0.25, unit="px",
                help=f"Blurs the {band} band by a Gaussian of this standard deviation.",
            ),
            Number(
                key=f"{band}_hue", label=f"{band.title()} Hue", group="Frequency Decomposition", default=0.0,
                minimum=-0.5, maximum=0.5, step=0.005, unit="turns",
                help=f"Rotates the hues of the {band} band. Periodic, not monotone.",
            ),
        )
    ),
)

_CORRUPTIONS: tuple[Parameter, ...] = (
    *(
        _corruption(*row)
        for row in (
            ("gaussian_noise", "Gaussian Noise", "Gaussian noise, as from a sensor in low light."),
            ("shot_noise", "Shot Noise", "Poisson noise, from the light itself."),
            ("impulse_noise", "Impulse Noise", "Salt and pepper: scattered values become 0 or 1."),
            ("defocus_blur", "Defocus Blur", "A lens out of focus."),
            ("glass_blur", "Glass Blur", "Seen through frosted glass."),
            ("motion_blur", "Motion Blur", "The camera moves during exposure."),
            ("zoom_blur", "Zoom Blur", "The camera moves towards the scene during exposure."),
            ("snow", "Snow", "Falling snow."),
            ("frost", "Frost", "Ice crystals on the lens, generated by rule."),
            ("fog", "Fog", "Clouds of fog."),
            ("brightness", "Brightness", "Overexposed."),
            ("contrast", "Contrast", "Colours fade towards their means."),
            ("elastic_transform", "Elastic Transform", "Stretches and shifts small regions."),
            ("pixelate", "Pixelate", "Coarse pixels."),
            ("jpeg_compression", "JPEG Compression", "Block artefacts of a low-quality JPEG file."),
        )
    ),
    _seed("corruption_seed", "Corruption Seed", "Corruptions", "which noise, snow, frost, fog and distortion appear"),
)
# fmt: on

PARAMETERS: dict[str, Parameter] = {
    parameter.key: parameter for parameter in (*_SCENE, *_POST_PROCESSING, *_FREQUENCY, *_CORRUPTIONS)
}
"""Key → row. Effects are applied in this order."""


def get(key: str) -> Parameter:
    """The row of the table with this key.

    Raises:
        UnknownNameError: naming the keys that exist.
    """
    if key not in PARAMETERS:
        raise UnknownNameError("parameter", key, PARAMETERS)
    return PARAMETERS[key]
