"""The inference service: requests in, answers out; the only owner of the device."""

from perturber.service.curve_works import CurveRequest, Curves
from perturber.service.editing_works import SaveRequest, ScanRequest
from perturber.service.jobs import JobState, JobStatus
from perturber.service.perturbation_works import Perturbations, PerturbationsRequest
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
    Progress,
    Ranking,
    RankRequest,
    SlotLook,
    SlotRequest,
)
from perturber.service.service import InferenceService
from perturber.service.visualisations import Visualised
from perturber.service.works import IndexRequest

__all__ = [
    "IMAGE_SIZE",
    "LOW_FREQUENCY",
    "AttackLook",
    "AttackOutcome",
    "AttackRequest",
    "ClassScore",
    "CurveRequest",
    "Curves",
    "Explanation",
    "IndexRequest",
    "InferenceService",
    "JobState",
    "JobStatus",
    "LayerChanges",
    "Look",
    "LookRequest",
    "ModelInfo",
    "Perturbations",
    "PerturbationsRequest",
    "Progress",
    "RankRequest",
    "Ranking",
    "SaveRequest",
    "ScanRequest",
    "SlotLook",
    "SlotRequest",
    "Visualised",
]
