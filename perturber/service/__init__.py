"""The inference service: requests in, answers out; the only owner of the device."""

from perturber.service.requests import (
    IMAGE_SIZE,
    ClassScore,
    Look,
    LookRequest,
    ModelInfo,
    Progress,
    SlotLook,
    SlotRequest,
)
from perturber.service.service import InferenceService

__all__ = [
    "IMAGE_SIZE",
    "ClassScore",
    "InferenceService",
    "Look",
    "LookRequest",
    "ModelInfo",
    "Progress",
    "SlotLook",
    "SlotRequest",
]
