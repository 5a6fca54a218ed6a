"""Whatever is posted is answered, or refused in a sentence: nothing fails inside, and no file leaves its folder."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from callback_requests import body
from explore_visit import Visit
from flask.testing import FlaskClient
from fuzzing import fuzz
from hypothesis import given
from hypothesis import strategies as st

from app import create_app
from perturber.config import Settings
from perturber.parameters import PARAMETERS
from perturber.service import InferenceService
from perturber.ui.callbacks.messages import BUG
from perturber.ui.states.page import parse_query

ASK = "/_dash-update-component"
PAGES = ("explore", "compare", "mixing", "checkpoints")
QUERY = "m1=efficientnet_lite0&l1=blocks.3.0&c1=0&h2=1&cards=none"

TEXTS = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        [
            "efficientnet_lite0",
            "lite0_adversarial@10",
            "mix(efficientnet_lite0,efficientnet_lite0;blocks.1=0.5)",
            "blocks.3.0:5",
            "../../../etc/passwd",
            "..%2f..%2fx",
            "\\\\host\\share",
            "con",
            "nan",
            "inf",
            "1e999",
            "-0",
            "0x10",
            "1_000",
            "data:image/png;base64,AAAA",
            "data:;base64,%%%%",
            "<script>alert(1)</script>",
            "{{7*7}}",
            "${jndi:ldap://x}",
            "\x00",
            "\ud800",
            "'",
            '"',
            "models-0",
            "__class__",
            "__proto__",
            "constructor",
            "pgd(l2=1e309)",
            "prune(efficientnet_lite0;blocks.3=0-1e9)",
            "physical",
            "1-2",
            "camera,light",
            "yaw:3,hue:nan",
            "yaw:-60:60:5",
            "yaw:0:9;hue:0:0.1",
            "activation:blocks.3.0:5:2,5",
        ]
    ),
    st.sampled_from([10**3, 10**5]).map(lambda size: "a" * size),
)
NUMBERS = st.one_of(st.integers(), st.sampled_from([10**400, -(10**30), 2**63, 0, 1, -1]), st.floats())
PLAIN = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
ANYTHING = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
OF_ATTACKS = ("physical", "physical_target", "physical_moves", "physical_renders", "physical_from")
OF_SWEEPS = ("axis1", "axis2", "ranges", "samples", "sampling_seed", "measures", "shown")
KEYS = st.sampled_from(
    [
        *PARAMETERS,
        *(f"{key}{slot}" for key in "mlcaphg" for slot in (1, 2, 3, 9)),
        "tab",
        "attack",
        *OF_ATTACKS,
        *OF_SWEEPS,
    ]
)


def _query(pairs: dict[str, str]) -> str:
    return "&".join(f"{key}={text}" for key, text in {**parse_query(QUERY), **pairs}.items())


FIGURE = 'figure={"panels":[{"link":"/nowhere","kind":"input"},{"link":"/checkpoints?tab=curves","kind":"errors"}]}'
QUERIES = st.one_of(
    st.just(QUERY),
    st.just(FIGURE),
    st.just("experiment=tuning&over=scenes&first_parameter=hue&m1=efficientnet_lite0"),
    st.just("experiment=hypotheses&parameters=one&parameter=hue&views=20&m1=efficientnet_lite0"),
    TEXTS,
    st.dictionaries(KEYS | TEXTS, TEXTS | NUMBERS.map(repr), max_size=4).map(_query),
)
CONTROLS = st.sampled_from(
    [
        "model",
        "layer",
        "channels",
        "group",
        "add",
        "remove",
        "plane",
        "attack-run",
        "attack-count",
        "attack-method",
        "attack-keeps",
        "attack-moves",
        "attack-end",
        "epsilon",
        "pinned",
        "tab",
        "drawer",
        "matched",
        "pair",
        "clim",
        "explain",
        "normalise",
        "unit",
        "keep",
        "order",
        "scan",
        "series",
        "place",
        "play",
    ]
)
SLOTS = st.sampled_from([0, 1, 2, "", -1, 99])
CHANGES = st.lists(
    st.fixed_dictionaries({"control": CONTROLS | TEXTS, "slot": SLOTS, "value": ANYTHING}) | ANYTHING, max_size=3
)
REQUESTS = st.fixed_dictionaries(
    {
        "query": QUERIES,
        "memory": st.just({}) | st.dictionaries(TEXTS, ANYTHING, max_size=3),
        "scene": st.dictionaries(st.sampled_from(list(PARAMETERS)) | TEXTS, ANYTHING, max_size=3),
        "changes": CHANGES,
        "drawn": st.just({}) | st.dictionaries(TEXTS, TEXTS, max_size=2),
        "client": st.just("me") | TEXTS,
        "sequence": st.just(1) | NUMBERS,
    },
    optional={"pace": NUMBERS, "surplus": ANYTHING},
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("around")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[FlaskClient]:
    settings = Settings(device="cpu", data=folder / "data", examples=None)
    with pytest.MonkeyPatch.context() as patch, InferenceService(settings) as service:
        patch.setenv("PERTURBER_DATA", str(settings.data))
        found = create_app(service=service).server.test_client()
        Visit(found, QUERY).look()
        yield found


def post(client: FlaskClient, folder: Path, sent: Any, caplog: pytest.LogCaptureFixture) -> None:
    data = sent if isinstance(sent, bytes) else json.dumps(sent).encode()
    caplog.clear()
    with caplog.at_level(logging.ERROR):
        response = client.post(ASK, data=data, content_type="application/json")
    assert response.status_code < 500, response.text
    assert BUG not in response.text
    assert "Traceback" not in response.text
    if response.status_code >= 400:
        assert len(response.get_json()["error"]) > 5
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert {path.name for path in folder.iterdir()} <= {"data"}


@pytest.mark.parametrize("page", PAGES)
@fuzz(40)
@given(request=REQUESTS | ANYTHING)
def test_looks(client: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, page: str, request: object) -> None:
    output = f"{page}-panel.answer"
    spec = {"output": output, "inputs": [{"id": f"{page}-panel", "property": "request"}], "state": []}
    post(client, folder, body(spec, [request]), caplog)


def drawn(data: st.DataObject, specs: list[dict[str, Any]]) -> list[Any]:
    """Values for the properties that a callback asks for; for a pattern, those of some components."""
    values: list[Any] = []
    for one in specs:
        if one["id"].startswith("{") and data.draw(st.booleans()):
            ids = {key: st.sampled_from(["explore", 0, 1, "", "maps", "keep"]) for key in json.loads(one["id"])}
            component = st.fixed_dictionaries(
                {"id": st.fixed_dictionaries(ids), "property": st.just(one["property"]), "value": ANYTHING}
            )
            values.append(data.draw(st.lists(component, max_size=2)))
        elif one["id"].endswith(("settled", "facts")):
            known = {"query": QUERIES, "memory": st.just({}), "records": st.lists(ANYTHING, max_size=2)}
            known |= {"client": st.just("me"), "sequence": st.just(1)}
            values.append(data.draw(st.fixed_dictionaries(known) | ANYTHING))
        else:
            values.append(data.draw(ANYTHING))
    return values


@fuzz(250)
@given(data=st.data())
def test_any_callback(client: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, data: st.DataObject) -> None:
    specs = [spec for spec in client.get("/_dash-dependencies").get_json() if not spec["clientside_function"]]
    spec = data.draw(st.sampled_from(specs))
    sent = body(spec, drawn(data, spec["inputs"]), drawn(data, spec["state"]))
    for key in data.draw(st.lists(st.sampled_from(list(sent)), max_size=1)):
        sent[key] = data.draw(ANYTHING)
    post(client, folder, sent, caplog)


@pytest.mark.parametrize("names", [[], [None], ["nobody.data"], ["{.data"], ["[1].data"], ['{"a":[1]}.data'], ["."]])
def test_any_trigger(client: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, names: list[Any]) -> None:
    for spec in client.get("/_dash-dependencies").get_json():
        if not spec["clientside_function"]:
            for value in (None, 1):
                sent = body(spec, [value for _ in spec["inputs"]], [value for _ in spec["state"]])
                post(client, folder, sent | {"changedPropIds": names}, caplog)


@fuzz(100)
@given(sent=st.binary(max_size=60) | st.dictionaries(TEXTS, ANYTHING, max_size=4) | ANYTHING)
def test_any_body(client: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, sent: object) -> None:
    post(client, folder, sent, caplog)


@pytest.mark.parametrize("opening", ["[", '{"a":', '{"inputs":['])
def test_deep_nesting(client: FlaskClient, folder: Path, caplog: pytest.LogCaptureFixture, opening: str) -> None:
    post(client, folder, (opening * 100_000).encode(), caplog)
    closing = "]" if opening == "[" else "1}" if opening == '{"a":' else "]}"
    post(client, folder, (opening * 50_000 + closing * 50_000).encode(), caplog)
