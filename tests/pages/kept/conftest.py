"""An app with a data folder of its own, and the sessions in it, which no test leaves to the next."""

from collections.abc import Iterator

import dash
import pytest
from flask.testing import FlaskClient

from app import create_app
from perturber.config import Settings
from perturber.service import InferenceService
from perturber.sessions import FILE, Sessions


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), examples=None)) as running:
        yield running


@pytest.fixture(scope="module")
def app(service: InferenceService) -> dash.Dash:
    return create_app(service=service)


@pytest.fixture(scope="module")
def client(app: dash.Dash) -> FlaskClient:
    return app.server.test_client()


@pytest.fixture
def sessions(service: InferenceService) -> Iterator[Sessions]:
    yield Sessions(service.settings.data)
    for file in service.settings.data.glob(f"{FILE}*"):
        file.unlink()
