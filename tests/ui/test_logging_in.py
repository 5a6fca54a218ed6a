"""Accounts, sessions and shared links, as a browser meets them: nothing is open that need not be."""

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from itsdangerous import URLSafeSerializer
from werkzeug.test import TestResponse

from app import create_app, serve
from perturber.accounts import Accounts, is_path
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.service import InferenceService
from perturber.ui.accounts import GONE, OLD, OPEN, WRONG
from perturber.ui.callbacks.uploads import receive
from perturber.ui.components.scene_page import ENDED
from perturber.ui.limits import KEY as LIMITS
from perturber.ui.limits import new_limits
from perturber.users import Role, User, acting, current

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InferenceService]:
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("data"), host="0.0.0.0")) as running:
        yield running


@pytest.fixture(scope="module")
def accounts(service: InferenceService, cheap: None) -> Accounts:
    found = Accounts(service.settings.data)
    for name, role in (("vera", Role.VIEWER), ("ed", Role.EDITOR), ("ada", Role.ADMIN)):
        found.add(name, role, PASSWORD)
    return found


@pytest.fixture(scope="module", autouse=True)
def cheap() -> Iterator[None]:
    """Hashes that cost nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perturber.accounts.METHOD", "scrypt:1024:8:1")
        yield


@pytest.fixture(autouse=True)
def no_guest(accounts: Accounts) -> Iterator[None]:
    yield
    if "gast" in accounts.all():
        accounts.remove("gast")


@pytest.fixture(scope="module")
def server(service: InferenceService) -> Flask:
    return server_of(service)


@pytest.fixture
def client(server: Flask, accounts: Accounts) -> FlaskClient:
    server.config[LIMITS] = new_limits()
    return server.test_client()


def server_of(service: InferenceService) -> Flask:
    server = create_app(service=service).server
    server.add_url_rule("/who", view_func=lambda: [current().name, current().role.value])
    return server


def who(client: FlaskClient) -> list[str]:
    """On whose behalf the server works."""
    return client.get("/who").get_json()


def frame(client: FlaskClient) -> str:
    return json.dumps(client.get("/_dash-layout").get_json(), ensure_ascii=False)


def form_of(client: FlaskClient, path: str = "/login") -> str:
    """The token of a page's form."""
    found = re.search(r'name="form" value="([^"]+)"', client.get(path).text)
    assert found is not None
    return found[1]


def log_in(client: FlaskClient, name: str, password: str = PASSWORD, **more: str) -> TestResponse:
    return client.post("/login", data={"form": form_of(client), "name": name, "password": password, **more})


LED = ("/", "/<path:path>", "/account", "/s/<id>", "/live/<session>")
"""Routes of pages, which lead to the login and back."""


def test_every_route_but_a_few_needs_a_login(client: FlaskClient) -> None:
    rules = list(client.application.url_map.iter_rules())
    assert {rule.endpoint for rule in rules} >= {*OPEN}
    closed = [rule for rule in rules if rule.endpoint not in OPEN]
    assert len(closed) > 15
    for rule in closed:
        path = re.sub(r"<int:[^>]*>", "0", rule.rule)
        path = re.sub(r"<[^>]*>", "x", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            response = client.open(path, method=method, json={})
            if rule.endpoint.startswith("accounts.") and method == "POST":
                response = client.open(path, method=method, data={"form": form_of(client)})
            led = response.status_code == 302 and response.location == f"/login?next={path}"
            assert response.status_code == 401 or led, (rule, method, response.status_code)
            assert led == (
                rule.rule in ("/", "/<path:path>", "/account", "/s/<id>", "/live/<session>") and method == "GET"
            )
    assert [client.get(path).status_code for path in ("/login", "/healthz", "/bootstrap.css")] == [200] * 3


def test_after_the_login_the_page_follows_that_was_asked_for(client: FlaskClient) -> None:
    led = client.get("/compare?m1=a&yaw=3")
    form = client.get(led.location).text
    (wanted,) = set(re.findall(r'name="next" value="([^"]+)"', form))
    response = log_in(client, " Ed ", next=wanted.replace("&amp;", "&"))
    assert (response.status_code, response.location) == (302, "/compare?m1=a&yaw=3")
    (cookie,) = response.headers.getlist("Set-Cookie")
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert client.get("/compare").status_code == 200
    assert "ed · editor" in frame(client)
    assert client.get("/login").location == "/"
    assert client.post("/logout", data={"form": "x"}).status_code == 403
    assert client.post("/logout", data={"form": form_of(client, "/account")}).status_code == 302
    assert client.get("/alive").status_code == 401


def test_the_cookie_stays_within_tls(client: FlaskClient) -> None:
    """As the server knows it from a proxy that it is told to believe (see `Serving`)."""
    response = client.get("/login", base_url="https://localhost")
    assert "Secure" in response.headers["Set-Cookie"].split("; ")


@pytest.mark.parametrize("path", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example", "x"])
def test_it_goes_on_to_no_other_site(client: FlaskClient, path: str) -> None:
    assert not is_path(path)
    assert log_in(client, "ed", next=path).location == "/"


@pytest.mark.parametrize(
    ("name", "password"), [("ed", "wrong password"), ("nobody", PASSWORD), ("", ""), ("x" * 10**5, "x" * 10**5)]
)
def test_a_wrong_password_gets_a_sentence(client: FlaskClient, name: str, password: str) -> None:
    response = log_in(client, name, password)
    assert response.status_code == 401
    assert WRONG in response.text
    assert client.get("/alive").status_code == 401


def test_a_form_of_another_site_is_refused(client: FlaskClient) -> None:
    client.get("/login")
    for sent in ({}, {"form": "x"}, {"form": "é"}):
        response = client.post("/login", data={**sent, "name": "ed", "password": PASSWORD})
        assert (response.status_code, OLD in response.text) == (403, True)


def test_attempts_are_limited_by_name_and_address(client: FlaskClient) -> None:
    statuses = [log_in(client, "ed", "wrong password").status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert log_in(client, "ed").status_code == 429  # the right one, too
    assert "too many attempts to log in" in log_in(client, "ed").text
    assert log_in(client, "ada").status_code == 302
    elsewhere = client.application.test_client()
    elsewhere.environ_base["REMOTE_ADDR"] = "10.0.0.7"
    assert log_in(elsewhere, "ed").status_code == 302


def test_many_names_from_one_address_are_limited_too(client: FlaskClient) -> None:
    found = [log_in(client, f"name{n}", "").status_code for n in range(31)]
    assert found == [401] * 30 + [429]


@pytest.mark.parametrize("how", ["password", "removed", "made again"])
def test_a_session_ends_with_its_password(client: FlaskClient, accounts: Accounts, how: str) -> None:
    accounts.add("gast", Role.EDITOR, PASSWORD)
    log_in(client, "gast")
    assert client.get("/alive").status_code == 204
    accounts.change("gast", role=Role.VIEWER)
    assert "gast · viewer" in frame(client)
    if how == "password":
        accounts.change("gast", password=PASSWORD + "!")
    else:
        accounts.remove("gast")
        if how == "made again":
            accounts.add("gast", Role.EDITOR, PASSWORD)
    response = client.post("/_dash-update-component", json={})
    assert (response.status_code, response.get_json()) == (401, {"error": ENDED})


def test_a_forged_cookie_is_none(client: FlaskClient, accounts: Accounts) -> None:
    log_in(client, "ed")
    cookie = client.get_cookie("perturber-8050")
    assert cookie is not None
    payload, rest = cookie.value.split(".", 1)
    for value in (f"{payload[:-4]}AAAA.{rest}", "", "x"):
        client.set_cookie("perturber-8050", value)
        assert client.get("/alive").status_code == 401
    assert accounts.of_session("ed") is accounts.of_session("ed ") is accounts.of_session("ed é") is None


def test_a_shared_link_lets_others_look(client: FlaskClient) -> None:
    log_in(client, "ed")
    address = "http://localhost/compare?m1=a&yaw=3"
    page = client.get("/account", headers={"Referer": address}).text
    assert 'value="http://localhost/compare?m1=a&amp;yaw=3"' in page
    sent = {"form": form_of(client, "/account"), "address": address, "days": "2"}
    (link,) = re.findall(r'value="(http://localhost/share/[^"]+)"', client.post("/account/share", data=sent).text)

    guest = client.application.test_client()
    response = guest.get(link)
    assert (response.status_code, response.location) == (302, "/compare?m1=a&yaw=3")
    assert guest.get("/compare").status_code == 200
    assert "View only" in frame(guest)
    assert guest.post("/account/share", data={**sent, "form": form_of(guest)}).status_code == 400
    assert who(guest) == ["a shared link", "viewer"]


def test_a_link_lets_prometheus_measure(client: FlaskClient, accounts: Accounts) -> None:
    token = accounts.share("/metrics", days=1).rpartition("/")[2]
    assert client.get(f"/metrics?link={token}").status_code == 200
    assert client.get(f"/metrics?link={token}x").status_code == 401
    assert client.get("/metrics").status_code == 401


def test_uploads_are_limited(client: FlaskClient) -> None:
    def upload(name: str) -> str:
        with client.application.app_context(), acting(User(name, Role.EDITOR)):
            return receive("background", ["data:,eA=="], ["x.png"], label=None).message

    said = [upload("ed") for _ in range(31)]
    assert len({*said[:30]}) == 1
    assert said[30] == "These are too many uploads: more than 30 per 1 minute. Wait a while, then try again."
    assert upload("ada") == said[0]


def test_links_end(client: FlaskClient, accounts: Accounts, monkeypatch: pytest.MonkeyPatch) -> None:
    accounts.add("gast", Role.EDITOR, PASSWORD)
    token = accounts.share("/?yaw=3", days=1, by="gast").rpartition("/")[2]
    assert accounts.shared(token) == "/?yaw=3"
    guest = client.application.test_client()
    guest.get(f"/share/{token}")
    assert guest.get("/alive").status_code == 204
    accounts.remove("gast")
    assert guest.get("/alive").status_code == 401
    lasting = accounts.share("http://gpu:8050/?yaw=3", days=1)
    assert lasting.startswith("http://gpu:8050/share/")
    forged = URLSafeSerializer("another key", salt="link").dumps(["/", time.time() + 99, ""])
    for gone in (token, token[:-1], forged, "x"):
        response = client.get(f"/share/{gone}")
        assert (response.status_code, GONE in response.text) == (404, True)
    tomorrow = time.time() + 86401
    monkeypatch.setattr("time.time", lambda: tomorrow)
    assert accounts.shared(lasting.rpartition("/")[2]) is None
    with pytest.raises(InvalidInputError, match="no page"):
        accounts.share("ftp://x/", days=1)


def test_without_accounts_others_are_not_served(tmp_path: Path) -> None:
    settings = Settings(device="cpu", data=tmp_path, host="0.0.0.0")
    with pytest.raises(InvalidInputError, match=r"perturber users add NAME.*--no-auth"):
        serve(settings)


@pytest.mark.parametrize(
    ("host", "changes", "login"),
    [
        ("127.0.0.1", {}, False),
        ("127.0.0.9", {}, False),
        ("::1", {}, False),
        ("localhost", {}, False),
        ("0.0.0.0", {}, True),
        ("::", {}, True),
        ("192.168.0.3", {}, True),
        ("gpu1", {}, True),
        ("", {}, True),
        ("0.0.0.0", {"auth": False}, False),
        ("127.0.0.1", {"hosts": frozenset({"gpu1"})}, True),  # a proxy brings others here
        ("127.0.0.1", {"proxy": "127.0.0.1"}, True),
    ],
)
def test_who_must_log_in(host: str, changes: dict, login: bool) -> None:
    assert replace(Settings(host=host), **changes).needs_login == login


def test_without_a_login_everybody_is_an_admin(service: InferenceService) -> None:
    class Open(InferenceService):
        settings = replace(service.settings, auth=False)

        def __init__(self) -> None:
            vars(self).update({**vars(service), "settings": self.settings})

    client = server_of(Open()).test_client()
    client.environ_base["REMOTE_ADDR"] = "10.0.0.7"
    assert who(client) == ["10.0.0.7", "admin"]
    assert client.get("/login").status_code == 404  # there is no such page
    assert current() == User()
