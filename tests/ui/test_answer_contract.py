"""What crosses from Python to the scripts is one typed value: they read all its fields for them, and no others."""

import re
from pathlib import Path
from typing import Any

import pytest

from perturber.ui.callbacks.messages import Answer, PageRequest, Props
from perturber.ui.components.scene_page import PageFacts
from perturber.ui.components.scene_view import CameraFacts, LampFacts

ASSETS = Path(__file__).resolve().parents[2] / "assets"

VALUES: dict[str, tuple[Any, tuple[str, ...]]] = {
    "answer": (Answer, ("page.js",)),
    "facts": (PageFacts, ("page.js",)),
    "camera": (CameraFacts, ("pointer.js", "scene_view.js")),
    "lamp": (LampFacts, ("scene_view.js",)),
}
"""What a value is called in the scripts → its type, and the scripts that read it."""

TAKEN: dict[str, tuple[str, ...]] = {
    "answer": (r"rest\(\{([^}]*)\}\) \{",),
    "lamp": (r"camera\.lamps\.forEach\(\(\{([^}]*?)(?:: \[.*?\])? *\}",),
}
"""Where fields of a value are taken apart in a function's arguments."""

OF_OTHERS: dict[str, set[str]] = {"answer": {"request"}}
"""Fields for whoever checks from outside that answers are those to what was asked."""


def read_by_scripts(name: str, scripts: tuple[str, ...]) -> set[str]:
    """The fields of a value that the scripts read."""
    lines = [line for script in scripts for line in (ASSETS / script).read_text().splitlines()]
    text = "\n".join(re.sub(r"// .*", "", line) for line in lines)
    found = set(re.findall(rf"(?<![\w.$])(?:this\.)?{name}\??\.(\w+)", text))
    parts = re.findall(rf"\{{([\w ,:]*)\}} = {name};", text)
    parts += [part for pattern in TAKEN.get(name, ()) for part in re.findall(pattern, text)]
    return found | {field.split(":")[0].strip() for part in parts for field in part.split(",")}


@pytest.mark.parametrize("name", VALUES)
def test_the_scripts_read_what_python_sends(name: str) -> None:
    type_, scripts = VALUES[name]
    assert read_by_scripts(name, scripts) == set(type_.__annotations__) - OF_OTHERS.get(name, set())


def test_the_script_reads_the_properties_of_components() -> None:
    loop = re.search(r"answer\.props\.forEach\(\(\{ (.*?) \}\)", (ASSETS / "page.js").read_text())
    assert loop
    assert set(loop[1].split(", ")) == set(Props.__annotations__)


def test_the_script_sends_what_python_reads() -> None:
    script = (ASSETS / "page.js").read_text()
    request = re.search(r"const request = \{ (.*?), \.\.\.sent, (\w+): this\.\2 \};", script)
    sent = re.search(r"const sent = \{ (.*) \};", script)
    assert request
    assert sent
    assert {*request[1].split(", "), request[2], *re.findall(r"(\w+): ", sent[1])} == set(PageRequest.model_fields)
