"""Checkpoints of a network that is resident: the same as loaded anew, quickly, and ready before they are asked for."""

import shutil
import time
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
import torch
from edited_models import LITE0

from perturber import zoo
from perturber.config import Settings
from perturber.errors import InvalidInputError
from perturber.featurevis import Optimisation, Recipe, Target
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.service.engine import LocalEngine
from perturber.service.networks import Networks
from perturber.zoo import own

FAMILY, STEPS = "lite0_adversarial", (10, 50, 200, 500, 1000, 2800)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(device="cpu", data=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="module")
def base(settings: Settings) -> zoo.Network:
    return zoo.load(LITE0, "cpu", settings)


@pytest.fixture(scope="module")
def inputs(base: zoo.Network) -> torch.Tensor:
    return base.preprocess(torch.rand(2, 3, 224, 224, generator=torch.Generator().manual_seed(0)))


def test_a_copy_with_a_checkpoints_weights_is_the_checkpoint(
    settings: Settings, base: zoo.Network, inputs: torch.Tensor
) -> None:
    before = base.look(inputs).logits
    name = f"{FAMILY}@200"
    quick, anew = zoo.load(name, "cpu", settings, siblings=[base]), zoo.load(name, "cpu", settings)
    assert (quick.entry, quick.layers, quick.outputs) == (anew.entry, anew.layers, anew.outputs)
    assert quick.fingerprint == anew.fingerprint != base.fingerprint
    layers = ("conv_stem", "blocks.3.1", "conv_head")
    ours, theirs = (network.look(inputs, layers=layers, features=True) for network in (quick, anew))
    for a, b in [(ours.logits, theirs.logits), *((ours.activations[k], theirs.activations[k]) for k in layers)]:
        torch.testing.assert_close(a, b, rtol=0, atol=0)
    torch.testing.assert_close(base.look(inputs).logits, before, rtol=0, atol=0)  # the sibling is untouched


def test_its_weights_take_part_in_gradients(settings: Settings) -> None:
    networks = Networks(settings, torch.device("cpu"))
    with torch.inference_mode():
        networks.get(LITE0)
        checkpoint = networks.get(f"{FAMILY}@10")
    work = Optimisation(checkpoint, [Target(layer="blocks.1.0", index=3)], Recipe(size=32, steps=2))
    work.step()
    assert checkpoint.layers is networks.get(LITE0).layers  # they were not looked for again


def test_beside_a_sibling_it_takes_less_than_half_the_time(settings: Settings, base: zoo.Network) -> None:
    def seconds(step: int, *siblings: zoo.Network) -> float:
        start = perf_counter()
        zoo.load(f"{FAMILY}@{step}", "cpu", settings, siblings=siblings)
        return perf_counter() - start

    times = [(seconds(step, base), seconds(step)) for step in STEPS]
    assert median(beside / alone for beside, alone in times) < 0.5


def test_another_architecture_is_no_sibling(settings: Settings, base: zoo.Network) -> None:
    lite1 = zoo.load("efficientnet_lite1", "cpu", settings, siblings=[base])
    assert len(lite1.layers) > len(base.layers)


@pytest.mark.parametrize("keep", [1000, 5_000_000])
def test_a_truncated_checkpoint_is_named_and_nothing_is_lost(tmp_path: Path, keep: int) -> None:
    settings = Settings(device="cpu", data=tmp_path)
    own_family(settings, truncate=keep)
    networks = Networks(settings, torch.device("cpu"))
    networks.get("mine@10")
    with pytest.raises(InvalidInputError, match=r"mine-000050\.safetensors.*\.$"):
        networks.get("mine@50")
    with pytest.raises(InvalidInputError, match=r"'51'.*10.*50"):
        networks.get("mine@51")
    assert list(networks.resident) == ["mine@10"]


def own_family(settings: Settings, *, truncate: int) -> None:
    """Two of the bundled checkpoints in the user's catalogue, the second one cut off."""
    files = zoo.entry(FAMILY, settings.models).checkpoints[:2]
    copies = [settings.data / path.name.replace(FAMILY, "mine") for path in files]
    for path, copy in zip(files, copies, strict=True):
        shutil.copy(path, copy)
    copies[1].write_bytes(copies[1].read_bytes()[:truncate])
    base = zoo.entry(LITE0, settings.models)
    names = ("architecture", "licence", "classes", "mean", "std", "input_size", "resize")
    table = {name: list(v) if isinstance(v := getattr(base, name), tuple) else v for name in names}
    weights = {"source": "file", "path": copies[0].name, "layout": "same"}
    checkpoints = [copy.name for copy in copies]
    own.add(
        "mine",
        {**table, "label": "Mine", "training": "other", "checkpoints": checkpoints, "weights": weights},
        settings,
    )


def test_neighbours_are_there_before_anybody_asks(settings: Settings) -> None:
    engines: list[LocalEngine] = []

    def engine(settings: Settings) -> LocalEngine:
        engines.append(LocalEngine(settings))
        return engines[0]

    with InferenceService(settings, engine) as service:
        service.look(LookRequest(scene=Scene(), slots=(SlotRequest(model=f"{FAMILY}@200"),)))
        wanted = [f"{FAMILY}@50", f"{FAMILY}@500", f"{FAMILY}@7", "nobody@1"]  # what cannot be is left alone
        service.prefetch(wanted)
        until = time.monotonic() + 20
        while len(engines[0].networks.resident) < 3 and time.monotonic() < until:
            time.sleep(0.02)
        assert set(engines[0].networks.resident) == {f"{FAMILY}@{step}" for step in (50, 200, 500)}
        assert list(engines[0].networks.resident)[-1] == f"{FAMILY}@200"


def test_what_was_prefetched_is_known_without_the_engine(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    name = f"{FAMILY}@10"
    with InferenceService(settings) as service:
        service.model(LITE0)
        service.prefetch([name])
        until = time.monotonic() + 20
        while name not in service._infos and time.monotonic() < until:
            time.sleep(0.02)
        monkeypatch.setattr(service.dispatcher, "call", None)  # nobody waits for a step of a job
        info = service.model(name)
    assert (info.name, info.label) == (name, "Lite0 adversarial, step 10")
    assert info.fingerprint == zoo.load(name, "cpu", settings).fingerprint


def test_a_prefetch_that_fails_is_nobodys_failure(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LocalEngine, "prefetch", lambda *_: 1 / 0)
    with InferenceService(settings) as service:
        service.prefetch([LITE0])
        until = time.monotonic() + 20
        while service.dispatcher._ahead and time.monotonic() < until:
            time.sleep(0.02)
        time.sleep(0.1)
        assert service.dispatcher._thread.is_alive()
        assert service.model(LITE0).name == LITE0


def test_prefetching_takes_nobodys_place(settings: Settings, base: zoo.Network) -> None:
    small = replace(settings, model_memory_mib=2 * base.memory // 2**20 + 1)
    networks = Networks(small, torch.device("cpu"))
    assert not networks.prefetch(f"{FAMILY}@10")  # no sibling is there
    networks.get(LITE0)
    assert networks.prefetch(f"{FAMILY}@10")
    assert not networks.prefetch(f"{FAMILY}@50")
    networks.get(f"{FAMILY}@2800")
    assert list(networks.resident) == [LITE0, f"{FAMILY}@2800"]  # what nobody asked for leaves first
