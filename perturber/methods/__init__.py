"""Texts for a paper's methods section: what was done, in sentences, and the works that it goes back to, as BibTeX."""
