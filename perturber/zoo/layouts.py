"""How the keys of weights are named, and how the architecture names them."""

import re
import sys
from collections.abc import Callable, Iterator

from torch import Tensor, nn

State = dict[str, Tensor]
Layout = Callable[[State, nn.Module], State]


KERAS = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
"""Kind of a Keras weight → kind of a PyTorch parameter or buffer."""


def _keras(state: State, _: nn.Module) -> State:
    """``…/<layer>/kernel:0`` → ``<layer>.weight``; where a module is called otherwise, ``weights.layers`` says how.

    Keras puts the names of groups and models in front, so the last two parts alone count. A dense layer behind the
    flattening of maps would need its inputs sorted anew, as TensorFlow flattens (H, W, C); behind pooling it fits.
    """
    renamed = {}
    for key, tensor in state.items():
        *path, kind = key.removesuffix(":0").split("/")
        layer = path[-1] if path else ""
        renamed[f"{layer}.{KERAS.get(kind, kind)}"] = _transposed(tensor, depthwise=kind.startswith("depthwise"))
    return renamed


def _transposed(tensor: Tensor, *, depthwise: bool = False) -> Tensor:
    """TensorFlow's kernels as PyTorch has them.

    A convolution's (H, W, in, out) → (out, in, H, W), a depth-wise one's (H, W, in, multiplier) → (in · multiplier, 1,
    H, W), a matrix (in, out) → (out, in).
    """
    if tensor.ndim == 4 and depthwise:
        return tensor.permute(2, 3, 0, 1).flatten(0, 1)[:, None].contiguous()
    if tensor.ndim == 4:
        return tensor.permute(3, 2, 0, 1).contiguous()
    return tensor.T.contiguous() if tensor.ndim == 2 else tensor


def _inceptionv1_tensorflow(state: State, module: nn.Module) -> State:
    """Names of InceptionV1 in TensorFlow and Keras → names of Lucent's module.

    In a name such as ``conv2d0_w``, ``mixed3a_1x1/kernel`` or ``mixed4b_3x3_pre_relu/conv/bias:0``, the last part says
    what it is (w, weights, kernel; b, biases, bias); the first part that is a convolution of the network, whatever of
    ``_w``, ``_b``, ``_pre_relu``, ``_conv`` stands behind it, says whose. What begins with ``softmax2`` belongs to the
    classifier. The heads that only training used (``head0``, ``nn0``, ``softmax0`` and so on) are left out.
    """
    modules = {m[1]: m[0] for name, _ in module.named_children() if (m := re.fullmatch(r"(.+)_pre_relu_conv", name))}
    modules |= {"softmax2": "softmax2_pre_activation_matmul"}
    kinds = {"w": "weight", "weights": "weight", "kernel": "weight", "b": "bias", "biases": "bias", "bias": "bias"}
    tail = re.compile(r"(_(pre_relu|pre_activation|conv|matmul|w|b))+$")
    renamed = {}
    for key, tensor in state.items():
        if re.match(r"(head|nn|softmax)[01]", key):
            continue
        kind = kinds.get(re.split(r"[/_.]", key.removesuffix(":0"))[-1])
        stems = (tail.sub("", part) for part in re.split(r"[/:.]", key))
        owner = next((modules[stem] for stem in stems if stem in modules), None)
        renamed[f"{owner}.{kind}" if owner and kind else key] = _transposed(tensor)
    return renamed


def _efficientnet_lite_pytorch(state: State, module: nn.Module) -> State:
    """Names of the package efficientnet_lite_pytorch → names of timm's EfficientNet.

    The package counts blocks through, timm counts them in each stage; where a block does not expand, timm calls
    its projection ``conv_pw`` and counts its normalisations from the depth-wise one.
    """
    outer = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
    expanding = {
        "_expand_conv": "conv_pw",
        "_bn0": "bn1",
        "_depthwise_conv": "conv_dw",
        "_bn1": "bn2",
        "_project_conv": "conv_pwl",
        "_bn2": "bn3",
    }
    plain = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
    blocks = list(_stage_blocks(module))
    expands = {name.split(".")[1] for name in state if "._expand_conv." in name}
    renamed = {}
    for name, tensor in state.items():
        inside = re.fullmatch(r"_blocks\.(\d+)\.(\w+)\.(\w+)", name)
        if inside and int(inside[1]) < len(blocks):
            part = (expanding if inside[1] in expands else plain).get(inside[2], inside[2])
            renamed[f"{blocks[int(inside[1])]}.{part}.{inside[3]}"] = tensor
        else:
            head, _, tail = name.partition(".")
            renamed[f"{outer.get(head, head)}.{tail}"] = tensor
    return renamed


def _densenet(state: State, _: nn.Module) -> State:
    """``norm.1`` and ``conv.2`` in the layers of DenseNet, as torchvision's published weights have them."""
    return {re.sub(r"(denselayer\d+\.(?:norm|conv))\.(\d)\.", r"\1\2.", key): state[key] for key in state}


def _timm(state: State, module: nn.Module) -> State:
    """What timm itself makes of the names under which the authors of one of its architectures published weights."""
    rename = getattr(sys.modules.get(type(module).__module__), "checkpoint_filter_fn", None)
    if rename is None or not type(module).__module__.startswith("timm."):
        return state
    try:
        renamed = rename(dict(state), module)
    except Exception:  # written for such weights alone, it may stumble over any others
        return state
    return renamed if all(isinstance(tensor, Tensor) for tensor in renamed.values()) else state


def _stage_blocks(module: nn.Module) -> Iterator[str]:
    for stage, blocks in module.get_submodule("blocks").named_children():
        for block, _ in blocks.named_children():
            yield f"blocks.{stage}.{block}"


DIRECT = ("auto", "same", "torchvision", "robustness", "robustness_bare", "data_parallel")
"""Layouts with the network's own names, whatever they stand behind: how catalogues called the wrappers they knew."""

LAYOUTS: dict[str, Layout] = {
    "keras": _keras,
    "inceptionv1_tensorflow": _inceptionv1_tensorflow,
    "efficientnet_lite_pytorch": _efficientnet_lite_pytorch,
}
"""Naming of the keys in a file → function that renames them as the architecture does."""

RECOGNISED: dict[str, Layout] = {
    "those of torchvision before 0.3": _densenet,
    "those of its authors": _timm,
    "those of Keras": _keras,
    "those of TensorFlow's InceptionV1": _inceptionv1_tensorflow,
}
"""Whose names they are → function that renames them; tried in order where the layout is "auto"."""
