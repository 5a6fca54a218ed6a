"""A job: the same attack on several networks, and what each one's perturbation looks like."""

from dataclasses import dataclass, field, replace

import numpy as np
import torch

from perturber import zoo
from perturber.attack import Attack, State, radial_spectrum, share_below, start, step
from perturber.errors import InvalidInputError
from perturber.order import largest
from perturber.scene import SceneBase
from perturber.service.answers import scores
from perturber.service.requests import LOW_FREQUENCY, ClassScore, PictureRequest, Progress
from perturber.service.resources import Resources
from perturber.service.works.registry import does


@dataclass(frozen=True, kw_only=True)
class PerturbationsRequest:
    """A job: attack one picture on each of several networks; result: `Perturbations`.

    Attributes:
        scene: the picture.
        attack: its model is of no account; with the number of steps.
        models: at least one.
        slots: of each model the number of the slot that shows it.
        fingerprints: of the models: what computes differently is another job.
        plane: as in a `PictureRequest`, for a scene with a plane.

    Raises:
        InvalidInputError: no models.
    """

    scene: SceneBase
    attack: Attack
    models: tuple[str, ...]
    slots: tuple[int, ...]
    fingerprints: tuple[str, ...] = ()
    plane: np.ndarray | None = field(default=None, compare=False, repr=False)
    urgent: bool = True

    def __post_init__(self) -> None:
        if not self.models:
            raise InvalidInputError("No model is shown, so there is nothing to attack. Show one and try again.")

    @property
    def title(self) -> str:
        """What it does, as a person would say it."""
        return f"The same attack on {' and '.join(self.models)}"


@dataclass(frozen=True, kw_only=True, eq=False)
class Perturbation:
    """What the attack on one network has come to.

    Attributes:
        slot: as in the request.
        perturbation: (224, 224, 3) float32.
        spectrum: energy (R,) at radial frequencies from 0 to 0.5 cycles a pixel, evenly spaced.
        low_share: share of its energy below `LOW_FREQUENCY`, from 0 to 1.
        l2, linf: its sizes in the [0, 1] pixel scale.
        before, now: the network's most probable class.
        steps, unknown: taken, and as in an `AttackLook`.
    """

    model: str
    slot: int
    perturbation: np.ndarray
    spectrum: np.ndarray
    low_share: float
    l2: float
    linf: float
    before: ClassScore
    now: ClassScore
    steps: int
    unknown: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Perturbations:
    """The result of a `PerturbationsRequest`: one for each network, in its order."""

    attack: Attack
    found: tuple[Perturbation, ...]


@does(PerturbationsRequest)
class PerturbationsWork:
    """Takes one step of the attack on one network a step; product: None, at the end `Perturbations`."""

    def __init__(self, resources: Resources, request: PerturbationsRequest) -> None:
        self.request = request
        self.networks = resources.networks.steady(request.models)
        with torch.inference_mode():
            picture = resources.pictures([PictureRequest(scene=request.scene, plane=request.plane)])
        self.picture = picture.clone()  # which may take part in gradients
        self.states: list[State] = []
        self.done = 0

    def step(self) -> None:
        """One step of the attack; the networks come one after the other."""
        attack, each = self.request.attack, self.request.attack.steps + 1
        number, taken = divmod(self.done, each)
        network = self.networks[number]
        if taken == 0:
            self.states.append(start(network, self.picture, replace(attack, model=network.entry.name)))
        else:
            self.states[number] = step(network, self.states[number])
        self.done += 1

    def progress(self) -> Progress:
        """In steps of the attacks."""
        return Progress(done=self.done, steps=len(self.networks) * (self.request.attack.steps + 1))

    def product(self) -> Perturbations | None:
        """The result, when every network has been attacked."""
        if not self.progress().finished:
            return None
        request = self.request
        found = zip(request.models, request.slots, self.networks, self.states, strict=True)
        return Perturbations(attack=request.attack, found=tuple(_perturbation(*one) for one in found))


@torch.no_grad()
def _perturbation(model: str, slot: int, network: zoo.Network, state: State) -> Perturbation:
    perturbation = state.perturbation
    before, now = (_top(network, pictures) for pictures in (state.images, state.attacked))
    return Perturbation(
        model=model,
        slot=slot,
        perturbation=perturbation[0].permute(1, 2, 0).cpu().numpy(),
        spectrum=radial_spectrum(perturbation)[1][0].cpu().numpy(),
        low_share=float(share_below(perturbation, LOW_FREQUENCY)[0]),
        l2=float(perturbation.norm()),
        linf=float(perturbation.abs().max()),
        before=before,
        now=now,
        steps=int(state.steps[0]),
        unknown=int(state.unknown[0]),
    )


def _top(network: zoo.Network, picture: torch.Tensor) -> ClassScore:
    logits = network.logits(picture)[0]
    return scores(logits, largest(logits, 1).indices.tolist(), network.classes)[0]
