"""What passes between the pages (or the CLI) and the service: picklable, frozen values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from perturber.attack import Attack
from perturber.finite import Gap
from perturber.scene import SceneBase
from perturber.zoo import Group, Layer

IMAGE_SIZE = 224
"""Side of the picture that every network is shown, in pixels."""

LOW_FREQUENCY = 0.1
"""Cycles a pixel, below which a perturbation counts as one of low frequency."""

TOP = 5
"""Number of classes in a prediction."""


@dataclass(frozen=True, kw_only=True)
class SlotRequest:
    """What one model slot wants to know about the picture.

    Attributes:
        model: name in the catalogue.
        layer: layer whose activations are asked for, or None for none.
        channels: indices of the layer's channels, in display order.
        predictions: whether the logits are asked for; without them the network runs only to `layer`.
        pinned: classes whose scores are wanted whatever their rank.
        summary: whether the mean activation of each of the layer's channels is wanted.
        explain: class for which Grad-CAM and the input's gradient are wanted, ``"top"`` for the most probable one,
            or None.
    """

    model: str
    layer: str | None = None
    channels: tuple[int, ...] = ()
    predictions: bool = True
    pinned: tuple[int, ...] = ()
    summary: bool = False
    explain: int | Literal["top"] | None = None


@dataclass(frozen=True, kw_only=True)
class AttackRequest:
    """An attack on the picture, and how it is shown to the networks: 0.5 + original (picture − 0.5) + alpha δ.

    Attributes:
        attack: with the number of steps that are wanted; an answer may have taken fewer (`AttackLook.progress`).
        alpha: share of the perturbation δ, from 0 to 1.
        original: share of the picture's contrast about grey, from 0 to 1.
        details: whether the perturbation itself is wanted.
        layers: whether it is wanted how far each layer moves; an attack whose steps were not followed so begins anew.
    """

    attack: Attack
    alpha: float = 1.0
    original: float = 1.0
    details: bool = False
    layers: bool = False


@dataclass(frozen=True, kw_only=True)
class PictureRequest:
    """One picture, as the networks are shown it.

    Attributes:
        scene: the scene to render; its post-processing also applies to `image`.
        image: (S, S, 3) uint8 picture that replaces the rendered scene, or None; S is 224 but for a look whose scene
            has no post-processing, which is made for 224 pixels.
        plane: (T, T, 3) uint8, the feature visualisation on the scene's plane as far as it has come; the service
            fills it in.
        client: who asks; a waiting request is dropped when the same client sends a newer one, of whatever kind.
    """

    scene: SceneBase
    image: np.ndarray | None = field(default=None, compare=False)
    plane: np.ndarray | None = field(default=None, compare=False)
    client: str | None = None


@dataclass(frozen=True, kw_only=True)
class LookRequest(PictureRequest):
    """One picture and what each slot wants to know about it.

    Attributes:
        slots: one entry per model slot; may be empty (then only the picture is made).
        attack: on the picture, or None.
    """

    attack: AttackRequest | None = None
    slots: tuple[SlotRequest, ...] = ()


@dataclass(frozen=True, kw_only=True)
class ClassScore:
    """One line of a prediction."""

    index: int
    name: str
    logit: float
    probability: float


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What in the picture speaks for a class.

    Attributes:
        score: of the class.
        cam: (h, w) float32 from 0, Grad-CAM over the last feature maps (Selvaraju et al. 2017), in logits a unit.
        gradient: (224, 224, 3) float32, the gradient of the logit with respect to the picture in [0, 1].
    """

    score: ClassScore
    cam: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True, kw_only=True)
class SlotLook:
    """One slot's answer.

    Attributes:
        model: name in the catalogue.
        layer: layer of `activations`, or None.
        channels: channel of each map in `activations`.
        activations: (len(channels), h, w) float32 before the non-linearity, or None if not asked for.
        deviation: standard deviation of the whole layer's activations for this picture (0 if none).
        top: the most probable classes in falling order, fewer where logits are NaN; None if not asked for.
        pinned: scores of the pinned classes, in the order of the request.
        means: (C,) float32, mean activation of each channel of the layer, or None if not asked for.
        explanation: what speaks for a class, or None if not asked for.
        milliseconds: this network's time; for a request that shared a batch, the batch's time.
        gaps: kinds of numbers, of those asked for, among which some are not finite: `deviation` and `means` leave them
            out, `top` the classes whose logit is NaN.
    """

    model: str
    layer: str | None
    channels: tuple[int, ...]
    activations: np.ndarray | None
    deviation: float
    top: tuple[ClassScore, ...] | None
    pinned: tuple[ClassScore, ...] = ()
    means: np.ndarray | None = None
    explanation: Explanation | None = None
    milliseconds: float
    gaps: tuple[Gap, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far something that is made in steps has come."""

    done: int
    steps: int

    @property
    def finished(self) -> bool:
        """Whether nothing is left to do."""
        return self.done >= self.steps


@dataclass(frozen=True, kw_only=True)
class AttackOutcome:
    """What an attack does to one slot.

    Attributes:
        model: of the slot.
        before, now: score of the class that the attacked model had predicted.
        top_before, top: the slot's own most probable class; of logits that are all NaN the one before.
    """

    model: str
    before: ClassScore
    now: ClassScore
    top_before: ClassScore
    top: ClassScore


@dataclass(frozen=True, kw_only=True, eq=False)
class LayerChanges:
    """How far each layer of the attacked model has moved, ‖a′ − a‖ / ‖a‖, whatever share of the attack is shown.

    Attributes:
        layers: (L) names in forward order.
        change: (steps + 1, L) float32 from 0; row k after step k, row 0 before the first.
    """

    layers: tuple[str, ...]
    change: np.ndarray


@dataclass(frozen=True, kw_only=True)
class AttackLook:
    """How an attack stands.

    Attributes:
        progress: steps taken, of those that are wanted.
        l2, linf: sizes of the perturbation in the [0, 1] pixel scale.
        outcomes: of the slots with predictions, in their order.
        perturbation: (224, 224, 3) float32, or None if not asked for.
        spectrum: energy (R,) of the perturbation at radial frequencies from 0 to 0.5 cycles a pixel, evenly spaced,
            or None if not asked for.
        low_share: share of its energy below `LOW_FREQUENCY`, from 0 to 1.
        layers: how far each layer has moved step by step, or None if not asked for.
        unknown: steps whose gradient was not finite somewhere; there the picture has stayed as it was.
    """

    progress: Progress
    l2: float
    linf: float
    outcomes: tuple[AttackOutcome, ...]
    perturbation: np.ndarray | None
    spectrum: np.ndarray | None
    low_share: float
    layers: LayerChanges | None = None
    unknown: int = 0


@dataclass(frozen=True, kw_only=True)
class Look:
    """The answer: one picture and what each network makes of it.

    Attributes:
        image: (S, S, 3) uint8, the picture that the networks saw (they saw it before rounding); S is 224 but where a
            picture of another side was given.
        slots: in the order of the request.
        render_ms: time of rendering and post-processing.
        total_ms: from the moment the service took the request up to the answer, waiting included.
        device: name of the device, as a person would say it.
        batch: number of requests that were answered together.
        plane: how far the feature visualisation in the picture has come, or None where there is none.
        attack: how the attack stands, or None where there is none.
    """

    image: np.ndarray
    slots: tuple[SlotLook, ...]
    render_ms: float
    total_ms: float
    device: str
    batch: int = 1
    plane: Progress | None = None
    attack: AttackLook | None = None


@dataclass(frozen=True, kw_only=True)
class ModelInfo:
    """What a page needs to know of a model.

    Attributes:
        name: name in the catalogue.
        label: name in the interface.
        fingerprint: tells apart what computes differently (`perturber.zoo.Network.fingerprint`).
        layers: layers in network order, by name.
        default_layer: the layer that is shown first.
        classes: names in the order of the logits.
        class_list: name of the class list.
        groups: layer → named groups of its channels, published or measured.
        input_size: side of the network's own input, in pixels.
        groups_title: where the groups are from, as menus say it.
        notes: what was left out, chosen or converted when a network of the user's own was loaded, a sentence each.
    """

    name: str
    label: str
    fingerprint: str
    layers: dict[str, Layer]
    default_layer: str
    classes: tuple[str, ...]
    class_list: str
    groups: dict[str, tuple[Group, ...]]
    input_size: int
    groups_title: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RankRequest:
    """Which channels of a layer stand out.

    Attributes:
        by: ``active``: mean activation; ``changed``: mean absolute difference to the reference scene; ``relevant``:
            gradient of a class's logit × activation, summed over the map; ``differ``: mean absolute difference to
            the other model's layer.
        scene, image: as in a `LookRequest`.
        model, layer: whose channels.
        reference: for ``changed``.
        class_index: for ``relevant``; None is the most probable class.
        other: model and layer for ``differ``; as many channels and the same resolution.
        count: how many channels, from 1; a layer that has fewer gives all.
        planes: neuron → (T, T, 3) uint8 for scenes with a plane, as in a `LookRequest`; the service fills it in.
    """

    by: Literal["active", "changed", "relevant", "differ"]
    scene: SceneBase
    image: np.ndarray | None = field(default=None, compare=False)
    model: str
    layer: str
    reference: SceneBase | None = None
    class_index: int | None = None
    other: tuple[str, str] | None = None
    count: int = 8
    planes: Mapping[str, np.ndarray] = field(default_factory=dict, compare=False)


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """The channels that stand out most, in falling order, and by how much."""

    channels: tuple[int, ...]
    scores: tuple[float, ...]
