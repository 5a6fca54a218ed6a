"""The background picture behind the object, with every mip level ready at the picture's own size."""

import torch
import torch.nn.functional as F
from torch import Tensor

from perturber.effects.colour import saturation as saturate


class Backdrop:
    """A background picture.

    Level 0 is the picture at the render size; each further level halves its resolution, and the last is its mean
    colour. Levels are brought back to full size by repeated doubling, which leaves smooth gradients instead of the
    diamonds of one bilinear enlargement.

    Args:
        picture: (3, H, W) float32 in [0, 1], square.
        size: side of the rendered picture, in pixels.
    """

    def __init__(self, picture: Tensor, size: int) -> None:
        small = F.interpolate(picture[None], size=(size, size), mode="area")
        sizes = [size]
        while sizes[-1] > 1:
            sizes.append((sizes[-1] + 1) // 2)
        levels = []
        for last, _ in enumerate(sizes):
            level = F.adaptive_avg_pool2d(small, sizes[last])
            for larger in reversed(sizes[:last]):
                level = F.interpolate(level, size=(larger, larger), mode="bilinear", align_corners=False)
            levels.append(level[0])
        self.levels = torch.stack(levels)

    def view(self, blur: Tensor, saturation: Tensor, turn: Tensor) -> Tensor:
        """The background as the camera sees it.

        Args:
            blur: (B,) mip level, limited to the last one.
            saturation: (B,) factor of the colourfulness; 0 is grey, 1 unchanged.
            turn: (B,) degrees by which the picture is turned counter-clockwise about its centre.

        Returns:
            (B, 3, size, size) in [0, 1].
        """
        last = len(self.levels) - 1
        blur = blur.clamp(0, last)
        fine = blur.detach().floor()
        lower = fine.long()
        picture = torch.lerp(
            self.levels[lower], self.levels[(lower + 1).clamp_max(last)], (blur - fine).view(-1, 1, 1, 1)
        )
        return _turned(saturate(picture, saturation), turn)


def _turned(pictures: Tensor, degrees: Tensor) -> Tensor:
    """Pictures (B, 3, S, S) turned counter-clockwise; their mirror images fill the corners."""
    if not degrees.requires_grad and not bool((degrees != 0).any()):
        return pictures
    cos, sin = torch.deg2rad(degrees).cos(), torch.deg2rad(degrees).sin()
    zero = torch.zeros_like(cos)
    # From a place in the result back to the place in the picture, with y downwards.
    back = torch.stack((torch.stack((cos, -sin, zero), 1), torch.stack((sin, cos, zero), 1)), 1)
    grid = F.affine_grid(back, list(pictures.shape), align_corners=False)
    turned = F.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)
    still = (degrees == 0).view(-1, 1, 1, 1)
    return turned if degrees.requires_grad else torch.where(still, pictures, turned)
