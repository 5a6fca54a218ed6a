"""``perturber bench latency``: what its lines are made of."""

import re
from pathlib import Path

import numpy as np
import pytest

from perturber.bench import latency
from perturber.config import Settings


def test_a_line_is_made_of_what_was_seen() -> None:
    found = latency.Dragged(took=[0.1, 0.2, 0.6])
    for kind, waited, took in (("answer", 0.02, 0.1), ("step", 0.0, 0.05), ("answer", 0.04, 0.2), ("call", 9.0, 9.0)):
        found.observe(kind, waited, took, 1)
    name, looks, *numbers = re.split(r"\s{2,}", found.row("name").strip())
    assert (name, looks) == ("name", "3")
    assert [float(number) for number in numbers] == [
        200,
        pytest.approx(1e3 * np.percentile([0.1, 0.2, 0.6], 95)),
        40,
        50,
    ]


def test_each_rhythm_is_measured_with_and_without_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    latency.run(Settings(device="cpu", data=tmp_path, examples=None), rounds=1, seconds=0.4)
    printed = capsys.readouterr().out
    assert printed.count("  beside a sweep") == printed.count("ratio of medians") == len(latency.RHYTHMS)
