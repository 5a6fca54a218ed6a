"""Results → Plotly figures; the same function draws the page and the paper's figure. Knows nothing of Dash."""

from perturber.figures.activations import SIGMAS, activation_mosaic, mosaic
from perturber.figures.predictions import prediction_bars
from perturber.figures.style import SLOT_COLOURS, SLOT_TEXT, empty_figure

__all__ = ["SIGMAS", "SLOT_COLOURS", "SLOT_TEXT", "activation_mosaic", "empty_figure", "mosaic", "prediction_bars"]
