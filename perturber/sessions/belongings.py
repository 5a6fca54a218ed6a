"""What the states in a session name that lies elsewhere: objects, backgrounds and groups of the users' own, models."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote_plus

from perturber import zoo
from perturber.config import Settings
from perturber.errors import PerturberError
from perturber.objects import Store
from perturber.own_groups import OwnGroups
from perturber.zoo.catalogue import find
from perturber.zoo.sources import weights_file
from perturber.zoo.weights import digest, expected

OWN = re.compile(r"own-[0-9a-f]{20}")
"""Names of the users' own objects and backgrounds, wherever they stand in a text."""

WORD = re.compile(r"[\w.@-]+")
"""What a name of a model, with or without a checkpoint, or of a layer is among."""


@dataclass(frozen=True)
class Belongings:
    """What states name.

    Attributes:
        objects, backgrounds: names of the users' own that are here.
        missing: such names under which nothing is here.
        models: names in the catalogue, ``name@step`` for a checkpoint.
        groups: model → layer → name → channels of the users' own groups of these models' layers that are named.
    """

    objects: tuple[str, ...]
    backgrounds: tuple[str, ...]
    missing: tuple[str, ...]
    models: tuple[str, ...]
    groups: dict[str, dict[str, dict[str, list[int]]]]

    @classmethod
    def of(cls, states: Iterable[tuple[str, str]], settings: Settings) -> "Belongings":
        """What states name.

        Args:
            states: query of the link, and memory as JSON.
        """
        store, words, owned = Store(settings.data), set[str](), set[str]()
        for query, memory in states:
            for text in (unquote_plus(query), memory):
                words |= set(WORD.findall(text))
                owned |= set(OWN.findall(text))
        known = zoo.entries(settings)
        models = sorted(word for word in words if word.partition("@")[0] in known and _is_there(word, settings))
        groups = {}
        for model in dict.fromkeys(name.partition("@")[0] for name in models):
            layers = OwnGroups(settings.data).by_layer(model)
            if named := {layer: found for layer, found in layers.items() if layer in words and found}:
                groups[model] = named
        return cls(
            objects=tuple(sorted(name for name in owned if store.has("object", name))),
            backgrounds=tuple(sorted(name for name in owned if store.has("background", name))),
            missing=tuple(n for n in sorted(owned) if not store.has("object", n) and not store.has("background", n)),
            models=tuple(models),
            groups=groups,
        )


def weights_hash(model: str, settings: Settings) -> str:
    """SHA-256 of a model's weights as the catalogue has it, or else of its file; empty where neither is here.

    Only the first digits are known of what was published so.
    """
    try:
        entry = find(model, settings)
        if entry.weights.sha256:
            return entry.weights.sha256
        path: Path = weights_file(entry, settings)
        return expected(entry, path) or digest(path)
    except (PerturberError, OSError):
        return ""


def _is_there(model: str, settings: Settings) -> bool:
    try:
        find(model, settings)
    except PerturberError:  # a step that it does not have
        return False
    return True
