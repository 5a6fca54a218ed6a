"""What in a picture speaks for a class: Grad-CAM and the gradient of the class's logit."""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from perturber import zoo
from perturber.order import largest
from perturber.service.requests import SlotRequest


@dataclass(frozen=True)
class Explained:
    """An explanation on the device.

    Attributes:
        index: the class.
        cam: (h, w) from 0, Grad-CAM over the last feature maps.
        gradient: (3, H, W), of the class's logit with respect to the picture in [0, 1].
    """

    index: int
    cam: Tensor
    gradient: Tensor


def explain(
    probe: zoo.Probe, images: Tensor, slots: Sequence[SlotRequest], items: Sequence[int]
) -> dict[int, Explained]:
    """Explanations for the slots that ask for one; one backward pass answers one class of every picture.

    Args:
        probe: of `images`, with logits and features, recorded for gradients.
        images: (B, 3, H, W) in [0, 1].
        slots: all that ask about these images.
        items: for each of them the number of its image.

    Returns:
        Number of the slot → its explanation.
    """
    assert probe.logits is not None
    assert probe.features is not None
    best = largest(probe.logits, 1).indices[:, 0]
    waiting = {k: item for k, item in enumerate(items) if slots[k].explain is not None}
    answers: dict[int, Explained] = {}
    while waiting:
        now = {item: k for k, item in waiting.items()}  # one slot of each picture
        classes = best.clone()
        for item, k in now.items():
            wanted = slots[k].explain
            if isinstance(wanted, int):
                classes[item] = wanted
        by_features, by_images = probe.gradients(classes, (probe.features, images))
        cam = (by_features.mean((2, 3), keepdim=True) * probe.features).sum(1).relu().detach()
        for item, k in now.items():
            answers[k] = Explained(int(classes[item]), cam[item], by_images[item])
            del waiting[k]
    return answers
