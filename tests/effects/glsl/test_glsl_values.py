# ruff: noqa: E501 - a snippet and what it comes to stand side by side
"""Snippets against NumPy: what each comes to is written down a second time, as one expression."""

import numpy as np
import pytest
import torch

from perturber.effects.glsl import DEFAULT_SOURCE, compile_source

B, H, W = 2, 6, 5
IMAGES = np.random.default_rng(3).uniform(0.02, 0.98, (B, 3, H, W))
VALUES = np.array([0.4, 1.3])

R, G, BLUE = (np.ascontiguousarray(IMAGES[:, i]) for i in range(3))
U = np.broadcast_to((np.arange(W) + 0.5) / W, R.shape)
V = np.broadcast_to(1 - (np.arange(H)[:, None] + 0.5) / H, R.shape)
T = np.broadcast_to(VALUES[:, None, None], R.shape)
RGB = np.stack([R, G, BLUE], -1)
LENGTH = np.sqrt(R * R + G * G + BLUE * BLUE)
N = RGB / LENGTH[..., None]
M = np.array([[0.1, 0.5, 0.2], [0.3, 0.1, 0.2], [0.2, 0.2, 0.4]])  # GLSL lists the columns: M.T in NumPy's terms
MATRIX = "mat3 m = mat3(0.1, 0.5, 0.2, 0.3, 0.1, 0.2, 0.2, 0.2, 0.4);"


def rgb(r, g=None, b=None):
    return np.stack([np.broadcast_to(c, R.shape) for c in (r, r if g is None else g, r if b is None else b)], 1)


def across(array):
    """(B, H, W, 3) as the pictures are laid out."""
    return np.moveaxis(array, -1, 1)


def smooth(low, high, x):
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def texel(x, y):
    """The picture's pixels, moved, with the border continued."""
    rows, columns = np.clip(np.arange(H) + y, 0, H - 1), np.clip(np.arange(W) + x, 0, W - 1)
    return IMAGES[:, :, rows][:, :, :, columns]


def stepped(count):
    """How many passes a loop makes that is left where R · count falls short of the pass."""
    return np.minimum(np.floor(R * count) + 1, count)


FUNCTIONS = {
    "radians(color.rgb * 50.0)": np.radians(RGB * 50),
    "degrees(color.rgb) / 60.0": np.degrees(RGB) / 60,
    "sin(color.rgb * 2.0)": np.sin(RGB * 2),
    "cos(color.rgb)": np.cos(RGB),
    "tan(color.rgb * 0.7)": np.tan(RGB * 0.7),
    "asin(color.rgb) / 2.0": np.arcsin(RGB) / 2,
    "acos(color.rgb) / 2.0": np.arccos(RGB) / 2,
    "atan(color.rgb)": np.arctan(RGB),
    "atan(color.rgb - 0.5, color.gbr - 0.5) / 8.0 + 0.5": np.arctan2(RGB - 0.5, RGB[..., [1, 2, 0]] - 0.5) / 8 + 0.5,
    "pow(color.rgb, vec3(value))": RGB ** T[..., None],
    "pow(color.rgb, vec3(0.5, 1.0, 2.0))": RGB ** np.array([0.5, 1, 2]),
    "exp(-color.rgb)": np.exp(-RGB),
    "log(color.rgb + 1.0)": np.log(RGB + 1),
    "exp2(-color.rgb)": 2**-RGB,
    "log2(color.rgb + 1.0)": np.log2(RGB + 1),
    "sqrt(color.rgb)": np.sqrt(RGB),
    "inversesqrt(color.rgb + 1.0)": 1 / np.sqrt(RGB + 1),
    "abs(color.rgb - 0.5)": np.abs(RGB - 0.5),
    "sign(color.rgb - 0.5) * 0.3 + 0.5": np.sign(RGB - 0.5) * 0.3 + 0.5,
    "floor(color.rgb * 4.0) / 4.0": np.floor(RGB * 4) / 4,
    "ceil(color.rgb * 4.0) / 4.0": np.ceil(RGB * 4) / 4,
    "fract(color.rgb * 3.0 - 1.0)": (RGB * 3 - 1) % 1,
    "mod(color.rgb - 0.5, 0.3)": (RGB - 0.5) % 0.3,
    "mod(color.rgb, vec3(0.3, 0.2, 0.1))": RGB % np.array([0.3, 0.2, 0.1]),
    "min(color.rgb, 0.5)": np.minimum(RGB, 0.5),
    "min(color.rgb, color.gbr)": np.minimum(RGB, RGB[..., [1, 2, 0]]),
    "max(color.rgb, vec3(value) * 0.5)": np.maximum(RGB, T[..., None] * 0.5),
    "clamp(color.rgb, 0.3, 0.6)": np.clip(RGB, 0.3, 0.6),
    "clamp(color.rgb, vec3(0.2), color.ggg + 0.2)": np.minimum(np.maximum(RGB, 0.2), G[..., None] + 0.2),
    "clamp(0.5, color.rgb * 0.5, color.rgb) * vec3(1)": None,
    "mix(color.rgb, color.bgr, 0.3)": RGB * 0.7 + RGB[..., ::-1] * 0.3,
    "mix(vec3(0.2), color.rgb, color.gbr)": 0.2 * (1 - RGB[..., [1, 2, 0]]) + RGB * RGB[..., [1, 2, 0]],
    "mix(color.rgb, vec3(1.0), value * 0.5)": RGB * (1 - T[..., None] / 2) + T[..., None] / 2,
    "step(0.5, color.rgb)": (RGB >= 0.5).astype(float),
    "step(color.rgb, color.ggg)": (G[..., None] >= RGB).astype(float),
    "smoothstep(0.2, 0.8, color.rgb)": smooth(0.2, 0.8, RGB),
    "smoothstep(vec3(0.1), vec3(0.5), color.rgb)": smooth(0.1, 0.5, RGB),
    "vec3(length(color.rgb)) * 0.5": np.repeat(LENGTH[..., None] / 2, 3, -1),
    "vec3(length(color.r - 1.0))": np.repeat(1 - R[..., None], 3, -1),
    "vec3(distance(color.rgb, color.gbr))": np.sqrt(((RGB - RGB[..., [1, 2, 0]]) ** 2).sum(-1, keepdims=True))
    * np.ones(3),
    "vec3(dot(color.rgb, vec3(0.299, 0.587, 0.114)))": (RGB @ [0.299, 0.587, 0.114])[..., None] * np.ones(3),
    "cross(color.rgb, color.gbr) * 0.5 + 0.5": np.cross(RGB, RGB[..., [1, 2, 0]]) * 0.5 + 0.5,
    "normalize(color.rgb)": N,
    "faceforward(color.rgb, vec3(1.0), color.rgb - 0.5) * 0.5 + 0.5": np.where(
        (RGB - 0.5).sum(-1, keepdims=True) < 0, RGB, -RGB
    )
    * 0.5
    + 0.5,
    "reflect(vec3(0.6, 0.0, 0.8), normalize(color.rgb)) * 0.5 + 0.5": (
        np.array([0.6, 0, 0.8]) - 2 * (N @ [0.6, 0, 0.8])[..., None] * N
    )
    * 0.5
    + 0.5,
    "vec3(not(bvec3(true, false, true)))": np.broadcast_to([0.0, 1, 0], RGB.shape),
    "vec3(lessThan(color.rgb, vec3(0.5)))": (RGB < 0.5).astype(float),
    "vec3(greaterThanEqual(color.rgb, color.ggg))": (G[..., None] <= RGB).astype(float),
    "vec3(lessThanEqual(ivec3(1, 2, 3), ivec3(2)))": np.broadcast_to([1.0, 1, 0], RGB.shape),
    "vec3(greaterThan(color.rgb, color.bgr))": (RGB[..., ::-1] < RGB).astype(float),
    "vec3(equal(floor(color.rgb * 2.0), vec3(1.0)))": (np.floor(RGB * 2) == 1).astype(float),
    "vec3(notEqual(bvec3(color.r > 0.5), bvec3(true, false, true)))": np.stack([R <= 0.5, R > 0.5, R <= 0.5], -1) * 1.0,
    "vec3(any(lessThan(color.rgb, vec3(0.3))))": (RGB < 0.3).any(-1, keepdims=True) * np.ones(3),
    "vec3(all(greaterThan(color.rgb, vec3(0.3))))": (RGB > 0.3).all(-1, keepdims=True) * np.ones(3),
}
FUNCTIONS["clamp(0.5, color.rgb * 0.5, color.rgb) * vec3(1)"] = np.minimum(np.maximum(0.5, RGB * 0.5), RGB)
del FUNCTIONS["clamp(0.5, color.rgb * 0.5, color.rgb) * vec3(1)"]  # GLSL has no such overload

SNIPPETS = {
    "": IMAGES,
    DEFAULT_SOURCE: (IMAGES - 0.5) * VALUES[:, None, None, None] + 0.5,
    # What a snippet sees
    "color.rgb = vec3(uv, value * 0.5);": rgb(U, V, T / 2),
    "color.rgb = vec3(resolution / 10.0, color.a);": rgb(W / 10, H / 10, 1),
    "color.a = 0.5;": IMAGES / 2,
    "color.a = uv.x - 0.3;": IMAGES * np.clip(U - 0.3, 0, 1)[:, None],
    "color *= 0.5;": IMAGES / 4,
    "color.a = 7.0;": IMAGES,
    "color = texture2D(image, uv);": IMAGES,
    "color = texture(image, vec2(1.0 - uv.x, uv.y));": IMAGES[..., ::-1],
    "color = texture2D(image, vec2(uv.x, 1.0 - uv.y));": IMAGES[..., ::-1, :],
    "color = texture2D(image, uv + vec2(1.0, 0.0) / resolution);": texel(1, 0),
    "color = texture2D(image, uv + vec2(0.0, 2.0) / resolution);": texel(0, -2),
    "color = texture2D(image, uv + vec2(0.5, 0.0) / resolution);": (texel(0, 0) + texel(1, 0)) / 2,
    "color = texture2D(image, vec2(-3.0, 9.0));": np.broadcast_to(IMAGES[..., :1, :1], IMAGES.shape),
    "color.rgb = vec3(0.0); color.rgb = texture2D(image, uv).rgb;": IMAGES,
    # Swizzles
    "color.rgb = color.bgr;": IMAGES[:, ::-1],
    "color.xyz = color.stp.zxy;": rgb(BLUE, R, G),
    "color.br = color.rg;": rgb(G, G, R),
    "color.bgr.xz = vec2(0.1, 0.2);": rgb(0.2, G, 0.1),
    "vec2 a = color.rb; a.yx += a; color.rb = a * 0.5;": rgb((R + BLUE) / 2, G, (BLUE + R) / 2),
    "vec4 c = vec4(color.rg, color.bb).wzyx; color = vec4(c.xyz, 1.0);": rgb(BLUE, BLUE, G),
    # Operators
    "color.r = 1.0 - color.g * 0.5 + color.b / 4.0;": rgb(1 - G / 2 + BLUE / 4, G, BLUE),
    "color.r += 0.25; color.g -= 0.1; color.b *= color.b; color.r /= 2.0;": rgb((R + 0.25) / 2, G - 0.1, BLUE**2),
    "float a = 0.1; a++; color.r = a-- * 0.5; color.g = a; color.b = --a + 1.0;": rgb(0.55, 0.1, 0.1),
    "int i = 3; color.r = float(i++ + i) * 0.1; color.g = 0.1 * i;": rgb(0.7, 0.4, BLUE),
    "float x = (color.r) - color.g * 2.0; color.rgb = vec3((x) + 1.0);": rgb(R - G * 2 + 1),
    "float x = (fract(color.r)) - color.g * 2.0; color.rgb = vec3((vec2(x, x)).y + 1.0);": rgb(R - G * 2 + 1),
    "float a = 0.3; color.rgb = vec3(-a++ + 1.0);": rgb(0.7),
    "color.rgb = vec3(7 / 2, -7 / 2 + 4, 7 % 4) * 0.1;": rgb(0.3, 0.1, 0.3),
    "int i = int(color.r * 10.0); color.rgb = vec3(i / 3, i % 3, 0) * 0.2;": rgb(
        np.floor(R * 10) // 3 * 0.2, np.floor(R * 10) % 3 * 0.2, 0
    ),
    "bool a = color.r > 0.5, b = color.g > 0.5; color.rgb = vec3(a && b, a || b, a ^^ b);": rgb(
        (R > 0.5) & (G > 0.5), (R > 0.5) | (G > 0.5), (R > 0.5) ^ (G > 0.5)
    ),
    "color.rgb = vec3(true || true ^^ true, true ^^ true && false, !false);": rgb(1, 1, 1),
    "color.rgb = vec3(color.rg == color.gr, color.r != color.g, uv.x <= 0.5);": rgb(0, 1, U <= 0.5),
    "color.rgb = color.r > color.g ? color.rrr : vec3(value * 0.2);": rgb(np.where(R > G, R, T * 0.2)),
    "color.r = color.r < 0.3 ? 0.1 : color.r < 0.6 ? 0.5 : 0.9;": rgb(
        np.where(R < 0.3, 0.1, np.where(R < 0.6, 0.5, 0.9)), G, BLUE
    ),
    "color.r = 0x10 * 1e-2 + .5 + 010 * 0.01f;": rgb(0.74, G, BLUE),
    "float a, b; a = b = 0.25; color.r = (a += 0.5, a + b);": rgb(1.0, G, BLUE),
    "color.rgb = vec3(bool(0.5), int(1.9), float(true)) * 0.5;": rgb(0.5),
    # Side effects behind conditions
    "float n = 0.0; if (color.r > 0.5 && (n += 0.5) > 0.0) n += 0.25; color.rgb = vec3(n);": rgb(0.75 * (R > 0.5)),
    "float n = 0.0; float m = color.r > 0.5 ? n++ : (n += 0.5); color.rgb = vec3(n, m, 0);": rgb(
        np.where(R > 0.5, 1, 0.5), np.where(R > 0.5, 0, 0.5), 0
    ),
    # Matrices, by columns
    f"{MATRIX} color.rgb = m * color.rgb;": across(RGB @ M),
    f"{MATRIX} color.rgb = color.rgb * m;": across(RGB @ M.T),
    f"{MATRIX} color.rgb *= m;": across(RGB @ M.T),
    f"{MATRIX} color.rgb = m * m * color.rgb;": across(RGB @ M @ M),
    f"{MATRIX} color.rgb = m[1] + vec3(m[0][1]);": rgb(0.8, 0.6, 0.7),
    f"{MATRIX} m[2] = color.rgb; m[0].y = 0.0; color.rgb = m * vec3(0.5);": rgb(
        0.05 + 0.15 + R / 2, 0.05 + G / 2, 0.1 + 0.1 + BLUE / 2
    ),
    f"{MATRIX} color.rgb = (matrixCompMult(m, m) / 2.0 + m)[0];": rgb(0.105, 0.625, 0.22),
    "mat2 m = mat2(0.5); color.rg = m * color.rg; color.b = mat3(m)[2][2] - 0.5;": rgb(R / 2, G / 2, 0.5),
    "mat2 r = mat2(cos(value), sin(value), -sin(value), cos(value)); color.rg = r * (color.rg - 0.5) * 0.5 + 0.5;": rgb(
        (np.cos(T) * (R - 0.5) - np.sin(T) * (G - 0.5)) / 2 + 0.5,
        (np.sin(T) * (R - 0.5) + np.cos(T) * (G - 0.5)) / 2 + 0.5,
        BLUE,
    ),
    # Conditions
    "if (color.r > 0.5) color.r = 0.0; else if (color.g > 0.5) { color.g = 0.1; } else { color.b = 0.2; }": rgb(
        np.where(R > 0.5, 0, R), np.where((R <= 0.5) & (G > 0.5), 0.1, G), np.where((R <= 0.5) & (G <= 0.5), 0.2, BLUE)
    ),
    "if (value > 1.0) color.rgb = vec3(1.0) - color.rgb;": np.where(T[:, None] > 1, 1 - IMAGES, IMAGES),
    "if (color.g < 0.4) return; color.rgb = vec3(0.0); if (color.g > 9.0) return; color.b = 0.5;": np.where(
        G[:, None] < 0.4, IMAGES, rgb(0, 0, 0.5)
    ),
    "float x = 0.25; { float x = 1.0; color.g = x; } color.r = x;": rgb(0.25, 1, BLUE),
    # Loops
    "float s = 0.0; for (int i = 0; i < 4; i++) { s += float(i) * 0.1; } color.r = s;": rgb(0.6, G, BLUE),
    "float s = 0.0; for (float x = 1.0; x > 0.1; x *= 0.5) s += x * 0.25; color.r = s;": rgb(0.46875, G, BLUE),
    "float s = 0.0; int i = 5; while (i > 0) { i -= 2; s += 0.1; } color.rg = vec2(s, -0.1 * i);": rgb(0.3, 0.1, BLUE),
    "vec3 s = vec3(0.0); for (int y = -1; y <= 1; y++) for (int x = -1; x <= 1; ++x) s += texture2D(image, uv + vec2(x, y) / resolution).rgb; color.rgb = s / 9.0;": sum(
        texel(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)
    )
    / 9,
    "float n = 0.0; for (int i = 0; i < 8; i++) { if (float(i) > color.r * 8.0) break; n += 0.125; } color.rgb = vec3(n);": rgb(
        stepped(8) / 8
    ),
    "int i; for (i = 0; i < 8; i++) if (float(i) >= color.r * 8.0) break; color.rgb = vec3(i) / 8.0;": rgb(
        np.ceil(R * 8) / 8
    ),
    "float n = 0.0; for (int i = 0; i < 6; i++) { if (color.g * 6.0 > float(i)) continue; n += 0.1; } color.rgb = vec3(n);": rgb(
        (6 - np.ceil(G * 6)) * 0.1
    ),
    "float n = 0.0; for (int i = 0; i < 3; i++) for (int j = 0; j < 3; j++) { if (j > i) break; if (j == 1) continue; n += 0.2; } color.r = n;": rgb(
        0.8, G, BLUE
    ),
    "float f(float x) { for (int i = 0; i < 5; i++) { if (x < float(i) * 0.2) return float(i) * 0.1; } return 1.0; } color.rgb = vec3(f(color.r), f(color.g), f(2.0));": rgb(
        (np.floor(R * 5) + 1) * np.where(R < 0.8, 0.1, 0) + (R >= 0.8),
        (np.floor(G * 5) + 1) * np.where(G < 0.8, 0.1, 0) + (G >= 0.8),
        1,
    ),
    "vec3 last; for (int i = 0; i < 10; i++) { last = vec3(i) * 0.1; if (float(i) > color.r * 10.0) break; } color.rgb = last;": rgb(
        np.minimum(np.floor(R * 10) + 1, 9) * 0.1
    ),
    # Functions
    "float luma(vec3 c) { return dot(c, vec3(0.299, 0.587, 0.114)); } color.rgb = vec3(luma(color.rgb));": rgb(
        0.299 * R + 0.587 * G + 0.114 * BLUE
    ),
    "float f(float x) { if (x > 0.5) return 0.0; x += 0.25; return x; } color.rgb = vec3(f(color.r), f(color.g), f(0.1));": rgb(
        np.where(R > 0.5, 0, R + 0.25), np.where(G > 0.5, 0, G + 0.25), 0.35
    ),
    "void swap(inout float a, inout float b) { float c = a; a = b; b = c; } swap(color.r, color.b);": IMAGES[:, ::-1],
    "void parts(in vec3 c, out float low, out float high) { low = min(c.r, c.g); high = max(c.r, c.g); } parts(color.rgb, color.r, color.g);": rgb(
        np.minimum(R, G), np.maximum(R, G), BLUE
    ),
    "float f(float x) { return x * 0.5; } vec2 f(vec2 x) { return x.yx; } color.r = f(color.r); color.gb = f(color.gb);": rgb(
        R / 2, BLUE, G
    ),
    "float f(float); float g(float x) { return f(x) + 0.1; } float f(float x) { return x * 0.5; } color.r = g(g(color.r));": rgb(
        (R * 0.5 + 0.1) * 0.5 + 0.1, G, BLUE
    ),
    "const float k = 0.25; float count; void add() { count += k; } void main() { add(); add(); color.r = count; }": rgb(
        0.5, G, BLUE
    ),
    "precision mediump float; void main(void) { highp vec3 c = color.rgb; if (c.r > 0.5) return; color.rgb = c * 0.5; }": np.where(
        R[:, None] > 0.5, IMAGES, IMAGES / 2
    ),
    "vec3 sample3(sampler2D s, vec2 p) { return texture2D(s, p).rgb; } color.rgb = sample3(image, uv.xy) * 0.5;": IMAGES
    / 2,
    # Arrays
    "float k[3]; k[0] = 0.1; k[1] = color.r; k[2] = k[0] + k[1]; color.r = k[2] * 0.5;": rgb((R + 0.1) / 2, G, BLUE),
    "const int n = 3; float k[n] = float[3](0.25, 0.5, 0.25); float s = 0.0; for (int i = 0; i < n; i++) s += k[i] * color[i]; color.r = s;": rgb(
        R / 4 + G / 2 + BLUE / 4, G, BLUE
    ),
    "float k[] = float[](0.1, 0.2, 0.3, 0.4); color.r = k[int(color.r * 4.0)];": rgb(
        (np.floor(R * 4) + 1) / 10, G, BLUE
    ),
    "vec2 k[2] = { uv, vec2(0, 1) }; color.rg = k[0] * k[1];": rgb(0, V, BLUE),
    "vec3 c = color.rgb; c[int(uv.x * 3.0)] = 0.0; color.rgb = c;": np.where(
        np.arange(3)[:, None, None] == np.floor(U * 3)[:, None], 0, IMAGES
    ),
    # No number is no picture
    "color.rgb = vec3(0.0 / (uv.x - uv.x), 1.0 / (uv.x - uv.x), log(-1.0) * 0.0);": rgb(0, 1, 0),
    "color.rgb = normalize(color.rgb - color.rgb) + sqrt(-color.rgb);": rgb(0),
    "// ünï\ncolor.r = /* a\n b */ 0.5;": rgb(0.5, G, BLUE),
}
SNIPPETS |= {f"color.rgb = {call};": across(np.asarray(expected)) for call, expected in FUNCTIONS.items()}


def run(source: str, images: np.ndarray = IMAGES, values: np.ndarray = VALUES) -> np.ndarray:
    return compile_source(source)(torch.tensor(images), torch.tensor(values)).numpy()


@pytest.mark.parametrize("source", SNIPPETS)
def test_equals_numpy(source: str) -> None:
    np.testing.assert_allclose(run(source), np.clip(SNIPPETS[source], 0, 1), atol=1e-9)


@pytest.mark.parametrize("source", SNIPPETS)
def test_float32_and_single_pictures_give_the_same(source: str) -> None:
    program = compile_source(source)
    images, values = torch.tensor(IMAGES, dtype=torch.float32), torch.tensor(VALUES, dtype=torch.float32)
    before = images.clone()
    together = program(images, values)
    assert together.dtype == torch.float32
    assert together.shape == images.shape
    for i in range(B):
        torch.testing.assert_close(
            together[i : i + 1], program(images[i : i + 1], values[i : i + 1]), atol=0, rtol=1e-6
        )
    torch.testing.assert_close(images, before, atol=0, rtol=0)
    close = np.isclose(together.numpy(), run(source), atol=1e-5)
    assert close.mean() > 0.97  # a pixel at the very edge of a step may fall to its other side


def test_refraction_follows_snell() -> None:
    """Against the law itself: sin of the bent ray is eta times the sin of the incident one."""
    source = "vec3 r = refract(normalize(vec3(color.r, 0.0, -1.0)), vec3(0.0, 0.0, 1.0), 1.5); color.rgb = r * vec3(1, 1, -1);"
    sine = R / np.sqrt(R * R + 1) * 1.5
    inside = sine < 1
    expected = rgb(np.where(inside, sine, 0), 0, np.where(inside, np.sqrt(np.maximum(0, 1 - sine**2)), 0))
    np.testing.assert_allclose(run(source), expected, atol=1e-9)


def test_a_large_batch_is_run_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    source = "for (int i = 0; i < 3; i++) color.rgb = sin(color.rgb * 2.0 + value);"
    images, values = np.concatenate([IMAGES] * 4), np.linspace(0, 1, 8)
    whole = run(source, images, values)
    monkeypatch.setattr("perturber.effects.glsl.program.MAX_BYTES", 20_000)
    np.testing.assert_array_equal(run(source, images, values), whole)
