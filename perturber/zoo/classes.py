"""The classes of ImageNet-1k: index, WordNet identifier, and a name that tells them apart."""

from dataclasses import dataclass

from timm.data import ImageNetInfo
from torchvision.models import ResNet50_Weights


@dataclass(frozen=True)
class ClassName:
    """One class: its index in the logits, its WordNet identifier ("n02099601") and its name ("golden retriever")."""

    index: int
    wnid: str
    name: str


IMAGENET_1K = tuple(
    ClassName(index, wnid, name)
    for index, (wnid, name) in enumerate(
        zip(ImageNetInfo("imagenet-1k").label_names(), ResNet50_Weights.DEFAULT.meta["categories"], strict=True)
    )
)
"""The 1000 classes in the order of the logits; names as torchvision has them, identifiers as timm has them."""

INCEPTION_5H = tuple(ClassName(index, "", f"output {index}") for index in range(1008))
"""The outputs of Lucid's InceptionV1 (inception5h), numbered: their order is not that of ImageNet-1k."""

CLASS_LISTS: dict[str, tuple[ClassName, ...]] = {"imagenet1k": IMAGENET_1K, "inception5h": INCEPTION_5H}
"""Name of a class list in the catalogue → its classes, in the order of the logits."""
