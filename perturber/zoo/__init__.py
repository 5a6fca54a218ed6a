"""Networks: the catalogue, safe loading of weights, layers and what passes through them."""

from perturber.zoo.catalogue import ModelEntry, catalog, entry
from perturber.zoo.evaluate import Evaluation, evaluate
from perturber.zoo.groups import Group, neuron_groups
from perturber.zoo.layers import Layer
from perturber.zoo.network import Network, Probe, check_layer, load
from perturber.zoo.receptive_field import Field

__all__ = [
    "Evaluation",
    "Field",
    "Group",
    "Layer",
    "ModelEntry",
    "Network",
    "Probe",
    "catalog",
    "check_layer",
    "entry",
    "evaluate",
    "load",
    "neuron_groups",
]
