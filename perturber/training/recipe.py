"""A training as a value: everything that determines its weights, apart from the pictures."""

import hashlib
import math
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, InstanceOf, PlainSerializer, ValidationError

from perturber.attack import Attack
from perturber.errors import InvalidInputError, UnknownNameError

Kind = Literal["standard", "adversarial", "stylised"]

MAX_PLACES = 2**27
"""Pictures in all steps together: which ones they are is laid down before the first step."""

Share = Annotated[float, Field(ge=0, le=1)]


def parse_kind(text: str) -> Kind:
    """A kind of training, in either spelling.

    Raises:
        UnknownNameError: naming the kinds.
    """
    kind = "stylised" if text == "stylized" else text
    if kind not in get_args(Kind):
        raise UnknownNameError("kind of training", text, get_args(Kind))
    return kind  # type: ignore[return-value]


def parse_attack(text: object, model: str = "trained") -> Attack:
    """An attack's text, in which the model may be left out: ``pgd(l2=0.5,steps=2,step=0.375,start=random)``.

    Raises:
        InvalidInputError: it is not an attack.
    """
    if isinstance(text, Attack):
        return text
    stripped = str(text).strip()
    return Attack.parse(f"{stripped[:-1]};{model})" if stripped.endswith(")") and ";" not in stripped else stripped)


class Recipe(BaseModel):
    """How a network is trained on.

    Attributes:
        kind: ``standard`` learns pictures as they are; ``adversarial`` with a perturbation that makes the loss large
            (Madry et al. 2018); ``stylised`` some of them redrawn by a style network (Geirhos et al. 2019).
        base: name of the model to start from, or an edit's text (see `perturber.editing`).
        seed: of everything random.
        steps: updates of the weights.
        batch: pictures a step.
        size: side of the pictures, in pixels.
        optimiser: ``adamw``, or ``sgd`` with a momentum of 0.9.
        lr: its largest learning rate; rises over `warmup` steps, then falls to zero as a cosine.
        warmup: steps.
        weight_decay: for weights of two and more dimensions.
        attack: of ``adversarial``: its norm, ε, steps, step size and whether it starts at random; its model says
            nothing. ε is meant for pictures of `size`.
        attack_warmup: steps in which ε, and the step size with it, rise from near zero.
        distil: weight of the Kullback-Leibler divergence from the prediction that the base makes of the plain picture;
            the labels' cross-entropy weighs 1 − `distil`. A picture without a label has the divergence alone, one
            without a plain picture the cross-entropy alone.
        stylised_share: of ``stylised``: share of redrawn pictures among those that are not scenes.
        scenes: share of rendered scenes in each batch.
        augmentation: 0 shows the centre of each picture, 1 random crops, flips and mild changes of colour.
        freeze: stages whose weights and statistics stay as they are (see `perturber.editing.units`).
        batch_norm: ``add`` gives one to each convolution that has none, ``remove`` trains without those that there are
            (see `perturber.training.norms`), ``keep`` changes nothing.
        statistics: whether those of normalisations are ``frozen`` or ``trained``.
        checkpoints: steps after which the weights are kept, the last one always.
        mixed_precision: whether forward passes compute in bfloat16.
        compile: whether the network is compiled.

    Raises:
        InvalidInputError: anything of this is not allowed.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    base: str
    seed: int = Field(0, ge=0, lt=2**31)
    steps: int = Field(2000, ge=1, le=10_000_000)
    batch: int = Field(16, ge=1, le=4096)
    size: int = Field(160, ge=16, le=1024)
    optimiser: Literal["adamw", "sgd"] = "adamw"
    lr: float = Field(2e-4, gt=0, le=10)
    warmup: int = Field(50, ge=0)
    weight_decay: float = Field(1e-4, ge=0, le=10)
    attack: Annotated[InstanceOf[Attack], BeforeValidator(parse_attack), PlainSerializer(str)] = parse_attack(
        "pgd(l2=0.5,steps=2,step=0.375,start=random)"
    )
    attack_warmup: int = Field(400, ge=0)
    distil: Share = 0.5
    stylised_share: Share = 0.5
    scenes: Share = 0.0
    augmentation: Share = 1.0
    freeze: tuple[str, ...] = ()
    batch_norm: Literal["keep", "add", "remove"] = "keep"
    statistics: Literal["frozen", "trained"] = "frozen"
    checkpoints: tuple[int, ...] = ()
    mixed_precision: bool = False
    compile: bool = False

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            given, said = str(first["input"])[:80], first["msg"].removeprefix("Input ")
            raise InvalidInputError(f"The training's {name} cannot be {given!r}: it {said}.") from error
        if self.attack.method != "pgd" or self.attack.target is not None:
            raise InvalidInputError(
                f"A network cannot be trained on {str(self.attack)[:80]!r}. Allowed: pgd without a target."
            )
        if self.kind == "adversarial" and not self.attack.steps:
            raise InvalidInputError(
                "An adversarial training needs an attack with at least one step, for example steps=2."
            )
        if self.batch_norm == "remove" and self.statistics == "trained":
            raise InvalidInputError("Without batch normalisations there are no statistics to be trained.")
        if wrong := [step for step in self.checkpoints if not 0 <= step <= self.steps]:
            raise InvalidInputError(f"Step {wrong[0]} cannot be kept. Allowed: 0 to {self.steps}.")
        if self.steps * self.batch > MAX_PLACES:
            raise InvalidInputError(
                f"{self.steps} steps of {self.batch} pictures are too many. Allowed: {MAX_PLACES} pictures in all."
            )

    @property
    def kept(self) -> tuple[int, ...]:
        """Steps after which the weights are kept, in order."""
        return tuple(sorted({*self.checkpoints, self.steps}))

    @property
    def digest(self) -> str:
        """Tells recipes apart: SHA-256 in hexadecimal."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def learning_rate(self, step: int) -> float:
        """Of the update that comes after this many."""
        if step < self.warmup:
            return self.lr * (step + 1) / (self.warmup + 1)
        return self.lr * (1 + math.cos(math.pi * (step - self.warmup) / max(1, self.steps - self.warmup))) / 2

    def strength(self, step: int) -> float:
        """Share of the attack's ε, and of its step size, after this many steps."""
        return min(1.0, (step + 1) / (self.attack_warmup + 1))


def log_spaced(count: int, steps: int) -> tuple[int, ...]:
    """Steps to keep, the last one among them: evenly spaced by their logarithms from 1/250 of all on.

    Raises:
        InvalidInputError: fewer than one.
    """
    if count < 1:
        raise InvalidInputError(f"A training cannot keep {count} checkpoints. Allowed: whole numbers from 1.")
    if count == 1:
        return (steps,)
    first = max(1, steps / 250)
    return tuple(sorted({round(steps * (first / steps) ** (1 - i / (count - 1))) for i in range(count)} | {steps}))
