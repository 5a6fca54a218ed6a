"""Building a network from the name of its architecture."""

import importlib
from collections.abc import Callable
from typing import Any

import timm
import torchvision
from lucent.modelzoo.inceptionv1.InceptionV1 import InceptionV1
from torch import nn

from perturber.errors import InvalidInputError, UnknownNameError


def build(architecture: str, classes: int, input_size: int | None = None) -> nn.Module:
    """A network with random weights.

    Args:
        architecture: ``"<kind>:<name>"``, the kind a key of `ARCHITECTURES`.
        classes: number of logits. A factory alone decides that itself.
        input_size: side of its pictures, for architectures that are built for one; None for their own.

    Raises:
        InvalidInputError: there is no such architecture, or a factory does not make a network.
    """
    kind, _, name = architecture.partition(":")
    if kind not in ARCHITECTURES:
        raise UnknownNameError("kind of architecture", kind, ARCHITECTURES)
    return ARCHITECTURES[kind](name, classes, input_size)


def _timm(name: str, classes: int, input_size: int | None) -> nn.Module:
    if not timm.is_model(name):
        raise UnknownNameError("architecture of timm", name, timm.list_models())
    config = timm.models.get_pretrained_cfg(name, allow_unregistered=True)
    other = config and config.fixed_input_size and input_size not in (None, config.input_size[1])
    size: dict[str, Any] = {"img_size": input_size} if other else {}
    return timm.create_model(name, pretrained=False, num_classes=classes, **size)


def _torchvision(name: str, classes: int, input_size: int | None) -> nn.Module:
    """A classifier of torchvision, without the auxiliary classifiers that only training uses."""
    known = torchvision.models.list_models(module=torchvision.models)
    if name not in known:
        raise UnknownNameError("architecture of torchvision", name, known)
    extra: dict[str, Any] = (
        {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    )
    if name.startswith("vit_") and input_size is not None:
        extra = {"image_size": input_size}
    return torchvision.models.get_model(name, weights=None, num_classes=classes, **extra)


def _lucent(name: str, classes: int, _: int | None) -> nn.Module:
    """Lucent's InceptionV1, with logits instead of the softmax at its end, and the plain gradient of ReLU."""
    if name != "inceptionv1":
        raise UnknownNameError("architecture of Lucent", name, ["inceptionv1"])
    module = InceptionV1(redirected_ReLU=False)
    module.softmax2 = nn.Identity()
    if classes != module.softmax2_pre_activation_matmul.out_features:
        module.softmax2_pre_activation_matmul = nn.Linear(1024, classes)
    return module


def _factory(name: str, classes: int, input_size: int | None) -> nn.Module:
    """What a user's own function ``package.module:function`` returns, which is called without arguments.

    Importing runs the user's installed code. Names come from catalogue files on the disk only, never from a request.
    """
    package, _, function = name.partition(":")
    try:
        make = getattr(importlib.import_module(package), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise InvalidInputError(
            f"The factory {name!r} cannot be imported ({error}). Write package.module:function, and install it."
        ) from error
    try:
        module = make()
    except Exception as error:
        raise InvalidInputError(f"The factory {name!r} failed: {type(error).__name__}: {error}.") from error
    if not isinstance(module, nn.Module):
        raise InvalidInputError(f"The factory {name!r} returned a {type(module).__name__}, not a torch.nn.Module.")
    return module


ARCHITECTURES: dict[str, Callable[[str, int, int | None], nn.Module]] = {
    "timm": _timm,
    "torchvision": _torchvision,
    "lucent": _lucent,
    "factory": _factory,
}
"""First part of an architecture's name → function that builds it from the second, the number of classes and the
side of its pictures."""
