"""Batched feature visualisations: Lucent's objectives, parameters and views, whatever else is in the batch."""

import random

import numpy as np
import pytest
import timm
import torch
from lucent.optvis import objectives, transform

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.featurevis import Optimisation, Recipe, Target, cut, seen
from perturber.featurevis.optimisation import centre_window, respond
from perturber.featurevis.views import PAD, View
from perturber.zoo import catalogue

LAYER = "blocks.1.0"
DEEP = "blocks.2.1"
NEURON = Target(layer=LAYER, index=5)
DIRECTION = Target(kind="direction", layer=LAYER, direction=((2, 1.0), (7, -0.5)))
SMALL = Recipe(size=64, steps=8)


@pytest.fixture(scope="module")
def network() -> zoo.Network:
    return zoo.load("efficientnet_lite0", device="cpu", settings=Settings())


def run(network: zoo.Network, targets: list[Target], recipe: Recipe = SMALL, steps: int = 3) -> Optimisation:
    optimisation = Optimisation(network, targets, recipe)
    for _ in range(steps):
        optimisation.step()
    return optimisation


@pytest.mark.parametrize("naive", [False, True])
@pytest.mark.parametrize(
    ("targets", "steps"),
    [
        ([Target(layer=DEEP, index=5), Target(kind="direction", layer=DEEP, direction=((2, 1.0), (7, -0.5)))], 40),
        ([Target(kind="channel", layer=DEEP, index=5), Target(kind="class", index=207)], 8),
    ],
    ids=["middle unit", "whole picture"],
)
def test_every_kind_of_target_answers_more_and_more(
    targets: list[Target], steps: int, naive: bool, network: zoo.Network
) -> None:
    optimisation = Optimisation(network, targets, Recipe(size=64, steps=steps, naive=naive))
    assert np.isnan(optimisation.values).all()
    values = []
    while not optimisation.finished:
        optimisation.step()
        values.append(optimisation.values)
    assert optimisation.done == optimisation.steps == len(values) == steps
    assert (np.mean(values[-4:], axis=0) > values[0] + 0.2).all()
    pictures = optimisation.pictures()
    assert pictures.shape == (2, 1, 64, 64, 3)
    assert pictures.dtype == np.uint8


@pytest.mark.parametrize("size", [6, 7])
def test_objectives_are_lucents(size: int) -> None:
    maps = torch.randn(3 * 2, 8, size, size, generator=torch.Generator().manual_seed(0))
    weights = torch.eye(8)[[4, 0, 5]]
    mixed = weights + torch.eye(8)[[1, 2, 3]] * -0.3
    ours = {
        "neuron": respond("neuron", maps, weights, (size // 2, size // 2)),
        "channel": respond("channel", maps, weights, (0, 0)),
        "direction": respond("direction", maps, mixed, (size // 2, size // 2)),
    }
    for number, channel in enumerate((4, 0, 5)):
        lucents = {
            "neuron": objectives.neuron("layer", channel),
            "channel": objectives.channel("layer", channel),
            "direction": objectives.direction_neuron("layer", mixed[number]),
        }
        for kind, objective in lucents.items():
            expected = -objective(lambda _, n=number: maps[2 * n : 2 * n + 2])
            torch.testing.assert_close(ours[kind][number], expected)


def test_a_picture_does_not_depend_on_the_others(network: zoo.Network) -> None:
    many = [Target(layer="blocks.2.0", index=1), Target(layer="blocks.2.0", index=2), DIRECTION]
    together = run(network, many)
    for number, target in enumerate(many):
        alone = run(network, [target])
        np.testing.assert_allclose(alone.values[0], together.values[number], rtol=1e-3)
        difference = alone.pictures()[0].astype(int) - together.pictures()[number]
        assert np.abs(difference).mean() < 0.1


def test_same_seed_same_pictures_whatever_happens_between_the_steps(network: zoo.Network) -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()
    alone = run(network, [NEURON])
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
    assert random.getstate() == before[2]
    with torch.inference_mode():
        disturbed = Optimisation(network, [NEURON], SMALL)
    for _ in range(3):
        torch.randn(7)
        np.random.rand(3)
        with torch.inference_mode():
            network.look(torch.rand(1, 3, 224, 224), layers=(LAYER,), logits=False)
            disturbed.step()
    np.testing.assert_array_equal(alone.pictures(), disturbed.pictures())
    np.testing.assert_array_equal(alone.values, disturbed.values)
    other = run(network, [NEURON], Recipe(size=64, seed=1))
    assert not np.array_equal(alone.pictures(), other.pictures())


def test_naive_pictures_change_pixel_by_pixel(network: zoo.Network) -> None:
    """What the unit does not see stays as it was; Fourier coefficients change it all."""

    def change(naive: bool) -> np.ndarray:
        recipe = Recipe(size=64, naive=naive)
        before, after = (run(network, [NEURON], recipe, steps=s).pictures()[0, 0].astype(int) for s in (0, 3))
        return np.abs(after - before)

    corner, middle = np.s_[:8, :8], np.s_[24:40, 24:40]
    assert change(naive=True)[corner].max() == 0
    assert change(naive=True)[middle].max() > 2
    assert change(naive=False)[corner].max() > 2


def test_variants_are_pushed_apart(network: zoo.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    target, recipe = Target(kind="channel", layer="blocks.3.0", index=10), Recipe(size=64, variants=2)

    def similarity() -> float:
        pictures = run(network, [target], recipe, steps=24).pictures()[0]
        images = torch.tensor(pictures).permute(0, 3, 1, 2) / 255
        probe = network.look(network.preprocess(images), layers=(target.layer,), logits=False)
        return -float(objectives.diversity("layer")(lambda _: probe.activations[target.layer]))

    apart = similarity()
    monkeypatch.setattr("perturber.featurevis.optimisation.DIVERSITY", 0.0)
    assert apart < similarity() - 0.2


def test_classes_have_variants_too(network: zoo.Network) -> None:
    optimisation = run(network, [Target(kind="class", index=1)], Recipe(size=32, variants=2), steps=1)
    first, second = optimisation.pictures()[0]
    assert not np.array_equal(first, second)


@pytest.mark.parametrize("architecture", ["efficientnet_lite0", "tf_efficientnet_lite0", "resnet18"])
def test_the_window_of_a_unit_is_exact(architecture: str) -> None:
    """Also where padding depends on the size of the input (the TensorFlow networks)."""
    entry = catalogue.entry("efficientnet_lite0", Settings().models)
    torch.manual_seed(0)
    network = zoo.Network(entry, timm.create_model(architecture))
    inputs = torch.randn(1, 3, 224, 224)
    cropped = 0
    for layer in list(network.layers.values())[::7]:
        (top, left, bottom, right), (row, column) = centre_window(layer, 224)
        whole = network.look(inputs, layers=(layer.name,), logits=False).activations[layer.name]
        part = network.look(inputs[:, :, top:bottom, left:right], layers=(layer.name,), logits=False)
        expected = whole[0, :, layer.height // 2, layer.width // 2]
        torch.testing.assert_close(part.activations[layer.name][0, :, row, column], expected, rtol=1e-4, atol=1e-4)
        cropped += bottom - top < 224
    assert cropped >= 2


def test_pictures_are_the_same_without_the_window(network: zoo.Network, monkeypatch: pytest.MonkeyPatch) -> None:
    target = Target(layer="blocks.2.0", index=1)
    recipe = Recipe(size=64, naive=True)
    with_window = run(network, [target], recipe)
    layer = network.layers["blocks.2.0"]
    whole = (0, 0, 224, 224), (layer.height // 2, layer.width // 2)
    monkeypatch.setattr("perturber.featurevis.optimisation.centre_window", lambda *_: whole)
    without = run(network, [target], recipe)
    np.testing.assert_allclose(with_window.values, without.values, rtol=1e-3)
    assert np.abs(with_window.pictures().astype(int) - without.pictures()).mean() < 0.1


def test_views_are_lucents(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same draws through Lucent's chain and in one resampling, on a picture without fine detail."""
    picture = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.interpolate(picture, (96, 96), mode="bicubic").clamp(0, 1)
    draws = [(0, 7, 1.1, 10, 3, 0), (5, 0, 0.9, -7, 0, 2), (3, 4, 0.94, 0, 1, 1), (0, 0, 1.0, 4, 0, 0)]
    for dx, dy, scale, angle, late_x, late_y in draws:
        chosen = iter((dx, dy, scale, angle, late_x, late_y))
        monkeypatch.setattr(np.random, "choice", lambda _, chosen=chosen: next(chosen))
        chain = transform.compose(transform.standard_transforms)(picture)
        chain = torch.nn.functional.interpolate(chain, (224, 224), mode="bilinear", align_corners=True)
        view = View(shift=(dx, dy), scale=scale, angle=angle, late_shift=(late_x, late_y))
        ours = view.show(picture, 224)
        middle = np.s_[:, :, 60:-60, 60:-60]
        assert float((ours - chain)[middle].abs().max()) < 0.02
        assert float((ours - chain).abs().mean()) < 0.04  # strips of the margin that the chain cuts off
        part = view.show(picture, 224, (32, 48, 160, 208))
        torch.testing.assert_close(part, ours[:, :, 32:160, 48:208], rtol=0, atol=1e-4)


def test_views_are_drawn_from_lucents_ranges() -> None:
    views = [View.draw(random.Random(seed)) for seed in range(300)]
    assert {v.shift[0] for v in views} == set(range(8))
    assert {v.late_shift[1] for v in views} == set(range(4))
    assert (min(v.scale for v in views), max(v.scale for v in views)) == (0.9, 1.1)
    assert {v.angle for v in views} == set(range(-10, 11))


def test_all_pixels_of_a_large_picture_are_seen() -> None:
    picture = torch.zeros(1, 3, 512, 512, requires_grad=True)
    View(angle=3.0).show(picture, 224).sum().backward()
    assert picture.grad is not None
    assert float((picture.grad[0, 0, PAD:-PAD, PAD:-PAD] > 0).float().mean()) > 0.98


def test_what_a_network_does_not_have_is_refused(network: zoo.Network) -> None:
    with pytest.raises(UnknownNameError, match="Unknown layer"):
        Optimisation(network, [Target(layer="blocks.9")], SMALL)
    with pytest.raises(InvalidInputError, match=r"no channel '999'"):
        Optimisation(network, [Target(layer=LAYER, index=999)], SMALL)
    with pytest.raises(InvalidInputError, match=r"no channel '99'"):
        Optimisation(network, [Target(kind="direction", layer=LAYER, direction=((99, 1.0),))], SMALL)
    with pytest.raises(InvalidInputError, match=r"no class '1000'. Allowed: whole numbers, 0 to 999"):
        Optimisation(network, [Target(kind="class", index=1000)], SMALL)
    with pytest.raises(InvalidInputError, match="nothing to visualise"):
        Optimisation(network, [], SMALL)


@pytest.mark.parametrize("layer", ["conv_stem", "blocks.1.1", "blocks.2.1", "blocks.3.2", "conv_head"])
def test_nothing_outside_of_what_a_neuron_sees_has_an_effect(network: zoo.Network, layer: str) -> None:
    """Gradients of the middle unit over many views: none outside; and the square is no larger than it must be."""
    found, size = network.layers[layer], 128
    part = seen(found, network.entry.input_size, size)
    top, left, bottom, right = part
    assert bottom - top == right - left
    generator, touched = random.Random(0), torch.zeros(size, size)
    for _ in range(24):
        picture = torch.rand(1, 3, size, size, requires_grad=True)
        inputs = network.normalise(View.draw(generator).show(picture, network.entry.input_size))
        maps = network.look(inputs, layers=(layer,), logits=False).activations[layer]
        maps[0, :, found.height // 2, found.width // 2].sum().backward()
        touched += picture.grad.abs().sum((0, 1))
    inside = torch.zeros(size, size, dtype=torch.bool)
    inside[top:bottom, left:right] = True
    assert touched[~inside].sum() == 0
    if layer == "conv_stem":
        rows, columns = touched.nonzero().T
        assert max(rows.max() - rows.min(), columns.max() - columns.min()) + 1 >= (bottom - top) - 8
    if layer == "conv_head":
        assert part == (0, 0, size, size)


def test_a_part_of_pictures() -> None:
    pictures = np.arange(2 * 4 * 4 * 3, dtype=np.uint8).reshape(2, 4, 4, 3)
    np.testing.assert_array_equal(cut(pictures, (1, 0, 3, 2)), pictures[:, 1:3, :2])
    np.testing.assert_array_equal(cut(pictures, None), pictures)
