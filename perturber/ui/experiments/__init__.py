"""The experiments of the page Experiments: one module a kind; `EXPERIMENTS` is the list of them."""

from types import MappingProxyType

from perturber.ui.experiments.base import GROUPS, Chosen, Cost, Experiment, Known, Numbers, folder_of
from perturber.ui.experiments.fourier import Fourier
from perturber.ui.experiments.hypotheses import Hypotheses
from perturber.ui.experiments.measured import MEASURED
from perturber.ui.experiments.tuning import Tuning

__all__ = ["EXPERIMENTS", "GROUPS", "Chosen", "Cost", "Experiment", "Known", "Numbers", "folder_of"]

EXPERIMENTS: MappingProxyType[str, Experiment] = MappingProxyType(
    {one.key: one for one in (*MEASURED, Fourier(), Tuning(), Hypotheses())}
)
"""Key → experiment, in the order of the page's list within each group."""
