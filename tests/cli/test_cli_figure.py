"""``perturber figure`` and ``reproduce``: each kind of figure, once more from its file; mistakes get a sentence."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app import create_app
from perturber.errors import InvalidInputError
from perturber.export import PRESETS, Format, export, read_provenance
from perturber.scene import Scene
from perturber.service import InferenceService, LookRequest, SlotRequest
from perturber.ui import paper

Run = Callable[..., tuple[int, str, str]]

QUIET = "c1=3,7&c2=1&cards=none"
TRAINING = "m1=lite0_adversarial@50&m2=lite0_stylised@10"

KINDS = [
    (f"/?{QUIET}&yaw=12", "activations-model-1"),
    (f"/?{QUIET}", "activations-model-2"),
    (f"/?{QUIET}&alpha=0.5", "predictions-model-1"),
    (f"/?{QUIET}&attack=pgd(l2=1,steps=3;efficientnet_lite0)", "predictions-model-2"),
    (f"/checkpoints?{TRAINING}&tab=curves", "errors"),
    (f"/checkpoints?{TRAINING}&tab=curves", "predictions"),
    (f"/checkpoints?{TRAINING}&tab=maps&channels=3,7", "multiples"),
    (f"/checkpoints?{TRAINING}&tab=kernels", "multiples"),
]


@pytest.fixture
def app(service: InferenceService) -> Iterator[None]:
    with create_app(service=service).server.app_context():
        yield


@pytest.mark.parametrize(("link", "kind"), KINDS)
def test_each_kind_is_drawn_alike_once_more(app: None, link: str, kind: str) -> None:
    first, second = (paper.draw(link, kind) for _ in range(2))
    assert first.figure.to_json() == second.figure.to_json()
    assert first.figure.data
    assert first.figure.layout.width > 0
    assert first.models == second.models
    assert all(len(one.sha256) == 64 for one in first.models)
    assert first.notes == ()


def test_it_shows_what_the_service_says(app: None, service: InferenceService) -> None:
    drawn = paper.draw(f"http://elsewhere.example/?{QUIET}&yaw=12", "predictions-model-1")
    slot = SlotRequest(model="efficientnet_lite0", layer="blocks.3.0", channels=(3,))
    top = service.look(LookRequest(scene=Scene(yaw=12), slots=(slot,))).slots[0].top
    assert top is not None
    written = drawn.figure.to_json()
    assert all(score.name in written and f"{score.probability:.1%}".strip("%") in written for score in top)


def test_a_wrong_part_of_a_link_is_said(app: None) -> None:
    drawn = paper.draw(f"/?{QUIET}&yaw=nowhere", "activations-model-1")
    assert len(drawn.notes) == 1
    assert "nowhere" in drawn.notes[0]


@pytest.mark.parametrize(
    ("link", "kind", "sentence"),
    [
        ("/", "histogram", "activations-model-1"),
        ("/help", "errors", "There are no figures of '/help' here"),
        (f"/?{QUIET}", "activations-edited", "."),
    ],
)
def test_what_there_is_not_gets_a_sentence(app: None, link: str, kind: str, sentence: str) -> None:
    with pytest.raises(InvalidInputError, match=sentence.replace("(", r"\(")):
        paper.draw(link, kind)


def test_a_figure_is_written_and_reproduced(perturber: Run, tmp_path: Path) -> None:
    out, again = tmp_path / "maps.json", tmp_path / "maps.csv"
    link = f"http://127.0.0.1:8050/?{QUIET}&yaw=12"
    kind = ("--kind", "activations-model-1")
    assert perturber("figure", link, *kind, "--preset", "page", "--points", "9", "--out", out)[0] == 0
    kept = read_provenance(out)
    assert (kept.link, kept.kind, kept.device) == (f"/?{QUIET}&yaw=12", "activations-model-1", "cpu")
    assert (kept.preset.width, kept.preset.points) == (175, 9)
    assert [one.name for one in kept.models] == ["efficientnet_lite0", "lite0_adversarial"]
    code, said, _ = perturber("reproduce", out, "--out", again)
    assert (code, said) == (0, "Its numbers are equal to the bit.\n")
    assert read_provenance(again).data_sha256 == kept.data_sha256

    content = json.loads(out.read_bytes())
    content["provenance"]["link"] = f"/?{QUIET}&yaw=13"
    content["provenance"]["package"] = "0.0.1"
    out.write_text(json.dumps(content))
    code, said, _ = perturber("reproduce", out)
    assert code == 0
    assert said.startswith("version: 0.0.1 then, ")
    assert "Its numbers differ by " in said


def test_a_history_is_reproduced_from_its_file_alone(app: None, perturber: Run, tmp_path: Path) -> None:
    looks = [[n, "", {}, {"0": ["efficientnet_lite0", [[5, "a class", n / 7, 1 / n]], []]}] for n in (1, 2, 5)]
    drawn = paper.draw("/?m1=efficientnet_lite0", "history", memory={"records": looks, "measure": "logit"})
    assert list(drawn.figure.data[0].y) == [1 / 7, 2 / 7, 5 / 7]
    file = tmp_path / "history.csv"
    kept = paper.provenance_of(drawn, "/?m1=efficientnet_lite0", "history", PRESETS["column"])
    file.write_bytes(export(drawn.figure, Format.CSV, kept))
    code, said, _ = perturber("reproduce", file)
    assert (code, said) == (0, "Its numbers are equal to the bit.\n")
    with pytest.raises(InvalidInputError, match="A link holds no history"):
        paper.draw("/", "history")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("/", "--out", "x.svg"), "Name the figure with --kind. There are activations-model-1, "),
        (("/", "--kind", "predictions-model-1", "--out", "x.docx"), "'x.docx' does not end like a figure's file"),
        (("/", "--kind", "predictions-model-1", "--out", "x.svg", "--preset", "poster"), "column"),
        (("/", "--kind", "predictions-model-1", "--out", "x.svg", "--points", "400"), "4 to 60 points"),
    ],
)
def test_mistakes_get_a_sentence(perturber: Run, arguments: tuple[str, ...], sentence: str) -> None:
    code, _, err = perturber("figure", *arguments)
    assert code != 0
    assert sentence in err
    assert "Traceback" not in err


def test_a_file_that_says_nothing_is_refused(perturber: Run, tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text("trace,name\n")
    code, _, err = perturber("reproduce", file)
    assert code != 0
    assert "does not say how its figure came about" in err
