"""The dialog that exports a figure: what it offers, what it refuses in a sentence, what comes without a Chromium."""

import csv
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from callback_requests import props_of, spec_of, value
from exports import asked, chosen, described, exported, file_of, pressed, said
from flask.testing import FlaskClient

from app import create_app
from perturber.errors import BusyError, DrawingError
from perturber.export import Format, read_provenance
from perturber.service import InferenceService
from perturber.service.room import Room
from perturber.ui.callbacks import exporting
from perturber.ui.callbacks.messages import BUG
from perturber.ui.components.export import LOOKS, NO_CHROMIUM, Looks, export_id, look_id
from perturber.ui.limits import EXPORTS, KEY, new_limits

QUERY = "m1=efficientnet_lite0&c1=3,7&h2=1&cards=none"
SHOWN = {"query": QUERY}
MAPS = "activations-model-1"


@pytest.fixture(scope="module")
def client(service: InferenceService) -> FlaskClient:
    return create_app(service=service).server.test_client()


@pytest.fixture
def no_chromium(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("perturber.ui.callbacks.exporting", "perturber.export.drawing"):
        monkeypatch.setattr(f"{module}.find", lambda: None)


def opened(client: FlaskClient, kind: Any = MAPS, clicks: int = 1, looks: Any = None) -> Any:
    """The dialog after a click on a figure's button."""
    pattern = json.dumps(export_id("explore", ["ALL"]), sort_keys=True, separators=(",", ":"))
    spec = spec_of(client, f"{pattern}.n_clicks")
    id_ = export_id("explore", kind)
    body = {
        "output": spec["output"],
        "outputs": [{"id": "explore-export-dialog", "property": prop} for prop in ("children", "is_open")],
        "inputs": [[value(id_, "n_clicks", clicks)]],
        "state": [value(LOOKS, "data", looks)],
        "changedPropIds": [f"{json.dumps(id_, sort_keys=True, separators=(',', ':'))}.n_clicks"],
    }
    return client.post("/_dash-update-component", json=body)


def fields_of(found: Any) -> dict[str, dict[str, Any]]:
    """Properties of the dialog's fields by their names, as they are in its layout."""
    fields: dict[str, dict[str, Any]] = {}

    def walk(part: Any) -> None:
        if isinstance(part, list):
            for one in part:
                walk(one)
        elif isinstance(part, dict) and "props" in part:
            id_ = part["props"].get("id")
            if isinstance(id_, dict) and "look" in id_:
                fields[id_["look"]] = part["props"]
            walk(part["props"].get("children"))

    walk(props_of(found)["explore-export-dialog"]["children"])
    return fields


# ---- what it offers -----------------------------------------------------------------------------------------------


def test_it_opens_with_the_figure_and_what_was_chosen_last(client: FlaskClient) -> None:
    fields = fields_of(opened(client))
    assert fields["figure"]["value"] == MAPS
    offered = [one["value"] for one in fields["figure"]["options"]]
    assert {"input", "history", "curve", "predictions-edited", "visualisations-model-2"} <= set(offered)
    assert (fields["format"]["value"], fields["width"]["value"], fields["points"]["value"]) == ("pdf", 85, 8)
    assert {name: field.get("disabled", False) for name, field in fields.items() if name in ("width", "dpi")} == {
        "width": False,
        "dpi": True,
    }
    again = fields_of(opened(client, looks={"format": "csv", "width": 120, "unknown": 1}))
    assert (again["format"]["value"], again["width"]["value"]) == ("csv", 120)
    assert all(again[name]["disabled"] for name in Looks._fields if name != "format")
    assert fields_of(opened(client, looks="nonsense"))["width"]["value"] == 85


def test_a_button_that_has_only_just_come_to_be_opens_nothing(client: FlaskClient) -> None:
    assert "explore-export-dialog" not in props_of(opened(client, clicks=0))


@pytest.mark.parametrize("kind", ["histogram", "../../etc/passwd", 5, ["input"], None])
def test_a_button_that_no_page_has_opens_nothing(client: FlaskClient, kind: Any) -> None:
    response = opened(client, kind)
    assert "explore-export-dialog" not in response.text
    assert response.status_code in (200, 400)
    assert "Traceback" not in response.text


def test_what_does_not_matter_to_a_format_is_locked(client: FlaskClient) -> None:
    field = json.dumps(look_id("explore", "format"), sort_keys=True, separators=(",", ":"))
    spec = spec_of(client, f"{field}.value")
    outputs = [part.rpartition(".") for part in spec["output"].strip(".").split("...")]

    def locked(format: Any) -> set[str]:
        body = {
            "output": spec["output"],
            "outputs": [{"id": json.loads(id_), "property": prop} for id_, _, prop in outputs],
            "inputs": [value(look_id("explore", "format"), "value", format)],
            "state": [],
            "changedPropIds": [f"{field}.value"],
        }
        found = props_of(client.post("/_dash-update-component", json=body))
        return {json.loads(id_)["look"] for id_, props in found.items() if props["disabled"]}

    every = set(Looks._fields) - {"format"}
    assert {format: locked(format) for format in ("svg", "png", "json")} == {
        "svg": {"dpi"},
        "png": set(),
        "json": every,
    }
    assert locked(["png"]) == {"dpi"}


# ---- what comes of it ---------------------------------------------------------------------------------------------


def test_a_file_says_how_it_was_to_look_and_the_tab_remembers(client: FlaskClient) -> None:
    fields = chosen(MAPS, width=120, font="serif", points=10, ground="dark", qualitative="okabe-ito", dpi=600)
    found = exported(client, "explore", SHOWN, fields)
    kept = read_provenance(file_of(found, "explore"))
    assert (kept.link, kept.kind) == (f"/?{QUERY}", MAPS)
    assert (kept.preset.width, kept.preset.font, kept.preset.points) == (120, "serif", 10)
    assert (kept.preset.dark, kept.preset.qualitative, kept.preset.dpi) == (True, "okabe-ito", 600)
    assert found["explore-export-file"]["data"]["filename"] == f"explore-{MAPS}.json"
    (remembered,) = (props["data"] for id_, props in found.items() if id_.startswith(LOOKS))
    assert remembered == {name: fields[name] for name in Looks._fields}


def test_a_slide_keeps_its_shape_until_it_gets_another_width(client: FlaskClient) -> None:
    slide = {"preset": "slide", "width": 508, "points": 24, "dpi": 96}
    heights = []
    for width in (508, 400):
        found = exported(client, "explore", SHOWN, chosen(MAPS, **{**slide, "width": width}))
        heights.append(read_provenance(file_of(found, "explore")).preset.height)
    assert heights == [pytest.approx(1080 / 96 * 25.4), None]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"figure": "histogram"}, "Unknown figure 'histogram'"),
        ({"figure": "../../etc/passwd"}, "Unknown figure"),
        ({"figure": ["input"]}, "Unknown figure"),
        ({"format": "exe"}, "Unknown format 'exe'"),
        ({"format": {"a": 1}}, "Unknown format"),
        ({"width": 1e9}, "The width must be a number from 20 to 1000 mm."),
        ({"width": None}, "The width must be"),
        ({"width": "nan"}, "The width must be"),
        ({"width": [85]}, "The width must be"),
        ({"points": True}, "The size of the font must be"),
        ({"points": 400}, "from 4 to 60 points."),
        ({"dpi": 5000}, "The resolution must be a number from 72 to 1200 dpi."),
        ({"font": "url(http://example.com)"}, "Unknown font"),
        ({"ground": None}, "Unknown ground"),
        ({"qualitative": "x" * 10**5}, "Unknown palette"),
        ({"diverging": 7}, "Unknown diverging palette"),
        ({"preset": "poster"}, "Unknown size 'poster'"),
    ],
)
def test_what_is_wrong_is_said(client: FlaskClient, wrong: dict[str, Any], sentence: str) -> None:
    found = exported(client, "explore", SHOWN, {**chosen(MAPS), **wrong})
    assert sentence in said(found, "explore")
    assert "explore-export-file" not in found
    assert BUG not in said(found, "explore")


@pytest.mark.parametrize("shown", [{"query": 5}, {"query": QUERY, "memory": []}, {"query": "a" * 10**6}])
def test_a_state_that_no_page_shows_is_refused(client: FlaskClient, shown: dict[str, Any]) -> None:
    assert "not one that a page" in said(exported(client, "explore", shown, chosen(MAPS)), "explore")


@pytest.mark.parametrize(
    "records", [[[1, 2]], [["x", "", {}, {}]], [[1, "", {}, {"7": ["a", [], []]}]], [[1, "", {}, 5]]]
)
def test_a_history_that_no_page_has_seen_is_refused(client: FlaskClient, records: list[Any]) -> None:
    found = exported(client, "explore", {**SHOWN, "records": records}, chosen("history"))
    assert "not one that a page" in said(found, "explore")


def test_fields_that_no_dialog_has_are_refused(client: FlaskClient) -> None:
    found = exported(client, "explore", SHOWN, {})
    assert "Unknown format" in said(found, "explore")


def test_too_many_in_a_minute_are_refused(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(client.application.config, KEY, new_limits())
    answers = [exported(client, "explore", SHOWN, chosen("x")) for _ in range(EXPORTS.amount + 1)]
    assert "too many exports" in said(answers[-1], "explore")
    assert "too many" not in said(answers[-2], "explore")


# ---- the plotter --------------------------------------------------------------------------------------------------


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event]]:
    """One figure may be drawn at a time; when that has begun, and until when it takes."""
    begun, free, export = threading.Event(), threading.Event(), exporting.export

    def slow(figure: Any, format: Format, provenance: Any) -> bytes:
        if format is Format.SVG:
            begun.set()
            assert free.wait(60)
            return b"<svg/>"
        return export(figure, format, provenance)

    monkeypatch.setattr(exporting, "export", slow)
    monkeypatch.setattr(exporting, "find", lambda: "chromium")
    monkeypatch.setattr(exporting, "_room", Room(1))
    yield begun, free
    free.set()


def test_only_some_wait_for_the_plotter_and_tables_need_none(
    client: FlaskClient, held: tuple[threading.Event, threading.Event]
) -> None:
    svg, (begun, free) = chosen(MAPS, format="svg"), held
    with ThreadPoolExecutor(1) as other:
        first = other.submit(exported, client.application.test_client(), "explore", SHOWN, svg)
        assert begun.wait(60)
        assert said(exported(client, "explore", SHOWN, svg), "explore") == str(BusyError())
        table = file_of(exported(client, "explore", SHOWN, chosen(MAPS, format="csv")), "explore").decode()
        free.set()
        assert file_of(first.result(), "explore") == b"<svg/>"
    assert len(list(csv.reader(io.StringIO(table)))) > 2 * 14 * 14
    assert file_of(exported(client, "explore", SHOWN, svg), "explore") == b"<svg/>"


@pytest.mark.parametrize(
    ("error", "sentence"), [(DrawingError("It was given up."), "It was given up."), (ValueError("x"), BUG)]
)
def test_what_fails_while_drawing_is_said(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, error: Exception, sentence: str
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(exporting, "export", fail)
        assert said(exported(client, "explore", SHOWN, chosen(MAPS)), "explore") == sentence
    assert said(exported(client, "explore", SHOWN, chosen(MAPS)), "explore") == ""


# ---- without a Chromium -------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_chromium")
def test_without_a_chromium_the_browser_draws(client: FlaskClient) -> None:
    dialog = opened(client, looks={"format": "pdf"})
    assert NO_CHROMIUM in dialog.get_json()["response"]["explore-export-dialog"]["children"][1].__str__()
    formats = {one["value"]: one["disabled"] for one in fields_of(dialog)["format"]["options"]}
    assert formats == {"svg": False, "pdf": True, "png": False, "html": False, "csv": False, "json": False}
    assert fields_of(dialog)["format"]["value"] == "svg"

    scales = {}
    for format in ("svg", "png"):
        found = exported(client, "explore", SHOWN, chosen(MAPS, format=format, width=120, ground="dark", dpi=192))
        assert "explore-export-file" not in found
        saved = found["explore-saved"]["data"]
        options, layout = saved["options"], saved["figure"]["layout"]
        assert (options["format"], options["filename"]) == (format, f"explore-{MAPS}")
        assert layout["paper_bgcolor"] == "#16191d"
        scales[format] = options["scale"]
        width = options["width"] * options["scale"]
        assert width == pytest.approx(120 / 25.4 * (192 if format == "png" else 96), rel=1e-3)
    assert scales["png"] == pytest.approx(2 * scales["svg"])
    assert "no Chromium" in said(exported(client, "explore", SHOWN, chosen(MAPS, format="pdf")), "explore")
    assert described(exported(client, "explore", SHOWN, chosen(MAPS)), "explore")["rows"]
    for format, begins in (("html", b"<!DOCTYPE html>"), ("csv", b"# perturber: ")):
        found = exported(client, "explore", SHOWN, chosen(MAPS, format=format))
        assert file_of(found, "explore").startswith(begins)


def test_a_request_without_its_fields_is_refused(client: FlaskClient) -> None:
    body = asked(client, "explore", SHOWN, chosen(MAPS))
    wrong: list[dict[str, Any]] = [{"state": []}, {"state": [5, 5, 5, 5]}, {"inputs": 5}, {"output": "x"}]
    for broken in wrong:
        answer = pressed(client, {**body, **broken})
        assert answer.status_code < 500, answer.text
        assert "Traceback" not in answer.text
        assert BUG not in answer.text
