"""``perturber slopes``."""

import json
from pathlib import Path

import pytest

from perturber import cli
from perturber.experiments.slopes import ends

FEW = ["--parameter", "contrast", "--parameter", "yaw"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def run(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(*arguments)
    assert ended.value.code == code


def score(capsys: pytest.CaptureFixture[str], *options: str) -> float:
    run("slopes", *options, "--parameter", "hue", "--class", "beagle", "--no-flips", "--json")
    return json.loads(capsys.readouterr().out)["models"][0]["score"]


def test_slopes_are_differences_and_flips_change_the_class(capsys: pytest.CaptureFixture[str]) -> None:
    run("slopes", *FEW, "--class", "beagle", "--json")
    told = json.loads(capsys.readouterr().out)
    contrast, yaw = told["parameters"]
    assert (contrast["how"], yaw["how"], yaw["unit"]) == ("autograd", "central differences", "°")
    low, high = ends("yaw", -35.0)
    change = score(capsys, "--set", f"yaw={high}") - score(capsys, "--set", f"yaw={low}")
    assert yaw["slopes"][0] == pytest.approx(change / (high - low), rel=0.02, abs=1e-3)
    (flip,) = yaw["above"]
    run("slopes", "--parameter", "hue", "--no-flips", "--json", "--set", f"yaw={flip['value']}")
    there = json.loads(capsys.readouterr().out)["models"][0]["top"]
    assert there == flip["class"] != told["models"][0]["top"]


def test_the_table_has_a_line_for_each_parameter_and_model(capsys: pytest.CaptureFixture[str]) -> None:
    run("slopes", *FEW, "--models", "efficientnet_lite0", "--models", "lite0_adversarial", "--no-flips")
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2 + 1 + 1 + 2 * 2
    assert "autograd" in lines[4]
    assert "lite0_adversarial" in lines[5]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--parameter", "object"], "has no slope"),
        (["--score", "entropy"], "entropy"),
        (["--class", "no such"], "class"),
    ],
)
def test_what_is_not_allowed_is_one_sentence(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("slopes", *arguments, code=2)
    error = capsys.readouterr().err
    assert words in error
    assert "Traceback" not in error
