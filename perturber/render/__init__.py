"""From a scene to its picture: a batched rasteriser in plain torch."""

from perturber.render.renderer import Renderer

__all__ = ["Renderer"]
