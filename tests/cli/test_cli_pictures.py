"""``perturber models pictures`` as a user meets it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from perturber.config import Settings
from perturber.featurevis import Bundle, Recipe, Store, Target, bundle_folder, key
from perturber.zoo import load

MODEL = "efficientnet_lite0"


def test_what_is_made_is_packed(
    perturber: Callable[..., tuple[int, str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    command = ("models", "pictures", MODEL, "--made", "--out", tmp_path / "models")
    code, printed, _ = perturber(*command)
    assert code == 0
    total = int(printed.split(" of ")[1].split()[0])
    assert printed.startswith(f"{MODEL}: 0 of {total} pictures, 0.")
    assert total > 600  # neurons twice: Fourier coefficients and plain pixels

    fingerprint = load(MODEL, "cpu", Settings()).fingerprint
    names = [
        key(fingerprint, Target(layer="blocks.5.3", index=121), Recipe()),  # in the group of the dog
        key(fingerprint, Target(layer="conv_stem", index=15), Recipe(naive=True)),  # one of the first 16
        key(fingerprint, Target(kind="class", index=555), Recipe()),  # what the fire truck is taken for
    ]
    others = [
        key(fingerprint, Target(layer="conv_stem", index=0), Recipe(steps=7)),
        key(fingerprint, Target(layer="blocks.3.0", index=0), Recipe()),
    ]
    store = Store(tmp_path / "data" / "visualisations", 10)
    grey = np.full((1, 128, 128, 3), 100, np.uint8)
    for name in (*names, *others):
        store.put(name, grey)
    assert perturber(*command)[1].startswith(f"{MODEL}: 3 of {total} pictures")
    bundle = Bundle(bundle_folder(tmp_path / "models"))
    assert len(bundle) == 3
    for name in names:
        assert np.abs(bundle.get(name).astype(int) - grey).max() <= 2


def test_a_network_that_is_not_there(perturber: Callable[..., tuple[int, str, str]]) -> None:
    code, _, err = perturber("models", "pictures", "nobody", "--made")
    assert code == 2
    assert "Unknown model" in err
