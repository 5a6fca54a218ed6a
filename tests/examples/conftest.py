"""Fixtures of this folder."""

from example_files import folder, network

__all__ = ["folder", "network"]
