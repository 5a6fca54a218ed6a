"""Users' own effects: GLSL snippets, compiled to batched torch operations.

A snippet is what stands in ``main``: statements, with functions between them if need be (or a whole ``void main()``).
For each pixel it sees

``vec4 color``
    the pixel, read and write; its red, green and blue are the result, multiplied by its alpha (1 at first).
``vec2 uv``
    where the pixel's middle lies, from 0 to 1, from the lower left.
``float value``
    the slider's value.
``sampler2D image``
    the whole picture as it was before, for ``texture2D(image, uv)``.
``vec2 resolution``
    width and height in pixels.

There are float, int, bool, vectors, matrices and arrays, swizzles, if, for with constant bounds, functions with in, out
and inout, and the functions of GLSL ES 1.00 that make sense for a pixel; whole numbers may stand where floats are
expected. Indices must be constant (a loop's index is). What has no number (0/0) becomes 0. Nothing of a snippet is ever
run as Python, and its work and memory are bounded before it meets a picture.
"""

from functools import lru_cache

import torch
from torch import Tensor

from perturber.effects.shader.machine import Machine
from perturber.effects.shader.syntax import GlslError, Node, parse

__all__ = ["DEFAULT_SOURCE", "GlslError", "Program", "compile_source"]

DEFAULT_SOURCE = "color.rgb = (color.rgb - 0.5) * value + 0.5;"
"""Contrast around 0.5, by the slider's value; 1 leaves a picture as it is."""

MEMORY = 2**30
"""Bytes that a snippet's variables may take at once; a batch that would need more is run in parts."""

TEMPORARIES = 16
"""Components that live beside the variables, about."""


class Program:
    """A snippet that is ready to be run.

    Args:
        root: as `parse` made it.
        alive: components of its variables that live at the same time.
    """

    def __init__(self, root: Node, alive: int) -> None:
        self.root = root
        self.alive = alive

    def __call__(self, images: Tensor, value: Tensor) -> Tensor:
        """Run the snippet for every pixel; differentiable in both arguments wherever it is.

        Args:
            images: (B, 3, H, W) in [0, 1].
            value: (B,).

        Returns:
            (B, 3, H, W) in [0, 1].
        """
        each = (self.alive + TEMPORARIES) * images[0, 0].numel() * images.element_size()
        at_once = max(1, MEMORY // each)
        parts = [
            Machine(images[i : i + at_once], value[i : i + at_once]).run(self.root)
            for i in range(0, len(images), at_once)
        ]
        result = parts[0] if len(parts) == 1 else torch.cat(parts)
        return torch.nan_to_num(result, nan=0.0, posinf=1.0, neginf=0.0).clamp(0, 1)


@lru_cache(maxsize=256)
def compile_source(source: str) -> Program:
    """Read and check a snippet.

    Raises:
        GlslError: it is not GLSL, not right, or does more than is allowed; names line, column and reason.
    """
    root = parse(source)
    # One pixel, not inside of a batch that asks for gradients: what is right for it is right for all.
    with torch.inference_mode(False), torch.no_grad():
        machine = Machine(torch.full((1, 3, 1, 1), 0.5), torch.ones(1), checking=True)
        try:
            machine.run(root)
        except RecursionError:
            raise GlslError(1, 1, "the code is nested too deeply") from None
        except OverflowError:
            raise GlslError(1, 1, "a number in the code becomes too large") from None
    return Program(root, machine.most_alive)
