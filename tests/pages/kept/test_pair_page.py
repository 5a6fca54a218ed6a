"""Two snapshots side by side: both are looked at again, and what differs is what the service says of both."""

import json
from typing import Any

import dash
import numpy as np
import pytest
from callback_requests import props_of
from flask.testing import FlaskClient
from plotly.utils import PlotlyJSONEncoder
from session_visits import Strip, parts, send, spec_with, words

from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotLook, SlotRequest
from perturber.sessions import NewSnapshot, Sessions, Snapshot
from perturber.ui.showing.pairs import Pair, pair_of

LITE0, ROBUST = "efficientnet_lite0", "lite0_adversarial"
TWO = f"m1={LITE0}&l1=blocks.3.0&c1=0,3&m2={ROBUST}&l2=blocks.3.0&c2=5&cards=none"


def taken(client: FlaskClient, sessions: Sessions, *queries: str, page: str = "explore") -> list[Snapshot]:
    """Snapshots of a page, as its button takes them."""
    strip = Strip(client, page)
    strip.press("create", name="x")
    for query in queries:
        settled = {"query": query, "memory": {}, "client": "me", "sequence": 1}
        strip.known = {f"{page}-settled.data": settled}
        strip.press("take")
    return [sessions.snapshot(one.id) for one in sessions.open(strip.session["id"]).strip]


def pair(app: dash.Dash, first: Snapshot, second: Snapshot) -> Pair:
    with app.server.test_request_context("/"):
        return pair_of(first, second)


def look(service: InferenceService, model: str, layer: str, channels: tuple[int, ...], **scene: Any) -> SlotLook:
    request = LookRequest(
        scene=Scene().replace(**scene), slots=(SlotRequest(model=model, layer=layer, channels=channels),)
    )
    return service.look(request).slots[0]


def values(figure: Any, row: int, count: int, side: int) -> np.ndarray:
    """The maps (n, h, w) of a row of a figure."""
    gap = -(-side * 16 // 100)
    z = np.asarray(figure.data[0].z)
    top = row * (side + gap)
    return np.stack([z[top : top + side, n * (side + gap) : n * (side + gap) + side] for n in range(count)])


def test_maps_and_scores_of_explore(
    app: dash.Dash, client: FlaskClient, service: InferenceService, sessions: Sessions
) -> None:
    a, b = taken(client, sessions, TWO, f"{TWO}&yaw=120&hue=0.3")
    found = pair(app, a, b)
    assert found.notes == ()
    assert [slot.title for slot in found.slots] == ["Model 1: EfficientNet-Lite0", "Model 2: Lite0 adversarial"]
    first, second = (look(service, LITE0, "blocks.3.0", (0, 3), **scene) for scene in ({}, {"yaw": 120, "hue": 0.3}))
    assert first.activations is not None
    assert second.activations is not None
    figure = found.slots[0].figure
    for row, expected in enumerate((first.activations, second.activations, first.activations - second.activations)):
        np.testing.assert_allclose(values(figure, row, 2, 14), expected, atol=1e-4)
    assert figure is not None
    scale = 4 * max(first.deviation, second.deviation)
    assert (figure.data[0].zmin, figure.data[0].zmax) == pytest.approx((-scale, scale), rel=1e-4)
    assert figure.data[0].colorscale[0][1] == "#2166ac"  # blue is negative
    assert figure.data[0].colorscale[-1][1] == "#b2182b"
    scores = {one.name: one for one in found.slots[0].scores}
    for side, one in enumerate((first, second)):
        for score in one.top or ():
            assert scores[score.name].logits[side] == pytest.approx(score.logit, abs=1e-3)
            assert scores[score.name].probabilities[side] == pytest.approx(score.probability, abs=1e-4)
    assert all(None not in one.logits for one in scores.values())


def test_snapshots_of_compare_and_of_two_pages(app: dash.Dash, client: FlaskClient, sessions: Sessions) -> None:
    query = f"m1={LITE0}&m2=prune({LITE0};blocks.3=0.1-1)&layer=blocks.3.0&channels=2"
    a, b = taken(client, sessions, query, f"{query}&yaw=90", page="compare")
    found = pair(app, a, b)
    assert [slot.figure is not None for slot in found.slots] == [True, True]
    (other,) = taken(client, sessions, TWO.replace("blocks.3.0", "blocks.2.0"))
    mixed = pair(app, a, other)
    assert mixed.slots[0].figure is None
    assert mixed.slots[0].why == "A shows blocks.3.0 and B blocks.2.0: maps of two layers have no difference."
    assert mixed.slots[0].scores
    equal = pair(app, a, a)
    assert all(score.logits[0] == score.logits[1] for slot in equal.slots for score in slot.scores)


def test_a_model_that_is_gone_leaves_what_was_kept(app: dash.Dash, client: FlaskClient, sessions: Sessions) -> None:
    a, b = taken(client, sessions, TWO, f"{TWO}&yaw=120")
    with sessions.database.writing() as connection:
        connection.exec_driver_sql(f"UPDATE snapshots SET query = replace(query, '{ROBUST}', 'gone') WHERE id = {b.id}")
    found = pair(app, a, sessions.snapshot(b.id))
    (note,) = found.notes
    assert note.startswith("B cannot be looked at again: Unknown model 'gone'")
    assert note.endswith("What was kept of it is shown.")
    assert [slot.why for slot in found.slots] == ["Its maps were not kept."] * 2
    kept = {score["name"]: score["logit"] for score in b.predictions[1]["scores"]}
    assert kept == {one.name: one.logits[1] for one in found.slots[1].scores if one.logits[1] is not None}
    assert found.slots[1].title == "Model 2: Lite0 adversarial"


def test_a_picture_that_is_drawn_differently_now_is_not_mixed_with_the_kept_one(
    app: dash.Dash, client: FlaskClient, sessions: Sessions
) -> None:
    a, b = taken(client, sessions, TWO, f"{TWO}&yaw=120")
    other = NewSnapshot.of(page="/", query=b.query, picture=a.pixels(), memory=b.memory, predictions=b.predictions)
    made = sessions.snapshot(sessions.add(a.session, other))
    found = pair(app, a, made)
    assert found.notes == (
        "B cannot be looked at again: Its picture is drawn differently now. What was kept of it is shown.",
    )
    assert all(slot.figure is None for slot in found.slots)


@pytest.mark.parametrize(
    "predictions",
    [None, 3, [None, 3], [{"slot": 1}], [{"slot": "Model 1", "scores": [{"index": "x", "name": "y", "logit": 1}]}],
     [{"slot": "Model 1", "label": ["x"], "scores": [{"index": 3, "name": "<b>", "logit": 10**400, "probability": "x"},
                                                     {"index": 10**9, "name": "|x|", "logit": 1.5}]}]],
)  # fmt: skip
def test_predictions_from_a_strangers_file(
    app: dash.Dash, client: FlaskClient, sessions: Sessions, predictions: Any
) -> None:
    (a,) = taken(client, sessions, TWO)
    new = NewSnapshot.of(page="/nowhere", query="x=1", picture=np.zeros((8, 8, 3), np.uint8), predictions=predictions)
    b = sessions.snapshot(sessions.add(a.session, new))
    found = pair(app, a, b)
    assert "There is no page /nowhere with a scene" in found.notes[0]
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/sessions")
    with app.server.test_request_context("/sessions"):
        shown = json.loads(json.dumps(page["layout"](a=str(a.id), b=str(b.id)), cls=PlotlyJSONEncoder))
    assert "differ in size" in words(shown)
    spec = spec_with(client, "pair", "data")
    assert props_of(send(client, spec, {"pair.data": [a.id, b.id]}, "pair.data"))["pair-slots"]["children"]


def test_the_page_lists_what_differs(app: dash.Dash, client: FlaskClient, sessions: Sessions) -> None:
    a, b = taken(client, sessions, TWO, f"{TWO.replace('c1=0,3', 'c1=1')}&yaw=-60&background_blur=2")
    (page,) = (page for page in dash.page_registry.values() if page["path"] == "/sessions")
    with app.server.test_request_context("/sessions"):
        shown = json.loads(json.dumps(page["layout"](a=str(a.id), b=str(b.id)), cls=PlotlyJSONEncoder))
    (table,) = (words(one) for one in parts(shown) if one["type"] == "Markdown")
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()[2:]]
    assert {line[0]: line[1:] for line in lines} == {
        "Yaw": ["&#8722;35 &#176;", "&#8722;60 &#176;"],
        "Background Blur": ["0 mip levels", "2 mip levels"],
        "c1": ["0,3", "1"],
    }
    images = [one["props"]["alt"] for one in parts(shown) if one["type"] == "Img"]
    assert images == ["Model input of A", "Model input of B", "Difference of the model inputs"]
