"""The state of the Compare page as a value: what its link holds, and what it asks the service."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlencode

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from perturber.editing import Edit
from perturber.errors import PerturberError
from perturber.scene import Scene, SceneBase
from perturber.service import (
    MAX_MODELS,
    MAX_PICTURES,
    MIN_PICTURES,
    Batch,
    CompareRequest,
    CorrelationRequest,
    ModelInfo,
    SimilarityRequest,
    check_classes,
    same_layers,
)
from perturber.ui.states import reading
from perturber.ui.states.display import read_classes
from perturber.ui.states.page import Memory, scene_from_query, scene_to_query
from perturber.ui.states.reading import LinkValues, Models

Tab = Literal["channels", "depth", "cka", "same"]
Pictures = Literal["scene", "examples"]

DEFAULT_MODELS = ("efficientnet_lite0", "prune(efficientnet_lite0;blocks.3=0.1-1)")
"""A network and a copy of it that lacks a few filters: all that the page can do is seen at once."""

MIN_MODELS = 2

CHANNELS = 4
"""Of a layer, that are shown first: their maps are then as large as there is room for."""

OWN = ("tab", "a", "b", "layer", "other", "channels", "pinned", "count", "pictures", "matched")
"""Keys of the link beside the scene's and ``m1`` to ``m4``."""


class CompareMemory(Memory):
    """What is not worth a link; see `CompareState`."""

    most: tuple[int, ...] = Field(default=(), max_length=100)


class CompareState(BaseModel):
    """Everything that the page shows follows from this.

    Attributes:
        models: 2 to 4 names of models or texts of edits; the first is what predictions are compared with.
        a, b: the pair whose layers are compared, as places in `models` from 1.
        tab: what is open.
        layer: of A; channels of both are set side by side if B has it too.
        other: of B, for the tab "same".
        channels: 1 to 8 of `layer`.
        pinned: classes whose logits are followed.
        count: pictures over which the jobs compare.
        pictures: variations of the scene, or the configured folder's example pictures.
        matched: whether B's channels are ordered by their best partners.
        most: the channels that differ most in the last answer, in falling order.
    """

    model_config = ConfigDict(frozen=True)

    scene: SceneBase
    models: tuple[str, ...]
    a: int = 1
    b: int = 2
    tab: Tab = "channels"
    layer: str
    other: str
    channels: tuple[int, ...]
    pinned: tuple[int, ...] = ()
    count: int = 32
    pictures: Pictures = "scene"
    matched: bool = False
    most: tuple[int, ...] = ()

    @classmethod
    def from_query(cls, query: Mapping[str, str], models: Models) -> tuple["CompareState", list[str]]:
        """Read a link; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        names: list[str | None] = [*DEFAULT_MODELS, *[None] * (MAX_MODELS - len(DEFAULT_MODELS))]
        rest: dict[str, str] = {}
        for key, value in query.items():
            if not re.fullmatch(rf"m[1-{MAX_MODELS}]", key):
                rest[key] = value
                continue
            try:
                names[int(key[1]) - 1] = models(model_name(value)).name
            except PerturberError as error:
                problems.append(str(error))
        scene = scene_from_query(Scene(), {key: rest[key] for key in rest if key not in OWN}, problems)
        own = LinkValues({key: rest[key] for key in OWN if key in rest}, problems)
        return cls._read(scene, tuple(name for name in names if name), own, models), problems

    @classmethod
    def _read(cls, scene: SceneBase, names: tuple[str, ...], given: LinkValues, models: Models) -> "CompareState":
        """The state of these values; what is wrong in them keeps its default."""
        infos = [models(name) for name in names]
        take = given.take
        a = take("a", 1, lambda value: reading.whole("a", value, 1, len(names)))
        b = take("b", other_place(a), lambda value: _other_column(value, a, len(names)))
        first, second = infos[a - 1], infos[b - 1]
        layer = take("layer", first.default_layer, lambda value: reading.layer(first, value))
        same = layer if layer in second.layers else second.default_layer
        start = tuple(range(min(CHANNELS, first.layers[layer].channels)))
        return cls(
            scene=scene,
            models=names,
            a=a,
            b=b,
            tab=take("tab", "channels", lambda value: reading.choice("tab", value, get_args(Tab))),
            layer=layer,
            other=take("other", same, lambda value: reading.layer(second, value)),
            channels=take("channels", start, lambda value: reading.channels(first, layer, value)),
            pinned=take("pinned", (), lambda value: _pinned(infos, value)),
            count=take("count", 32, lambda value: reading.whole("count", value, MIN_PICTURES, MAX_PICTURES)),
            pictures=take("pictures", "scene", lambda value: reading.choice("pictures", value, get_args(Pictures))),
            matched=take("matched", False, lambda value: reading.switch("matched", value)),
        )

    def query(self) -> str:
        """The link's query: what differs from the scene's defaults, the models, and what is chosen of them."""
        query: dict[str, object] = dict(scene_to_query(self.scene))
        query |= {f"m{n}": name for n, name in enumerate(self.models, 1)}
        query |= {"tab": self.tab, "a": self.a, "b": self.b, "layer": self.layer, "other": self.other}
        query |= {"channels": ",".join(map(str, self.channels)), "count": self.count, "pictures": self.pictures}
        query |= {"pinned": ",".join(map(str, self.pinned))} if self.pinned else {}
        query |= {"matched": "true"} if self.matched else {}
        return urlencode(query, safe=",")

    def recalling(self, memory: Mapping[str, Any]) -> "CompareState":
        """This state with what is not in a link.

        Raises:
            InvalidInputError: it is not what `memory` gives.
        """
        return self.with_values(most=CompareMemory.read(dict(memory)).most)

    def memory(self) -> dict[str, Any]:
        """What a link does not hold."""
        return CompareMemory(most=self.most).model_dump(mode="json")

    def with_scene(self, scene: SceneBase) -> "CompareState":
        """Of another scene."""
        return self.with_values(scene=scene)

    def with_values(self, **values: Any) -> "CompareState":
        """With other values, which are valid."""
        return self.model_copy(update=values)

    def fitted(self, models: Models) -> "CompareState":
        """This state after its models or layers have changed: what does not exist in them is brought back to what does.

        Raises:
            InvalidInputError: a model is unknown.
        """
        infos = [models(name) for name in self.models]
        a = self.a if self.a <= len(infos) else 1
        b = self.b if self.b <= len(infos) and self.b != a else other_place(a)
        first, second = infos[a - 1], infos[b - 1]
        layer = self.layer if self.layer in first.layers else first.default_layer
        same = layer if layer in second.layers else second.default_layer
        total = first.layers[layer].channels
        channels = self.channels
        if any(channel >= total for channel in channels):
            channels = tuple(range(min(len(channels), total)))
        classes = min(len(info.classes) for info in infos)
        return self.with_values(
            a=a,
            b=b,
            layer=layer,
            other=self.other if self.other in second.layers else same,
            channels=channels,
            pinned=tuple(index for index in self.pinned if index < classes),
        )

    @property
    def pair(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.models[self.a - 1], self.models[self.b - 1]

    def request(self, client: str | None = None) -> CompareRequest:
        """What the page asks the service: only what the open tab needs."""
        maps = self.tab == "channels"
        return CompareRequest(
            scene=self.scene,
            client=client,
            models=self.models,
            pinned=self.pinned,
            pair=(self.a - 1, self.b - 1),
            layer=self.layer if maps else None,
            channels=self.channels if maps else (),
            depth=self.tab == "depth",
        )

    def job(self, models: Models, plane: np.ndarray | None = None) -> SimilarityRequest | None:
        """What the open tab computes in the background, or None.

        Args:
            plane: (T, T, 3) uint8 on the scene's plane, where it has one.
        """
        if self.tab not in ("cka", "same"):
            return None
        a, b = self.pair
        batch = Batch(scene=self.scene if self.pictures == "scene" else None, count=self.count, plane=plane)
        marks = tuple(models(name).fingerprint for name in (a, b))
        if self.tab == "cka":
            return SimilarityRequest(a=a, b=b, batch=batch, fingerprints=marks)
        return CorrelationRequest(a=a, b=b, batch=batch, fingerprints=marks, layer_a=self.layer, layer_b=self.other)


def model_name(text: str) -> str:
    """A model's name as it is kept: an edit's text in its canonical form.

    Raises:
        InvalidInputError: it is meant as an edit and is none.
    """
    return str(Edit.parse(text)) if Edit.is_edit(text) else text.strip()


def other_place(place: int) -> int:
    """The place of the other column of a pair, where nothing else is known."""
    return 2 if place == 1 else 1


def unlike(a: ModelInfo, b: ModelInfo) -> str | None:
    """Why the channels of two models cannot be set side by side, as a sentence; None if they can."""
    if same_layers(a, b):
        return None
    return (
        f"{a.label} and {b.label} have different architectures, so their channels do not correspond. "
        "Choose two models of one architecture, or compare their layers by CKA."
    )


def _other_column(value: Any, a: int, count: int) -> int:
    b = reading.whole("b", value, 1, count)
    return b if b != a else reading.refuse("b", b, "another column than that of A")


def _pinned(infos: list[ModelInfo], value: Any) -> tuple[int, ...]:
    classes = read_classes("pinned", value)
    for info in infos:
        check_classes(info, classes)
    return classes
