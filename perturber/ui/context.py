"""Where pages find the service of the app that they belong to."""

import dash

from perturber.service import InferenceService

KEY = "PERTURBER_SERVICE"


def service() -> InferenceService:
    """The service of the running app."""
    return dash.get_app().server.config[KEY]
