"""Every figure of every page is exported as it is shown, and drawn once more from its file alone, equal to the bit."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from exports import chosen, described, exported, file_of, said
from flask.testing import FlaskClient

from app import create_app
from perturber.config import Settings
from perturber.export import compared, read_provenance
from perturber.featurevis import bundle_folder
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest, job_id
from perturber.ui import paper
from perturber.ui.context import service
from perturber.ui.showing.attack_jobs import curve_request
from perturber.ui.showing.history import record_of
from perturber.ui.states.explore import ExploreState
from perturber.ui.states.page import parse_query

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
SLOTS = {"model-1": 1, "model-2": 2, "edited": 3}


def slot(number: int, channels: str = "3", more: str = "") -> str:
    """A link to Explore that shows one slot."""
    models = f"m1={LITE0}&m2={ADVERSARIAL}&m3={LITE0}"
    hidden = "".join(f"&h{other}=1" for other in (1, 2, 3) if other != number)
    return f"{models}{hidden}&c{number}={channels}&cards=none&yaw=12{more}"


ATTACKED = slot(1, more=f"&attack=pgd(l2=1,steps=2;{LITE0})")
EARLY = f"m1={LITE0}&m2={ADVERSARIAL}&m3={LITE0}" + "".join(f"&l{n}=blocks.0.0&c{n}=0,1" for n in (1, 2, 3))
COMPARE = f"m1={LITE0}&m2={ADVERSARIAL}&layer=blocks.3.0&channels=0,5&count=3"
TRAINING = f"m1={ADVERSARIAL}@50&m2=lite0_stylised@10&layer=blocks.0.0&channels=3,7"

TABLE: dict[str, dict[str, str]] = {
    "/": {
        **{f"activations-{name}": slot(n, "3,7") for name, n in SLOTS.items()},
        **{f"predictions-{name}": slot(n) for name, n in SLOTS.items()},
        **{f"visualisations-{name}": EARLY for name in SLOTS},
        **{f"explanations-{name}": slot(n) for name, n in SLOTS.items()},
        "activations-edited": f"{EARLY}&cards=visualisation",
        "predictions-model-1": ATTACKED,
        "input": ATTACKED,
        "history": slot(1, more="&pinned=281"),
        "summary": slot(1),
        "layers": ATTACKED,
        "models": ATTACKED,
        "perturbations": ATTACKED,
        "curve": slot(1),
    },
    "/compare": dict.fromkeys(("channels", "depth", "cka", "same"), COMPARE),
    "/mixing": {"compatibility": f"edit=mix({LITE0},{ADVERSARIAL};blocks.3=0.5)"},
    "/sweep": {"measure": f"m1={LITE0}&m2={ADVERSARIAL}&axis1=yaw:-20:20:2&axis2=pitch:0:20:2&measures=margin:250"},
    "/experiments": {
        "result": f"m1={LITE0}&m2={ADVERSARIAL}&count=2",
        "examples": f"experiment=viewpoints&m1={LITE0}&longitudes=6&latitudes=3",
    },
    "/checkpoints": {
        "errors": f"{TRAINING}&tab=curves",
        "predictions": f"{TRAINING}&tab=curves",
        "multiples": f"{TRAINING}&tab=pictures",
        "activations": f"{TRAINING}&tab=curves&count=4",
        "weights": f"{TRAINING}&tab=curves&count=4",
    },
    "/test": {"effects": f"b=texture_influence%3D0&models={LITE0}|{ADVERSARIAL}&views=5"},
}
QUICK = ("activations-model-1", "predictions-model-1", "history", "curve", "channels", "result", "errors", "effects")
CASES = [
    pytest.param(path, kind, marks=() if kind in QUICK else pytest.mark.slow)
    for path, kinds in TABLE.items()
    for kind in kinds
]


def running(data: Any) -> Iterator[FlaskClient]:
    """An app with a service of its own, whose feature visualisations of early layers are ready."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("perturber.service.service.bundle_folder", bundle_folder)
        with InferenceService(Settings(device="cpu", data=data, examples=None)) as one:
            yield create_app(service=one).server.test_client()


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    yield from running(tmp_path_factory.mktemp("here"))


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    yield from running(tmp_path_factory.mktemp("elsewhere"))


def records(client: FlaskClient) -> list[Any]:
    """Looks of a visit, as its browser brings them back."""
    with client.application.app_context():
        look = service().look
    slots = (SlotRequest(model=LITE0, pinned=(281,)),)
    scenes = [Scene().replace(yaw=yaw) for yaw in (0, 15, 30)]
    looks = [look(LookRequest(scene=scene, slots=slots)).slots[0] for scene in scenes]
    made = [record_of(n, scene, {0: look}) for n, (scene, look) in enumerate(zip(scenes, looks, strict=True), 1)]
    return json.loads(json.dumps(made))


def with_curve(query: str) -> str:
    """The link that names the job of a curve, as its page writes it."""
    state, _ = ExploreState.from_query(parse_query(query), service().model)
    request = curve_request(state, {"points": 2, "curve-steps": 1})
    service().wait(service().jobs.submit(request).id)
    return f"{query}&attack_figure=curve-{job_id(request)}"


def page_of(path: str) -> str:
    return path.strip("/") or "explore"


def test_the_table_has_every_figure() -> None:
    assert {path: set(kinds) for path, kinds in TABLE.items()} == {
        path: set(page.kinds) for path, page in paper.PAGES.items() if path in TABLE
    }


@pytest.mark.parametrize(("path", "kind"), CASES)
def test_a_figure_is_drawn_again_from_its_file(here: FlaskClient, elsewhere: FlaskClient, path: str, kind: str) -> None:
    page, query = page_of(path), TABLE[path][kind]
    with here.application.app_context():
        if kind == "curve":
            query = with_curve(query)
        elif kind != "history":
            paper.draw(f"{path}?{query}", kind)  # what takes its time is done
    shown = {"query": query, "records": records(here) if kind == "history" else []}
    found = exported(here, page, shown, chosen(kind))
    assert said(found, page) == ""
    figure, before = described(found, page), read_provenance(file_of(found, page))
    assert (before.link, before.kind) == (f"{path}?{query}", kind)
    assert figure["figure"]["data"]
    assert len(figure["rows"]) > 1
    with elsewhere.application.app_context():
        again = paper.draw(before.link, before.kind, memory=before.memory)
    assert compared(again.figure, before.data_sha256, before.data).equal
    assert again.figure.layout.images == () or kind in ("activations-edited", "multiples", "measure")
    assert again.models == before.models
    assert again.notes == ()
