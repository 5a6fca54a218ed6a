"""Results → Plotly figures; the same function draws the page and the paper's figure. Knows nothing of Dash."""

from perturber.figures.activations import GAP, SIGMAS, activation_mosaic, data_uri, mosaic
from perturber.figures.compatibility import compatibility, scanned
from perturber.figures.explanations import cam_picture, gradient_picture
from perturber.figures.perturbations import amplified, layer_changes, layer_jumps, signs, spectra
from perturber.figures.predictions import prediction_bars
from perturber.figures.robustness import falls, robustness, robustness_csv
from perturber.figures.style import (
    DIVERGING,
    SLOT_COLOURS,
    SLOT_NAMES,
    SLOT_TEXT,
    as_json,
    diverging_colours,
    empty_figure,
)
from perturber.figures.summary import ChannelMeans, channel_summary

__all__ = [
    "DIVERGING",
    "GAP",
    "SIGMAS",
    "SLOT_COLOURS",
    "SLOT_NAMES",
    "SLOT_TEXT",
    "ChannelMeans",
    "activation_mosaic",
    "amplified",
    "as_json",
    "cam_picture",
    "channel_summary",
    "compatibility",
    "data_uri",
    "diverging_colours",
    "empty_figure",
    "falls",
    "gradient_picture",
    "layer_changes",
    "layer_jumps",
    "mosaic",
    "prediction_bars",
    "robustness",
    "robustness_csv",
    "scanned",
    "signs",
    "spectra",
]
