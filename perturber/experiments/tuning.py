"""Tuning curves over two quantities: what each neuron of a layer answers to, and in which order they are alike."""

from dataclasses import dataclass, field

import numpy as np

from perturber.experiments.families import Quantity

THUMBNAIL = 28
"""Side of the small pictures, in pixels."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TuningCurves:
    """What neurons answer to pictures over two quantities (thesis, Figure 5.1).

    Attributes:
        rows, columns: the quantities (R and C values).
        channels: of the layer (N).
        responses: (R, C, N) float32; NaN where a picture was not shown yet. To scenes the mean of the map, to a family
            the difference to mid-grey of what its `Family.pooling` says.
        thumbnails: (R, C, t, t, 3) uint8, the pictures, or of a family what is worth being shown.
    """

    model: str
    layer: str
    rows: Quantity
    columns: Quantity
    channels: tuple[int, ...]
    responses: np.ndarray = field(repr=False)
    thumbnails: np.ndarray = field(repr=False)


def weighted(responses: np.ndarray, thumbnails: np.ndarray) -> np.ndarray:
    """Pictures weighted by a neuron's response, negative ones inverted in colour.

    ½ + w (picture − ½) with w = response / strongest response of either sign.

    Args:
        responses: (R, C); NaN counts as no response.
        thumbnails: (R, C, t, t, 3) uint8.

    Returns:
        (R t, C t, 3) uint8, rows and columns as they are.
    """
    known = np.nan_to_num(responses.astype(np.float32), posinf=0, neginf=0)
    strongest = np.abs(known).max()
    weights = known / strongest if strongest else known
    centred = thumbnails.astype(np.float32) / 255 - 0.5
    pictures = 0.5 + weights[:, :, None, None, None] * centred
    rows, columns, side = thumbnails.shape[:3]
    return (pictures.transpose(0, 2, 1, 3, 4).reshape(rows * side, columns * side, 3) * 255).round().astype(np.uint8)


def alike(responses: np.ndarray) -> list[int]:
    """An order of neurons in which those of similar tuning stand together.

    Average linkage over 1 − Pearson correlation, leaves in the order that brings neighbours closest (Bar-Joseph,
    Gifford & Jaakkola 2001). Neurons that never change come last.

    Args:
        responses: (R, C, N), finite.

    Returns:
        Numbers of the neurons, each once.
    """
    from scipy.cluster import hierarchy  # a second that no start should wait for
    from scipy.spatial.distance import squareform

    curves = responses.reshape(-1, responses.shape[2]).astype(np.float64).T
    changing = [n for n, curve in enumerate(curves) if np.ptp(curve) > 0]
    still = [n for n in range(len(curves)) if n not in set(changing)]
    if len(changing) < 3:
        return changing + still
    distances = np.clip(1 - np.corrcoef(curves[changing]), 0, 2)
    np.fill_diagonal(distances, 0)
    condensed = squareform(distances, checks=False)
    tree = hierarchy.optimal_leaf_ordering(hierarchy.average(condensed), condensed)
    return [changing[n] for n in hierarchy.leaves_list(tree)] + still
