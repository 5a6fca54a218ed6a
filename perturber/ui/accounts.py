"""Logging in: everything but a few routes needs an account, or a link that was shared."""

import secrets
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import flask
from dash import html
from flask import Blueprint, Flask, Response, current_app, g, redirect, request, session
from flask.sessions import SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user, login_user, logout_user
from markupsafe import Markup
from werkzeug.exceptions import Forbidden, Unauthorized

from perturber.accounts import Account, Accounts, is_path
from perturber.config import Settings
from perturber.errors import InvalidInputError, NotAllowedError, PerturberError
from perturber.ui import oidc
from perturber.ui.components.scene_page import ENDED
from perturber.ui.guards import READING
from perturber.ui.limits import ADDRESS_LOGINS, LINKS, LOGINS, limited, new_limits
from perturber.ui.limits import KEY as LIMITS
from perturber.users import Role, User, acting, current, need

KEY = "PERTURBER_ACCOUNTS"

OPEN = {
    *("accounts.login", "accounts.log_in", "accounts.to_provider", "accounts.from_provider", "accounts.shared"),
    *("healthz", "bootstrap_css"),
}
"""Endpoints that need no login."""

PAGES = ("/", "/<path:path>", "/account", "/s/<id>", "/live/<session>")
"""Routes of pages: whoever asks for one is led to the login, and then back."""

STYLE = ("colours", "perturber", "account")
"""Sheets of the pages' style that these pages take."""

DAYS = 7
"""After which one has to log in again."""

LOG_IN = "Log in"
WRONG = "This is not the password of this name, or there is no such name. Try again."
OLD = "This form is out of date. Try again."
GONE = "This link leads nowhere any more. Ask for another one, or log in."

GUEST = User("a shared link", Role.VIEWER)
"""Whoever has come by a link; no account is called so."""

routes = Blueprint("accounts", __name__, template_folder="templates")


class _Login(UserMixin):
    """An account as Flask-Login wants it."""

    def __init__(self, account: Account) -> None:
        self.id, self.user = account.mark, User(account.name, account.role)


class _Sessions(SecureCookieSessionInterface):
    def get_cookie_secure(self, app: Flask) -> bool:
        return request.is_secure


def let_in(server: Flask, settings: Settings, assets: Path) -> None:
    """Let users in: with accounts where others can reach the server, else everybody as an admin.

    Args:
        assets: folder with the pages' style.
    """
    if not settings.is_local:
        server.config[LIMITS] = new_limits()
    if settings.needs_login:
        accounts = server.config[KEY] = Accounts(settings.data)
        server.secret_key = accounts.secret
        server.session_interface = _Sessions()
        server.config.update(
            SESSION_COOKIE_NAME=f"perturber-{settings.port}",  # browsers send cookies to every port of a host
            SESSION_COOKIE_SAMESITE="Lax",
            SESSION_REFRESH_EACH_REQUEST=False,
            PERMANENT_SESSION_LIFETIME=DAYS * 86400,
        )
        style = "".join((assets / f"{name}.css").read_text(encoding="utf-8") for name in STYLE)
        server.jinja_env.globals["style"] = Markup(style)  # whoever is not logged in gets no file of its own
        if settings.oidc is not None:
            oidc.trust(server, settings.oidc)
        manager = LoginManager(server)
        manager.user_loader(lambda mark: _Login(found) if (found := accounts.of_session(mark)) else None)
        server.register_blueprint(routes)

    @server.before_request
    def enter() -> Any:
        user = _who()
        if user is None and request.endpoint not in OPEN:
            if request.method in READING and request.url_rule is not None and request.url_rule.rule in PAGES:
                return redirect(flask.url_for("accounts.login", next=request.full_path.removesuffix("?")))
            raise Unauthorized(ENDED)
        g.acting = ExitStack()
        g.acting.enter_context(acting(user or GUEST))
        return None

    @server.teardown_request
    def leave(_: BaseException | None) -> None:
        if stack := g.pop("acting", None):
            stack.close()


def account_link() -> list[Any]:
    """Whose page it is, in its frame; nothing where there are no accounts."""
    if not flask.has_request_context() or KEY not in current_app.config:
        return []
    user = current()
    name, path = ("View only · log in", "/login") if user is GUEST else (f"{user.name} · {user.role}", "/account")
    return [html.A(name, href=path, className="nav-link account")]


def _who() -> User | None:
    """Who asks, as far as is known."""
    if KEY not in current_app.config:
        return User(request.remote_addr or "", Role.ADMIN)
    if (user := _member()) is not None:
        return user
    links = (session.get("share"), request.args.get("link"))  # the latter for programs, which keep no cookies
    return GUEST if any(isinstance(link, str) and _accounts().shared(link) is not None for link in links) else None


def _member() -> User | None:
    """Who has logged in."""
    return current_user.user if current_user.is_authenticated else oidc.known()


@routes.get("/login")
def login() -> Any:
    """The form; whoever is logged in needs none."""
    return _page(LOG_IN) if _member() is None else redirect(_next())


@routes.post("/login")
def log_in() -> Any:
    """Log in, and go on to the page that was asked for."""
    name, address = request.form.get("name", "").strip().lower()[:80], request.remote_addr or ""
    try:
        _check_form()
        limited("attempts to log in", *ADDRESS_LOGINS, who=address)
        limited("attempts to log in", *LOGINS, who=f"{name} {address}")
    except NotAllowedError as error:
        return _page(LOG_IN, str(error), name=name), 429
    except Forbidden as error:
        return _page(LOG_IN, str(error.description), name=name), 403
    account = _accounts().known(name, request.form.get("password", ""))
    if account is None:
        return _page(LOG_IN, WRONG, name=name), 401
    session.clear()
    session.permanent = True
    login_user(_Login(account))
    return redirect(_next())


@routes.get("/login/provider")
def to_provider() -> Any:
    """Log in by the accounts of the configured provider, if there is one."""
    if oidc.provider() is None:
        return redirect(flask.url_for("accounts.login"))
    try:
        return oidc.begin(_next())
    except NotAllowedError as error:
        return _page(LOG_IN, str(error)), 502


@routes.get("/login/provided")
def from_provider() -> Any:
    """Where the provider sends users back to."""
    if oidc.provider() is None:
        return redirect(flask.url_for("accounts.login"))
    try:
        return redirect(oidc.finish())
    except NotAllowedError as error:
        return _page(LOG_IN, str(error)), 401


@routes.post("/logout")
def logout() -> Any:
    """Log out."""
    _check_form()
    logout_user()
    session.clear()
    return redirect(flask.url_for("accounts.login"))


@routes.get("/account")
def account() -> Any:
    """What a user may do here: share the page that they come from, and log out."""
    return _page(_title(), next=_path_of(request.referrer), address=request.referrer or "")


@routes.post("/account/share")
def share() -> Any:
    """Make a link with which anybody can look."""
    _check_form()
    address, days = request.form.get("address", ""), request.form.get("days", "")
    try:
        need(Role.EDITOR, "share pages")
        limited("links", LINKS)
        if not (days.isdecimal() and 1 <= int(days[:4]) <= 366):
            raise InvalidInputError(f"A link cannot last {days[:20]!r} days. Allowed: 1 to 366.")
        link = _accounts().share(address, days=int(days), by=current().name if current_user.is_authenticated else "")
    except PerturberError as error:
        return _page(_title(), str(error), address=address), 400
    return _page(_title(), address=address, link=link)


@routes.get("/share/<token>")
def shared(token: str) -> Any:
    """Come in by a link."""
    path = _accounts().shared(token)
    if path is None:
        return _page(LOG_IN, GONE), 404
    if _member() is None:
        session["share"] = token
    return redirect(path)


@routes.after_request
def keep_nothing(response: Response) -> Response:
    """Pages with a form are nobody else's."""
    response.cache_control.no_store = True
    return response


def _page(title: str, problem: str = "", **shown: Any) -> str:
    session.setdefault("form", secrets.token_urlsafe())
    known = {"form": session["form"], "next": _next(), "provider": oidc.provider()}
    user = _member()
    may_share = user is not None and user.may(Role.EDITOR)
    return flask.render_template(
        "account.html", title=title, problem=problem, user=user, may_share=may_share, **{**known, **shown}
    )


def _title() -> str:
    user = current()
    return f"{user.name}, {user.role}"


def _check_form() -> None:
    """Refuse a form that is none of ours, such as one on another site's page."""
    known = session.get("form")
    if not isinstance(known, str) or not secrets.compare_digest(known.encode(), request.form.get("form", "").encode()):
        raise Forbidden(OLD)


def _next() -> str:
    """The page of ours to which it goes on."""
    path = request.values.get("next", "/")
    return path if is_path(path) else "/"


def _path_of(address: str | None) -> str:
    path = (address or "").removeprefix(request.host_url.rstrip("/"))
    return path if is_path(path) else "/"


def _accounts() -> Accounts:
    return current_app.config[KEY]
