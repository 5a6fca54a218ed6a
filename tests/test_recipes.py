"""README's recipes, word for word, in a copy of the project: each is written in one place and known everywhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from perturber.config import Settings

ROOT = Path(__file__).parents[1]


def blocks() -> list[str]:
    """The Python of README's recipes: row, effect, attack, page."""
    section = re.search(r"\n## Extending it\n(.*?)\n## ", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert section is not None
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)


def copy_or_link(source: str, target: str) -> None:
    """Code is copied, so that it can be changed; meshes, pictures and the like are not."""
    if source.endswith(".py"):
        shutil.copy(source, target)
    else:
        os.symlink(source, target)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project with all four recipes followed."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("perturber", "pages", "assets"):
        shutil.copytree(
            ROOT / name, folder / name, copy_function=copy_or_link, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(ROOT / "app.py", folder)
    row, effect, attack, page = blocks()
    table = folder / "perturber" / "parameters" / "table.py"
    text, place = table.read_text(encoding="utf-8"), '    Number(\n        key="contrast"'
    assert text.count(place) == 1
    table.write_text(text.replace(place, textwrap.indent(row, "    ") + place), encoding="utf-8")
    (folder / "perturber" / "effects" / "gamma.py").write_text(effect, encoding="utf-8")
    with (folder / "perturber" / "attack" / "methods.py").open("a", encoding="utf-8") as file:
        file.write(f"\n\n{attack}")
    (folder / "pages" / "notes.py").write_text(page, encoding="utf-8")
    return folder


def run(copy: Path, *arguments: str) -> str:
    """What a Python process prints in which the copy is the project."""
    environment = {"PYTHONPATH": str(copy), "PERTURBER_MODELS": str(Settings().models), "PERTURBER_DEVICE": "cpu"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=copy, env=os.environ | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COMMANDS = """
import json, sys
from perturber.cli import app
for number, arguments in enumerate(json.loads(sys.argv[1])):
    print("\\0" * (number > 0), end="")
    app(arguments, prog_name="perturber", standalone_mode=False)
"""


def perturber(copy: Path, *commands: tuple[str, ...]) -> list[str]:
    """What each command prints; all in one process, as loading takes the longest."""
    return run(copy, "-c", COMMANDS, json.dumps(commands)).split("\0")


def test_a_row_and_a_function_are_a_perturbation(copy: Path) -> None:
    scenes = {
        "plain": (),
        "gamma": ("--set", "gamma=2"),
        "order": ("--set", "gamma=2", "--set", "saturation=0.3", "--set", "brightness=0.1"),
        "rest": ("--set", "saturation=0.3"),
    }
    renders = [("render", *options, "--out", f"{name}.png") for name, options in scenes.items()]
    table, *_ = perturber(copy, ("parameters", "--json"), *renders)
    rows = {row["key"]: row for row in json.loads(table)}
    keys = list(rows)
    assert keys.index("saturation") + 1 == keys.index("gamma") == keys.index("contrast") - 1
    assert rows["gamma"]["label"] == "Gamma"
    assert (rows["gamma"]["minimum"], rows["gamma"]["maximum"], rows["gamma"]["default"]) == (0.2, 5, 1)

    pictures = {name: np.asarray(Image.open(copy / f"{name}.png")) / 255 for name in scenes}
    np.testing.assert_allclose(pictures["gamma"], pictures["plain"] ** 2, atol=1.5 / 255)
    expected = (pictures["rest"] ** 2 + 0.1).clip(0, 1)  # after saturation, before brightness
    np.testing.assert_allclose(pictures["order"], expected, atol=2 / 255)


def test_a_class_is_an_attack(copy: Path) -> None:
    scene = ("--set", "gamma=0.5")
    help_, attacked, _ = perturber(
        copy,
        ("attack", "--help"),
        ("attack", "--method", "toppgd", "--steps", "1", *scene, "--json", "--out", "attacked.png"),
        ("render", *scene, "--out", "clean.png"),
    )
    line = "toppgd: Top PGD in l2 (ε 1). Follows only the tenth of the gradient's entries that are largest."
    assert line in " ".join(help_.split())
    report = json.loads(attacked)
    assert report["attack"] == "toppgd(l2=1,steps=1;efficientnet_lite0)"
    assert report["scene"]["gamma"] == 0.5
    (result,) = report["results"]
    assert result["class_after"]["probability"] < result["class_before"]["probability"]
    assert 0 < report["l2"] <= 1
    before, after = (np.asarray(Image.open(copy / name)) for name in ("clean.png", "attacked.png"))
    assert 0 < (before != after).mean() <= 0.1  # the strongest tenth alone


LIBRARY = """
import json
import perturber
from perturber.attack import METHODS, Attack
from perturber.errors import InvalidInputError
from perturber.parameters import PARAMETERS
from perturber.scene import Scene

def refused(make):
    try:
        make()
    except InvalidInputError as error:
        return str(error)

link = Scene.parse({"gamma": "2.5", "yaw": "10"}).changes()
print(json.dumps({
    "file": perturber.__file__,
    "link": link,
    "again": Scene.parse(link) == Scene(gamma=2.5, yaw=10),
    "too large": refused(lambda: Scene.parse({"gamma": 7})),
    "method": [METHODS["toppgd"].label, dict(METHODS["toppgd"].norms), METHODS["toppgd"].has_momentum],
    "text": str(Attack.parse("toppgd(l2=0.5,steps=3,start=random;m)")),
    "other norm": refused(lambda: Attack.parse("toppgd(linf=1;m)")),
}))
"""


def test_both_are_known_to_links_and_validation(copy: Path) -> None:
    told = json.loads(run(copy, "-c", LIBRARY))
    assert Path(told.pop("file")).is_relative_to(copy)
    assert told == {
        "link": {"gamma": 2.5, "yaw": 10},
        "again": True,
        "too large": "Gamma (gamma) cannot be 7. Allowed: a number from 0.2 to 5.",
        "method": ["Top PGD", {"l2": 1.0}, False],
        "text": "toppgd(l2=0.5,steps=3,start=random;m)",
        "other norm": "Unknown norm of toppgd 'linf'. Allowed: l2.",
    }


DASHBOARD = """
import html, json, sys
import dash
from app import create_app
from perturber.ui.components.controls import control_id

app = create_app()

def page_at(path):
    return sys.modules[next(page["module"] for page in dash.page_registry.values() if page["path"] == path)]

def components(layout):
    return {str(one.id): one for one in [layout, *layout._traverse()] if hasattr(one, "id")}

with app.server.test_request_context("/"):
    link = "toppgd(l2=0.5,steps=3;efficientnet_lite0)"
    explore = components(page_at("/").layout(gamma="2.5", attack=link))
    panel = explore["explore-panel"]
    rows = [row for group in panel.groups for row in group["rows"]]
    attacks = explore[str(control_id("explore", "attack-method"))]
    (text,) = [one.children for one in page_at("/help").layout()._traverse() if isinstance(one, dash.dcc.Markdown)]
    lines = [html.unescape(line) for line in text.splitlines()]
    frame = components(app.layout())
    notes = page_at("/notes").layout()
page = app.server.test_client().get("/notes")
print(json.dumps({
    "row": next(row for row in rows if row["key"] == "gamma"),
    "order": [row["key"] for row in rows],
    "panel": panel.value["gamma"],
    "attack": [attacks.value, *(one["label"] for one in attacks.options if one["value"] == "toppgd l2")],
    "help": [line for line in lines if "Gamma" in line or "Top PGD" in line],
    "frame": [frame["link-notes"].children, frame["link-notes"].href],
    "served": [page.status_code, str(notes.children.children)],
}))
"""


def test_all_are_in_the_dashboard(copy: Path) -> None:
    told = json.loads(run(copy, "-c", DASHBOARD))
    row = told["row"]
    assert (row["label"], row["kind"], row["default"]) == ("Gamma", "number", 1)
    assert (row["min"], row["max"], row["step"]) == (0.2, 5, 0.05)
    assert "picture ^ value" in row["help"]
    order = told["order"]
    assert order.index("saturation") + 1 == order.index("gamma") == order.index("contrast") - 1
    assert told["panel"] == 2.5  # as its link says
    assert told["attack"] == ["toppgd l2", "Top PGD, L2"]
    attack, parameter = (re.split(r" *\| *", line)[1:-1] for line in told["help"])
    assert attack == ["Top PGD", "L2", "Follows only the tenth of the gradient's entries that are largest."]
    assert parameter[:5] == ["Post-processing", "Gamma", "` gamma `", "0.2 to 5", "1"]
    assert "picture ^ value" in parameter[5]
    assert told["frame"] == ["Notes", "/notes"]
    assert told["served"] == [200, "Notes"]
