"""Weights edited from those of one or two resident networks. Knows nothing of Dash."""

from perturber.editing.apply import EditedNetwork, Editor, check_same_architecture, independent, kept_filters
from perturber.editing.edit import MAX_LENGTH, Edit
from perturber.editing.files import Provenance, load_edit, save_edit
from perturber.editing.recalibrate import Recalibration
from perturber.editing.scan import Scan, ScanResult
from perturber.editing.units import LEVELS, Level, last_layers, units

__all__ = [
    "LEVELS",
    "MAX_LENGTH",
    "Edit",
    "EditedNetwork",
    "Editor",
    "Level",
    "Provenance",
    "Recalibration",
    "Scan",
    "ScanResult",
    "check_same_architecture",
    "independent",
    "kept_filters",
    "last_layers",
    "load_edit",
    "save_edit",
    "units",
]
