"""``perturber adversary`` and ``perturber difference``."""

import json
from pathlib import Path

import pytest

from perturber import cli

FEW = ["--range", "contrast", "--range", "hue=-0.3:0.3"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def run(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(*arguments)
    assert ended.value.code == code


def test_the_scene_is_printed_as_options_that_do_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    run("adversary", *FEW, "--first", "--renders", "40")
    options = capsys.readouterr().out.splitlines()[0].split()
    assert options[0] == "--set"
    run("look", *options, "--json")
    after = json.loads(capsys.readouterr().out)
    run("adversary", *FEW, "--first", "--renders", "40", "--json")
    told = json.loads(capsys.readouterr().out)
    assert json.dumps(after).count(told["after"][0]["class"])
    assert told["after"][0]["class"] != told["before"][0]["class"]
    assert {key for key, value in told["scene"].items() if value != told["start"][key]} == set(told["changed"])
    assert set(told["changed"]) <= {"contrast", "hue"}


def test_a_difference_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    run("difference", "--to", "hue=0.3", "--to", "background=indoor", "--renders", "30")
    assert capsys.readouterr().out.startswith("EfficientNet-Lite0 depends on ")


def test_what_is_not_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    run("adversary", "--range", "hue=-0.001:0.001", "--target", "tench", "--renders", "3")
    assert "Nothing was found" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["adversary", "--range", "yaw=1"], "LOW:HIGH"),
        (["adversary", "--range", "object"], "step by step"),
        (["adversary", "--range", "no_such=0:1"], "no_such"),
        (["adversary", "--norm", "l3"], "norm"),
        (["adversary", "--renders", "0"], "renders"),
        (["adversary", "--target", "no such class"], "class"),
        (["difference", "--to", "hue"], "--to cannot be"),
        (["difference", "--to", "hue=0"], "the same"),
        (["difference", "--to", "hue=0.1", "--range", "hue"], "Leave out --range"),
    ],
)
def test_mistakes_are_told(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(*arguments, code=2)
    told = capsys.readouterr().err
    assert words in told
    assert "Traceback" not in told
