"""Figures of each page for files, from nothing but what a link holds (see `perturber.ui.paper`)."""
