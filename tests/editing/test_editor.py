"""Edited weights against plain arithmetic, and against NumPy."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from perturber import zoo
from perturber.config import Settings
from perturber.editing import Edit, Editor, kept_filters, units
from perturber.errors import InvalidInputError, UnknownNameError


def weights(network: zoo.Network) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in network.module.state_dict().items()}


def mixed(first: zoo.Network, second: zoo.Network, amounts: dict[str, float]) -> dict[str, Tensor]:
    """W₁ (1 − α) + W₂ α in float64, from whole stages."""
    of_entry = {entry: unit for unit, entries in units(first.module).items() for entry in entries}
    ours, theirs = weights(first), weights(second)
    result = {}
    for name, tensor in ours.items():
        amount = amounts.get(of_entry[name], 0) if tensor.is_floating_point() else 0
        result[name] = tensor.double() * (1 - amount) + theirs[name].double() * amount
    return result


def test_mixing_lite0(lite0: zoo.Network, noisy: zoo.Network) -> None:
    before = weights(lite0), weights(noisy)
    editor = Editor(lite0, noisy)
    edits = [
        {"blocks.0": 0.5, "conv_stem": 1.0},
        {"blocks.0": 0.25, "blocks.6": 0.7, "classifier": 0.1},
        {},
        dict.fromkeys(units(lite0.module), 0.9),
    ]
    for amounts in edits:
        found = editor.network(Edit.mix("efficientnet_lite0", "noisy", amounts))
        expected = mixed(lite0, noisy, amounts)
        for name, tensor in weights(found).items():
            torch.testing.assert_close(tensor.double(), expected[name], rtol=1e-5, atol=1e-6)
    for network, old in zip((lite0, noisy), before, strict=True):  # the bases stay as they are
        assert all(torch.equal(tensor, old[name]) for name, tensor in weights(network).items())


def test_both_ends_are_exactly_the_models(lite0: zoo.Network, noisy: zoo.Network) -> None:
    editor = Editor(lite0, noisy)
    inputs = lite0.preprocess(torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0)))
    with torch.inference_mode():  # as the engine does
        for amount, network in ((0.3, None), (1.0, noisy), (0.6, None), (0.0, lite0)):
            edited = editor.network(Edit.mix("efficientnet_lite0", "noisy", dict.fromkeys(units(lite0.module), amount)))
            logits = edited.look(inputs).logits
            if network is not None:
                assert torch.equal(logits, network.look(inputs).logits)
    for name, tensor in edited.module.state_dict().items():
        assert torch.equal(tensor, lite0.module.state_dict()[name])


def test_an_edited_network_is_a_network(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    editor = Editor(*smalls)
    edit = Edit.mix("one", "other", {"0": 0.5})
    network = editor.network(edit)
    assert network.entry.name == str(edit)
    assert network.layers == smalls[0].layers
    assert network.default_layer == smalls[0].default_layer
    other = editor.network(Edit.mix("one", "other", {"0": 0.6}))
    assert len({smalls[0].fingerprint, network.fingerprint, other.fingerprint}) == 3
    assert Editor(*smalls).network(edit).fingerprint == network.fingerprint
    pictures = images.clone().requires_grad_()  # its weights take part in gradients
    probe = network.look(network.preprocess(pictures), layers=("3",))
    (gradient,) = probe.gradients(torch.zeros(len(images), dtype=torch.long), (pictures,))
    assert gradient.abs().sum() > 0


def test_networks_of_one_editor_take_turns(smalls: tuple[zoo.Network, ...], images: Tensor) -> None:
    editor = Editor(*smalls)
    networks = [editor.network(Edit.mix("one", "other", {"0": amount, "3": 0.5})) for amount in (0, 0.5, 1)]
    inputs = networks[0].preprocess(images)
    first = [network.look(inputs).logits for network in networks]
    again = [network.look(inputs).logits for network in networks]
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], first[1])


def test_the_finer_unit_counts(lite0: zoo.Network, noisy: zoo.Network) -> None:
    amounts = {"blocks.1": 1.0, "blocks.1.1": 0.5, "blocks.1.1.conv_dw": 0.0}
    state = Editor(lite0, noisy).network(Edit.mix("efficientnet_lite0", "noisy", amounts)).module.state_dict()
    ours, theirs = lite0.module.state_dict(), noisy.module.state_dict()
    assert torch.equal(state["blocks.1.0.conv_pw.weight"], theirs["blocks.1.0.conv_pw.weight"])
    assert torch.equal(state["blocks.1.1.bn2.running_var"], ours["blocks.1.1.bn2.running_var"])
    middle = torch.lerp(ours["blocks.1.1.conv_pw.weight"], theirs["blocks.1.1.conv_pw.weight"], 0.5)
    assert torch.equal(state["blocks.1.1.conv_pw.weight"], middle)
    assert torch.equal(state["blocks.1.1.bn1.num_batches_tracked"], ours["blocks.1.1.bn1.num_batches_tracked"])


def test_what_does_not_fit_is_named(lite0: zoo.Network, smalls: tuple[zoo.Network, ...]) -> None:
    lite1 = zoo.load("efficientnet_lite1", "cpu", Settings(device="cpu"))
    with pytest.raises(InvalidInputError, match=r"lite0 and efficientnet_lite1 cannot be mixed: .*blocks\."):
        Editor(lite0, lite1)
    editor = Editor(*smalls)
    with pytest.raises(UnknownNameError, match="Unknown unit of one 'nose'"):
        editor.network(Edit.mix("one", "other", {"nose": 0.5}))
    with pytest.raises(ValueError, match="no edit of"):
        editor.network(Edit.prune("one", {"0": (0, 0.5)}))


def numpy_kept(kernel: np.ndarray, low: Fraction, high: Fraction) -> list[bool]:
    """Equations 5.2 to 5.6, read filter by filter."""
    scores = [float(np.mean(np.abs(kernel[n]), dtype=np.float64)) for n in range(len(kernel))]
    ranked = sorted(range(len(kernel)), key=lambda n: scores[n])
    return [low * len(kernel) <= ranked.index(n) < high * len(kernel) for n in range(len(kernel))]


hundredths = st.integers(0, 100).map(lambda n: Fraction(n, 100))


@settings(deadline=None)
@given(
    shape=st.tuples(st.integers(1, 40), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3)),
    ends=st.tuples(hundredths, hundredths).map(sorted),
    seed=st.integers(0, 1000),
)
def test_filters_are_kept_as_numpy_keeps_them(shape: tuple, ends: list[Fraction], seed: int) -> None:
    # Halves are exact in any order of summation: scores that are equal are equal in both.
    kernel = np.random.default_rng(seed).integers(-8, 9, shape).astype(np.float32) / 2 * shape[1] * shape[2] * shape[3]
    found = kept_filters(torch.tensor(kernel), *map(float, ends))
    assert found.tolist() == numpy_kept(kernel, *ends)


@settings(max_examples=20, deadline=None)
@given(ends=st.tuples(hundredths, hundredths).map(sorted))
def test_pruned_channels_are_silent(ends: list[Fraction]) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(3, 9, 3), nn.BatchNorm2d(9), nn.ReLU(), nn.Conv2d(9, 9, 3, groups=9), nn.BatchNorm2d(9, affine=False),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(9, 10),
    )  # fmt: skip
    for part in (module[1], module[4]):
        part.running_mean.normal_()
    network = zoo.Network(zoo.entry("efficientnet_lite0", Settings().models), module)
    low, high = map(float, ends)
    edited = Editor(network).network(Edit.prune("efficientnet_lite0", {"0": (low, high), "3": (low, high)}))
    inputs = network.preprocess(torch.rand(2, 3, 224, 224))
    probe = edited.look(inputs, layers=("0", "3"))
    plain = network.look(inputs, layers=("0",))
    for layer, number in (("0", 0), ("3", 3)):
        kept = torch.tensor(numpy_kept(module[number].weight.numpy(), *ends))
        assert (probe.activations[layer][:, ~kept] == 0).all()
        if layer == "0":
            torch.testing.assert_close(probe.activations[layer][:, kept], plain.activations[layer][:, kept])


def test_the_whole_range_is_the_model_itself(lite0: zoo.Network) -> None:
    editor = Editor(lite0)
    pruned = editor.network(Edit.prune("efficientnet_lite0", {"blocks.3": (0.1, 0.9), "classifier": (0, 0.5)}))
    state = pruned.module.state_dict()
    assert (state["blocks.3.0.conv_dw.weight"].abs().sum((1, 2, 3)) == 0).sum() == 48  # 24 of 240 at either end
    assert torch.equal(state["classifier.weight"], lite0.module.state_dict()["classifier.weight"])
    whole = editor.network(Edit.prune("efficientnet_lite0", {}))
    assert all(torch.equal(t, lite0.module.state_dict()[name]) for name, t in whole.module.state_dict().items())
