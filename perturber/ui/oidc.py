"""Logging in by somebody else's accounts: OpenID Connect, through Authlib."""

import time
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

import flask
from flask import Flask, session

from perturber.config import Oidc
from perturber.errors import InvalidInputError, NotAllowedError
from perturber.users import Role, User

KEY = "PERTURBER_OIDC"

SECONDS = 86400
"""After which the provider is asked again whether somebody is theirs still."""


def trust(server: Flask, oidc: Oidc) -> None:
    """Let an app's users log in by this provider.

    Raises:
        InvalidInputError: the packages are missing.
    """
    if find_spec("authlib") is None:
        raise InvalidInputError("OpenID Connect needs the package Authlib: pip install 'perturber[oidc]'.")
    from authlib.integrations.flask_client import OAuth

    server.config[KEY] = (
        oidc,
        OAuth(server).register(
            "oidc",
            client_id=oidc.client,
            client_secret=oidc.secret,
            server_metadata_url=f"{oidc.issuer.rstrip('/')}/.well-known/openid-configuration",
            client_kwargs={"scope": "openid profile email", "code_challenge_method": "S256", "timeout": 10},
        ),
    )


def provider() -> str | None:
    """Whose accounts they are, or None where there are no others'."""
    known = flask.current_app.config.get(KEY)
    return None if known is None else _host(known[0])


def begin(path: str) -> Any:
    """Go to the provider, to come back for this page.

    Raises:
        NotAllowedError: it does not answer.
    """
    from requests import RequestException

    oidc, client = flask.current_app.config[KEY]
    session["next"] = path
    try:
        return client.authorize_redirect(flask.url_for("accounts.from_provider", _external=True))
    except (RequestException, ValueError, RuntimeError) as error:
        raise NotAllowedError(f"{_host(oidc)} does not answer ({type(error).__name__}). Try again later.") from error


def finish() -> str:
    """Take over whom the provider has let in, and return the page to go on to.

    Raises:
        NotAllowedError: nobody, or somebody without a name.
    """
    from authlib.integrations.flask_client import OAuthError
    from joserfc.errors import JoseError
    from requests import RequestException

    oidc, client = flask.current_app.config[KEY]
    try:
        claims = client.authorize_access_token()["userinfo"]  # which has been checked, and is for this login
    except (OAuthError, JoseError, RequestException, KeyError, ValueError) as error:
        raise NotAllowedError(f"{_host(oidc)} has let nobody in ({type(error).__name__}). Try again.") from error
    user, path = user_of(claims, oidc), session.get("next", "/")
    session.clear()
    session["oidc"] = [user.name, user.role.value, int(time.time()) + SECONDS]
    return str(path)


def known() -> User | None:
    """The user whom the provider has let in, while that counts."""
    if KEY not in flask.current_app.config or not (kept := session.get("oidc")):
        return None
    name, role, until = kept
    return User(name, Role(role)) if time.time() < until else None


def user_of(claims: Any, oidc: Oidc) -> User:
    """Whom a token's claims name; no account of ours has a name with an @.

    Raises:
        NotAllowedError: nobody.
    """
    name = str(claims.get(oidc.name_claim) or "").strip()[:100]
    if not name or not name.isprintable():
        raise NotAllowedError(f"{_host(oidc)} gives no name for you ({oidc.name_claim}). Ask an administrator.")
    given = claims.get(oidc.role_claim) if oidc.role_claim else None
    roles = [role for role in Role if role in (given if isinstance(given, list) else [given])]
    return User(f"{name}@{_host(oidc)}", roles[-1] if roles else oidc.role)


def _host(oidc: Oidc) -> str:
    return urlsplit(oidc.issuer).hostname or oidc.issuer
