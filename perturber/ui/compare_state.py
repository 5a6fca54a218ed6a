"""The state of the Compare page as a value: what its URL holds and what its requests say."""

import re
from collections.abc import Mapping
from typing import Any, Literal, get_args
from urllib.parse import urlencode

from pydantic import BaseModel, ConfigDict

from perturber.editing import Edit
from perturber.errors import InvalidInputError, PerturberError
from perturber.scene import Scene, SceneBase
from perturber.service import ModelInfo
from perturber.service.checks import check_classes
from perturber.service.comparing import MAX_MODELS, CompareRequest, same_layers
from perturber.service.comparing_works import MAX_PICTURES, MIN_PICTURES, Batch, CorrelationRequest, SimilarityRequest
from perturber.ui import values
from perturber.ui.state import Models
from perturber.ui.values import Values
from perturber.ui.view import READERS as VIEW_READERS

Tab = Literal["channels", "depth", "cka", "same"]
Pictures = Literal["scene", "examples"]

DEFAULT_MODELS = ("efficientnet_lite0", "prune(efficientnet_lite0;blocks.3=0.1-1)")
"""A network and a copy of it that lacks a few filters: all that the page can do is seen at once."""

CHANNELS = 4
"""Of a layer, that are shown first: their maps are then as large as there is room for."""

OWN = ("tab", "a", "b", "layer", "other", "channels", "pinned", "count", "pictures", "matched")
"""Keys of the URL beside the scene's and ``m1`` to ``m4``."""


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

    @classmethod
    def from_json(cls, data: object, models: Models) -> "CompareState":
        """Read what a page sends.

        Raises:
            InvalidInputError: anything in it is unknown, out of range or of the wrong kind.
        """
        if not isinstance(data, Mapping) or not isinstance(data.get("scene"), Mapping):
            raise InvalidInputError("A request must hold a scene and the models to compare.")
        names = data.get("models")
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise InvalidInputError("A request must hold a list of the names of models.")
        scene = Scene.parse({str(key): value for key, value in data["scene"].items()})
        own = {key: data[key] for key in OWN if key in data}
        return cls._read(scene, tuple(model_name(name) for name in names), own, models, None)

    @classmethod
    def from_query(cls, query: Mapping[str, str], models: Models) -> tuple["CompareState", list[str]]:
        """Read a URL; what is wrong in it keeps its default.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        problems: list[str] = []
        scene = Scene()
        names: list[str | None] = [*DEFAULT_MODELS, *[None] * (MAX_MODELS - len(DEFAULT_MODELS))]
        for key, value in query.items():
            try:
                if re.fullmatch(rf"m[1-{MAX_MODELS}]", key):
                    models(name := model_name(value))
                    names[int(key[1]) - 1] = name
                elif key not in OWN:
                    scene = scene.replace(**{key: value})
            except PerturberError as error:
                problems.append(str(error))
        own = {key: query[key] for key in OWN if key in query}
        return cls._read(scene, tuple(name for name in names if name), own, models, problems), problems

    @classmethod
    def _read(
        cls,
        scene: SceneBase,
        names: tuple[str, ...],
        own: Mapping[str, Any],
        models: Models,
        problems: list[str] | None,
    ) -> "CompareState":
        """The state of these values; what is wrong in `own` is a problem, or, without a list of them, an error."""
        if not 2 <= len(names) <= MAX_MODELS:
            raise InvalidInputError(f"{len(names)} models cannot be compared. Allowed: 2 to {MAX_MODELS}.")
        infos = [models(name) for name in names]

        take = Values(own, problems).take
        a = take("a", 1, lambda value: values.whole("a", value, 1, len(names)))
        b = take("b", 2 if a == 1 else 1, lambda value: values.whole("b", value, 1, len(names)))
        if a == b:
            take("b", b, lambda _: values.refuse("b", b, "another column than that of A"))
            b = 2 if a == 1 else 1
        first, second = infos[a - 1], infos[b - 1]
        layer = take("layer", first.default_layer, lambda value: values.layer(first, value))
        same = layer if layer in second.layers else second.default_layer
        start = tuple(range(min(CHANNELS, first.layers[layer].channels)))
        return cls(
            scene=scene,
            models=names,
            a=a,
            b=b,
            tab=take("tab", "channels", lambda value: values.choice("tab", value, get_args(Tab))),
            layer=layer,
            other=take("other", same, lambda value: values.layer(second, value)),
            channels=take("channels", start, lambda value: values.channels(first, layer, value)),
            pinned=take("pinned", (), lambda value: _pinned(infos, value)),
            count=take("count", 32, lambda value: values.whole("count", value, MIN_PICTURES, MAX_PICTURES)),
            pictures=take("pictures", "scene", lambda value: values.choice("pictures", value, get_args(Pictures))),
            matched=take("matched", False, lambda value: VIEW_READERS["shared"]("matched", value)),
        )

    def query(self) -> str:
        """The URL's query: what differs from the defaults, the models, and what is chosen of them."""
        query: dict[str, object] = dict(self.scene.changes())
        query |= {f"m{n}": name for n, name in enumerate(self.models, 1)}
        query |= {"tab": self.tab, "a": self.a, "b": self.b, "layer": self.layer, "other": self.other}
        query |= {"channels": ",".join(map(str, self.channels)), "count": self.count, "pictures": self.pictures}
        query |= {"pinned": ",".join(map(str, self.pinned))} if self.pinned else {}
        query |= {"matched": "true"} if self.matched else {}
        return urlencode(query, safe=",")

    @property
    def pair(self) -> tuple[str, str]:
        """Names of A and B."""
        return self.models[self.a - 1], self.models[self.b - 1]

    def request(self) -> CompareRequest:
        """What the page asks the service: only what the open tab needs."""
        maps = self.tab == "channels"
        return CompareRequest(
            scene=self.scene,
            models=self.models,
            pinned=self.pinned,
            pair=(self.a - 1, self.b - 1),
            layer=self.layer if maps else None,
            channels=self.channels if maps else (),
            depth=self.tab == "depth",
        )

    def job(self, models: Models) -> SimilarityRequest:
        """What the open tab computes in the background.

        Raises:
            InvalidInputError: it computes nothing.
        """
        a, b = self.pair
        batch = Batch(scene=self.scene if self.pictures == "scene" else None, count=self.count)
        marks = tuple(models(name).fingerprint for name in (a, b))
        if self.tab == "cka":
            return SimilarityRequest(a=a, b=b, batch=batch, fingerprints=marks)
        if self.tab == "same":
            return CorrelationRequest(a=a, b=b, batch=batch, fingerprints=marks, layer_a=self.layer, layer_b=self.other)
        raise InvalidInputError(f"Nothing is to be computed for the tab {self.tab!r}. Allowed: cka, same.")


def model_name(text: str) -> str:
    """A model's name as it is kept: an edit's text in its canonical form.

    Raises:
        InvalidInputError: it is meant as an edit and is none.
    """
    return str(Edit.parse(text)) if Edit.is_edit(text) else text.strip()


def unlike(a: ModelInfo, b: ModelInfo) -> str | None:
    """Why the channels of two models cannot be set side by side, as a sentence; None if they can."""
    if same_layers(a, b):
        return None
    return (
        f"{a.label} and {b.label} have different architectures: there is no channel of the one that is the same in "
        "the other. Choose two models of one architecture, or compare their layers by CKA."
    )


def _pinned(infos: list[ModelInfo], value: Any) -> tuple[int, ...]:
    classes = VIEW_READERS["pinned"]("pinned", value)
    for info in infos:
        check_classes(info, classes)
    return classes
