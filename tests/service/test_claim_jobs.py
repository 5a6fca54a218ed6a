"""Tests of claims as jobs, against single looks of the service."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.experiments.claims import Claim, Thing
from perturber.experiments.tested import Outcome
from perturber.groups.subjects import SUBJECTS
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.claims import claim_request, class_key, seconds

LITE0, ADVERSARIAL = "efficientnet_lite0", "lite0_adversarial"
A = Scene.parse({})
CLAIM = Claim(a=A, b=A.replace(texture_influence=0), things=(Thing("dog_cat", 0.0), Thing("dog_cat", 1.0)), views=3)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> "InferenceService":
    with InferenceService(Settings(device="cpu", data=tmp_path_factory.mktemp("claims"))) as service:
        yield service  # type: ignore[misc]


def run(service: InferenceService, claim: Claim, **more: Path) -> Outcome:
    request = claim_request(service, claim, (LITE0, ADVERSARIAL), **more)
    return service.wait(service.jobs.submit(request, again=True).id)


def test_each_value_is_what_a_look_says(own: InferenceService) -> None:
    found = run(own, CLAIM)
    assert found.computed == len(found.cases) == 6
    for n in (0, 4):
        case = found.cases[n]
        dogs = tuple(sorted(SUBJECTS["Dog" if n == 0 else "Cat"].right))
        for side, scene in enumerate((case.a, case.b)):
            slots = tuple(
                SlotRequest(model=model, pinned=dogs[k : k + 60]) for model in (LITE0, ADVERSARIAL) for k in (0, 60)
            )
            look = own.look(LookRequest(scene=scene, slots=slots))
            for m in range(2):
                parts = look.slots[2 * m : 2 * m + 2]
                share = sum(score.probability for part in parts for score in part.pinned)
                assert found.values[n, m, side] == pytest.approx(100 * share, abs=0.1)
                assert found.tops[n, m, side] == parts[0].top[0].name
    changes = found.values[:, 0, 1] - found.values[:, 0, 0]
    assert found.row(LITE0).mean == pytest.approx(changes.mean(), abs=1e-3)
    assert "when Texture Influence goes from 1 to 0" in found.sentence
    best, worst = found.extremes(LITE0)
    assert len(best) == len(worst) == 3


def test_a_longer_test_looks_at_the_new_pairs_alone(own: InferenceService) -> None:
    run(own, CLAIM)
    again = run(own, replace(CLAIM, views=4))
    assert (again.computed, len(again.cases)) == (2, 8)
    assert run(own, CLAIM).computed == 0


def test_over_pictures(own: InferenceService, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    for n in range(8):
        Image.fromarray(random.integers(0, 255, (240, 260, 3), np.uint8)).save(tmp_path / f"n02099601_{n}.png")
    (tmp_path / "n02099601_9.png").write_bytes(b"no picture")
    claim = Claim(a=A, b=A.replace(saturation=0), kind="logit", pictures=9)
    found = run(own, claim, folder=tmp_path)
    assert len(found.cases) == 8
    assert found.rows[0].unit == "pictures"
    assert any("cannot be read" in note for note in found.notes)
    with pytest.raises(InvalidInputError, match="The folder has 9"):
        run(own, replace(claim, pictures=10), folder=tmp_path)
    with pytest.raises(InvalidInputError, match="PERTURBER_EXAMPLES"):
        run(own, claim)


def test_what_cannot_be_ordered(own: InferenceService) -> None:
    with pytest.raises(InvalidInputError, match="at least"):
        claim_request(own, CLAIM, ())
    with pytest.raises(InvalidInputError, match="each of them once"):
        claim_request(own, CLAIM, (LITE0, LITE0))
    with pytest.raises(InvalidInputError, match="no class that stands for"):
        claim_request(own, replace(CLAIM, wanted="n99999999"), (LITE0,))
    assert class_key(own, LITE0, 207) == "n02099601"
    assert seconds(own, claim_request(own, CLAIM, (LITE0,))) > 0
