"""``perturber test``: a claim from links or files, and what is written of it."""

import json
from pathlib import Path

import pytest

from perturber import cli
from perturber.sessions import ShortLinks

SMALL = ["--views", "5", "--model", "efficientnet_lite0"]


@pytest.fixture(autouse=True)
def _data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PERTURBER_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("PERTURBER_DEVICE", "cpu")


def run(*arguments: str, code: int = 0) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main("test", *arguments)
    assert ended.value.code == code


def test_links_and_files_say_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    state = tmp_path / "b.json"
    state.write_text(json.dumps({"scene": {"texture_influence": 0}}))
    short = ShortLinks(tmp_path / "data").short_link("texture_influence=0", "/")
    run("http://127.0.0.1:8050/?m1=efficientnet_lite0", str(state), *SMALL, "--out", str(tmp_path / "out.json"),
        "--report", str(tmp_path / "report.html"))  # fmt: skip
    assert b"Texture Influence goes from 1 to 0" in (tmp_path / "report.html").read_bytes()
    printed = capsys.readouterr().out
    assert "when Texture Influence goes from 1 to 0" in printed
    told = json.loads((tmp_path / "out.json").read_text())
    assert told["sentence"] in printed
    assert len(told["pairs"]["yaw"]) == 5
    run("/", f"/s/{short}", *SMALL, "--out", str(tmp_path / "out.csv"), "--json")
    again = json.loads(capsys.readouterr().out)
    assert again["rows"] == told["rows"]
    assert (tmp_path / "out.csv").read_text().count("\n") == 6


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/", "/"], "same scene"),
        (["/", "/help"], "shows no scene"),
        (["/", "/?texture_influence=2"], "Texture Influence"),
        (["/", "/?texture_influence=0", "--out", "a.txt"], "does not end like"),
        (["/", "/?texture_influence=0", "--range", "yaw=wide"], "--range"),
        (["/", "/?texture_influence=0", "--object", "dog_cat:2"], "An object cannot be"),
        (["/", "/?noise=0.1", "--seeds", "1,x"], "Seeds cannot be"),
        (["/", "/?texture_influence=0", "--report", "a.txt"], "does not end like"),
        (["/", "nowhere.json"], "cannot be read"),
        (["/", "/s/aaaaaaaaaa"], "no short link"),
    ],
)
def test_mistakes_are_one_sentence(arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(*arguments, code=2)
    assert words in capsys.readouterr().err
