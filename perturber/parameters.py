"""The table of every scene parameter: the one place where a parameter is declared.

The `Scene` value, the sliders of the page, the CLI's ``--set``, the URL codec and ``perturber parameters``
are all derived from `PARAMETERS`. Adding a perturbation is one row here and one batched function in
`perturber.effects` (pictures) or `perturber.render` (the 3D scene).
"""

from dataclasses import dataclass
from typing import Literal

from perturber.errors import InvalidInputError, UnknownNameError

Value = float | str


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One row of the table.

    Attributes:
        key: name in code, URLs and on the command line.
        label: name in the interface.
        group: heading under which the interface shows it.
        help: one sentence for the user.
        default: the value that leaves the picture as it is (for cameras and choices: the start value).
        unit: unit of the value, empty for a pure number.
    """

    key: str
    label: str
    group: str
    help: str
    default: Value
    unit: str = ""

    @property
    def allowed(self) -> str:
        """The values that are allowed, with their unit, in words."""
        raise NotImplementedError

    def parse(self, value: object) -> Value:
        """Turn user input into a valid value.

        Raises:
            InvalidInputError: with a sentence that names the allowed values.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class Number(Parameter):
    """A parameter on an interval.

    Attributes:
        minimum, maximum: the closed interval of allowed values, in `unit`.
        step: the slider's step; values between steps are allowed.
        periodic: minimum and maximum are the same state (angles); values outside wrap around.
    """

    default: float
    minimum: float
    maximum: float
    step: float
    periodic: bool = False

    @property
    def allowed(self) -> str:
        """The interval with its unit."""
        space = " " if self.unit not in ("", "°") else ""
        return f"{self.minimum:g} to {self.maximum:g}{space}{self.unit}"

    def parse(self, value: object) -> float:
        """Read a number; angles come back into their interval.

        Raises:
            InvalidInputError: no number, or outside the interval.
        """
        allowed = f"Allowed: a number from {self.allowed}."
        try:
            if isinstance(value, bool):
                raise ValueError
            number = float(value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            raise InvalidInputError(f"{self.label} ({self.key}) cannot be {_quote(value)}. {allowed}") from None
        span = self.maximum - self.minimum
        if self.periodic and abs(number) < 1e6 and not self.minimum <= number <= self.maximum:
            number = (number - self.minimum) % span + self.minimum
        if not self.minimum <= number <= self.maximum:  # also refuses NaN
            raise InvalidInputError(f"{self.label} ({self.key}) cannot be {_quote(value)}. {allowed}")
        return number


@dataclass(frozen=True, kw_only=True)
class Choice(Parameter):
    """A parameter that names one of a set that is known at run time.

    Attributes:
        kind: which set: ``"object"`` or ``"background"`` (see `perturber.objects.names`).
    """

    default: str
    kind: Literal["object", "background"]

    @property
    def options(self) -> dict[str, str]:
        """Allowed value → label."""
        from perturber import objects

        return objects.names(self.kind)

    @property
    def allowed(self) -> str:
        """The names."""
        return ", ".join(self.options)

    def parse(self, value: object) -> str:
        """Read a name.

        Raises:
            UnknownNameError: naming the names that exist.
        """
        if not isinstance(value, str) or value not in self.options:
            raise UnknownNameError(self.kind, value, self.options)
        return value


def _quote(value: object) -> str:
    return repr(value if isinstance(value, int | float) else str(value)[:80])


# fmt: off
PARAMETERS: dict[str, Parameter] = {
    parameter.key: parameter
    for parameter in (
        Choice(
            key="object", label="Object", group="Scene", default="dog_cat", kind="object",
            help="The pair of foreground objects between which the morph sliders blend.",
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
            key="morph", label="Overall Morph", group="Morph", default=0.0, minimum=0, maximum=1, step=0.01,
            help="Blends shape and texture together from the pair's first object (0) to its second (1).",
        ),
        Number(
            key="shape_morph", label="Shape Morph", group="Morph", default=0.0, minimum=-1, maximum=1, step=0.01,
            help="Is added to Overall Morph for the shape alone; the sum is limited to 0…1.",
        ),
        Number(
            key="texture_morph", label="Texture Morph", group="Morph", default=0.0, minimum=-1, maximum=1, step=0.01,
            help="Is added to Overall Morph for the texture alone; the sum is limited to 0…1.",
        ),
        Number(
            key="texture_influence", label="Texture Influence", group="Surface", default=1.0, minimum=0, maximum=1,
            step=0.01,
            help="1 shows the object's texture, 0 a solid white surface.",
        ),
        Number(
            key="texture_blur", label="Texture Blur", group="Surface", default=0.0, minimum=0, maximum=10, step=0.05,
            unit="mip levels",
            help="Raises the texture's mip level: each level halves its resolution, the last leaves one colour.",
        ),
        Number(
            key="lighting_influence", label="Lighting Influence", group="Surface", default=1.0, minimum=0, maximum=1,
            step=0.01,
            help="1 lights the object with three lamps, 0 shows its colours evenly lit.",
        ),
        Number(
            key="background_blur", label="Background Blur", group="Backdrop", default=0.0, minimum=0, maximum=8,
            step=0.05, unit="mip levels",
            help="Raises the background's mip level: each level halves its resolution, the last leaves one colour.",
        ),
        Number(
            key="background_saturation", label="Background Saturation", group="Backdrop", default=1.0, minimum=0,
            maximum=2, step=0.01,
            help="Scales the background's colourfulness; 0 is grey, 1 unchanged.",
        ),
        Number(
            key="alpha", label="Alpha", group="Post-processing", default=1.0, minimum=0, maximum=1, step=0.01,
            help="Fades the whole picture towards black (0).",
        ),
        Number(
            key="hue", label="Hue", group="Post-processing", default=0.0, minimum=-0.5, maximum=0.5, step=0.005,
            unit="turns",
            help="Rotates every hue by this part of the colour circle.",
        ),
        Number(
            key="saturation", label="Saturation", group="Post-processing", default=1.0, minimum=0, maximum=2, step=0.01,
            help="Scales the colourfulness of the whole picture; 0 is grey, 1 unchanged.",
        ),
    )
}
# fmt: on


def get(key: str) -> Parameter:
    """The row of the table with this key.

    Raises:
        UnknownNameError: naming the keys that exist.
    """
    if key not in PARAMETERS:
        raise UnknownNameError("parameter", key, PARAMETERS)
    return PARAMETERS[key]
