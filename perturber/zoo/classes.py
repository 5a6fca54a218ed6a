"""Class lists: index, WordNet identifier, and a name that tells them apart."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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


def _inception_5h() -> Iterator[ClassName]:
    """Behind one output without a class the 1000 of ILSVRC 2012 in the order of its development kit, then seven more.

    ``inception5h.txt`` is that order, WordNet identifiers without their n.
    """
    names = {c.wnid: c.name for c in IMAGENET_1K}
    order = [f"n{digits}" for digits in (Path(__file__).parent / "inception5h.txt").read_text("ascii").split()]
    for index in range(1008):
        known = 1 <= index <= len(order)
        wnid = order[index - 1] if known else ""
        yield ClassName(index, wnid, names[wnid] if known else f"unused output {index}")


INCEPTION_5H = tuple(_inception_5h())
"""The 1008 outputs of Lucid's InceptionV1 (inception5h), whose order is not that of ImageNet-1k."""

CLASS_LISTS: dict[str, tuple[ClassName, ...]] = {"imagenet1k": IMAGENET_1K, "inception5h": INCEPTION_5H}
"""Name of a class list in the catalogue → its classes, in the order of the logits."""
