"""Training networks on: standard, adversarial and on redrawn pictures. Knows nothing of Dash or the service."""

from perturber.training.base import load_base
from perturber.training.batches import Batch, Batches
from perturber.training.development import Development
from perturber.training.pool import Pool, read_pool, read_stems
from perturber.training.recipe import Kind, Recipe, log_spaced, parse_attack, parse_kind
from perturber.training.run import Files, Run, check_name, read_metrics
from perturber.training.series import Moment, Series, all_series
from perturber.training.state import Provenance, read_checkpoint
from perturber.training.trainer import Step, Trainer
from perturber.training.validation import Validation

__all__ = [
    "Batch",
    "Batches",
    "Development",
    "Files",
    "Kind",
    "Moment",
    "Pool",
    "Provenance",
    "Recipe",
    "Run",
    "Series",
    "Step",
    "Trainer",
    "Validation",
    "all_series",
    "check_name",
    "load_base",
    "log_spaced",
    "parse_attack",
    "parse_kind",
    "read_checkpoint",
    "read_metrics",
    "read_pool",
    "read_stems",
]
