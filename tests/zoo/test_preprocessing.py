"""Preprocessing against timm's and torchvision's own transforms."""

import numpy as np
import pytest
import timm
import torch
import torchvision
from PIL import Image
from timm.data import create_transform, resolve_data_config
from torch import Tensor, nn

from perturber.config import Settings
from perturber.zoo.catalogue import catalog
from perturber.zoo.pictures import Crop
from perturber.zoo.preprocessing import Preprocessing, preprocessing

TIMM = (
    "beit_base_patch16_224", "convnext_tiny", "deit_small_patch16_224", "densenet121", "efficientnetv2_rw_s",
    "eva02_tiny_patch14_336", "inception_v3", "legacy_seresnet18", "mixer_b16_224", "mobilenetv3_large_100",
    "nasnetalarge", "regnety_008", "resnet50", "resnetv2_50x1_bit", "swin_tiny_patch4_window7_224",
    "tf_efficientnet_b3", "tf_efficientnet_lite1", "vgg16", "vit_base_patch16_224", "vit_base_patch16_clip_224",
)  # fmt: skip
TORCHVISION = (
    "alexnet", "convnext_tiny", "densenet121", "efficientnet_b0", "efficientnet_v2_s", "googlenet", "inception_v3",
    "mobilenet_v3_small", "resnet50", "swin_t", "vgg16", "vit_b_16",
)  # fmt: skip


@pytest.fixture(scope="module")
def picture() -> Image.Image:
    """Something of all scales, larger than any input, and of odd sides."""
    random = np.random.default_rng(0)
    coarse = Image.fromarray(random.integers(0, 255, (9, 12, 3), np.uint8)).resize((701, 525), Image.Resampling.BICUBIC)
    noise = random.integers(-40, 40, (525, 701, 3))
    return Image.fromarray((np.asarray(coarse) + noise).clip(0, 255).astype(np.uint8))


def inputs(known: Preprocessing, picture: Image.Image) -> Tensor:
    """(1, 3, S, S) as a network of ours gets it."""
    crop = Crop(size=known.input_size, resize=known.resize, interpolation=known.interpolation)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (known.mean, known.std))
    return ((torch.tensor(crop(picture)).permute(2, 0, 1) / 255 - mean) / std)[None]


@pytest.mark.parametrize("name", TIMM)
def test_the_input_is_timms(name: str, picture: Image.Image) -> None:
    config = timm.models.get_pretrained_cfg(name)
    assert config is not None
    transform = create_transform(**resolve_data_config(pretrained_cfg=config.to_dict()))
    torch.testing.assert_close(inputs(preprocessing(f"timm:{name}"), picture)[0], transform(picture))


@pytest.mark.parametrize("name", TORCHVISION)
def test_the_input_is_torchvisions(name: str, picture: Image.Image) -> None:
    """Where torchvision's network brings its input to another scale itself, it does so from ImageNet's."""
    for weights in torchvision.models.get_model_weights(name):
        expected = weights.transforms()(picture)
        if name in ("googlenet", "inception_v3"):
            model = torchvision.models.get_model(name, weights=None, transform_input=True, init_weights=False)
            expected = model._transform_input(expected[None])[0]
        known = preprocessing(f"torchvision:{name}", weights.url)
        torch.testing.assert_close(inputs(known, picture)[0], expected, atol=1e-5, rtol=1e-5)
        assert not known.warnings


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny_patch16_224", "tf_efficientnet_lite0"])
def test_logits_are_timms(name: str, picture: Image.Image) -> None:
    torch.manual_seed(0)
    module: nn.Module = timm.create_model(name, pretrained=False).eval()
    config = timm.models.get_pretrained_cfg(name)
    assert config is not None
    transform = create_transform(**resolve_data_config(pretrained_cfg=config.to_dict()))
    with torch.inference_mode():
        expected, found = module(transform(picture)[None]), module(inputs(preprocessing(f"timm:{name}"), picture))
    torch.testing.assert_close(found, expected, atol=1e-3, rtol=0)


def test_the_catalogue_agrees() -> None:
    """EfficientNet-Lite's weights were made with 127 and 128 over 255, where timm rounds to a half."""
    for entry in catalog(Settings().models).values():
        known = preprocessing(entry.architecture, entry.weights.place.get("url", ""))
        near = 3e-3 if "efficientnet_lite" in entry.architecture else 1e-6
        assert entry.mean == pytest.approx(known.mean, abs=near), entry.name
        assert entry.std == pytest.approx(known.std, abs=near), entry.name
        assert entry.input_size == known.input_size
        assert entry.interpolation == known.interpolation


def test_what_is_not_known_is_said() -> None:
    assert "Give --mean" in preprocessing("factory:a:b").warnings[0]
    (warning,) = preprocessing("torchvision:resnet50", "mine.pth").warnings
    assert "torchvision resizes differently for IMAGENET1K_V1" in warning
    base = catalog(Settings().models)["efficientnet_lite1"]
    known = preprocessing(base.architecture, "mine.pth", base)
    assert (known.mean, known.resize, known.source) == (base.mean, 272, "efficientnet_lite1's")
    assert preprocessing("timm:resnet18", "mine.pth", base).source == "timm's resnet18"
