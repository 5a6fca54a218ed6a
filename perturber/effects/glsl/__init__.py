"""Effects of the user's own: a snippet of GLSL, compiled to batched torch operations.

A snippet is the body of ``main`` (a whole ``void main() { … }`` will do as well), with functions and constants of its
own if it likes. It sees

- ``vec4 color``: the pixel, to be read and written. Its alpha is 1; what is lower at the end lets black through:
  the result is ``color.rgb * color.a``.
- ``vec2 uv``: where the pixel's centre lies, from 0 to 1; the origin is the lower left corner, as in OpenGL.
- ``float value``: the slider's value.
- ``sampler2D image``: the picture before the snippet, for ``texture2D(image, uv)``: bilinear, continued at its border.
- ``vec2 resolution``: width and height in pixels.

The language is GLSL ES 1.00, with what people expect beyond it: ints pass for floats (``color.r * 2``), arrays may be
written as ``float k[3] = float[3](1.0, 2.0, 1.0)``, indices may depend on the pixel. Ints are exact up to 2²⁴. Where
the specification leaves a result undefined, it is some finite number where that is cheap, and a pixel that is no number
at the end is black; gradients do not flow through such places. Loops need bounds that do not depend on the pixel, but
``break``, ``continue`` and ``return`` may. There is no preprocessor, no ``struct``, ``switch``, ``do`` or recursion.

How it works: `tokens` and `syntax` read the text (tree-sitter does the parsing), `check` and `expressions` give
everything a type, `lower` unrolls loops, inlines functions and follows both sides of every condition that depends on
the pixel, which yields a row of primitive steps (`graph`, `operations`); `program` runs the steps. Nothing is ever
handed to Python as code, and what a snippet will cost is known, and limited, before it runs.
"""

from perturber.effects.glsl.errors import GlslError
from perturber.effects.glsl.program import Program, compile_source

__all__ = ["DEFAULT_SOURCE", "GlslError", "Program", "compile_source"]

DEFAULT_SOURCE = "color.rgb = (color.rgb - 0.5) * value + 0.5;"
"""Contrast around 0.5; a `value` of 1 leaves the picture as it is."""
