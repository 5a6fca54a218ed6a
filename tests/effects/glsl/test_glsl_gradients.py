"""Snippets are differentiable in the pictures and in the slider's value, and every gradient is a number."""

import pytest
import torch

from perturber.effects.glsl import DEFAULT_SOURCE, compile_source

SMOOTH = [
    DEFAULT_SOURCE,
    "color.rgb = pow(color.rgb, vec3(value)) * 0.5;",
    "color.rgb = mix(color.rgb, vec3(dot(color.rgb, vec3(0.3, 0.6, 0.1))), value * 0.5);",
    "color.rgb = texture2D(image, uv + vec2(value * 0.07, 0.03)).rgb * 0.9;",
    "color.rgb = normalize(color.rgb + value) * length(color.rg) * 0.5;",
    "if (uv.x > 0.5) color.rgb = sqrt(color.rgb) * 0.5; else color.rgb *= color.gbr * value;",
    "for (int i = 0; i < 3; i++) color.rgb = sin(color.rgb * 1.3 + value * 0.1) * 0.7;",
    "float f(float x) { if (x > 0.45) return x * x; return exp(-x) * 0.5; } color.r = f(color.r * value);",
    "mat2 r = mat2(cos(value), sin(value), -sin(value), cos(value)); color.rg = r * color.rg * 0.3 + 0.4;",
    "color.rgb = atan(color.rgb, vec3(value)) * 0.6; color.a = 0.5 + uv.x * 0.3;",
    "color.rgb = reflect(color.rgb, vec3(0.6, 0.0, 0.8)) * 0.2 + refract(color.rgb, vec3(0.0, 0.0, 1.0), 0.7) * 0.1 + 0.5;",  # noqa: E501
    "color.rgb = smoothstep(vec3(-0.2), vec3(1.2), color.rgb) * inversesqrt(value + 1.0);",
]


@pytest.mark.parametrize("source", SMOOTH)
def test_gradients_are_right(source: str) -> None:
    images = torch.rand(2, 3, 4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(5)) * 0.3 + 0.3
    value = torch.tensor([0.83, 1.21], dtype=torch.float64)
    assert torch.autograd.gradcheck(compile_source(source), (images.requires_grad_(), value.requires_grad_()))


EDGES = [
    "color.rgb = sqrt(color.rgb) + value;",
    "color.rgb = normalize(color.rgb) * value;",
    "color.rgb = color.rgb / color.gbr * value;",
    "color.rgb = pow(color.rgb, vec3(value)) + pow(color.rgb, vec3(0.3));",
    "color.rgb = log(color.rgb) * value;",
    "color.rgb = color.r > 0.0 ? vec3(value / color.r) : vec3(value);",
    "color.rgb = vec3(atan(color.r, color.g), asin(color.r * 2.0 + value), acos(1.0 + color.g)) * value;",
    "color.rgb = vec3(distance(color.rgb, color.bgr), mod(value, color.r), length(color.rg)) + value;",
    "color.rgb = vec3(1.0) / (color.rgb * value) - inversesqrt(color.rgb);",
]


@pytest.mark.parametrize("source", EDGES)
def test_gradients_are_numbers_where_nothing_is_defined(source: str) -> None:
    images = torch.zeros(1, 3, 2, 4)
    images[..., 1:] = torch.tensor([0.0, 0.5, 1.0])
    images.requires_grad_()
    value = torch.tensor([1.0], requires_grad=True)
    program = compile_source(source)
    result = program(images, value)
    result.sum().backward()
    assert images.grad is not None
    assert value.grad is not None
    assert images.grad.isfinite().all()
    assert value.grad.isfinite().all()
    with torch.inference_mode():
        torch.testing.assert_close(program(images.detach(), value.detach()), result.detach())
