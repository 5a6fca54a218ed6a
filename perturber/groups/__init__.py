"""Groups of neurons, measured: what early layers look for, and which neurons of later ones stand for an object."""

from perturber.groups.finding import Finding, find, save

__all__ = ["Finding", "find", "save"]
