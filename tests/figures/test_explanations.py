"""Grad-CAM and gradients as pictures: bright where the cam is large, red and blue where the gradient has that sign."""

import numpy as np
import pytest

from perturber.figures import cam_picture, gradient_picture

IMAGE = np.full((224, 224, 3), 128, np.uint8)


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_a_cam_is_brightest_where_it_is_largest(scale: float) -> None:
    cam = np.zeros((7, 7), np.float32)
    cam[1, 5], cam[5, 2] = 4 * scale, 2 * scale
    picture = cam_picture(IMAGE, cam).astype(int)
    assert picture.shape == (224, 224, 3)
    light = picture.sum(-1)
    row, column = np.unravel_index(light.argmax(), light.shape)
    assert (row // 32, column // 32) == (1, 5)
    strongest, half, none = (light[32 * r + 16, 32 * c + 16] for r, c in ((1, 5), (5, 2), (3, 0)))
    assert strongest > half > none


def test_the_picture_shines_through_a_cam() -> None:
    image = np.zeros((224, 224, 3), np.uint8)
    image[:, 112:] = 255
    cam = np.ones((7, 7), np.float32)
    picture = cam_picture(image, cam).astype(int)
    assert np.abs(picture[:, 112:] - picture[:, :112] - 0.4 * 255).max() <= 1


def test_a_cam_of_nothing_is_dark() -> None:
    """Nothing speaks for the class: every place has the colour of zero, which in Inferno is black."""
    assert (cam_picture(IMAGE, np.zeros((7, 7), np.float32)) < 0.4 * 128 + 8).all()


@pytest.mark.parametrize("scale", [1e-8, 1.0, 1e3])
def test_a_gradient_is_red_where_positive_and_blue_where_negative(scale: float) -> None:
    gradient = np.zeros((224, 224, 3), np.float32)
    gradient[:50, :50] = scale
    gradient[100:, 100:] = -scale
    gradient[60:70, 60:70] = (scale, -scale / 2, -scale / 2)  # cancels out
    picture = gradient_picture(gradient).astype(int)
    assert picture.shape == (224, 224, 3)
    red, blue, none, cancelled = picture[20, 20], picture[150, 150], picture[20, 150], picture[65, 65]
    assert red.tolist() == [0xB2, 0x18, 0x2B]
    assert blue.tolist() == [0x21, 0x66, 0xAC]
    assert none.min() >= 250
    assert cancelled.min() >= 250


def test_a_single_pixel_does_not_fade_the_others() -> None:
    gradient = np.full((224, 224, 3), 0.01, np.float32)
    gradient[0, 0] = 1000
    assert gradient_picture(gradient)[100, 100].tolist() == [0xB2, 0x18, 0x2B]


def test_a_gradient_in_few_pixels_is_seen() -> None:
    gradient = np.zeros((224, 224, 3), np.float32)
    gradient[7, 9] = -1e-4
    assert gradient_picture(gradient)[7, 9].tolist() == [0x21, 0x66, 0xAC]


def test_a_gradient_of_nothing_is_white() -> None:
    assert gradient_picture(np.zeros((8, 8, 3), np.float32)).min() >= 250


def test_what_is_not_finite_is_left_bare() -> None:
    cam = np.zeros((7, 7), np.float32)
    cam[1, 5], cam[5, 2] = 4, np.nan
    picture = cam_picture(IMAGE, cam)
    assert (picture[32 * 5 + 16, 32 * 2 + 16] == IMAGE[0, 0]).all()
    cam[5, 2] = 0
    assert (picture[:112] == cam_picture(IMAGE, cam)[:112]).all()

    gradient = np.random.default_rng(0).normal(size=(224, 224, 3)).astype(np.float32)
    gradient[100:, :, 0], gradient[200] = np.nan, (np.inf, -np.inf, 0)
    picture = gradient_picture(gradient)
    assert (picture[100:] == picture[100, 0, 0]).all()  # one grey
    assert (picture[:100] == gradient_picture(gradient[:100])).all()
