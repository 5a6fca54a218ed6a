"""All effects together: defaults, order, batches, and derivatives with respect to parameters."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from perturber import effects
from perturber.effects import EFFECTS, Effect, effect
from perturber.parameters import PARAMETERS, Number
from perturber.render.renderer import BACKDROP_PARAMETERS, OBJECT_PARAMETERS
from perturber.scene import Scene, SceneBase

KEYS = [key for effect in EFFECTS for key in effect.keys]
IDLE = {key for effect in EFFECTS for key in effect.idle}


def elsewhere(key: str) -> float | str:
    parameter = PARAMETERS[key]
    if not isinstance(parameter, Number):
        return "color.rgb = color.bgr;"
    value = (parameter.default + parameter.maximum) / 2
    value = value if value != parameter.default else (parameter.default + parameter.minimum) / 2
    return round(value) if parameter.whole else value


def test_every_parameter_is_somebodys() -> None:
    elsewhere_used = {*OBJECT_PARAMETERS, *BACKDROP_PARAMETERS, "object", "background", "plane", "plane_neuron"}
    assert set(KEYS) | elsewhere_used == set(PARAMETERS)
    assert not set(KEYS) & elsewhere_used


def test_effects_are_applied_in_the_tables_order() -> None:
    first = [effect.keys[0] for effect in EFFECTS]
    assert first == [key for key in PARAMETERS if key in first]


def test_misplaced_effects_are_refused() -> None:
    def function(images: Tensor, amount: Tensor) -> Tensor:
        return images

    with pytest.raises(TypeError, match="function is the effect of 'sharpness', which is not in the parameter table"):
        effect("sharpness")(function)
    with pytest.raises(TypeError, match="'hue' already has an effect, hue"):
        effect("hue")(function)


def test_defaults_change_no_bit(photographs: torch.Tensor) -> None:
    assert effects.apply(photographs, [Scene()] * 2) is photographs
    alone = Scene.parse({key: elsewhere(key) for key in IDLE})
    assert effects.apply(photographs, [alone] * 2) is photographs


@pytest.mark.parametrize("key", [key for key in KEYS if key not in IDLE])
def test_every_parameter_changes_the_picture_and_stays_in_range(photographs: torch.Tensor, key: str) -> None:
    changed = effects.apply(photographs, [Scene.parse({key: elsewhere(key)})] * 2)
    assert changed.shape == photographs.shape
    assert 0 <= changed.min() <= changed.max() <= 1
    assert all((changed - photographs).abs().flatten(1).mean(1) > 1e-3)


def test_each_item_has_its_own_values(photographs: torch.Tensor) -> None:
    images = photographs[:1].expand(5, -1, -1, -1)
    scenes: list[SceneBase] = [
        Scene(),
        Scene(hue=0.3, cutoff=9, low_alpha=0.2),
        Scene(alpha=0.5, saturation=0.0, noise=0.1, patch_shuffle=3),
        Scene(hue=-0.1, alpha=0.9, custom_code="color.rgb = 1.0 - color.rgb;", corruption_fog=2.5),
        Scene(custom_value=0.4, corruption_snow=1, corruption_seed=7),
    ]
    together = effects.apply(images, scenes)
    for i, scene in enumerate(scenes):
        torch.testing.assert_close(together[i], effects.apply(images[:1], [scene])[0], atol=2e-6, rtol=0)


def test_a_batch_of_256_is_one_pass(photographs: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """…through every effect, whatever each item's values are: each function is called once."""
    calls = []

    def counting(effect: Effect) -> Effect:
        def function(images: torch.Tensor, *values: object) -> torch.Tensor:
            calls.append((effect.keys[0], len(images)))
            return effect.function(images, *values)

        return replace(effect, function=function)

    monkeypatch.setattr(effects, "EFFECTS", tuple(counting(effect) for effect in EFFECTS))
    images = photographs[:1, :, :24, :24].expand(256, -1, -1, -1)
    shares = torch.linspace(0.2, 0.8, 256).tolist()
    scenes = [
        Scene(
            hue=share - 0.5, contrast=share, noise=share / 4, noise_seed=i, patch_shuffle=1 + i % 16, patch_seed=i,
            low_alpha=share, cutoff=1 + share, custom_value=share, corruption_fog=share, corruption_seed=i,
        )
        for i, share in enumerate(shares)
    ]  # fmt: skip
    changed = effects.apply(images, scenes)
    assert [name for name, _ in calls] == [
        "hue", "contrast", "noise", "patch_shuffle", "custom_value", "cutoff", "corruption_fog",
    ]  # fmt: skip
    assert all(count >= 240 for _, count in calls)
    for i in (0, 100, 255):
        torch.testing.assert_close(changed[i], effects.apply(images[:1], [scenes[i]])[0], atol=3e-6, rtol=0)


def test_a_derivative_with_respect_to_parameters(photographs: torch.Tensor) -> None:
    """Through the whole chain at once, against finite differences."""
    images = photographs[:, :, 64:70, 64:70].double() * 0.6 + 0.2
    scenes = [Scene(), Scene(hue=0.1, low_alpha=0.8)]
    keys = ("alpha", "saturation", "contrast", "low_alpha", "high_sigma", "custom_value")
    start = [torch.tensor([0.9, 0.8]).double().requires_grad_() for _ in keys]

    def chain(*values: torch.Tensor) -> torch.Tensor:
        return effects.apply(images, scenes, dict(zip(keys, values, strict=True)))

    assert torch.autograd.gradcheck(chain, tuple(start), fast_mode=True)
