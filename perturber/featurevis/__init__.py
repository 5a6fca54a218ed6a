"""Feature visualisation: pictures that a network responds to most (Olah et al. 2017), built on Lucent."""

from perturber.featurevis.bundle import Bundle, bundle_file, bundle_folder, compress, read_contents, save_bundle
from perturber.featurevis.optimisation import Optimisation
from perturber.featurevis.store import Store
from perturber.featurevis.targets import Recipe, Target, key
from perturber.featurevis.views import Window, cut, seen

__all__ = [
    "Bundle",
    "Optimisation",
    "Recipe",
    "Store",
    "Target",
    "Window",
    "bundle_file",
    "bundle_folder",
    "compress",
    "cut",
    "key",
    "read_contents",
    "save_bundle",
    "seen",
]
