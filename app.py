"""Builds the dashboard from the configuration; ``python app.py`` is ``perturber serve``."""

import sys
import threading
from importlib.util import find_spec
from pathlib import Path
from traceback import walk_tb
from typing import Any

import dash
import dash_bootstrap_components as dbc
from dash import ClientsideFunction, Input, Output, State, dcc, html, set_props
from flask import Flask, Response, jsonify, request, send_file
from werkzeug.exceptions import BadRequest, HTTPException

from perturber import cli
from perturber.accounts import Accounts
from perturber.config import Settings
from perturber.disk import holding
from perturber.errors import BusyError, InvalidInputError, NotAllowedError, PerturberError
from perturber.logs import configure
from perturber.service import InferenceService
from perturber.sessions import Database
from perturber.sessions.live import WAITING, Live
from perturber.ui import files, short_links
from perturber.ui.accounts import account_link, let_in
from perturber.ui.callbacks import live as live_pages
from perturber.ui.callbacks.messages import BUG
from perturber.ui.components.export import DRAFT
from perturber.ui.components.live import live_bar
from perturber.ui.components.session_bar import session_store
from perturber.ui.components.tour import tour
from perturber.ui.context import KEY, cache, cache_config
from perturber.ui.failures import is_own, told
from perturber.ui.guards import POLICY, guard
from perturber.ui.health import watch
from perturber.ui.live import KEY as LIVE
from perturber.ui.orders import resume
from perturber.ui.request_ids import name_requests
from perturber.ui.serving import Serving
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.page import NOT_OURS

ROOT = Path(__file__).parent
UNLISTED = ("not_found_404", "claim")
"""Pages that the navigation does not name."""

ENVELOPE_BYTES = 2 * 2**20
"""What a request may hold apart from an upload, whose bytes a browser sends as base64."""

LOOKS = 64
"""Looks and comparisons that may wait for the service at the same moment; pages ask again for those beyond."""

CALLS = 16
"""Other requests that may wait for it, as for what is known of a model."""

THREADS = LOOKS + CALLS + WAITING + 8
"""That serve: some are always left for pages, files and what cancels a job."""


def create_app(settings: Settings | None = None, service: InferenceService | None = None) -> dash.Dash:
    """The Dash app with all pages.

    Args:
        settings: how to run; by default from the environment.
        service: what answers; by default one of its own.
    """
    server = Flask("perturber")
    asked = service or InferenceService(settings or Settings())
    server.config[KEY] = asked
    server.config[LIVE] = Live()
    name_requests(server)
    guard(server, asked.settings)
    watch(server, asked)
    let_in(server, asked.settings, ROOT / "assets")
    server.config["MAX_CONTENT_LENGTH"] = asked.settings.max_upload_mib * 2**20 * 4 // 3 + ENVELOPE_BYTES
    asked.limit(looks=LOOKS, calls=CALLS)
    cache.init_app(server, cache_config(asked.settings))
    app = dash.Dash(
        "perturber",
        server=server,  # type: ignore[arg-type]  # Dash takes a Flask app; its annotation forgot
        use_pages=True,
        pages_folder=str(ROOT / "pages"),
        assets_folder=str(ROOT / "assets"),
        external_stylesheets=["/bootstrap.css"],
        serve_locally=True,
        title="Perturber",
        update_title="",
        meta_tags=[{"name": "color-scheme", "content": "light dark"}],
        suppress_callback_exceptions=True,  # each page's components exist only while it is shown
        on_error=_say,
    )
    app.index_string = app.index_string.replace("<html>", '<html lang="en">')
    app.layout = _frame
    _mark_the_open_page(app)
    live_pages.live_callbacks(app)
    server.register_blueprint(live_pages.routes)
    server.register_blueprint(files.routes)
    server.register_blueprint(short_links.routes)
    _add_routes(server)
    _handle_errors(server)
    _add_headers(app)
    return app


def serve(settings: Settings) -> None:
    """Serve the dashboard until it is interrupted.

    Raises:
        InvalidInputError: this address cannot be served on, others reach it and there are no accounts, another server
            has the data folder, or a setting is not allowed.
    """
    configure(settings.log)
    if settings.needs_login and settings.oidc is None and not Accounts(settings.data).all():
        raise InvalidInputError(
            f"Others can reach {settings.host}, and there are no accounts. Make one with `perturber users add NAME "
            "--role admin`, or let everybody in with --no-auth (PERTURBER_AUTH=0)."
        )
    with holding(settings.data), Database(settings.data).held():
        _serve(settings)


def _serve(settings: Settings) -> None:
    service = InferenceService(settings)
    app = create_app(service=service)
    app.server.test_client().get("/bootstrap.css")  # the first request sets Dash up; two at once would find half of it
    serving = Serving(app.server, settings, threads=THREADS)
    try:
        service.look(ExploreState.default(service.model).request(None))  # loads what the first visitor sees
    except PerturberError as error:  # said to whoever asks for it; the rest works
        print(f"perturber: {error}", file=sys.stderr)
    threading.Thread(target=resume, args=(service,), name="orders", daemon=True).start()  # it loads networks
    print(f"Perturber on http://{settings.host}:{settings.port}", file=sys.stderr)
    if not (settings.is_local or settings.needs_login):
        print("Nobody has to log in: whoever reaches this address may do everything.", file=sys.stderr)
    serving.run()
    service.close()


def _frame() -> html.Div:
    links = [dbc.NavLink(page["name"], href=page["path"], id=_link(page)) for page in _listed_pages()]
    return html.Div(
        [
            html.A("Skip to the page", href="#page", className="skip-link"),
            *tour(),
            session_store(),
            html.Header(
                [
                    html.Strong("Perturber"),
                    dbc.Nav(links),
                    live_bar(),
                    html.Div(id="notice", role="alert"),
                    *account_link(),
                ]
            ),
            html.Main(dash.page_container, id="page", tabIndex=-1),
            html.P(id="said", role="status", className="visually-hidden"),
            dcc.Store(id=DRAFT, storage_type="session"),
        ],
        className="frame",
    )


def _mark_the_open_page(app: dash.Dash) -> None:
    links = [_link(page) for page in _listed_pages()]
    app.clientside_callback(
        ClientsideFunction("page", "active"),
        [Output(link, "active") for link in links],
        Input("_pages_location", "pathname"),
        [State(link, "href") for link in links],
    )


def _paths() -> set[str]:
    """Of all pages."""
    return {page["path"] for page in dash.page_registry.values() if not page["module"].endswith("not_found_404")}


def _listed_pages() -> list[dict[str, Any]]:
    pages = [page for page in dash.page_registry.values() if page["module"].rpartition(".")[2] not in UNLISTED]
    return sorted(pages, key=lambda page: page["order"])


def _link(page: dict[str, Any]) -> str:
    return f"link-{page['name'].lower()}"


def _add_routes(server: Flask) -> None:
    """What the browser fetches apart from Dash's own requests."""
    bootstrap = find_spec("flask_bootstrap")
    assert bootstrap is not None
    assert bootstrap.origin is not None
    stylesheet = Path(bootstrap.origin).parent / "static" / "bootstrap5" / "css" / "bootstrap.min.css"

    @server.get("/bootstrap.css")
    def bootstrap_css() -> Response:
        return send_file(stylesheet, mimetype="text/css", max_age=86400)


def _say(error: Exception) -> None:
    """What a callback has left to be handled is said in the notice, and the page stays as it is."""
    if isinstance(error, PerturberError | BusyError):
        set_props("notice", {"children": str(error)})
    elif _is_ours(error):
        told("a callback failed", error)
        set_props("notice", {"children": BUG})
    else:
        raise BadRequest(NOT_OURS) from error


def _handle_errors(server: Flask) -> None:
    """A user's mistake is one sentence with status 400, no room with 503; a bug is logged, its traceback stays here."""

    @server.errorhandler(PerturberError)
    def mistake(error: PerturberError) -> tuple[Response, int]:
        return jsonify(error=str(error)), 403 if isinstance(error, NotAllowedError) else 400

    @server.errorhandler(BusyError)
    def busy(error: BusyError) -> tuple[Response, int, dict[str, str]]:
        return jsonify(error=str(error)), 503, {"Retry-After": "2"}

    @server.errorhandler(HTTPException)
    def refusal(error: HTTPException) -> tuple[Response, int]:
        return jsonify(error=error.description or error.name), error.code or 500

    @server.errorhandler(Exception)
    def bug(error: Exception) -> tuple[Response, int]:
        if request.path.startswith("/_dash-") and not _is_ours(error):
            return jsonify(error=NOT_OURS), 400
        told(f"{request.method} {request.path[:200]}", error)
        return jsonify(error=BUG), 500


def _is_ours(error: BaseException) -> bool:
    """Whether an error came out of this project's code; if not, the request was one that no page of ours sends."""
    return any(is_own(Path(frame.f_code.co_filename)) for frame, _ in walk_tb(error.__traceback__))


def _add_headers(app: dash.Dash) -> None:
    def policy() -> str:
        # Dash adds its own inline scripts up to the first request that is not refused; each is allowed by its hash.
        scripts = " ".join(["'self'", *app.csp_hashes()])
        return (
            f"default-src 'self'; script-src {scripts}; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
            "font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; frame-ancestors 'self'; "
            "base-uri 'self'; form-action 'self'"
        )

    @app.server.after_request
    def not_found(response: Response) -> Response:
        """Dash answers every path with the frame, in which its script says that there is no such page."""
        asked = request.url_rule is not None and request.url_rule.rule == "/<path:path>"
        if asked and response.status_code == 200 and request.path not in _paths():
            response.status_code = 404
        return response

    @app.server.after_request
    def headers(response: Response) -> Response:
        response.headers.setdefault("Content-Security-Policy", policy())
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "same-origin")
        response.headers.setdefault("Permissions-Policy", POLICY)
        return response


if __name__ == "__main__":
    cli.main("serve", *sys.argv[1:])
