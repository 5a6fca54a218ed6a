"""What the log says, and that nobody writes lines into it but the server."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

import app
from perturber.errors import InvalidInputError
from perturber.logs import configure
from perturber.service import InferenceService
from perturber.ui import request_ids
from perturber.ui.failures import told

SPLIT = "a\nERROR perturber: forged\r\x1b[31m\u2028b"


@pytest.fixture
def lines(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What is logged, as the kind that the test asks for."""
    root, written = logging.getLogger(), io.StringIO()
    handlers, level = root.handlers[:], root.level
    root.handlers.clear()
    monkeypatch.setattr("sys.stderr", written)
    configure(request.param)
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)


text = pytest.mark.parametrize("lines", ["text"], indirect=True)
both = pytest.mark.parametrize("lines", ["text", "json"], indirect=True)
as_json = pytest.mark.parametrize("lines", ["json"], indirect=True)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A server with one route that fails, one that is slow, and one that is well."""
    server = Flask("small")
    request_ids.name_requests(server)
    monkeypatch.setattr(request_ids, "SLOW_SECONDS", 0.05)

    @server.errorhandler(Exception)
    def bug(error: Exception) -> tuple[str, int]:
        told("it failed", error)
        return "", 500

    @server.get("/fails/<path:said>")
    def fails(said: str) -> str:
        raise ValueError(said)

    @server.get("/slow")
    def slow() -> str:
        import time

        time.sleep(0.1)
        return ""

    @server.get("/well")
    def well() -> str:
        return ""

    return server.test_client()


def objects(lines: io.StringIO) -> list[dict]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


@pytest.mark.parametrize("given", ["a", "A-b_c.9" * 9, "x" * 64])
def test_a_good_id_is_taken(client: FlaskClient, given: str) -> None:
    assert client.get("/well", headers={"X-Request-ID": given}).headers["X-Request-ID"] == given


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a/b", "é", "<script>", "a\tb"])
def test_another_is_made_in_place_of_a_bad_one(client: FlaskClient, given: str) -> None:
    made = [client.get("/well", headers={"X-Request-ID": given}).headers["X-Request-ID"] for _ in range(2)]
    assert made[0] != made[1]
    assert given not in made
    assert all(request_ids.ID.fullmatch(one) for one in made)


@as_json
def test_every_line_of_a_request_has_its_id(client: FlaskClient, lines: io.StringIO) -> None:
    """Also those of failures; a request that is answered well and soon has none."""
    client.get("/well")
    answer = client.get("/fails/x", headers={"X-Request-ID": "mine"})
    client.get("/slow", headers={"X-Request-ID": "other"})
    logging.getLogger("perturber").warning("outside of any")
    failed, summed_up, slow, outside = objects(lines)
    assert answer.headers["X-Request-ID"] == "mine"
    assert (failed["request"], failed["logger"], failed["level"]) == ("mine", "perturber", "ERROR")
    assert failed["message"].startswith("it failed: ValueError: x at ")
    assert (summed_up["request"], summed_up["status"], summed_up["path"]) == ("mine", 500, "/fails/x")
    assert (slow["request"], slow["status"], slow["method"]) == ("other", 200, "GET")
    assert 0.1 <= slow["seconds"] < 10
    assert outside["request"] == ""


@both
def test_nothing_that_is_sent_makes_a_line_of_its_own(client: FlaskClient, lines: io.StringIO) -> None:
    client.get("/fails/a%0AERROR%20perturber:%20forged%0D%1B[31m%E2%80%A8b")
    try:
        raise ValueError(SPLIT)
    except ValueError:
        logging.getLogger("perturber").exception("said %s", SPLIT)
    written = lines.getvalue()
    assert not any(sign in written for sign in "\r\x1b\u2028")
    assert not any(line.startswith("ERROR") for line in written.splitlines())
    begun = [line for line in written.splitlines() if not line.startswith("  | ")]
    assert len(begun) == 3


@text
def test_a_line_for_people(client: FlaskClient, lines: io.StringIO) -> None:
    client.get("/slow", headers={"X-Request-ID": "mine"})
    (line,) = lines.getvalue().splitlines()
    assert " WARNING [mine] perturber.requests: GET /slow was answered with 200 in 0." in line


def test_the_dashboard_has_them(service: InferenceService) -> None:
    """Whatever becomes of a request."""
    client = app.create_app(service=service).server.test_client()
    for path, headers in (("/help", {}), ("/nowhere", {}), ("/", {"Host": "stranger.example"})):
        answer = client.get(path, headers={"X-Request-ID": "mine", **headers})
        assert answer.headers["X-Request-ID"] == "mine"


def test_there_are_two_kinds(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidInputError, match=r"PERTURBER_LOG cannot be 'xml'\. Allowed: text, json\."):
        configure("xml")
