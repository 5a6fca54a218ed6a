"""The memory budget of resident networks, with more networks than fit."""

import gc
import weakref
from collections.abc import Callable

import pytest

from perturber import zoo
from perturber.config import Settings
from perturber.service.engine import LocalEngine

COUNT = 10


@pytest.mark.slow
def test_the_budget_is_exceeded_by_one_network_at_most(
    add: Callable[..., zoo.ModelEntry], own_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"tiny{i}" for i in range(COUNT)]
    for name in names:
        add(name, "wide")
    alive: weakref.WeakSet[zoo.Network] = weakref.WeakSet()
    most = 0
    load = zoo.load

    def loaded(*arguments: object, **options: object) -> zoo.Network:
        nonlocal most
        network = load(*arguments, **options)  # type: ignore[arg-type]
        alive.add(network)
        gc.collect()
        most = max(most, sum(n.memory for n in alive))
        return network

    monkeypatch.setattr(zoo, "load", loaded)
    settings = Settings(device="cpu", data=own_settings.data, model_memory_mib=2)
    engine = LocalEngine(settings)
    sizes = set()
    fingerprints: dict[str, str] = {}
    for name in [*names, *names[:4]]:
        network = engine.network(name)
        sizes.add(network.memory)
        assert fingerprints.setdefault(name, network.fingerprint) == network.fingerprint  # the evicted come back
        assert sum(n.memory for n in engine.networks.resident.values()) <= 2 * 2**20
        assert len(engine.networks.resident) <= 2
        del network
    (size,) = sizes
    assert 2**19 < size <= 2**20  # two fit, three do not
    assert most <= 3 * size
    gc.collect()
    assert len(alive) == 2
    last = engine.network(names[3])
    assert engine.network(names[3]) is last
