"""Feature visualisation: pictures that a neuron responds to most (Olah et al. 2017), with Lucent."""

from perturber.featurevis.visualisation import STEPS, Neuron, Visualisation

__all__ = ["STEPS", "Neuron", "Visualisation"]
