"""Comparisons of networks that need more than one look. Knows nothing of Dash."""

from perturber.experiments.channels import ChannelCorrelation, SameChannels
from perturber.experiments.divergence import (
    Divergence,
    PredictionComparison,
    compare_predictions,
    divergence,
    jensen_shannon,
)
from perturber.experiments.similarity import (
    MAX_PICTURES,
    MIN_PICTURES,
    CkaMatrix,
    Similarity,
    SimilarityWork,
    cka,
    pooled,
)

__all__ = [
    "MAX_PICTURES",
    "MIN_PICTURES",
    "ChannelCorrelation",
    "CkaMatrix",
    "Divergence",
    "PredictionComparison",
    "SameChannels",
    "Similarity",
    "SimilarityWork",
    "cka",
    "compare_predictions",
    "divergence",
    "jensen_shannon",
    "pooled",
]
