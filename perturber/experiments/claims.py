"""What was seen once, as a test: whether what parts two scenes does the same to networks elsewhere, too.

Every pair of pictures shares all but the parameters in which the two scenes differ. What was seen itself is no part of
the test: views are drawn anew around it, so that nothing is tested by what has suggested it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from math import nan
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import torch
from torch import Tensor

from perturber import __version__, objects
from perturber.effects import EFFECTS
from perturber.errors import InvalidInputError, UnknownNameError
from perturber.experiments.paired import FEWEST
from perturber.experiments.smallest import listed, named, written
from perturber.groups.subjects import SUBJECTS
from perturber.order import largest
from perturber.parameters import PARAMETERS, Code, Number, get
from perturber.scene import SceneBase
from perturber.zoo.classes import IMAGENET_1K

Kind = Literal["probability", "logit", "margin", "correct"]

ABOUT: dict[str, str] = {
    "probability": "Probability, of several classes together",
    "logit": "Logit, of several classes the largest",
    "margin": "Largest of these logits, less the largest of all others",
    "correct": "Whether the most probable class is one of them",
}
"""Kind → what is measured of the classes in question."""

OF_THE_OBJECT = ""
"""In place of a class: those that name each picture's own object."""

CAMERA = {"yaw": 40.0, "pitch": 10.0, "distance": 0.5}
"""By how much views differ from A's at most, to either side: degrees, and radii."""

WIDEST = {"yaw": 180.0, "pitch": 90.0, "distance": 10.0}

SEEDS = ("noise_seed", "patch_seed", "corruption_seed")

STEADY = {
    f"corruption_{name}"
    for name in ("defocus_blur", "zoom_blur", "brightness", "contrast", "pixelate", "jpeg_compression")
}
"""Corruptions that are the same with every seed."""

MORPHS = ("morph", "shape_morph", "texture_morph")

MAX_PAIRS = 10_000
MAX_VIEWS = 1_000
MAX_SEEDS = 100
MAX_MODELS = 8

ENOUGH = 8
"""Independent things, of which a test of two networks can still tell something: 2 of 2⁸ signs, twice, are below 2 %."""


@dataclass(frozen=True)
class Thing:
    """An object of the test.

    Attributes:
        object: name of the morph pair.
        morph: 0 for its first object, 1 for the second; None for A's.

    Raises:
        InvalidInputError: there is no such object.
    """

    object: str
    morph: float | None = None

    def __post_init__(self) -> None:
        get("object").parse(self.object)
        if self.morph not in (None, 0, 1):
            raise InvalidInputError(f"An object's end cannot be {self.morph!r}. Allowed: 0 and 1.")

    @classmethod
    def parse(cls, text: str) -> "Thing":
        """Read ``dog_cat``, or ``dog_cat:1`` for one end of the pair.

        Raises:
            InvalidInputError: there is no such object.
        """
        name, colon, end = text.strip().partition(":")
        if colon and end not in ("0", "1"):
            raise InvalidInputError(f"An object cannot be {text[:80]!r}. Write its name, with :0 or :1 for one end.")
        return cls(name, float(end) if colon else None)

    def __str__(self) -> str:
        return self.object if self.morph is None else f"{self.object}:{self.morph:.0f}"

    @property
    def label(self) -> str:
        """As a person would call it."""
        pair = objects.pair(self.object)
        return pair.label if self.morph is None else pair.names[int(self.morph)]

    def right(self, a: SceneBase) -> frozenset[str]:
        """WordNet identifiers of the classes that name it, in A's morph where it has none; none where none are known.

        Where shape and texture are of two objects, it is called by its shape.
        """
        morph = a.morph + a.shape_morph if self.morph is None else self.morph + a.shape_morph
        known = (s for s in SUBJECTS.values() if s.pair == self.object and s.morph == float(morph >= 0.5))
        return frozenset(IMAGENET_1K[index].wnid for subject in known for index in subject.right)


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What is to be tested: from A to B, over objects × backgrounds × views × seeds, or over pictures.

    Attributes:
        a, b: the two scenes.
        kind: what is measured, see `ABOUT`.
        wanted: WordNet identifier or name of the class that it is about, or `OF_THE_OBJECT`.
        things: objects; none for A's.
        backgrounds: names; none for A's.
        seeds: values of all the seeds of a scene; none for A's.
        views: of each object before each background.
        camera: parameter of the camera → how far its values lie from A's at most.
        pictures: of a folder, in place of all these, or 0.
        seed: of the views, the choice of pictures, resamples and flips.

    Raises:
        InvalidInputError: it cannot be tested, and why.
    """

    a: SceneBase
    b: SceneBase
    kind: Kind = "probability"
    wanted: str = OF_THE_OBJECT
    things: tuple[Thing, ...] = ()
    backgrounds: tuple[str, ...] = ()
    seeds: tuple[int, ...] = ()
    views: int = 5
    camera: tuple[tuple[str, float], ...] = tuple(CAMERA.items())
    pictures: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            raise UnknownNameError("measure", self.kind, get_args(Kind))
        _check_whole("Views", self.views, 1, MAX_VIEWS)
        _check_whole("Pictures", self.pictures, 0, MAX_PAIRS)
        _check_whole("The seed", self.seed, 0, 2**31)
        for key, width in self.camera:
            if key not in CAMERA or not isinstance(width, float | int) or not 0 <= width <= WIDEST[key]:
                raise InvalidInputError(
                    f"{str(key)[:40]} cannot vary by {str(width)[:40]}. Allowed: "
                    + ", ".join(f"{one} by 0 to {most:g}" for one, most in WIDEST.items())
                    + "."
                )
        for name in self.backgrounds:
            get("background").parse(name)
        for one in self.seeds:
            get(SEEDS[0]).parse(one)
        for values, what in ((self.things, "object"), (self.backgrounds, "background"), (self.seeds, "seed")):
            if len(set(values)) < len(values):
                raise InvalidInputError(f"The same {what} is named twice.")
        if len(self.seeds) > MAX_SEEDS:
            raise InvalidInputError(f"{len(self.seeds)} seeds are too many. Allowed: up to {MAX_SEEDS}.")
        self._check_scenes()
        self._check_repetition()
        if len(self) > MAX_PAIRS:
            raise InvalidInputError(f"A test cannot have {len(self):,} pairs. Allowed: up to {MAX_PAIRS:,}.")
        if len(self) < FEWEST:
            raise InvalidInputError(
                f"{len(self)} pairs are too few to be tested. At least {FEWEST} are needed: add views, or backgrounds."
            )

    @property
    def keys(self) -> tuple[str, ...]:
        """The parameters in which A and B differ, in the table's order."""
        return tuple(key for key in PARAMETERS if getattr(self.a, key) != getattr(self.b, key))

    @property
    def over(self) -> tuple[Thing, ...]:
        """The objects, in what A and B share of them."""
        keys = self.keys
        if self.pictures or "object" in keys or not self.things:
            return (Thing(self.a.object),)
        if any(key in MORPHS for key in keys):
            return tuple(dict.fromkeys(Thing(one.object) for one in self.things))
        return self.things

    @property
    def before(self) -> tuple[str, ...]:
        """The backgrounds."""
        if self.pictures or "background" in self.keys or not self.backgrounds:
            return (self.a.background,)
        return self.backgrounds

    def __len__(self) -> int:
        """Pairs; of pictures as many as are wanted."""
        return len(self.over) * len(self.before) * (self.pictures or self.views) * max(1, len(self.seeds))

    def notes(self) -> tuple[str, ...]:
        """What is asked for and cannot vary, a sentence each."""
        keys = self.keys
        if self.pictures:
            return ()
        found = []
        if self.things and len(self.over) < len(self.things):
            found.append("Objects, or their ends, stay as in A and in B, which differ in them.")
        if "background" in keys and self.backgrounds:
            found.append("Backgrounds stay as in A and in B, which differ in them.")
        for key, width in self.camera:
            if key in keys and width:
                found.append(f"{named(key)} stays as in A and in B, which differ in it.")
        return tuple(found)

    def clause(self) -> str:
        """What differs, as “Texture Influence goes from 1 to 0”."""
        first, *others = (self._change(key, "goes " * (n == 0)) for n, key in enumerate(self.keys))
        return listed([first, *others])

    def _change(self, key: str, goes: str) -> str:
        if isinstance(get(key), Code):
            return f"{named(key)} {goes and 'goes '}from A’s to B’s"
        old, new = (written(key, getattr(scene, key)).replace("-", "−") for scene in (self.a, self.b))
        unit = getattr(get(key), "unit", "")
        if isinstance(get(key), Number) and unit and unit != "°":
            old = old.removesuffix(f" {unit}")
        return f"{named(key)} {goes}from {old} to {new}"

    def _check_scenes(self) -> None:
        if not self.keys:
            raise InvalidInputError("A and B are the same scene. Change something in one of them.")
        if self.pictures:
            on_pictures = {key for step in EFFECTS for key in step.keys}
            other = [named(key) for key in self.keys if key not in on_pictures]
            if other:
                raise InvalidInputError(
                    f"A and B differ in {listed(other)}, which pictures of a folder do not have. Test over scenes, or "
                    "over pictures what post-processing does."
                )
        elif self.a.plane or self.b.plane:
            raise InvalidInputError("A plane has no objects to be tested over. Turn Show Plane off in A and B.")

    def _check_repetition(self) -> None:
        """Copies of a pair would count as further ones."""
        varied = [key for key, width in self.camera if width and key not in self.keys]
        if not self.pictures and self.views > 1 and not varied:
            raise InvalidInputError("Views that all are A's tell no more than one. Let the camera vary, or take one.")
        if len(self.seeds) > 1 and not _is_random(self.a, self.keys) and not _is_random(self.b, self.keys):
            raise InvalidInputError(
                "Nothing in A or B is random, so that more seeds only repeat pairs. Leave them out."
            )


@dataclass(frozen=True, kw_only=True)
class Case:
    """A pair of pictures.

    Attributes:
        a, b: the scenes, or whose post-processing the file gets.
        thing, background: as the claim has them.
        view: number of the view, or of the picture, from 0.
        seed: of the scene, or None for A's.
        file: the picture, or None.
        right: WordNet identifiers (or names) of the classes that it is about.
    """

    a: SceneBase
    b: SceneBase
    thing: Thing
    background: str
    view: int
    seed: int | None = None
    file: Path | None = None
    right: frozenset[str] = field(default=frozenset(), repr=False)

    @property
    def key(self) -> str:
        """By which it is known again in another run of the same `family`."""
        place = [self.view, None] if self.file is None else [None, str(self.file)]
        return json.dumps([str(self.thing), self.background, *place, self.seed])


def cases(claim: Claim, files: Sequence[tuple[Path, frozenset[str]]] = ()) -> list[Case]:
    """All pairs, object by object; a longer list of anything keeps those of a shorter one.

    Args:
        files: pictures and the classes of each, where the claim is over pictures.

    Raises:
        InvalidInputError: an object's classes are asked for, and not known.
    """
    found = []
    for thing, background in product(claim.over, claim.before):
        right = frozenset({claim.wanted}) if claim.wanted else thing.right(claim.a)
        if not right and not claim.pictures:
            raise InvalidInputError(
                f"It is not known which classes name {thing.label!r}. Choose a class, or leave this object out."
            )
        shared: dict[str, object] = {} if claim.pictures else {"object": thing.object, "background": background}
        if thing.morph is not None:
            shared["morph"] = thing.morph
        shared = {key: value for key, value in shared.items() if key not in claim.keys}
        views: Iterable[dict[str, float]] = ({} for _ in files) if claim.pictures else _views(claim, thing, background)
        for n, view in enumerate(views):
            for seed in claim.seeds or (None,):
                seeds = {} if seed is None else {key: seed for key in SEEDS if key not in claim.keys}
                values = {**shared, **view, **seeds}
                found.append(
                    Case(
                        a=claim.a.replace(**values),
                        b=claim.b.replace(**values),
                        thing=thing,
                        background=background,
                        view=n,
                        seed=seed,
                        file=files[n][0] if claim.pictures else None,
                        right=files[n][1] if claim.pictures and not claim.wanted else right,
                    )
                )
    return found


def family(claim: Claim, fingerprints: Sequence[str], stamps: object = ()) -> str:
    """Name of all that a claim's pairs and those of longer lists share: 64 hexadecimal digits.

    Args:
        fingerprints: of the networks.
        stamps: of the files that it is over.
    """
    told = [
        __version__, claim.a.as_dict(), claim.b.as_dict(), claim.kind, claim.wanted, claim.camera, claim.seed,
        bool(claim.pictures), list(fingerprints), stamps,
    ]  # fmt: skip
    return hashlib.sha256(json.dumps(told).encode()).hexdigest()


def score(kind: Kind, logits: Tensor, classes: Sequence[Sequence[int]]) -> Tensor:
    """What is measured of a network's answers; see `ABOUT`.

    Args:
        logits: (B, K).
        classes: of each picture, which outputs it is about: at least one, and not all.

    Returns:
        (B,) float64; probabilities and correct answers in per cent; NaN where logits are.
    """
    logits = logits.double()
    own = torch.zeros(logits.shape, dtype=torch.bool, device=logits.device)
    for row, some in zip(own, classes, strict=True):
        row[list(some)] = True
    if kind == "probability":
        return 100 * logits.softmax(1).masked_fill(~own, 0).sum(1)
    if kind == "correct":
        best = largest(logits, 1)
        right = own.gather(1, best.indices)[:, 0].double()
        return torch.where(best.values[:, 0].isnan(), nan, 100 * right)
    top = logits.masked_fill(~own, -torch.inf).amax(1)
    return top if kind == "logit" else top - logits.masked_fill(own, -torch.inf).amax(1)


def units(some: Sequence[Case]) -> tuple[str, list[object]]:
    """What counts as independent: the largest things of which there are `ENOUGH`, so that the test speaks of those.

    Pairs of one object look alike, so do those before one background, and seeds of one view. Whatever shares such a
    thing is drawn and flipped together. Where there are too few of the larger things, the test is about smaller ones,
    and says nothing of other objects or backgrounds than these.

    Returns:
        What they are called, and the unit of each pair.
    """
    levels: Mapping[str, Sequence[object]]
    if some[0].file is not None:
        levels = {"pictures": [(c.file,) for c in some], "pictures with a seed": [(c.file, c.seed) for c in some]}
    else:
        levels = {
            "objects": [(c.thing,) for c in some],
            "objects before a background": [(c.thing, c.background) for c in some],
            "views": [(c.thing, c.background, c.view) for c in some],
            "views with a seed": [(c.thing, c.background, c.view, c.seed) for c in some],
        }  # fmt: skip
    for name, found in levels.items():
        if len(set(found)) >= ENOUGH:
            return name, [*found]
    name = max(levels, key=lambda name: len(set(levels[name])))
    return name, [*levels[name]]


def _views(claim: Claim, thing: Thing, background: str) -> list[dict[str, float]]:
    """Views of one object before one background, drawn for these alone: neither more views nor objects change them."""
    name = hashlib.sha256(f"{thing}/{background}".encode()).digest()
    random = np.random.default_rng([claim.seed, int.from_bytes(name[:4], "big")])
    shifts = random.uniform(-1, 1, (claim.views, len(CAMERA)))
    camera: Mapping[str, float] = dict(claim.camera)
    widths = {key: camera.get(key, 0.0) for key in CAMERA}
    return [
        {
            key: _within(key, getattr(claim.a, key) + float(shift) * width)
            for (key, width), shift in zip(widths.items(), row, strict=True)
            if width and key not in claim.keys
        }
        for row in shifts
    ]


def _within(key: str, value: float) -> float:
    """The value in its parameter's range; angles go around."""
    parameter = get(key)
    assert isinstance(parameter, Number)
    kept = value if parameter.periodic else min(max(value, parameter.minimum), parameter.maximum)
    return float(f"{parameter.parse(kept):.6g}")


def _is_random(scene: SceneBase, keys: Sequence[str]) -> bool:
    """Whether a seed that may vary changes the scene's picture."""
    varied = set(SEEDS).difference(keys)
    moved = (step for step in EFFECTS if step.works_on(scene) and not STEADY.intersection(step.keys))
    return any(varied.intersection(step.keys) for step in moved)


def _check_whole(what: str, number: object, low: int, high: int) -> None:
    if isinstance(number, bool) or not isinstance(number, int) or not low <= number <= high:
        raise InvalidInputError(f"{what} cannot be {str(number)[:40]}. Allowed: whole numbers, {low} to {high:,}.")
