"""Logging in by an OpenID Connect provider: a small one in this process, which signs what it says."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask, redirect, request
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app import create_app
from perturber.config import Oidc, Settings
from perturber.errors import InvalidInputError
from perturber.service import InferenceService
from perturber.users import Role, current

pytest.importorskip("authlib", reason="the extra oidc is not installed")


class Provider:
    """Lets everybody in, and says of them what it is told to.

    Attributes:
        claims: of whoever comes next, beside those that every token has.
    """

    def __init__(self) -> None:
        from joserfc import jwt
        from joserfc.jwk import RSAKey

        key = RSAKey.generate_key(2048, {"kid": "1"})
        self.signing: Any = key
        self.claims: dict[str, Any] = {}
        nonces: dict[str, str] = {}
        app = Flask("provider")

        @app.get("/.well-known/openid-configuration")
        def configuration() -> dict[str, Any]:
            ends = {f"{name}_endpoint": f"{self.url}/{name}" for name in ("authorization", "token")}
            return {"issuer": self.url, "jwks_uri": f"{self.url}/jwks", **ends}

        @app.get("/jwks")
        def jwks() -> dict[str, Any]:
            return {"keys": [key.as_dict(private=False)]}

        @app.get("/authorization")
        def authorization() -> Any:
            assert request.args["code_challenge_method"] == "S256"
            nonces["code"] = request.args["nonce"]
            return redirect(f"{request.args['redirect_uri']}?code=code&state={request.args['state']}")

        @app.post("/token")
        def token() -> dict[str, Any]:
            assert request.authorization is not None
            assert (request.authorization.username, request.authorization.password) == ("perturber", "a secret")
            now = int(time.time())
            claims = {"iss": self.url, "aud": "perturber", "sub": "1", "iat": now, "exp": now + 60}
            claims |= {"nonce": nonces["code"], **self.claims}
            signed = jwt.encode({"alg": "RS256", "kid": "1"}, claims, self.signing)
            return {"access_token": "x", "token_type": "Bearer", "id_token": signed}

        self.server = make_server("127.0.0.1", 0, app)
        self.url = f"http://127.0.0.1:{self.server.port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    found = Provider()
    yield found
    found.server.shutdown()


@pytest.fixture(scope="module")
def server(provider: Provider, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    oidc = Oidc(
        issuer=provider.url, client="perturber", secret="a secret", name_claim="preferred_username",
        role_claim="groups", role=Role.VIEWER,
    )  # fmt: skip
    with InferenceService(Settings(data=tmp_path_factory.mktemp("data"), host="0.0.0.0", oidc=oidc)) as service:
        server = create_app(service=service).server
        server.add_url_rule("/who", view_func=lambda: [current().name, current().role.value])
        yield server


@pytest.fixture
def client(server: Flask) -> FlaskClient:
    return server.test_client()


def come_back(client: FlaskClient, begin: str = "/login/provider?next=/compare?yaw%3D3") -> str:
    """The address to which the provider sends back."""
    import requests

    there = client.get(begin).location
    return requests.get(there, allow_redirects=False, timeout=10).headers["Location"].removeprefix("http://localhost")


@pytest.mark.parametrize(
    ("claims", "role"),
    [({}, "viewer"), ({"groups": "editor"}, "editor"), ({"groups": ["x", "viewer", "admin"]}, "admin")],
)
def test_users_of_the_provider_come_in(client: FlaskClient, provider: Provider, claims: dict, role: str) -> None:
    provider.claims = {"preferred_username": "ada", **claims}
    assert "Log in with 127.0.0.1" in client.get("/login").text
    response = client.get(come_back(client))
    assert (response.status_code, response.location) == (302, "/compare?yaw=3")
    assert client.get("/who").get_json() == ["ada@127.0.0.1", role]
    assert client.get("/login").location == "/"
    assert client.get("/account").status_code == 200


@pytest.mark.parametrize(
    "claims", [{"nonce": "another"}, {"iss": "https://evil.example"}, {"aud": "another"}, {"exp": 1}, {}]
)
def test_others_do_not(client: FlaskClient, provider: Provider, claims: dict) -> None:
    provider.claims = {**({"preferred_username": "ada"} if claims else {}), **claims}
    response = client.get(come_back(client))
    assert response.status_code == 401
    assert "127.0.0.1" in response.text
    assert client.get("/alive").status_code == 401


def test_nobody_else_signs(client: FlaskClient, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    from joserfc.jwk import RSAKey

    provider.claims = {"preferred_username": "ada"}
    monkeypatch.setattr(provider, "signing", RSAKey.generate_key(2048, {"kid": "1"}))
    assert client.get(come_back(client)).status_code == 401
    assert client.get("/alive").status_code == 401


def test_a_login_that_was_not_begun_here_is_none(client: FlaskClient, provider: Provider) -> None:
    provider.claims = {"preferred_username": "ada"}
    back = come_back(client)
    assert client.application.test_client().get(back).status_code == 401
    path, state = urlsplit(back).path, parse_qs(urlsplit(back).query)["state"][0]
    assert client.get(f"{path}?error=access_denied&state={state}").status_code == 401
    assert client.get("/alive").status_code == 401


def test_the_provider_is_asked_again(client: FlaskClient, provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    provider.claims = {"preferred_username": "ada"}
    client.get(come_back(client))
    assert client.get("/alive").status_code == 204
    later = time.time() + 86401
    monkeypatch.setattr("perturber.ui.oidc.time.time", lambda: later)
    assert client.get("/alive").status_code == 401


def test_settings_name_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Settings().oidc is None
    for name, value in (("ISSUER", "https://login.lab"), ("CLIENT", "p"), ("SECRET", "s3cret"), ("ROLE", "editor")):
        monkeypatch.setenv(f"PERTURBER_OIDC_{name}", value)
    found = Settings().oidc
    assert found is not None
    assert (found.issuer, found.client, found.role) == ("https://login.lab", "p", Role.EDITOR)
    assert "s3cret" not in repr(Settings())
    assert replace(found, secret="other") != found
    monkeypatch.setenv("PERTURBER_OIDC_ROLE", "king")
    with pytest.raises(InvalidInputError, match=r"'king'.*viewer, editor, admin"):
        Settings()
