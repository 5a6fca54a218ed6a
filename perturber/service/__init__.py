"""The inference service: requests in, answers out; the only owner of the device.

Whoever asks it (pages, the CLI, experiments) needs no other module of this package.
"""

from perturber.service.batches import MAX_PICTURES, MIN_PICTURES, VARIATION, Batch, variations
from perturber.service.checks import check_classes
from perturber.service.comparing import (
    MAX_MODELS,
    Agreement,
    ChannelMaps,
    Column,
    CompareRequest,
    Comparison,
    same_layers,
)
from perturber.service.device import choose_device
from perturber.service.jobs import JobState, JobStatus, job_id
from perturber.service.requests import (
    IMAGE_SIZE,
    LOW_FREQUENCY,
    AttackLook,
    AttackOutcome,
    AttackRequest,
    ClassScore,
    Explanation,
    LayerChanges,
    Look,
    LookRequest,
    ModelInfo,
    PictureRequest,
    Progress,
    Ranking,
    RankRequest,
    SlotLook,
    SlotRequest,
)
from perturber.service.service import InferenceService
from perturber.service.visualisations import Visualised
from perturber.service.works.curves import ABOUT, LABELS, MAX_EPSILONS, CurveRequest, Curves
from perturber.service.works.development import PICTURES, DevelopmentRequest, ManyPictures, kept
from perturber.service.works.indexing import IndexRequest
from perturber.service.works.perturbations import Perturbation, Perturbations, PerturbationsRequest
from perturber.service.works.saving import SaveRequest, check_name
from perturber.service.works.scanning import ScanRequest
from perturber.service.works.similarity import Correlation, CorrelationRequest, SimilarityRequest
from perturber.service.works.visualisation import VisualisationRequest

__all__ = [
    "ABOUT",
    "IMAGE_SIZE",
    "LABELS",
    "LOW_FREQUENCY",
    "MAX_EPSILONS",
    "MAX_MODELS",
    "MAX_PICTURES",
    "MIN_PICTURES",
    "PICTURES",
    "VARIATION",
    "Agreement",
    "AttackLook",
    "AttackOutcome",
    "AttackRequest",
    "Batch",
    "ChannelMaps",
    "ClassScore",
    "Column",
    "CompareRequest",
    "Comparison",
    "Correlation",
    "CorrelationRequest",
    "CurveRequest",
    "Curves",
    "DevelopmentRequest",
    "Explanation",
    "IndexRequest",
    "InferenceService",
    "JobState",
    "JobStatus",
    "LayerChanges",
    "Look",
    "LookRequest",
    "ManyPictures",
    "ModelInfo",
    "Perturbation",
    "Perturbations",
    "PerturbationsRequest",
    "PictureRequest",
    "Progress",
    "RankRequest",
    "Ranking",
    "SaveRequest",
    "ScanRequest",
    "SimilarityRequest",
    "SlotLook",
    "SlotRequest",
    "VisualisationRequest",
    "Visualised",
    "check_classes",
    "check_name",
    "choose_device",
    "job_id",
    "kept",
    "same_layers",
    "variations",
]
