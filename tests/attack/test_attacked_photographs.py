"""Photographs attacked."""

from pathlib import Path

import numpy as np
import pytest
import torch

from perturber import zoo
from perturber.attack import Attack, run
from perturber.zoo.evaluate import labelled_pictures
from perturber.zoo.pictures import Crop, read_picture


@pytest.mark.slow
def test_l2_pgd_changes_what_lite0_sees_in_photographs(photographs: Path, lite0: zoo.Network) -> None:
    """The one slow test: nine passes of a hundred pictures, eight of them with gradients."""
    paths = [path for path, _ in labelled_pictures(photographs, lite0.entry.class_list, 100)]
    attack = Attack(model=lite0.entry.name, norm="l2", epsilon=1, steps=8)
    changed = []
    for first in range(0, len(paths), 10):
        arrays = np.stack([Crop(size=224)(read_picture(path)) for path in paths[first : first + 10]])
        state = run(lite0, torch.tensor(arrays).permute(0, 3, 1, 2) / 255, attack)
        assert (state.norm.size(state.perturbation) <= 1 + 1e-5).all()
        with torch.inference_mode():
            logits = lite0.look(lite0.preprocess(state.attacked)).logits
        assert logits is not None
        changed += (logits.argmax(1) != state.labels).tolist()
    assert np.mean(changed) >= 0.9
