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

    def view(self, blur: Tensor, saturation: Tensor) -> Tensor:
        """The background as the camera sees it.

        Args:
            blur: (B,) mip level, limited to the last one.
            saturation: (B,) factor of the colourfulness; 0 is grey, 1 unchanged.

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
        return saturate(picture, saturation)
