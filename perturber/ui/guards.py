"""Who may ask: requests under this server's own names, and changes from its own pages alone."""

import json
import socket
from ipaddress import ip_address
from urllib.parse import urlsplit

from flask import Flask, request
from werkzeug.exceptions import BadRequest, Forbidden, MisdirectedRequest, UnsupportedMediaType

from perturber.config import Settings
from perturber.ui.states.page import NOT_OURS

READING = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing."""

CALLBACKS = "/_dash-update-component"
"""Where a browser asks Dash's callbacks."""

POLICY = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()"
"""What no page of ours needs (Permissions-Policy)."""


def guard(server: Flask, settings: Settings) -> None:
    """Refuse requests under other names, and changes that other sites' pages ask for or could ask for without asking.

    A page of another site can have its own name lead to this server's address (DNS rebinding); what it asks then comes
    under that name. An address in numbers, which has no name that could be led elsewhere, is always right.
    """
    names = {"localhost", socket.gethostname().lower(), settings.host.lower(), *settings.hosts}

    @server.before_request
    def refuse_strangers() -> None:
        name = _name(request.host)
        if not (_is_address(name) or name in names or name.endswith(".localhost")):
            raise MisdirectedRequest(
                f"This server does not go by the name {name[:80]!r}. If it should, put that into PERTURBER_HOSTS."
            )
        if request.method in READING:
            return
        origin = request.headers.get("Origin")
        own = {f"{scheme}://{host}" for scheme in ("http", "https") for host in (request.host, *settings.hosts)}
        if origin not in (None, *own) or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site"):
            raise Forbidden("Only a page of this server may ask for this.")
        if not request.is_json and request.blueprint != "accounts":  # whose forms are checked there
            raise UnsupportedMediaType("This takes JSON; its content type must say so.")
        if request.path == CALLBACKS and not _names_what_changed():
            raise BadRequest(NOT_OURS)


def _names_what_changed() -> bool:
    """Whether Dash can tell what has triggered a callback: it takes names apart before any callback sees them."""
    try:
        body = request.get_json(silent=True)
        names = body.get("changedPropIds", []) if isinstance(body, dict) else None
        return isinstance(names, list) and all(isinstance(name, str) and _is_component(name) for name in names)
    except RecursionError:  # a list in a list, and so on
        return False


def _is_component(name: str) -> bool:
    """Whether this names a component and a property of it; a component's id may be an object in JSON."""
    id_ = name.rpartition(".")[0]
    if not id_.startswith("{"):
        return True
    try:
        return isinstance(json.loads(id_), dict)
    except ValueError:
        return False


def _name(host: str) -> str:
    """A host without its port; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
