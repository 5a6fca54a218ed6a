"""``perturber tuning`` and ``fourier``."""

from pathlib import Path

import numpy as np
import pytest

from perturber import cli


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def run(*arguments: str) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(*arguments)
    assert ended.value.code == 0


def test_tuning_over_scenes(tmp_path: Path) -> None:
    out = tmp_path / "tuning.npz"
    axes = ["--axis", "yaw=-60:60:2", "--axis", "morph=0:1:2"]
    run("tuning", "--layer", "blocks.2.1", "--neurons", "0-2,7", *axes, "--out", str(out))
    with np.load(out) as found:
        assert found["responses"].shape == (2, 2, 4)
        assert found["channels"].tolist() == [0, 1, 2, 7]


def test_fourier_as_a_figure(tmp_path: Path) -> None:
    out = tmp_path / "fourier.html"
    run("fourier", "--count", "3", "--most", "1", "--out", str(out))
    page = out.read_text()
    assert "cycles across" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["tuning", "--layer", "blocks.2.1", "--out", "a.npz"], "Name a family"),
        (["tuning", "--layer", "x", "--family", "curves", "--out", "a.npz"], "'x'"),
        (["tuning", "--layer", "blocks.2.1", "--family", "curves", "--out", "a.gif"], "ends neither"),
        (["tuning", "--layer", "blocks.2.1", "--neurons", "9999", "--family", "curves", "--out", "a.npz"], "9999"),
        (["fourier", "--norm", "-1", "--out", "a.npz"], "norm"),
        (["fourier", "--most", "99", "--out", "a.npz"], "99"),
    ],
)
def test_mistakes(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(*arguments)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err
