"""Figures as files for papers: sizes, fonts and colours, and in each file how it came about. Knows nothing of Dash."""

from perturber.export.data import Compared, compared
from perturber.export.drawing import Plotter, plotter
from perturber.export.files import MIME, Format, export, styled
from perturber.export.presets import FONTS, PRESETS, Preset, layout_size
from perturber.export.provenance import Provenance, Weights, read_provenance

__all__ = [
    "FONTS",
    "MIME",
    "PRESETS",
    "Compared",
    "Format",
    "Plotter",
    "Preset",
    "Provenance",
    "Weights",
    "compared",
    "export",
    "layout_size",
    "plotter",
    "read_provenance",
    "styled",
]
