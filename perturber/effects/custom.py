"""The user's own effect: a GLSL snippet that is run for every pixel."""

from collections.abc import Sequence

import torch
from torch import Tensor

from perturber.effects.glsl import compile_source
from perturber.effects.registry import effect


@effect("custom_value", "custom_code")
def custom(images: Tensor, value: Tensor, sources: Sequence[str]) -> Tensor:
    """Run each picture's snippet (see `perturber.effects.glsl`); pictures with the same snippet go together.

    Args:
        images: (B, 3, H, W) in [0, 1].
        value: (B,) what the snippet sees as ``value``.
        sources: B snippets.

    Raises:
        InvalidInputError: a snippet that does not compile.
    """
    programs = {source: compile_source(source) for source in sources}
    if len(programs) == 1:
        return programs[sources[0]](images, value)
    result = torch.empty_like(images)
    for source, program in programs.items():
        items = torch.tensor([i for i, other in enumerate(sources) if other == source], device=images.device)
        result = result.index_copy(0, items, program(images[items], value[items]))
    return result
