"""What a figure's file keeps beside its link: jobs are ordered again as they were, histories hold what is drawn."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from edited_models import LITE0, LITE1

from app import create_app
from perturber.attack import Attack
from perturber.errors import InvalidInputError
from perturber.export import PRESETS
from perturber.scene import Scene
from perturber.service import CurveRequest, InferenceService, PerturbationsRequest, ScanRequest, job_id
from perturber.ui import paper
from perturber.ui.papers.base import Paper
from perturber.ui.papers.orders import kept, of_models, ordered
from perturber.ui.showing.history import drawn_of, history_figure

SCENE = Scene().replace(yaw=12.25, object="dog_cat", hue=0.1)
ATTACK = Attack(model="each", norm="linf", epsilon=0.031, steps=7, random_start=True, seed=4)


@pytest.fixture(autouse=True)
def app(service: InferenceService) -> Iterator[None]:
    with create_app(service=service).server.app_context():
        yield


def requests() -> list[Any]:
    of_slots = {"scene": SCENE, "models": (LITE0, LITE1), "slots": (0, 2), **of_models((LITE0, LITE1), SCENE)}
    marks = of_models((LITE0, LITE1), SCENE)["fingerprints"]
    return [
        PerturbationsRequest(attack=ATTACK, **of_slots),
        CurveRequest(pictures="variations", count=5, epsilons=(0.0, 0.125, 0.3), steps=3, seed=9, **of_slots),
        CurveRequest(norm="l0", epsilons=(0.0, 4.0), **of_slots),
        ScanRequest(first=LITE0, second=LITE1, scene=SCENE, fingerprints=marks, level="block", reverse=True),
        ScanRequest(first=LITE0, second=LITE1, scene=SCENE, fingerprints=marks, attack=ATTACK),
    ]


@pytest.mark.parametrize("number", range(5))
def test_what_was_ordered_is_ordered_again(number: int) -> None:
    request = requests()[number]
    again = ordered(type(request), json.loads(json.dumps(kept(request))))
    assert again == request
    assert job_id(again) == job_id(request)


@pytest.mark.parametrize(
    "change",
    [
        {"models": []},
        {"models": [LITE0]},
        {"models": ["nobody", LITE1]},
        {"models": "x"},
        {"slots": [0, 9]},
        {"slots": None},
        {"scene": {"nothing": 1}},
        {"scene": {"yaw": "x" * 1000}},
        {"scene": 5},
        {"count": 10**9},
        {"count": "many"},
        {"epsilons": [3, 2, 1]},
        {"epsilons": [float("inf")]},
        {"epsilons": list(range(10**4))},
        {"norm": "l7"},
        {"method": "../../x"},
        {"pictures": "folder", "folder": True},
        {"surplus": 1},
    ],
)
def test_an_order_that_cannot_be_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InvalidInputError):
        ordered(CurveRequest, {**kept(requests()[1]), **change})


@pytest.mark.parametrize("memory", [{"order": 5}, {"records": 5}, {"records": [[1]]}, {"measure": "x"}, {"other": 1}])
def test_a_memory_from_anywhere_is_refused(memory: dict[str, Any]) -> None:
    for kind in ("history", "curve", "models"):
        with pytest.raises(InvalidInputError):
            paper.draw("/", kind, memory=memory)
    if "order" in memory:
        with pytest.raises(InvalidInputError):
            paper.draw("/mixing", "compatibility", memory=memory)


def test_a_history_holds_what_is_drawn() -> None:
    def score(index: int, probability: float) -> list[Any]:
        return [index, f"class {index}", 3 * probability, probability]

    def look(number: int) -> list[Any]:
        top = [score(index, 1 / (number + index)) for index in range(number, number + 5)]
        slots = {"0": [LITE0, top, [score(281, 0.01 * number)]], "2": [LITE1, [], []]}
        return [number, "2026-01-01T00:00:00", {"yaw": number}, slots]

    records = [look(number) for number in range(1, 9)]
    for pinned in ((), (281,), (281, 7, 3)):
        for measure in ("probability", "logit"):
            expected = history_figure(records[2:], pinned, measure)
            found = history_figure(drawn_of(records, pinned, 2), pinned, measure)
            assert found.to_json() == expected.to_json()
    assert len(json.dumps(drawn_of(records, (), 0))) < len(json.dumps(records)) / 3


def test_the_names_of_edits_are_no_checkpoints() -> None:
    edit = f"prune({LITE0};blocks.3=0.1-1)"
    drawn = paper.draw(f"/?m1={edit}&m2=lite0_adversarial@50&c1=3&c2=1&cards=none&h3=1", "predictions-model-1")
    assert isinstance(drawn, Paper)
    assert [one.checkpoint for one in drawn.models] == ["", "50"]
    assert paper.provenance_of(drawn, "http://somewhere/?yaw=1", "x", PRESETS["page"]).link == "/?yaw=1"
