"""Slopes against finite differences of the whole chain in float64, and flips on both of their sides."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest
import torch
from torch import Tensor

from perturber import effects, zoo
from perturber.errors import InvalidInputError
from perturber.experiments.slopes import Flip, Slopes, ends, sliding
from perturber.parameters import Number, get
from perturber.render import Renderer
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, PictureRequest, SlotRequest
from perturber.service.engine import LocalEngine
from perturber.service.works.slopes import FlipsRequest, SlopesRequest, SlopesWork

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
CLASS = 249


def slopes(service: InferenceService, request: SlopesRequest) -> Slopes:
    return service.wait(service.jobs.submit(request).id)


def random_scene(random: np.random.Generator) -> Scene:
    """Away from the ends of ranges and from kinks, with a few effects on."""
    values = {
        "yaw": random.uniform(-60, 60), "pitch": random.uniform(-25, 5), "distance": random.uniform(3.5, 5),
        "texture_influence": random.uniform(0.5, 0.9), "texture_blur": random.uniform(0.2, 0.8),
        "lighting_influence": random.uniform(0.3, 0.9), "background_blur": random.uniform(0.2, 0.8),
        "background_saturation": random.uniform(0.5, 0.9), "hue": random.uniform(0.02, 0.1),
        "saturation": random.uniform(0.6, 0.9), "contrast": random.uniform(0.6, 0.9), "alpha": 0.9,
        "noise": random.uniform(0.01, 0.04), "corruption_fog": random.uniform(0.2, 0.8),
        "light_azimuth": 20.0, "texture_morph": 0.2, "morph": 0.2, "custom_value": 0.9,
        "low_alpha": random.uniform(0.7, 0.95), "high_sigma": 0.6,
    }  # fmt: skip
    return Scene().replace(**values)


class InFloat64:
    """What the work is given to work with, all of it in float64; and the chain as the obvious function of a scene."""

    device = torch.device("cpu")

    def __init__(self, network: zoo.Network) -> None:
        self.renderer = Renderer(size=224, dtype=torch.float64)
        self.network = network.copy()
        self.network.module.double()
        self.network._mean, self.network._std = network._mean.double(), network._std.double()
        self.networks = self

    def steady(self, names: Sequence[str]) -> list[zoo.Network]:
        return [self.network for _ in names]

    def pictures(self, requests: Sequence[PictureRequest], values: Mapping[str, Tensor] | None = None) -> Tensor:
        scenes = [request.scene for request in requests]
        return effects.apply(self.renderer.render(scenes, values), scenes, values)

    @torch.inference_mode()
    def __call__(self, scene: Scene) -> float:
        return float(self.network.logits(self.pictures([PictureRequest(scene=scene)]))[0, CLASS])

    def slope(self, scene: Scene, key: str, low: float, high: float) -> float:
        return (self(scene.replace(**{key: high})) - self(scene.replace(**{key: low}))) / (high - low)


SMOOTH = (
    "texture_influence", "lighting_influence", "light_azimuth", "texture_morph", "background_saturation", "saturation",
    "contrast", "noise", "low_alpha", "alpha", "hue", "texture_blur", "custom_value", "corruption_fog",
)  # fmt: skip
MOVING = ("yaw", "distance", "pan_x", "morph")


@pytest.mark.slow
def test_ten_scenes_against_differences_of_the_whole_chain_in_float64(engine: LocalEngine) -> None:
    random, chain = np.random.default_rng(5), InFloat64(engine.network(LITE0))
    for _ in range(10):
        scene = random_scene(random)
        keys = (*random.choice(SMOOTH, 3, replace=False).tolist(), *random.choice(MOVING, 1).tolist())
        work = SlopesWork(chain, SlopesRequest(scene=scene, models=(LITE0,), classes=(CLASS,), keys=keys))
        while not work.progress().finished:
            work.step()
        for key, slope in work.product().slopes.items():
            parameter, present = get(key), getattr(scene, key)
            step = 1e-7 * (parameter.maximum - parameter.minimum)
            low, high = (slope.low, slope.high) if slope.how == "difference" else (present - step, present + step)
            assert slope.values[0] == pytest.approx(chain.slope(scene, key, low, high), rel=0.02, abs=1e-6), key


def test_all_parameters_of_two_networks(service: InferenceService) -> None:
    request = SlopesRequest(scene=Scene(), models=(LITE0, ADVERSARIAL), classes=(CLASS, CLASS))
    found = slopes(service, request)
    assert tuple(found.slopes) == sliding()
    assert len(found.slopes) >= 40
    assert all(len(slope.values) == 2 and np.isfinite(slope.values).all() for slope in found.slopes.values())
    assert found.slopes["yaw"].how == "difference"
    assert found.slopes["contrast"].how == "gradient"
    assert found.slopes["contrast"].values[0] != found.slopes["contrast"].values[1]


def test_at_the_end_of_a_range_the_difference_is_one_sided() -> None:
    assert ends("pitch", 90.0) == (90.0 - 0.36, 90.0)
    assert ends("yaw", 180.0)[1] > 180


def test_flips_are_true_on_both_sides(service: InferenceService) -> None:
    scene = Scene()
    keys = ("texture_influence", "yaw", "contrast")
    request = FlipsRequest(scene=scene, models=(LITE0, ADVERSARIAL), keys=keys)
    found = service.wait(service.jobs.submit(request).id)
    models = (LITE0, ADVERSARIAL)
    slots = tuple(SlotRequest(model=model) for model in models)

    def tops(at: Scene) -> list[int]:
        return [slot.top[0].index for slot in service.look(LookRequest(scene=at, slots=slots)).slots]

    now, flips = tops(scene), 0
    for key in keys:
        for n, sides in enumerate(found[key]):
            for side, flip in enumerate(sides):
                if flip is None:
                    continue
                flips += 1
                assert isinstance(flip, Flip)
                assert tops(scene.replace(**{key: flip.before}))[n] == now[n]
                assert tops(scene.replace(**{key: flip.value}))[n] == flip.to_class != now[n]
                parameter = get(key)
                assert isinstance(parameter, Number)
                span = parameter.maximum - parameter.minimum
                away = (flip.value - getattr(scene, key)) * (1 if side else -1) % span
                assert 0 < away <= span
    assert flips >= 3


@pytest.mark.parametrize(
    ("keys", "words"), [(("noise_seed",), "has no slope"), (("object",), "has no slope"), (("x",), "'x'")]
)
def test_what_has_no_slope(keys: tuple[str, ...], words: str) -> None:
    with pytest.raises(InvalidInputError, match=words):
        SlopesRequest(scene=Scene(), models=(LITE0,), classes=(CLASS,), keys=keys)
