"""Networks whose weights are finite and whose numbers are not; an own model's architecture can name them."""

from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from perturber.config import Settings
from perturber.zoo import own

DIGITS = tuple(f"digit {n}" for n in range(10))


class Clamp(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.nan_to_num(0, 1, -1).clamp(-1, 1)


class Steep(nn.Module):
    """The identity, with a gradient that is NaN."""

    def forward(self, x: Tensor) -> Tensor:
        return x + (x - x).sqrt()


def marked() -> nn.Module:
    """Its layers' names look like markup."""
    return nn.Sequential(OrderedDict((f"{name}<b>bold</b>%{{z}}", part) for name, part in usual().named_children()))


class Louder(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 1e6


class Overflowing(nn.Conv2d):
    """Its first channels are infinite, the next ones NaN, the last one is as usual: on every machine the same ones."""

    def forward(self, x: Tensor) -> Tensor:
        y = super().forward(x)
        return y + y.new_tensor([torch.inf] * 4 + [torch.nan] * 3 + [0])[:, None, None]


def network(middle: nn.Module, second: type[nn.Conv2d] = nn.Conv2d, last: float = 1.0) -> nn.Module:
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), second(4, 8, 3), middle, nn.Conv2d(8, 8, 3), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 10),
    )  # fmt: skip
    with torch.no_grad():
        made[8].weight[3] *= last
    return made


def usual() -> nn.Module:
    return network(nn.ReLU())


def overflowing() -> nn.Module:
    """Some activations and all logits are not finite."""
    return network(nn.ReLU(), Overflowing)


def clamped() -> nn.Module:
    """Some activations are not finite, all logits are."""
    return network(Clamp(), Overflowing)


def steep() -> nn.Module:
    """No gradient is finite, all else is."""
    return network(Steep())


def lonely() -> nn.Module:
    """One logit is infinite."""
    return network(nn.ReLU(), last=3e38).append(Louder())


KINDS = ("usual", "overflowing", "clamped", "steep", "lonely")


def put(settings: Settings, kind: str, *, name: str = "", label: str = "", classes: Sequence[str] = DIGITS) -> str:
    """Add such a network to the user's catalogue, for pictures of 32 pixels.

    Returns:
        Its name.
    """
    name = name or kind
    settings.data.mkdir(parents=True, exist_ok=True)
    save_file(globals()[kind]().state_dict(), settings.data / f"{name}.safetensors")
    own.add(name, table(name, kind, label=label or kind.title(), class_names=list(classes)), settings)
    return name


def table(name: str, kind: str, **changes: Any) -> dict[str, Any]:
    """Its table in the catalogue."""
    return {
        "label": kind.title(),
        "architecture": f"factory:odd_networks:{kind}",
        "licence": "MIT",
        "training": "other",
        "classes": name,
        "class_names": list(DIGITS),
        "mean": [0.5] * 3,
        "std": [0.5] * 3,
        "input_size": 32,
        "resize": 36,
        "weights": {"source": "file", "path": f"{name}.safetensors", "layout": "same"},
        **changes,
    }


def spoiled(path: Path, key: str) -> Path:
    """Weights of the usual network with NaN and ∞ in one tensor."""
    state = usual().state_dict()
    state[key].flatten()[:2] = torch.tensor([torch.nan, torch.inf])
    save_file(state, path)
    return path
