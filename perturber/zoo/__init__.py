"""Networks: the catalogue, safe loading of weights, layers and what passes through them."""

from perturber.zoo.catalogue import ModelEntry, catalog, entries, entry
from perturber.zoo.evaluate import Evaluation, evaluate
from perturber.zoo.groups import Group, GroupFile, group_file, neuron_groups, read_groups
from perturber.zoo.layers import Layer
from perturber.zoo.network import Network, Probe, check_layer, load
from perturber.zoo.receptive_field import Field
from perturber.zoo.sources import is_ready, ready

__all__ = [
    "Evaluation",
    "Field",
    "Group",
    "GroupFile",
    "Layer",
    "ModelEntry",
    "Network",
    "Probe",
    "catalog",
    "check_layer",
    "entries",
    "entry",
    "evaluate",
    "group_file",
    "is_ready",
    "load",
    "neuron_groups",
    "read_groups",
    "ready",
]
