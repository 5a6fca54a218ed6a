"""The groups of a network, measured: by stimuli in early layers, by the objects in later ones; and their file."""

import json
import re
from collections.abc import Callable, Mapping, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from perturber import zoo
from perturber.config import Settings
from perturber.disk import write_whole
from perturber.editing import last_layers
from perturber.errors import InvalidInputError
from perturber.groups import relevance, tuning
from perturber.groups.subjects import SUBJECTS
from perturber.zoo.sources import weights_file
from perturber.zoo.weights import digest

TITLE = "Measured"
SOURCE = "Perturber: perturber groups find"

FINE = 8
"""A layer with at least this part of the input's resolution is asked by stimuli, a coarser one by objects."""

Scores = Mapping[str, Mapping[int, float]]
"""Group → channel → what was measured, the clearest first."""


@dataclass(frozen=True)
class Finding:
    """What was measured of a network.

    Attributes:
        layers: layer → its groups, none empty; layers without groups are left out.
        recipe: everything that decides the result.
    """

    layers: Mapping[str, Scores]
    recipe: Mapping[str, Any]


def find(
    network: zoo.Network,
    *,
    views: int,
    seed: int,
    images: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Finding:
    """Measure the groups of the last layer of each stage.

    Args:
        views: rendered views of each object.
        seed: of the views and of the noise.
        images: labelled photographs to look at as well.
        progress: called with the number of pictures of objects done and in all.

    Raises:
        InvalidInputError: no such photographs, or the network's classes do not name the objects.
    """
    early, later = split(network)
    found: dict[str, Scores] = {}
    if early:
        found |= {layer: tuning.groups(of_layer) for layer, of_layer in tuning.measure(network, early, seed).items()}
    shown: Mapping[str, Tensor] = {}
    if later:
        _check(network)
        shown = relevance.pictures(network, views, seed, images)
        seen = relevance.observe(network, later, shown, progress)
        found |= {layer: relevance.groups(seen, layer) for layer in later}
    full = {layer: {name: scores for name, scores in of_layer.items() if scores} for layer, of_layer in found.items()}
    recipe = _recipe(network, views, seed, shown)
    return Finding({layer: of_layer for layer, of_layer in full.items() if of_layer}, recipe)


def split(network: zoo.Network) -> tuple[list[str], list[str]]:
    """The last layers of the stages: those that stimuli ask, and those that objects ask."""
    layers = list(last_layers(network.module, network.layers).values())
    fine = [layer for layer in layers if network.layers[layer].height * FINE >= network.entry.input_size]
    return fine, [layer for layer in layers if layer not in fine]


def _recipe(network: zoo.Network, views: int, seed: int, shown: Mapping[str, Sized]) -> dict[str, Any]:
    return {
        "model": network.entry.name,
        "seed": seed,
        "views": views,
        "photographs": {name: len(pictures) - views for name, pictures in shown.items() if len(pictures) > views},
        "thresholds": {
            "colour": tuning.COLOUR,
            "edges": tuning.ORIENTED,
            "curves": tuning.CURVED,
            "texture": tuning.TEXTURED,
            "object": relevance.CLEAR,
        },
        "most": relevance.MOST,
    }


def _check(network: zoo.Network) -> None:
    missing = [name for name, subject in SUBJECTS.items() if not subject.outputs(network.entry.class_list)]
    if missing:
        raise InvalidInputError(
            f"None of the classes of {network.entry.name} is a {' or a '.join(missing)}. Groups can be found in "
            "networks with ImageNet's classes."
        )


def save(finding: Finding, path: Path, entry: zoo.ModelEntry, settings: Settings) -> None:
    """Write what was found as a file of groups, with the hash of the weights that it was found in.

    Raises:
        InvalidInputError: it cannot be written there.
    """
    layers = finding.layers.items()
    table = {
        "title": TITLE,
        "source": SOURCE,
        "recipe": {**finding.recipe, "weights": digest(weights_file(entry, settings))},
        "layers": {layer: {name: list(scores) for name, scores in groups.items()} for layer, groups in layers},
        "numbers": {
            layer: {name: [round(value, 3) for value in scores.values()] for name, scores in groups.items()}
            for layer, groups in layers
        },
    }
    text = json.dumps(table, indent=2, ensure_ascii=False)
    text = re.sub(
        r"\[[^\[\]{}]*\]", lambda found: re.sub(r"\s+", " ", found[0]).replace("[ ", "[").replace(" ]", "]"), text
    )
    try:
        write_whole(path, f"{text}\n".encode())
    except OSError as error:
        raise InvalidInputError(f"Cannot write {str(path)!r}: {error.strerror or error}.") from error
