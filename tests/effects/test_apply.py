"""All effects together: defaults, order, batches, and derivatives with respect to parameters."""

import pytest
import torch

from perturber import effects
from perturber.effects import EFFECTS
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


def test_a_derivative_with_respect_to_parameters(photographs: torch.Tensor) -> None:
    """Through the whole chain at once, against finite differences."""
    images = photographs[:, :, 64:70, 64:70].double() * 0.6 + 0.2
    scenes = [Scene(), Scene(hue=0.1, low_alpha=0.8)]
    keys = ("alpha", "saturation", "contrast", "low_alpha", "high_sigma", "custom_value")
    start = [torch.tensor([0.9, 0.8]).double().requires_grad_() for _ in keys]

    def chain(*values: torch.Tensor) -> torch.Tensor:
        return effects.apply(images, scenes, dict(zip(keys, values, strict=True)))

    assert torch.autograd.gradcheck(chain, tuple(start))
