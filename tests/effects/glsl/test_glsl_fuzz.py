"""Whatever is typed, the compiler answers with a program or a sentence; programs made by rule compute what they say.

The second part reads the same expression twice: once as GLSL, and once pixel by pixel as plain Python.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st
from test_glsl_errors import MISTAKES
from test_glsl_values import SNIPPETS

from perturber.effects.glsl import GlslError, compile_source

IMAGES = torch.rand(2, 3, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
VALUES = torch.tensor([0.3, 1.4], dtype=torch.float64)
FUZZ = fuzz(300)

ALPHABET = """color uv value image resolution rgb x r a b i f main float int bool vec2 vec3 vec4 mat2 mat3 ivec2 void
sampler2D const in out inout if else for while do return break continue discard true false sin mix clamp texture2D
length dot precision highp 0 1 2 7 0.5 1.0 1e9 09 1..2 1e . , ; ; ; ( ) ( ) { } [ ] = + - * / % < > == != <= && || ^^
! ? : += -= *= /= ++ -- & | ~ << # // /* */ ü " ' \\ @"""
WORDS = st.sampled_from(["\n", *ALPHABET.split()])
SOURCES = st.sampled_from([*SNIPPETS, *(row[0] for row in MISTAKES)])


def _try(source: str) -> None:
    error: GlslError | None = None
    try:
        program = compile_source(source)
    except GlslError as caught:
        error = caught
    if error:
        lines = source.split("\n")
        assert 1 <= error.line <= len(lines)
        assert 1 <= error.column <= len(lines[error.line - 1]) + 1
        assert "\n" not in str(error)
        return
    result = program(IMAGES, VALUES)
    assert result.shape == IMAGES.shape
    assert ((result >= 0) & (result <= 1)).all()


@FUZZ
@given(st.lists(WORDS, max_size=40).map(" ".join))
def test_any_words(source: str) -> None:
    _try(source)


@FUZZ
@given(st.text(max_size=80))
def test_any_text(source: str) -> None:
    _try(source)


@FUZZ
@given(st.data())
def test_snippets_that_were_changed(data: st.DataObject) -> None:
    source = data.draw(SOURCES)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(source)))
        length = data.draw(st.integers(0, 8))
        source = source[:place] + data.draw(st.one_of(st.just(""), WORDS)) + source[place + length :]
    _try(source)


@FUZZ
@given(SOURCES, SOURCES, st.integers(0, 200), st.integers(0, 200))
def test_halves_of_two_snippets(first: str, second: str, cut: int, start: int) -> None:
    _try(first[:cut] + second[start:])


@dataclass(frozen=True)
class Made:
    """An expression as text, and what it comes to for one pixel; `names` maps variables to their values."""

    text: str
    of: Callable[[dict[str, float]], float]


def _leaf(name: str) -> Made:
    return Made(name, lambda names: names[name])


def _number(value: float) -> Made:
    return Made(f"{value:.3f}", lambda _: round(value, 3))


def _binary(operator: str, a: Made, b: Made) -> Made:
    compute: dict[str, Callable[[float, float], float]] = {
        "+": lambda x, y: x + y,
        "-": lambda x, y: x - y,
        "*": lambda x, y: x * y,
        "/": lambda x, y: x / y,
    }
    if operator == "/":
        b = Made(f"(abs({b.text}) + 0.5)", lambda names, b=b: abs(b.of(names)) + 0.5)  # type: ignore[misc]
    return Made(f"({a.text} {operator} {b.text})", lambda names: compute[operator](a.of(names), b.of(names)))


def _call(name: str, *arguments: Made) -> Made:
    compute: dict[str, Callable[..., float]] = {
        "sin": math.sin,
        "abs": abs,
        "fract": lambda x: x - math.floor(x),
        "floor": math.floor,
        "min": min,
        "max": max,
        "step": lambda edge, x: float(x >= edge),
        "mix": lambda x, y, t: x * (1 - t) + y * t,
        "clamp": lambda x, low, high: min(max(x, low), high),
        "length": abs,
    }
    text = f"{name}({', '.join(argument.text for argument in arguments)})"
    return Made(text, lambda names: compute[name](*(argument.of(names) for argument in arguments)))


def _choice(a: Made, b: Made, yes: Made, no: Made) -> Made:
    return Made(
        f"({a.text} < {b.text} ? {yes.text} : {no.text})",
        lambda names: yes.of(names) if a.of(names) < b.of(names) else no.of(names),
    )


def _swizzled(a: Made, b: Made, c: Made) -> Made:
    return Made(f"vec3({a.text}, {b.text}, {c.text}).zxy.y", lambda names: a.of(names))


LEAVES = st.one_of(
    st.sampled_from(["color.r", "color.g", "color.b", "uv.x", "uv.y", "value", "p", "q"]).map(_leaf),
    st.floats(0, 3).map(_number),
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(_binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(_call, st.sampled_from(["sin", "abs", "fract", "floor", "length"]), inner),
        st.builds(_call, st.sampled_from(["min", "max", "step"]), inner, inner),
        st.builds(_call, st.just("mix"), inner, inner, inner),
        st.builds(_call, st.just("clamp"), inner, LEAVES, LEAVES),
        st.builds(_choice, inner, inner, inner, inner),
        st.builds(_swizzled, inner, inner, inner),
    ),
    max_leaves=10,
)


@fuzz(200)
@given(EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, EXPRESSIONS, st.integers(0, 4))
def test_programs_compute_what_they_say(p: Made, q: Made, test: Made, change: Made, passes: int) -> None:
    """Two variables, a loop that some pixels leave, and an if: against a pixel-by-pixel reading."""
    first = {"p": 0.25, "q": 0.75}
    source = (
        f"float p = 0.25, q = 0.75; p = {p.text};"
        f"for (int i = 0; i < {passes}; i++) {{ q = fract({q.text}); if (q > 0.6) break; p = sin(p + q); }}"
        f"if ({test.text} > 0.5) p = fract({change.text}); else {{ q = p; }} color.rgb = vec3(fract(p), fract(q), 0.5);"
    )
    result = compile_source(source)(IMAGES, VALUES).numpy()
    height, width = result.shape[2:]
    for b, y, x in np.ndindex(result.shape[0], height, width):
        red, green, blue = (float(c) for c in IMAGES[b, :, y, x])
        names = {"color.r": red, "color.g": green, "color.b": blue, "value": float(VALUES[b])} | first
        names |= {"uv.x": (x + 0.5) / width, "uv.y": (height - 0.5 - y) / height}
        names["p"] = p.of(names)
        for _ in range(passes):
            names["q"] = q.of(names) % 1
            if names["q"] > 0.6:
                break
            names["p"] = math.sin(names["p"] + names["q"])
        if test.of(names) > 0.5:
            names["p"] = change.of(names) % 1
        else:
            names["q"] = names["p"]
        expected = np.array([names["p"] % 1, names["q"] % 1, 0.5])
        difference = np.abs(result[b, :, y, x] - expected)
        # At the jump of fract() the last bit may decide.
        assert np.all(np.minimum(difference, 1 - difference) < 1e-6), source
