"""A network of the catalogue, ready to be looked into."""

import copy
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.finite import gaps
from perturber.zoo import catalogue
from perturber.zoo.architectures import build
from perturber.zoo.discovery import discover
from perturber.zoo.layers import Layer, run_and_capture
from perturber.zoo.weights import load_weights

DECISIVE = ("architecture", "mean", "std", "input_size", "classes", "class_names")
"""What two entries of the catalogue have in common whose networks differ in their weights alone."""

SHARED = ("device", "_mean", "_std", "layers", "_sites", "_features", "outputs")
"""What a copy of a network has in common with it."""


@dataclass(frozen=True)
class Probe:
    """What a forward pass showed.

    Attributes:
        activations: layer → (B, C, h, w), before the non-linearity.
        logits: (B, classes), or None if they were not asked for.
        features: (B, C, h, w), the last feature maps, or None if they were not asked for.
    """

    activations: dict[str, Tensor]
    logits: Tensor | None
    features: Tensor | None = None

    def gradients(self, classes: Tensor, sources: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Gradients of each item's logit of a class (B,) with respect to tensors that it was computed from."""
        assert self.logits is not None
        return torch.autograd.grad(self.logits.gather(1, classes[:, None]).sum(), sources, retain_graph=True)


class Network:
    """A classifier in evaluation mode, with named layers.

    Args:
        entry: its row of the catalogue.
        module: the classifier.
        device: where it runs.

    Attributes:
        layers: by name, in the order of a forward pass.
        outputs: number of logits; None where the module gives out something else.
        notes: what was left out, chosen or converted when its weights were read, a sentence each.
    """

    def __init__(self, entry: catalogue.ModelEntry, module: nn.Module, device: torch.device | str = "cpu") -> None:
        for part in module.modules():
            if getattr(part, "inplace", False):
                setattr(part, "inplace", False)  # noqa: B010 - would overwrite values that are looked at
        self.entry = entry
        self.notes: tuple[str, ...] = ()
        self.device = torch.device(device)
        self.module = module.eval().requires_grad_(False).to(self.device).to(memory_format=torch.channels_last)
        self._mean = torch.tensor(entry.mean, device=self.device).view(1, 3, 1, 1)
        self._std = torch.tensor(entry.std, device=self.device).view(1, 3, 1, 1)
        size = entry.input_size
        found = discover(self.module, self.preprocess(torch.zeros(1, 3, size, size, device=self.device)))
        self.layers: dict[str, Layer] = {name: layer for name, (layer, _) in found.layers.items()}
        self._sites = {name: sites for name, (_, sites) in found.layers.items()}
        self._features = found.features
        logits = found.output
        self.outputs = logits.shape[1] if isinstance(logits, Tensor) and logits.ndim == 2 else None

    def copy(self, entry: catalogue.ModelEntry | None = None) -> "Network":
        """A network with weights of its own, equal to these so far; its layers are known without another search.

        Args:
            entry: of the copy, whose weights will be put into it; None for the same. One that `fits`.
        """
        module = self.module
        memo: dict[int, Tensor] = {}
        for parameter in module.parameters():  # copied tensor by tensor: ten times as fast as deepcopy's own way
            memo[id(parameter)] = nn.Parameter(parameter.detach().clone(), requires_grad=False)
        for buffer in module.buffers():
            memo[id(buffer)] = buffer.detach().clone()
        made = object.__new__(Network)
        vars(made).update({name: vars(self)[name] for name in SHARED})
        made.entry = entry or self.entry
        made.notes = self.notes
        made.module = copy.deepcopy(module, memo)
        return made

    def fits(self, entry: catalogue.ModelEntry) -> bool:
        """Whether another entry's network differs from this one in its weights alone."""
        return all(getattr(self.entry, name) == getattr(entry, name) for name in DECISIVE)

    @property
    def maps(self) -> bool:
        """Whether it has feature maps, without which Grad-CAM has nothing to stand on."""
        return self._features is not None

    @cached_property
    def default_layer(self) -> str:
        """A middle layer: the first block with a sixteenth of the input's resolution, else the middle one.

        Empty where there are no layers.
        """
        if not self.layers:
            return ""
        blocks = [
            layer
            for name, layer in self.layers.items()
            if len(self._sites[name]) > 1 or any(other.startswith(f"{name}.") for other in self.layers)
        ]
        coarse = [layer for layer in blocks if layer.height <= self.entry.input_size // 16]
        return coarse[0].name if coarse else list(self.layers)[len(self.layers) // 2]

    @cached_property
    def classes(self) -> tuple[str, ...]:
        """Class names in the order of the logits."""
        return tuple(c.name for c in self.entry.class_list)

    @cached_property
    def fingerprint(self) -> str:
        """Tells apart what computes differently: SHA-256 of architecture, preprocessing, weights and buffers."""
        entry = self.entry
        digest = hashlib.sha256(f"{entry.architecture} {entry.mean} {entry.std} {entry.input_size}".encode())
        for name, tensor in sorted(self.module.state_dict().items()):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
            digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def memory(self) -> int:
        """Bytes of parameters and buffers."""
        return sum(t.nbytes for t in (*self.module.parameters(), *self.module.buffers()))

    def preprocess(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1] → what the network takes: resized to its input size and normalised."""
        size = self.entry.input_size
        if images.shape[-2:] != (size, size):
            images = F.interpolate(images, (size, size), mode="bilinear", antialias=True)
        return self.normalise(images)

    def normalise(self, images: Tensor) -> Tensor:
        """Pictures (B, 3, H, W) in [0, 1], or parts of some, of the network's own scale → what it takes."""
        return ((images - self._mean) / self._std).contiguous(memory_format=torch.channels_last)

    def logits(self, images: Tensor) -> Tensor:
        """What the network makes of pictures (B, 3, H, W) in [0, 1]: (B, classes)."""
        logits = self.look(self.preprocess(images)).logits
        assert logits is not None
        return logits

    def look(self, inputs: Tensor, *, layers: Sequence[str] = (), logits: bool = True, features: bool = False) -> Probe:
        """Run the network and keep what passes at some layers; without logits it stops behind the last of them.

        Args:
            inputs: as `preprocess` makes them.
            layers: names from `layers`.
            logits: whether the prediction is wanted.
            features: whether the last feature maps are wanted.

        Raises:
            UnknownNameError: a layer that does not exist.
            InvalidInputError: features of a network that has no feature maps.
        """
        if features and not self.maps:
            raise InvalidInputError(f"{self.entry.name} has no feature maps, so Grad-CAM cannot be computed.")
        for layer in layers:
            check_layer(self.entry.name, self.layers, layer)
        if not layers and not logits and not features:
            return Probe({}, None)
        sites = {layer: self._sites[layer] for layer in layers}
        if features and self._features is not None:
            sites[""] = (self._features,)
        values, output = run_and_capture(self.module, inputs, sites, to_the_end=logits)
        return Probe(values, output, values.pop("", None))


def check_layer(model: str, layers: Mapping[str, Layer], name: str, channels: Sequence[int] = ()) -> None:
    """Refuse a layer or channels that a model does not have.

    Raises:
        UnknownNameError: naming the model's layers.
        InvalidInputError: naming the layer's channels.
    """
    if name not in layers:
        raise UnknownNameError(f"layer of {model}", name, layers)
    last = layers[name].channels - 1
    for channel in channels:
        if isinstance(channel, bool) or not isinstance(channel, int) or not 0 <= channel <= last:
            raise InvalidInputError(
                f"Layer {name!r} of {model} has no channel {str(channel)[:40]!r}. Allowed: whole numbers, 0 to {last}."
            )


def load(name: str, device: torch.device | str, settings: Settings, *, siblings: Iterable[Network] = ()) -> Network:
    """Load a network of the catalogue with its weights.

    Args:
        siblings: networks on this device: where one differs in its weights alone, a copy of it takes the weights,
            and nothing is built or searched anew.

    Raises:
        UnknownNameError: naming the networks that exist.
        InvalidInputError: its weights are missing, changed, not finite or do not fit, or its classes are not as many as
            its logits.
    """
    entry = catalogue.find(name, settings)
    sibling = next((network for network in siblings if network.fits(entry)), None)
    if sibling is not None:
        with _one_thread():
            network = sibling.copy(entry)
            network.notes = _fill(network.module, entry, settings)
        return network
    with _its_pictures(entry):
        module = build(entry.architecture, len(entry.class_list), entry.input_size)
    notes = _fill(module, entry, settings)
    with _its_pictures(entry):
        network = Network(entry, module, device)
    network.notes = notes
    if network.outputs != len(entry.class_list):
        gives = "no logits (B, classes)" if network.outputs is None else f"{network.outputs} logits"
        raise InvalidInputError(f"{name} gives {gives}, but its class list has {len(entry.class_list)} classes.")
    return network


@contextmanager
def _its_pictures(entry: catalogue.ModelEntry) -> Iterator[None]:
    """What a network says of pictures that it cannot take, when it is built for them or sees one."""
    try:
        yield
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        size = f"{entry.input_size} × {entry.input_size}"
        raise InvalidInputError(f"{entry.name} cannot take a picture of {size} pixels: {error}.") from error


def _fill(module: nn.Module, entry: catalogue.ModelEntry, settings: Settings) -> tuple[str, ...]:
    """Give a network its weights; those that are not finite would make everything it gives unknown."""
    notes = load_weights(module, entry, settings)
    found = gaps(module.state_dict())
    if found:
        more = f", nor are all of {len(found) - 1} other tensors" if len(found) > 1 else ""
        raise InvalidInputError(
            f"{entry.name} cannot be used: {found[0].count:,} of {found[0].total:,} weights in {found[0].what!r} are "
            f"not finite (NaN or ∞){more}. Take weights from before its training failed."
        )
    return notes


@contextmanager
def _one_thread() -> Iterator[None]:
    """Hundreds of small tensors: threads gain nothing, and wait for each other long where other work goes on."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
