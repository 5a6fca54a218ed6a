"""Example pictures from a user's folder: of classes, and of what neurons answer to. Knows nothing of Dash."""

from perturber.examples.classes import ClassExamples
from perturber.examples.index import TOP, Example, ExampleIndex, Tops, index_path
from perturber.examples.indexing import Indexing, build

__all__ = ["TOP", "ClassExamples", "Example", "ExampleIndex", "Indexing", "Tops", "build", "index_path"]
