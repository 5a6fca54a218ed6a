"""Where pages find the service of the app that they belong to."""

from flask import current_app

from perturber.service import InferenceService

KEY = "PERTURBER_SERVICE"


def service() -> InferenceService:
    """The service of the app that answers the present request."""
    return current_app.config[KEY]
