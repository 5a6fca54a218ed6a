"""Which file of an upload is what: said by the user, by the materials, or by an obvious name."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields

from perturber.errors import InvalidInputError
from perturber.objects.reading.files import MODELS, PICTURES, Files, base_name, listed, stem

_ALPHA = re.compile(r"(?:^|[\W_])(?:alpha|opacity|mask|transparen\w*|cutout)(?:$|[\W_\d])", re.IGNORECASE)
_OTHER = re.compile(
    r"(?:^|[\W_])(?:normals?|nrm|nor|rough\w*|metal\w*|spec\w*|gloss\w*|ao|occlusion|bump|height|disp\w*|emi\w*)(?:$|[\W_\d])",
    re.IGNORECASE,
)
_DIFFUSE = re.compile(r"(?:^|[\W_])(?:diff\w*|albedo|base[\W_]?colou?r|colou?r|col|tex\w*)(?:$|[\W_\d])", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Roles:
    """Names of files for what the user says of them; None leaves it to the rules.

    Attributes:
        texture: diffuse texture of the object, instead of what its materials say.
        alpha: alpha texture: white is there, black is not.
        second: the OBJ into which the object morphs.
        second_texture, second_alpha: the same for that one.
    """

    texture: str | None = None
    alpha: str | None = None
    second: str | None = None
    second_texture: str | None = None
    second_alpha: str | None = None

    def resolved(self, files: Files) -> "Roles":
        """The same with the names as `files` has them.

        Raises:
            InvalidInputError: a name that was not given, or of a file that cannot be read.
        """
        found = {}
        for field in fields(self):
            name = getattr(self, field.name)
            found[field.name] = None if name is None else files.find(name)
            if name is not None and base_name(name) in files.unread:
                raise InvalidInputError(
                    f"The file {base_name(name)!r} is in a format that cannot be read; {', '.join(PICTURES)} can."
                )
            if name is not None and found[field.name] is None:
                raise InvalidInputError(
                    f"There is no file {base_name(name)!r} among those given: {', '.join(map(repr, list(files)[:20]))}."
                )
        return Roles(**found)


def models(files: Files, roles: Roles) -> list[str]:
    """The one or two files that hold geometry, the first object first.

    Raises:
        InvalidInputError: none, or more than make a pair.
    """
    names = files.of_kind(*MODELS)
    if roles.second is not None:
        names = [name for name in names if name != roles.second] + [roles.second]
    if not names:
        raise InvalidInputError(
            f"There is no object among {listed(map(repr, files))}; an .obj, .glb or .gltf file is needed."
        )
    if len(names) > 2:
        raise InvalidInputError(
            f"One object, or two that morph into each other, can be added at once, not {listed(map(repr, names))}."
        )
    if len(names) == 2 and len(files.of_kind(".obj")) != 2:
        raise InvalidInputError(f"Only two .obj files make a morph pair, not {listed(map(repr, names))}.")
    return names


def guess(files: Files, names: Sequence[str], *, claimed: set[str]) -> list[tuple[str | None, str | None]]:
    """Texture and alpha texture of each object, from the names of pictures that no material claims.

    Raises:
        InvalidInputError: several pictures could be the texture.
    """
    pictures = [name for name in files.of_kind(*PICTURES) if name not in claimed]
    alphas = [name for name in pictures if _ALPHA.search(stem(name))]
    rest = [name for name in pictures if name not in alphas and not _OTHER.search(stem(name))]
    return [(_choose(rest, names, i), _choose(alphas, names, i)) for i in range(len(names))]


def _choose(pictures: list[str], objects: Sequence[str], which: int) -> str | None:
    """The picture for one of the objects."""
    for candidates in (pictures, [name for name in pictures if _DIFFUSE.search(stem(name))]):
        if len(candidates) <= 1:
            if candidates:
                return candidates[0]
            continue
        shares = [[_shared(stem(picture), stem(name)) for name in objects] for picture in candidates]
        mine = [
            picture
            for picture, share in zip(candidates, shares, strict=True)
            if share[which] > 0 and share[which] == max(share) and share.count(max(share)) == 1
        ]
        if len(objects) > 1 and len(mine) == 1:
            return mine[0]
        if len(objects) == len(candidates) == 2:
            return candidates[which]
    exact = [name for name in pictures if stem(name).lower() == stem(objects[which]).lower()]
    if exact:
        return exact[0]
    if not pictures:
        return None
    raise InvalidInputError(
        f"Which of {listed(map(repr, pictures))} belongs on {objects[which]!r}? "
        "Give one texture, or an .mtl file that names them."
    )


def _shared(one: str, other: str) -> int:
    """Characters with which both begin."""
    one, other = one.lower(), other.lower()
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
