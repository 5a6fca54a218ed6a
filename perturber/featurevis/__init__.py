"""Feature visualisation: pictures that a network responds to most (Olah et al. 2017), built on Lucent."""

from perturber.featurevis.optimisation import Optimisation
from perturber.featurevis.store import Store
from perturber.featurevis.targets import Recipe, Target, key

__all__ = ["Optimisation", "Recipe", "Store", "Target", "key"]
