"""Edits as names of models: right weights in any order, within the memory, one sentence where they cannot be made."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from edited_models import LITE0, LITE1, TWIN, twin

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.featurevis import Optimisation, Recipe, Target
from perturber.scene import Scene
from perturber.service import IMAGE_SIZE, CompareRequest, InferenceService, LookRequest, SlotRequest
from perturber.service.engine import LocalEngine
from perturber.service.networks import MOST_FAILURES, Networks

HALF = f"mix({LITE0},{TWIN};blocks.3=0.5)"
MOST = f"mix({LITE0},{TWIN};blocks.2=0.8,conv_stem=1)"
PRUNED = f"prune({LITE0};blocks.4=0.3-1)"


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(device="cpu", data=tmp_path_factory.mktemp("data"))
    twin(settings)
    return settings


@pytest.fixture(scope="module")
def engine(settings: Settings) -> LocalEngine:
    return LocalEngine(settings)


@pytest.fixture
def service(engine: LocalEngine, settings: Settings, tmp_path: Path) -> Iterator[InferenceService]:
    with InferenceService(replace(settings, visualisations_mib=4), lambda _: engine) as running:
        yield running


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (IMAGE_SIZE, IMAGE_SIZE, 3), np.uint8)


def ask(*models: str, seed: int = 0) -> LookRequest:
    slots = tuple(SlotRequest(model=model, pinned=(0, 151, 999)) for model in models)
    return LookRequest(scene=Scene(), image=picture(seed), slots=slots)


def logits(engine: LocalEngine, *models: str, seed: int = 0) -> np.ndarray:
    """(models, 8): of the five best and three pinned classes."""
    (look,) = engine.answer([ask(*models, seed=seed)])
    return np.array([[score.logit for score in (*(slot.top or ()), *slot.pinned)] for slot in look.slots])


def test_the_ends_of_a_mixture_are_the_models(engine: LocalEngine) -> None:
    names = (engine.units(LITE0, TWIN, "stage"), engine.units(LITE0, TWIN, "layer"))
    everything = [f"mix({LITE0},{TWIN};{','.join(f'{unit}=1' for unit in level)})" for level in names]
    first, second, none, *all_ = logits(engine, LITE0, TWIN, f"mix({LITE0},{TWIN})", *everything)
    np.testing.assert_allclose(none, first, rtol=0, atol=1e-6)
    for values in all_:
        np.testing.assert_allclose(values, second, rtol=0, atol=1e-6)
    assert np.abs(first - second).max() > 0.1


def test_nothing_pruned_is_the_model_and_everything_pruned_is_not(engine: LocalEngine) -> None:
    stages = ",".join(f"{unit}=0-1" for unit in engine.units(LITE0, None, "stage"))
    first, whole, listed, without = logits(
        engine, LITE0, f"prune({LITE0})", f"prune({LITE0};{stages})", f"prune({LITE0};conv_stem=0-0)"
    )
    np.testing.assert_allclose(whole, first, rtol=0, atol=1e-6)
    np.testing.assert_allclose(listed, first, rtol=0, atol=1e-6)
    assert np.abs(without - first).max() > 0.1
    a, b = logits(engine, f"prune({LITE0};conv_stem=0-0)", seed=1), logits(engine, f"prune({LITE0};conv_stem=0-0)")
    np.testing.assert_allclose(a, b, rtol=0, atol=1e-4)  # it sees nothing


def test_edits_of_one_pair_answer_side_by_side_in_one_batch(engine: LocalEngine) -> None:
    models = [HALF, LITE0, MOST, TWIN, PRUNED]
    alone = {(model, seed): logits(engine, model, seed=seed)[0] for model in models for seed in (0, 1)}
    looks = engine.answer([ask(*models, seed=0), ask(*models[::-1], seed=1), ask(MOST, HALF, seed=1)])
    asked = [(models, 0), (models[::-1], 1), ([MOST, HALF], 1)]
    for look, (names, seed) in zip(looks, asked, strict=True):
        for slot, name in zip(look.slots, names, strict=True):
            assert slot.model == name
            values = [score.logit for score in (*(slot.top or ()), *slot.pinned)]
            np.testing.assert_allclose(values, alone[name, seed], rtol=0, atol=1e-4)
    different = np.array([alone[name, 0][5:] for name in models])
    assert min(np.abs(a - b).max() for i, a in enumerate(different) for b in different[:i]) > 1e-2


def test_spelling_does_not_matter(engine: LocalEngine) -> None:
    a, b = logits(engine, MOST, f" mix( {LITE0} , {TWIN} ; conv_stem=1.0, blocks.2=.8, blocks.5=0)")
    np.testing.assert_array_equal(a, b)


def test_what_is_known_of_an_edit(engine: LocalEngine) -> None:
    base, mixed, pruned = (engine.model(name) for name in (LITE0, HALF, PRUNED))
    assert (mixed.label, pruned.label) == ("EfficientNet-Lite0 × Noisy", "EfficientNet-Lite0 pruned")
    assert (mixed.layers, mixed.default_layer, mixed.classes) == (base.layers, base.default_layer, base.classes)
    assert len({base.fingerprint, mixed.fingerprint, pruned.fingerprint, engine.model(MOST).fingerprint}) == 4
    assert engine.model(HALF).fingerprint == mixed.fingerprint


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (f"mix({LITE0},{TWIN};nose=0.5)", "nose"),
        (f"prune({LITE0};blocks.77=0-0.5)", "blocks.77"),
        (f"mix({LITE0},nobody)", "nobody"),
        ("prune(nobody)", "nobody"),
        (f"mix({LITE0},{LITE1})", "cannot be mixed"),
        (f"mix({LITE0},prune({LITE0}))", "Not the name of a model"),
        (f"prune(mix({LITE0},{TWIN}))", "Wrong number of models"),
        (f"mix({LITE0},{TWIN};blocks.3=1.5)", "from 0 to 1"),
        (f"mix({LITE0})", "Wrong number of models"),
        ("mix(", "Not an edit"),
    ],
)
def test_invalid_edits_are_refused(service: InferenceService, name: str, words: str) -> None:
    with pytest.raises(InvalidInputError, match=r"\.$") as refused:
        service.look(ask(name))
    assert words in str(refused.value)
    with pytest.raises(InvalidInputError):
        service.model(name)
    assert service.look(ask(HALF)).slots[0].model == HALF


def test_the_units_of_an_edit_are_refused(service: InferenceService) -> None:
    for pair in [(HALF, None), (LITE0, PRUNED)]:
        with pytest.raises(InvalidInputError, match="Unknown model"):
            service.units(*pair)


@pytest.fixture(scope="module")
def one(engine: LocalEngine) -> int:
    """Bytes of a network."""
    return engine.network(LITE0).memory


class TestMemory:
    @pytest.mark.parametrize("models", [1, 3])
    def test_it_never_holds_much_more_than_it_may(self, settings: Settings, one: int, models: int) -> None:
        budget = models * one // 2**20 + 1
        networks = Networks(replace(settings, model_memory_mib=budget), torch.device("cpu"))
        expected = {}
        x = torch.rand(1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
        for name in (LITE0, HALF, PRUNED, MOST, f"prune({TWIN};conv_stem=0-0.5)", HALF, LITE0):
            with torch.inference_mode():
                network = networks.get(name)
                answer = network.look(network.preprocess(x)).logits
            assert answer is not None
            torch.testing.assert_close(answer, expected.setdefault(name, answer), rtol=0, atol=1e-4)  # it came back
            assert networks.memory <= budget * 2**20 + 2 * one
            for bases in networks.editors:
                assert {base for base in bases if base} <= set(networks.resident)

    def test_with_room_nothing_is_loaded_twice(self, settings: Settings) -> None:
        networks = Networks(settings, torch.device("cpu"))
        editor = networks.editor(LITE0, TWIN)
        assert networks.get(HALF).editor is editor  # type: ignore[attr-defined]
        assert networks.get(PRUNED).editor is not editor  # type: ignore[attr-defined]
        assert networks.editor(LITE0, TWIN) is editor

    def test_models_that_cannot_be_mixed_leave_again(self, settings: Settings, one: int) -> None:
        networks = Networks(replace(settings, model_memory_mib=one // 2**20 + 1), torch.device("cpu"))
        with pytest.raises(InvalidInputError):
            networks.editor(LITE0, LITE1)
        assert list(networks.resident) == [LITE1]

    def test_forgetting(self, settings: Settings, one: int) -> None:
        networks = Networks(settings, torch.device("cpu"))
        kept = networks.editor(LITE0, None)
        for pair in [(LITE0, TWIN), (TWIN, LITE0), (TWIN, None)]:
            networks.editor(*pair)
        networks.forget(TWIN)
        assert (list(networks.resident), list(networks.editors)) == ([LITE0], [(LITE0, None)])
        assert networks.editor(LITE0, None) is kept
        assert networks.memory == 2 * one
        networks.forget("nobody")


def test_visualisations_of_an_edit_are_its_own(service: InferenceService, engine: LocalEngine) -> None:
    """Others edit the same pair while its job takes its steps."""
    recipe, target = Recipe(size=32, steps=8), Target(layer="blocks.1.0", index=3)
    strong = f"mix({LITE0},{TWIN};blocks.0=1,conv_stem=1)"
    with torch.inference_mode(False):
        alone = Optimisation(zoo.load(LITE0, "cpu", engine.settings), [target], recipe)
    (found,) = service.visualise(strong, [target], recipe)
    assert found.job
    amount = 0
    while not service.jobs.status(found.job).state.over:
        amount = (amount + 1) % 10
        service.look(ask(f"mix({LITE0},{TWIN};blocks.0=0.{amount},conv_stem=0.{amount})"))
    shown = service.visualisations.pictures(found.key)
    work = Optimisation(engine.network(strong), [target], recipe)
    for optimisation in (work, alone):
        while not optimisation.finished:
            optimisation.step()
    assert shown is not None
    assert np.abs(shown.astype(int) - work.pictures()[0]).max() <= 2
    assert np.abs(shown.astype(int) - alone.pictures()[0]).max() > 20


def test_a_network_that_fails_three_times_in_a_row_is_out_and_the_others_are_not(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    engine = LocalEngine(settings)
    network, look = engine.network(LITE0), zoo.Network.look
    failing = [True]

    def no_room(self: zoo.Network, *args: object, **options: object) -> zoo.Probe:
        if self is network and failing:
            raise torch.OutOfMemoryError("no room")
        return look(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(zoo.Network, "look", no_room)
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(torch.OutOfMemoryError):
            engine.answer([ask(LITE1, LITE0)])
    failing.clear()
    engine.answer([ask(LITE0)])  # all is forgiven
    failing.append(True)
    for asked in (ask(LITE0), CompareRequest(scene=Scene(), models=(LITE0, LITE1)), ask(LITE0, LITE1)):
        with pytest.raises(torch.OutOfMemoryError):
            engine.answer([asked])
    assert "no room" in caplog.text
    failing.clear()
    for asked in (ask(LITE0), CompareRequest(scene=Scene(), models=(LITE0, LITE1))):
        with pytest.raises(InvalidInputError, match=f"{LITE0} has failed 3 times in a row.* Choose another model"):
            engine.answer([asked])
    engine.answer([ask(LITE1)])
