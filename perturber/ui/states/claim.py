"""The state of the Test page as a value: two scenes, and over what their difference is tested."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Any, Self
from urllib.parse import urlencode

from perturber import objects
from perturber.errors import InvalidInputError, PerturberError
from perturber.experiments.claims import CAMERA, MAX_MODELS, OF_THE_OBJECT, Claim, Thing
from perturber.groups.subjects import SUBJECTS
from perturber.parameters import PARAMETERS
from perturber.scene import Scene, SceneBase
from perturber.ui.states.page import NOT_OURS, parse_query, scene_to_query

PATH = "/test"

LONGEST = 40_000
"""Characters of a scene in a link: custom code takes up to 30,000."""

ATTACK = "attack"
"""Of a link to Explore."""

LONGEST_ATTACK = 300
"""Characters of one that is kept, only to be named."""

MODELS = ("efficientnet_lite0", "lite0_adversarial")
MOST_LISTED = 100

BETWEEN = "|"
"""Names of a list in a link: edited networks have commas in theirs."""


@dataclass(frozen=True, kw_only=True)
class ClaimState:
    """Everything that the page shows follows from this.

    Attributes:
        a, b: queries of the scenes, and of attacks on them, which are left out.
        models: names of networks.
        measure, wanted: kind and class, as a `Claim` has them.
        objects: as `Thing` reads them; none for A's.
        backgrounds: names; none for A's.
        seeds: whole numbers with commas between.
        views: of each object before each background.
        yaw, pitch, distance: by how much they differ from A's at most.
        seed: of the views.
        pictures: of the folder of example pictures, in place of scenes, or 0.
    """

    a: str = ""
    b: str = ""
    models: tuple[str, ...] = MODELS
    measure: str = "probability"
    wanted: str = OF_THE_OBJECT
    objects: tuple[str, ...] = ()
    backgrounds: tuple[str, ...] = ()
    seeds: str = ""
    views: int = 5
    yaw: float = CAMERA["yaw"]
    pitch: float = CAMERA["pitch"]
    distance: float = CAMERA["distance"]
    seed: int = 0
    pictures: int = 0

    @classmethod
    def first(cls, a: SceneBase, b: SceneBase, models: Sequence[str] = MODELS) -> Self:
        """What is offered for two scenes: all objects and backgrounds of the library, where A's object is one."""
        known = [subject for subject in SUBJECTS.values() if subject.pair == a.object]
        things = [str(Thing(one.pair, one.morph)) for one in SUBJECTS.values()] if known else []
        backgrounds = [name for name in objects.names("background") if not objects.is_own(name)] if known else []
        return cls(
            a=side_of(a),
            b=side_of(b),
            models=tuple(models),
            objects=tuple(things),
            backgrounds=tuple(backgrounds),
        )

    @classmethod
    def of(cls, claim: Claim, models: Sequence[str]) -> Self:
        """That orders a claim."""
        return cls(
            a=side_of(claim.a),
            b=side_of(claim.b),
            models=tuple(models),
            measure=claim.kind,
            wanted=claim.wanted,
            objects=tuple(map(str, claim.things)),
            backgrounds=claim.backgrounds,
            seeds=",".join(map(str, claim.seeds)),
            views=claim.views,
            seed=claim.seed,
            pictures=claim.pictures,
            **dict(claim.camera),
        )

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> tuple[Self, list[str]]:
        """Read a link.

        Returns:
            The state, and one sentence for each thing that was wrong.
        """
        names = {one.name for one in fields(cls)}
        problems = [f"{key[:40]!r} says nothing about a test." for key in query if key not in names]
        values: dict[str, Any] = {}
        for key, text in query.items():
            if key in names:
                values[key] = [part for part in text.split(BETWEEN) if part] if key in LISTS else text
        try:
            return cls().with_values(values), problems
        except PerturberError as error:
            return cls(), [*problems, str(error)]

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """With what fields of the page, or a link, say.

        Raises:
            InvalidInputError: one of them is nothing that such a field can say.
        """
        return replace(self, **{key: _read(key, value, getattr(self, key)) for key, value in values.items()})

    def query(self) -> str:
        """The link's query: what differs from the defaults."""
        usual, values = type(self)(), dict[str, str]()
        for one in fields(self):
            value = getattr(self, one.name)
            if value != getattr(usual, one.name):
                values[one.name] = BETWEEN.join(value) if one.name in LISTS else str(value)
        return urlencode(values, safe=",:|")

    def scene(self, side: str) -> SceneBase:
        """A, or B.

        Raises:
            InvalidInputError: its link is not one of a scene.
        """
        return _scene(getattr(self, side))

    def left_out(self) -> list[str]:
        """A sentence for each thing that A or B shows and no pair will.

        Raises:
            InvalidInputError: as of `scene`.
        """
        found = []
        if attacked := [side.upper() for side in "ab" if parse_query(getattr(self, side)).get(ATTACK)]:
            found.append(f"The attack on {' and '.join(attacked)} is left out: a test is of scenes only.")
        a, b = self.scene("a"), self.scene("b")
        listed = self.backgrounds and a.background == b.background and a.background not in self.backgrounds
        if objects.is_own(a.background) and (listed or self.pictures):
            instead = "pictures of the folder" if self.pictures else "the backgrounds below"
            found.append(f"The uploaded picture behind A and B is left out: the test is over {instead}.")
        return found

    def claim(self) -> Claim:
        """What is tested.

        Raises:
            InvalidInputError: it cannot be, and why.
        """
        parts = [part.strip() for part in self.seeds.split(",") if part.strip()]
        if not all(part.isascii() and part.isdecimal() and len(part) < 10 for part in parts):
            raise InvalidInputError(f"Seeds cannot be {self.seeds[:80]!r}. Write whole numbers with commas: 0,1,2.")
        return Claim(
            a=self.scene("a"),
            b=self.scene("b"),
            kind=self.measure,  # type: ignore[arg-type]  # it is checked there
            wanted=self.wanted,
            things=tuple(map(Thing.parse, self.objects)),
            backgrounds=self.backgrounds,
            seeds=tuple(map(int, parts)),
            views=self.views,
            camera=tuple((key, getattr(self, key)) for key in CAMERA),
            pictures=self.pictures,
            seed=self.seed,
        )


def link_to(b: str, a: str | None = None) -> str:
    """The address of the page for what two links show.

    Args:
        b, a: queries of links to Explore, or alike; without A, its place takes the start of a visit: the same object
            before the same background, all else at its default.

    Raises:
        InvalidInputError: something in them is not allowed.
    """
    values = parse_query(b)
    second = _scene(b)
    first = Scene.parse({"object": second.object, "background": second.background}) if a is None else _scene(a)
    models = tuple(dict.fromkeys(values[key] for key in ("m1", "m2", "m3") if values.get(key)))
    state = ClaimState.first(first, second, models or MODELS)
    return f"{PATH}?{replace(state, a=side_of(first, parse_query(a or '')), b=side_of(second, values)).query()}"


def side_of(scene: SceneBase, values: Mapping[str, str] = MappingProxyType({})) -> str:
    """What a link to the page holds of A, or of B.

    Args:
        values: of the link that shows it; an attack among them is left out of the test, and that is said.
    """
    attack = {ATTACK: values[ATTACK][:LONGEST_ATTACK]} if values.get(ATTACK) else {}
    return urlencode(scene_to_query(scene) | attack)


def _scene(query: str) -> SceneBase:
    return Scene.parse({key: value for key, value in parse_query(query).items() if key in PARAMETERS})


LISTS = ("models", "objects", "backgrounds")
WHOLE = ("views", "seed", "pictures")


def _read(key: str, value: object, known: object) -> Any:
    if key in LISTS:
        listed = [] if value is None else value
        most = MAX_MODELS + 1 if key == "models" else MOST_LISTED
        if not isinstance(listed, list | tuple) or len(listed) > most or not all(_is_line(one, 200) for one in listed):
            raise InvalidInputError(NOT_OURS)
        return tuple(listed)
    if isinstance(known, str):
        text = "" if value is None else value
        if not _is_line(text, LONGEST):
            raise InvalidInputError(NOT_OURS)
        return text
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str) or len(str(value)[:40]) > 30:
            raise ValueError
        number = float(value)
        if not math.isfinite(number) or abs(number) > 1e9 or (key in WHOLE and number != round(number)):
            raise ValueError
    except (ValueError, OverflowError):
        shown = "empty" if value is None else repr(str(value)[:40])
        raise InvalidInputError(
            f"{key.title()} cannot be {shown}. Write a {'whole ' * (key in WHOLE)}number."
        ) from None
    return int(number) if key in WHOLE else number


def _is_line(value: object, longest: int) -> bool:
    return isinstance(value, str) and len(value) <= longest and value.isprintable()
