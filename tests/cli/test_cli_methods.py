"""``perturber methods``, and figures of panels by ``perturber figure`` and ``reproduce``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from perturber.export import read_provenance
from perturber.ui.states.figures import FiguresState, PanelState

Run = Callable[..., tuple[int, str, str]]

QUIET = "m1=efficientnet_lite0&l1=blocks.3.0&c1=3,7&h2=1&cards=none"


def test_a_text_and_its_works_are_printed(perturber: Run, tmp_path: Path) -> None:
    code, said, told = perturber("methods", f"http://127.0.0.1:8050/?{QUIET}&yaw=12&pitch=nowhere")
    assert code == 0
    assert "Yaw 12°" in said
    assert "@inproceedings{tan2019," in said
    assert "nowhere" in told
    bib = tmp_path / "works.bib"
    code, said, _ = perturber("methods", f"/?{QUIET}", "--kind", "input", "--bib", bib)
    assert code == 0
    assert "@inproceedings" not in said
    assert "@tan2019" not in said
    assert "{sietzen2022," in bib.read_text()
    assert "Traceback" not in (wrong := perturber("methods", "/help"))[2]
    assert wrong[0] == 2


def test_a_composed_figure_is_written_and_reproduced(perturber: Run, tmp_path: Path) -> None:
    panels = tuple(PanelState(link=f"/?{QUIET}&yaw={yaw}", kind="activations-model-1") for yaw in (0, 20))
    link = f"/figures?{FiguresState(rows=1, columns=2, panels=panels).query()}"
    out = tmp_path / "figure.json"
    assert perturber("figure", link, "--kind", "figure", "--out", out)[0] == 0
    kept = read_provenance(out)
    assert (kept.link, kept.kind, kept.preset.width) == (link, "figure", 175)  # as the figure says
    assert perturber("figure", link, "--kind", "figure", "--preset", "column", "--out", tmp_path / "b.json")[0] == 0
    assert read_provenance(tmp_path / "b.json").preset.width == 85
    assert read_provenance(tmp_path / "b.json").data_sha256 == kept.data_sha256
    code, said, _ = perturber("reproduce", out)
    assert (code, said) == (0, "Its numbers are equal to the bit.\n")


@pytest.mark.parametrize(
    ("link", "sentence"),
    [
        ("/figures", "There is no panel yet"),
        ('/figures?figure={"panels":[{"link":"/","kind":"cka"}]}', "Panel a cannot be drawn."),
        ('/figures?figure={"panels":[{"link":"/nowhere","kind":"cka"}]}', "There are no figures of '/nowhere'."),
    ],
)
def test_what_cannot_be_composed_gets_a_sentence(perturber: Run, tmp_path: Path, link: str, sentence: str) -> None:
    code, _, told = perturber("figure", link, "--kind", "figure", "--out", tmp_path / "x.json")
    assert code == 2
    assert sentence in told
    assert not (tmp_path / "x.json").exists()
