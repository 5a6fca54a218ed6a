"""What neurons depend on, as a job: against one look at a time, and on neurons that respond by rule."""

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from perturber.errors import InvalidInputError
from perturber.experiments.hypothesis import MOVED, REACH
from perturber.experiments.space import Span, usual
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, PictureRequest, SlotRequest
from perturber.service.hypotheses import hypothesis_request, seconds
from perturber.service.works.hypothesis import Hypothesis, HypothesisRequest, HypothesisWork, views

LITE0, LAYER, CHANNELS = "efficientnet_lite0", "blocks.1.0", (3, 11)
SPANS = (Span("yaw", -60, 60), Span("texture_influence", 0, 1), Span("light_azimuth", 150, 210), Span("hue", -0.2, 0.2))


def test_responses_are_those_of_single_looks(service: InferenceService) -> None:
    request = hypothesis_request(service, Scene(), LITE0, LAYER, CHANNELS, SPANS[1:3], views=20, seed=3)
    assert request.pictures == 100
    assert seconds(service, request) > 0
    found: Hypothesis = service.wait(service.jobs.submit(request).id)
    slot = SlotRequest(model=LITE0, layer=LAYER, channels=CHANNELS, predictions=False)

    def answer(scene: Scene) -> np.ndarray:
        (seen,) = service.look(LookRequest(scene=scene, slots=(slot,))).slots
        return seen.activations.astype(np.float64).mean((1, 2))

    drawn = views(Scene(), 20, 3)
    for n in (0, 7, 19):
        np.testing.assert_allclose(found.start[n], answer(drawn[n]), rtol=1e-3, atol=1e-4)
        np.testing.assert_allclose(
            found.ends[n, 0, 0], answer(drawn[n].replace(texture_influence=0.0)), rtol=1e-3, atol=1e-4
        )
        np.testing.assert_allclose(
            found.ends[n, 1, 1], answer(drawn[n].replace(light_azimuth=-150.0)), rtol=1e-3, atol=1e-4
        )
    head, rows = found.table()
    assert [row[:2] for row in rows] == [[f"{LAYER}:{c}", span.key] for c in CHANNELS for span in SPANS[1:3]]
    assert found.csv().count("\n") == 5
    assert all(len(row) == len(head) for row in rows)


class Planted:
    """In place of an engine's means: a picture is its scene's values, and neurons are functions of these."""

    KEYS = ("yaw", "texture_influence", "light_azimuth", "hue", "background_blur")
    device = torch.device("cpu")

    def __init__(self) -> None:
        self.networks = self
        self.layers = {"rule": SimpleNamespace(channels=3)}
        self.noise = torch.Generator().manual_seed(0)

    def steady(self, names: Sequence[str]) -> list["Planted"]:
        return [self for _ in names]

    def pictures(self, requests: Sequence[PictureRequest], values: Mapping[str, Any] | None = None) -> torch.Tensor:
        return torch.tensor([[float(getattr(one.scene, key)) for key in self.KEYS] for one in requests])

    def preprocess(self, images: torch.Tensor) -> torch.Tensor:
        return images

    def look(self, inputs: torch.Tensor, *, layers: Sequence[str], logits: bool) -> SimpleNamespace:
        yaw, texture = inputs[:, 0], inputs[:, 1]
        own = 0.02 * torch.randn(len(inputs), generator=self.noise)
        right = torch.sigmoid(yaw / 15) + own
        flat = texture + 0.3 * torch.sin(torch.deg2rad(yaw)) + own
        maps = torch.stack((right, flat, torch.ones(len(inputs))), 1)
        return SimpleNamespace(activations={layers[0]: maps[..., None, None]}, logits=None)


def planted() -> Hypothesis:
    request = HypothesisRequest(
        scene=Scene(yaw=0.0), model="x", layer="rule", channels=(0, 1, 2), spans=SPANS, views=40
    )
    work = HypothesisWork(Planted(), request)  # type: ignore[arg-type]
    while not work.progress().finished:
        work.step()
    found = work.product()
    assert found is not None
    return found


def test_neurons_that_respond_by_rule_are_told_in_words() -> None:
    found = planted()
    first, second, third = found.sentences
    assert first.startswith("rule:0 is selective for Yaw (stronger to the right than to the left) and invariant to ")
    assert {"Texture Influence", "Light Azimuth", "Hue"} == set(_invariant(first))
    assert second.startswith(
        "rule:1 is selective for Texture Influence (stronger at 1 than at 0) and Yaw (stronger to the right than to "
        "the left) and invariant to "
    )
    assert {"Light Azimuth", "Hue"} == set(_invariant(second))
    assert third == "rule:2 responds to all views alike."
    for own in found.findings[:2]:
        for one in own:
            assert one.low <= one.effect <= one.high
    assert found.findings[2] == ()
    assert {row[0] for row in found.table()[1]} == {"rule:0", "rule:1"}


def _invariant(sentence: str) -> list[str]:
    return sentence.rpartition("invariant to ")[2].rstrip(".").replace(" and ", ", ").split(", ")


def test_views_are_random_around_the_scene_and_the_same_each_time() -> None:
    scene = Scene(object="firetruck_racecar", morph=1.0)
    drawn = views(scene, 30, 1)
    assert drawn == views(scene, 30, 1) != views(scene, 30, 2)
    assert {(one.object, one.morph) for one in drawn} == {("firetruck_racecar", 1.0)}
    assert len({one.yaw for one in drawn}) == 30
    assert len({one.background for one in drawn}) == 4


def test_usual_ranges() -> None:
    spans = {span.key: span for span in usual(Scene(), MOVED, REACH)}
    assert (spans["yaw"].low, spans["yaw"].high) == (-95, 25)
    assert (spans["morph"].low, spans["morph"].high) == (0, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"channels": ()}, "1 to 8"),
        ({"channels": (1, 1)}, "different neurons"),
        ({"spans": ()}, "parameter at least"),
        ({"spans": (SPANS[0], SPANS[0])}, "each of them once"),
        ({"views": 19}, "Allowed: 20"),
        ({"views": 1000, "spans": usual(Scene(), MOVED, REACH)}, "Allowed: up to 20,000"),
        ({"pooling": "median"}, "Unknown pooling"),
    ],
)
def test_bad_requests(changes: dict[str, Any], words: str) -> None:
    asked = {"scene": Scene(), "model": LITE0, "layer": LAYER, "channels": (0,), "spans": SPANS, **changes}
    with pytest.raises(InvalidInputError, match=words):
        HypothesisRequest(**asked)
