"""Perturber: interactive visual analysis of how robustly neural networks see."""

import os

# Threads that wait for each other must sleep, not spin: where a browser (or anyone) shares the cores, spinning
# threads keep the one that they wait for off its core, and a frame takes seconds. Read when torch is first imported.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

__version__ = "0.1.0"
