"""What speaks for a class, as pictures."""

import numpy as np
from PIL import Image
from plotly.colors import sample_colorscale, unlabel_rgb

from perturber.figures.style import DIVERGING, finite_size, gapped

GRADIENT_QUANTILE = 0.995
"""Colours of a gradient end at this quantile of its size: single pixels do not turn all others white."""

UNKNOWN = 173
"""The grey of pixels whose gradient is not finite."""

HEAT = np.array([unlabel_rgb(c) for c in sample_colorscale("Inferno", np.linspace(0, 1, 256).tolist())])
SIGNED = np.array(
    [unlabel_rgb(c) for c in sample_colorscale([list(s) for s in DIVERGING], np.linspace(0, 1, 256).tolist())]
)


def cam_picture(image: np.ndarray, cam: np.ndarray) -> np.ndarray:
    """Grad-CAM over the picture that it belongs to, which is bare where it is not finite: (H, W, 3) uint8.

    Args:
        image: (H, W, 3) uint8.
        cam: (h, w) from 0; the largest value becomes the brightest colour.
    """
    height, width = image.shape[:2]
    shares = gapped(cam) / (finite_size(cam) or 1.0)
    smooth = np.asarray(Image.fromarray(shares.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR))
    colours = HEAT[(np.nan_to_num(smooth).clip(0, 1) * 255).round().astype(int)]
    return np.where(np.isnan(smooth)[..., None], image, 0.4 * image + 0.6 * colours).round().astype(np.uint8)


def gradient_picture(gradient: np.ndarray) -> np.ndarray:
    """The gradient of a logit with respect to the picture, summed over the colours: (H, W, 3) uint8.

    Red: a brighter pixel raises the logit; blue: it lowers it; grey: that is not known.

    Args:
        gradient: (H, W, 3).
    """
    total = gapped(gradient).sum(-1)
    known = np.isfinite(total)
    size = np.abs(total[known]) if known.any() else np.ones(1)
    end = float(np.quantile(size, GRADIENT_QUANTILE)) or float(size.max()) or 1.0
    places = ((np.where(known, total, 0) / end).clip(-1, 1) * 127.5 + 127.5).round().astype(int)
    return np.where(known[..., None], SIGNED[places], UNKNOWN).astype(np.uint8)
