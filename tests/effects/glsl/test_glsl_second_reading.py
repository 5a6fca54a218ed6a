# ruff: noqa: E501 - a snippet stands on one line
"""A second reading of GLSL, written apart from the compiler and its own tests: snippets against NumPy expressions."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from perturber.effects import colour
from perturber.effects.glsl import DEFAULT_SOURCE, compile_source

HEIGHT, WIDTH = 6, 5
VALUES = np.array([0.3, 1.7])
IMAGES = np.random.default_rng(0).uniform(0.05, 0.95, (2, 3, HEIGHT, WIDTH))
R, G, B = IMAGES[:, 0], IMAGES[:, 1], IMAGES[:, 2]
U = np.broadcast_to((np.arange(WIDTH) + 0.5) / WIDTH, R.shape)
V = np.broadcast_to(((np.arange(HEIGHT)[::-1] + 0.5) / HEIGHT)[:, None], R.shape)
X = np.broadcast_to(VALUES[:, None, None], R.shape)
ONE = np.ones_like(R)


def run(source: str) -> np.ndarray:
    return compile_source(source)(torch.tensor(IMAGES), torch.tensor(VALUES)).numpy()


def rgb(r: object = R, g: object = G, b: object = B) -> np.ndarray:
    return np.stack([np.broadcast_to(np.asarray(c, float), R.shape) for c in (r, g, b)], 1)


def smooth(low: float, high: float, x: np.ndarray) -> np.ndarray:
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


LENGTH = np.sqrt(R**2 + G**2 + B**2)

SNIPPETS: dict[str, np.ndarray] = {
    # swizzles and assignment
    "": rgb(),
    ";": rgb(),
    "color.rgb = color.bgr;": rgb(B, G, R),
    "color.xy = color.yx;": rgb(G, R),
    "color.stp = color.ppp;": rgb(B, B, B),
    "color.br = vec2(0.25, 0.5);": rgb(0.5, G, 0.25),
    "vec3 c = color.rgb; c.zyx = c; color.rgb = c;": rgb(B, G, R),
    "color[0] = color[2];": rgb(B),
    "color.rgb[1] = 0.5;": rgb(R, 0.5),
    "color.a = 0.5;": rgb(R / 2, G / 2, B / 2),
    "(color).r = 1.0;": rgb(1),
    # what a snippet sees
    "color.rg = uv;": rgb(U, V),
    "color.r = value / 2.0;": rgb(X / 2),
    "color.r = resolution.x / 10.0; color.g = resolution.y / 10.0;": rgb(0.5, 0.6),
    "color = texture2D(image, uv);": rgb(),
    "color = texture(image, vec2(1.0 - uv.x, uv.y));": rgb(R[..., ::-1], G[..., ::-1], B[..., ::-1]),
    "color.rgb = texture2D(image, vec2(-3.0, 2.0)).rgb;": rgb(
        *(np.broadcast_to(c[:, :1, :1], R.shape) for c in (R, G, B))
    ),
    "color.r = 0.0; color.rgb = texture2D(image, uv).rgb;": rgb(),
    # operators
    "color.rgb = 1.0 - color.rgb;": rgb(1 - R, 1 - G, 1 - B),
    "color.rgb *= vec3(0.5, 1.0, 0.25);": rgb(R / 2, G, B / 4),
    "color.r += 0.1; color.g -= 0.02; color.b /= 2.0;": rgb(np.clip(R + 0.1, 0, 1), G - 0.02, B / 2),
    "color.r = -color.r + 1.;": rgb(1 - R),
    "int n = 7 / 2; color.r = float(n) / 10.0;": rgb(0.3),
    "color.r = float(-7 / 2 + 4) / 10.0;": rgb(0.1),
    "color.r = float(7 % 4) * 0.1;": rgb(0.3),
    "int n = 3; n++; ++n; color.r = float(n--) * 0.1; color.g = float(n) * 0.1;": rgb(0.5, 0.4),
    "color.r = 1 / 2.0;": rgb(0.5),
    "float x = 1; color.r = x / 4;": rgb(0.25),
    "color.r = 0x10 > 15 ? 0.125 : 1e-1;": rgb(0.125),
    "color.r = 2.5e-1f;": rgb(0.25),
    # choices
    "color.r = color.g > color.b ? color.g : color.b;": rgb(np.maximum(G, B)),
    "if (color.r > 0.5) color.r = 1.0; else color.r = 0.0;": rgb(R > 0.5),
    "if (uv.x < 0.5) { color.g = 0.0; } else if (uv.y < 0.5) { color.g = 0.5; } else { color.g = 1.0; }": rgb(
        R, np.where(U < 0.5, 0, np.where(V < 0.5, 0.5, 1))
    ),
    "if (value > 1.0) color.rgb = vec3(0.0);": rgb(*(np.where(X > 1, 0, c) for c in (R, G, B))),
    "bool a = color.r > 0.5, b = color.g > 0.5; color.b = a && !b ? 1.0 : 0.0;": rgb(R, G, (R > 0.5) & ~(G > 0.5)),
    "color.b = (color.r > 0.5) != (color.g > 0.5) ? 1.0 : 0.0;": rgb(R, G, (R > 0.5) ^ (G > 0.5)),
    "color.r = float(color.r > 0.5 || color.g > 0.5);": rgb((R > 0.5) | (G > 0.5)),
    "if (color.rg == color.rg && true != false) color.b = 0.0;": rgb(R, G, 0),
    "float x = 0.0; { float x = 1.0; color.r = x; } color.g = x;": rgb(1, 0),
    # loops
    "color.r = 0.0; for (int i = 0; i < 5; i++) color.r += 0.1;": rgb(0.5),
    "color.r = 0.0; for (int i = 4; i > 0; --i) { color.r += float(i) * 0.05; }": rgb(0.5),
    "color.r = 0.0; for (float x = 0.0; x <= 1.0; x += 0.25) color.r += x * 0.2;": rgb(0.5),
    "color.r = 0.0; for (int i = 1; i < 100; i *= 2) { if (i == 4) continue; if (i > 16) break; color.r += float(i) / 50.0; }": rgb(
        (1 + 2 + 8 + 16) / 50
    ),
    "float s = 0.0; for (int i = 0; i < 10; i++) { if (s > color.r) break; s += 0.1; } color.g = s;": rgb(
        R, np.floor(R / 0.1) * 0.1 + 0.1
    ),
    "color.r = 0.0; for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) { if (i == j) continue; color.r += 0.1; }": rgb(
        0.6
    ),
    "color.r = 0.0; for (int i = 0; i < 4; i++) { if (color.g > 0.5) continue; color.r += 0.2; }": rgb(
        np.where(G > 0.5, 0, 0.8)
    ),
    # functions
    "float half_(float x) { return x * 0.5; } color.r = half_(color.g);": rgb(G / 2),
    "float pick(vec3 c) { if (c.r > 0.5) return c.g; return c.b; } color.r = pick(color.rgb);": rgb(
        np.where(R > 0.5, G, B)
    ),
    "void both(in float x, out float a, inout float b) { a = x; b += x; } both(0.25, color.r, color.g);": rgb(
        0.25, np.clip(G + 0.25, 0, 1)
    ),
    "void change(float x) { x = 0.0; } change(color.r);": rgb(),
    "const float K = 0.25; float f() { return K; } void main() { color.r = f(); }": rgb(0.25),
    "float g(float x) { return x + 0.1; } float f(float x) { return g(g(x)); } color.r = f(0.3);": rgb(0.5),
    "float f(float x) { for (int i = 0; i < 8; i++) { x += 0.1; if (x > 0.55) return x; } return 0.0; } color.r = f(0.2);": rgb(
        0.6
    ),
    "void dim() { color.rgb *= 0.5; } dim(); dim();": rgb(R / 4, G / 4, B / 4),
    # vectors, matrices, arrays
    "color.rgb = vec3(0.5);": rgb(0.5, 0.5, 0.5),
    "color.rgb = vec3(uv, value / 2.0);": rgb(U, V, X / 2),
    "color = vec4(color.rg, vec2(0.5, 1.0));": rgb(R, G, 0.5),
    "color.rg = mat2(0.0, 1.0, 1.0, 0.0) * color.rg;": rgb(G, R),
    "mat2 m = mat2(0.5, 0.25, 0.0, 1.0); color.rg = m * color.rg;": rgb(R / 2, np.clip(R / 4 + G, 0, 1)),
    "mat2 m = mat2(0.5, 0.25, 0.0, 1.0); color.rg = color.rg * m;": rgb(R / 2 + G / 4, G),
    "mat3 m = mat3(0.5) * mat3(0.5); color.rgb = m * color.rgb;": rgb(R / 4, G / 4, B / 4),
    "mat3 m = mat3(1.0); m[1][1] = 0.5; m[2] = vec3(0.0); color.rgb = m * color.rgb;": rgb(R, G / 2, 0),
    "mat2 a = mat2(0.2), b = mat2(mat3(0.3)); a += b; color.r = a[0][0]; color.g = matrixCompMult(a, b)[1][1];": rgb(
        0.5, 0.15
    ),
    "float a[3]; for (int i = 0; i < 3; i++) a[i] = float(i) * 0.2; color.r = a[2] - a[1];": rgb(0.2),
    "ivec2 n = ivec2(3, 4) / 2; color.r = float(n.x + n.y) * 0.1;": rgb(0.3),
    "bvec2 b = lessThan(uv, vec2(0.5)); color.r = any(b) ? 1.0 : 0.0; color.g = all(b) ? 1.0 : 0.0;": rgb(
        (U < 0.5) | (V < 0.5), (U < 0.5) & (V < 0.5)
    ),
    "bvec2 b = not(greaterThanEqual(uv, vec2(0.5))); color.r = float(b.x);": rgb(U < 0.5),
    "color.r = float(int(color.r * 10.0)) / 10.0;": rgb(np.trunc(R * 10) / 10),
    # built-in functions
    "color.r = sin(color.r) * cos(color.g) + tan(0.1);": rgb(np.sin(R) * np.cos(G) + np.tan(0.1)),
    "color.r = asin(color.r) / 2.0; color.g = acos(color.g) / 2.0;": rgb(np.arcsin(R) / 2, np.arccos(G) / 2),
    "color.r = atan(color.r); color.g = atan(color.g, -color.b) / 4.0;": rgb(np.arctan(R), np.arctan2(G, -B) / 4),
    "color.r = radians(degrees(color.r));": rgb(),
    "color.rgb = pow(color.rgb, vec3(2.2));": rgb(R**2.2, G**2.2, B**2.2),
    "color.r = exp(-color.r); color.g = exp2(-color.g); color.b = -log(color.b) / 4.0;": rgb(
        np.exp(-R), 2**-G, -np.log(B) / 4
    ),
    "color.r = -log2(color.r) / 5.0; color.g = sqrt(color.g); color.b = 0.1 * inversesqrt(color.b);": rgb(
        -np.log2(R) / 5, np.sqrt(G), 0.1 / np.sqrt(B)
    ),
    "color.rgb = abs(color.rgb - 0.5);": rgb(abs(R - 0.5), abs(G - 0.5), abs(B - 0.5)),
    "color.r = sign(color.r - 0.5) * 0.5 + 0.5;": rgb(np.sign(R - 0.5) * 0.5 + 0.5),
    "color.r = floor(color.r * 4.0) / 4.0; color.g = ceil(color.g * 4.0) / 4.0; color.b = fract(color.b * 4.0);": rgb(
        np.floor(R * 4) / 4, np.ceil(G * 4) / 4, (B * 4) % 1
    ),
    "color.r = mod(-color.r, 0.3);": rgb(np.mod(-R, 0.3)),
    "color.rgb = min(color.rgb, 0.5); color.r = max(color.r, color.g);": rgb(
        np.maximum(np.minimum(R, 0.5), np.minimum(G, 0.5)), np.minimum(G, 0.5), np.minimum(B, 0.5)
    ),
    "color.rgb = clamp(color.rgb, 0.25, 0.75);": rgb(*(np.clip(c, 0.25, 0.75) for c in (R, G, B))),
    "color.rgb = mix(color.rgb, vec3(0.5), 0.25);": rgb(*(0.75 * c + 0.125 for c in (R, G, B))),
    "color.rgb = step(0.5, color.rgb);": rgb(R >= 0.5, G >= 0.5, B >= 0.5),
    "color.r = smoothstep(0.2, 0.7, color.r);": rgb(smooth(0.2, 0.7, R)),
    "color.r = length(color.rgb) / 2.0; color.g = distance(color.rg, vec2(0.5)) / 2.0;": rgb(
        LENGTH / 2, np.hypot(LENGTH / 2 - 0.5, G - 0.5) / 2
    ),
    "color.r = dot(color.rgb, vec3(0.299, 0.587, 0.114));": rgb(0.299 * R + 0.587 * G + 0.114 * B),
    "color.rgb = normalize(color.rgb);": rgb(R / LENGTH, G / LENGTH, B / LENGTH),
    "color.rgb = cross(vec3(0.0, 0.0, 1.0), vec3(color.g, -color.r, 0.0));": rgb(R, G, 0),
    "color.rg = reflect(vec2(color.r, -color.g), vec2(0.0, 1.0));": rgb(),
    "color.rg = -faceforward(color.rg, vec2(1.0), vec2(1.0));": rgb(),
    "color.r = refract(vec2(0.0, -1.0), vec2(0.0, 1.0), 0.5).y + 1.5;": rgb(0.5),
    "color.r = refract(vec2(0.8, -0.6), vec2(0.0, 1.0), 2.0).x;": rgb(0),
    # undefined results are black, and nothing is ever outside of 0 to 1
    "color.r = 0.0 / (color.r - color.r); color.g = log(-color.g); color.b = 5.0;": rgb(0, 0, 1),
    "color.r = 1 / 0 > 3 ? 1.0 : 0.0;": rgb(0),
    # comments, precision
    "// only red\nprecision mediump float;\n/* really */ color.gb = vec2(0.0);": rgb(R, 0, 0),
    DEFAULT_SOURCE: rgb(*(np.clip((c - 0.5) * X + 0.5, 0, 1) for c in (R, G, B))),
}


@pytest.mark.parametrize("source", SNIPPETS)
def test_snippets_equal_numpy(source: str) -> None:
    np.testing.assert_allclose(run(source), SNIPPETS[source], atol=1e-6)


def test_the_default_is_contrast() -> None:
    images, value = torch.tensor(IMAGES).float(), torch.tensor(VALUES).float()
    program = compile_source(DEFAULT_SOURCE)
    torch.testing.assert_close(program(images, value), colour.contrast(images, value))
    torch.testing.assert_close(program(images, torch.ones(2)), images, atol=1e-6, rtol=0)


def test_a_batch_equals_its_items() -> None:
    program = compile_source(
        "for (int i = 0; i < 3; i++) if (color.r > value * 0.3) color.r *= 0.8; else color.g *= value;"
    )
    images, value = torch.tensor(IMAGES), torch.tensor(VALUES)
    for i in (0, 1):
        alone = program(images[i : i + 1], value[i : i + 1])
        torch.testing.assert_close(alone[0], program(images, value)[i], atol=0, rtol=0)


@pytest.mark.parametrize(
    "source",
    [
        DEFAULT_SOURCE,
        "color.rgb = mix(color.rgb, color.bgr, 0.3 * value);",
        "color.rgb = pow(color.rgb, vec3(1.0 + 0.2 * value)); if (color.r > 0.4) color.g = sin(value * color.b) * 0.5;",
        "color.rgb = texture2D(image, uv + 0.01 * value).rgb;",
        "color.rgb = 0.4 * normalize(color.rgb) + 0.1 * value * length(uv);",
    ],
)
def test_differentiable(source: str) -> None:
    images = (torch.tensor(IMAGES[:, :, :3, :3]) * 0.4 + 0.3).requires_grad_()
    value = torch.tensor([0.7, 1.1], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(compile_source(source), (images, value))


NUMBERS = st.recursive(
    st.sampled_from(["color.r", "color.g", "value", "uv.x", "0.5", "2.0"]),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("{}({})".format, st.sampled_from(["sin", "cos", "abs", "floor", "fract"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["min", "max", "step"]), inner, inner),
        st.builds("({} > {} ? {} : {})".format, inner, inner, inner, inner),
    ),
    max_leaves=12,
)

PLAIN: dict[str, Callable[..., float]] = {
    "sin": np.sin, "cos": np.cos, "abs": abs, "floor": np.floor, "fract": lambda x: x - np.floor(x),
    "min": min, "max": max, "step": lambda edge, x: float(x >= edge),
}  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(NUMBERS)
def test_expressions_equal_a_slow_reading_pixel_by_pixel(expression: str) -> None:
    result = run(f"color.b = 0.5 + 0.05 * ({expression});")[:, 2]
    for b, y, x in ((0, 0, 0), (1, 3, 2), (0, 5, 4)):
        names = {"color.r": R[b, y, x], "color.g": G[b, y, x], "value": VALUES[b], "uv.x": U[b, y, x]}
        expected, rest = slow(expression, names)
        assert rest == ""
        assert result[b, y, x] == pytest.approx(np.clip(0.5 + 0.05 * expected, 0, 1), abs=1e-6)


def slow(text: str, names: dict[str, float]) -> tuple[float, str]:
    """The value of an expression as `NUMBERS` writes them, and what stands behind it."""
    if text[0] == "(":
        first, text = slow(text[1:], names)
        operator, text = text[1], text[3:]
        second, text = slow(text, names)
        if operator == ">":
            yes, text = slow(text[3:], names)
            no, text = slow(text[3:], names)
            return (yes if first > second else no), text[1:]
        return {"+": first + second, "-": first - second, "*": first * second}[operator], text[1:]
    for name, function in PLAIN.items():
        if text.startswith(name + "("):
            first, text = slow(text[len(name) + 1 :], names)
            if text[0] == ")":
                return function(first), text[1:]
            second, text = slow(text[2:], names)
            return function(first, second), text[1:]
    for name, value in names.items():
        if text.startswith(name):
            return value, text[len(name) :]
    return float(text[:3]), text[3:]
