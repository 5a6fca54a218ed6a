"""Batch normalisation for convolutions that have none, and back; and training without the ones that there are."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn.utils import fuse_conv_bn_weights

from perturber.editing import units
from perturber.zoo.modules import BATCH_NORMS

State = dict[str, Tensor]


class Normalised(nn.Module):
    """A convolution and the batch normalisation that was put behind it."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        self.convolution = convolution
        self.norm = nn.BatchNorm2d(convolution.out_channels).to(convolution.weight).eval()

    def forward(self, maps: Tensor) -> Tensor:
        """(B, C, h, w) → normalised (B, C', h', w')."""
        return self.norm(self.convolution(maps))

    def as_one(self) -> State:
        """Weight and bias of one convolution that computes the same with the running statistics."""
        norm, bias = self.norm, self.convolution.bias
        assert norm.running_mean is not None
        assert norm.running_var is not None
        assert bias is not None
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        weight = self.convolution.weight * scale.view(-1, 1, 1, 1)
        return {"weight": weight.detach(), "bias": ((bias - norm.running_mean) * scale + norm.bias).detach()}


def insert(module: nn.Module, run: Callable[[], object]) -> int:
    """Put a batch normalisation behind each two-dimensional convolution that is trained and has none.

    One without a bias counts as normalised: it lacks the bias because a normalisation comes later. The new ones change
    nothing at first: their statistics are those of the pictures that are shown, and weight and bias undo them.

    Args:
        module: the network, in evaluation mode; is changed.
        run: shows it pictures.

    Returns:
        How many were inserted.
    """
    found = {path: Normalised(convolution) for path, convolution in _bare(module)}
    for path, part in found.items():
        parent, _, name = path.rpartition(".")
        setattr(module.get_submodule(parent), name, part)
    hooks = [part.norm.register_forward_pre_hook(_calibrate) for part in found.values()]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return len(found)


def folded(module: nn.Module) -> State:
    """The state of a network as if each inserted normalisation, with its running statistics, were in its convolution.

    Names and shapes are those from before `insert`; without an insertion it is the network's state.
    """
    state = dict(module.state_dict())
    for path, part in module.named_modules():
        if isinstance(part, Normalised):
            for name in part.state_dict():
                del state[f"{path}.{name}"]
            state |= {f"{path}.{name}": tensor for name, tensor in part.as_one().items()}
    return state


def dissolve(module: nn.Module) -> set[str]:
    """Move batch normalisations with statistics and weights into the convolutions before them, at the same outputs.

    What is left of it adds a bias: its mean is 0, its deviation 1, and its weight the sign of what it was, so that the
    convolution's weights keep theirs, and can be compared with those of before. To be used in evaluation mode.

    Args:
        module: the network; is changed.

    Returns:
        Paths of the weights that are left over; to be trained no longer, or the normalisations are back.
    """
    found = set()
    for parts in _layers(module):
        convolutions = [part for part in parts.values() if isinstance(part, nn.Conv2d)]
        for path, norm in parts.items():
            if isinstance(norm, nn.BatchNorm2d) and norm.affine and norm.running_var is not None and convolutions:
                _dissolve(convolutions[-1], norm)
                found.add(f"{path}.weight")
    return found


def _dissolve(convolution: nn.Conv2d, norm: nn.BatchNorm2d) -> None:
    assert norm.running_mean is not None
    assert norm.running_var is not None
    sign = torch.where(norm.weight < 0, -1.0, 1.0).to(norm.weight)
    mean, variance = norm.running_mean, norm.running_var
    with torch.no_grad():
        weight, bias = fuse_conv_bn_weights(
            convolution.weight, convolution.bias, mean, variance, norm.eps, norm.weight, norm.bias
        )
        convolution.weight.copy_(weight * sign.view(-1, 1, 1, 1))
        if convolution.bias is not None:
            convolution.bias.zero_()
        norm.weight.copy_(sign)
        norm.bias.copy_(bias)
        mean.zero_()
        variance.fill_(1 - norm.eps)


def _layers(module: nn.Module) -> list[dict[str, nn.Module]]:
    """Path → module of each layer's parts with weights, in the order of a forward pass."""
    return [
        {owner: module.get_submodule(owner) for owner in dict.fromkeys(entry.rpartition(".")[0] for entry in entries)}
        for entries in units(module, "layer").values()
    ]


def _bare(module: nn.Module) -> list[tuple[str, nn.Conv2d]]:
    """Convolutions that get one, with their paths."""
    found = []
    for parts in _layers(module):
        if any(isinstance(part, BATCH_NORMS) for part in parts.values()):
            continue
        for path, part in parts.items():
            if isinstance(part, nn.Conv2d) and part.bias is not None and part.weight.requires_grad:
                found.append((path, part))
    return found


def _calibrate(norm: nn.Module, inputs: tuple[Tensor]) -> None:
    """Take statistics of what comes in, and undo them."""
    assert isinstance(norm, nn.BatchNorm2d)
    assert norm.running_mean is not None
    assert norm.running_var is not None
    variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
    norm.running_mean.copy_(mean)
    norm.running_var.copy_(variance)
    norm.weight.copy_((variance + norm.eps).sqrt())
    norm.bias.copy_(mean)
