"""Perturber: interactive visual analysis of how robust neural networks see."""

__version__ = "0.1.0"
