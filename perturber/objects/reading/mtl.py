"""Materials of Wavefront files: MTL text → `Material`s, and where their pictures lie."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

from perturber.errors import InvalidInputError
from perturber.objects.reading.files import PICTURES, Files, base_name, extension, listed, names_in
from perturber.objects.reading.surface import Material
from perturber.objects.reading.text import lines, loosely, readable, uncommented, within_limit
from perturber.objects.reading.wrapping import Wrap

MAX_MATERIALS = 10_000
"""Materials in one MTL file, used or not."""

MOST_WORDS = 16
"""Of a file name with spaces that stands behind options that nobody knows."""

MAPS = (
    "map_kd", "map_d", "map_ks", "map_ns", "map_ke", "map_bump", "map_pr", "map_pm", "map_ps", "map_refl", "bump",
    "disp", "decal", "norm", "refl",
)  # fmt: skip
"""Keywords of pictures; only the first two, of colour and opacity, are shown."""

_OPTIONS = {"-s": 3, "-o": 3, "-t": 3, "-mm": 2} | dict.fromkeys(
    ("-blendu", "-blendv", "-bm", "-boost", "-cc", "-clamp", "-colorspace", "-imfchan", "-texres", "-type"), 1
)
"""Options of a texture statement by the most words that may follow: one of any kind, or several numbers."""

_NO_EFFECT = {"-t": [0.0, 0.0, 0.0], "-mm": [0.0, 1.0]}
"""Options that would change the picture, and numbers with which they do not."""

Statements = dict[str, str]
"""Keyword, in lower case → what follows it, the last time that a material has it."""


GREY = Material(colour=(0.8, 0.8, 0.8, 1.0))
"""What has no material."""


@dataclass(frozen=True, kw_only=True)
class Coat:
    """A material whose pictures lie at texture coordinates × `scale` + `offset`, of u and v; by default grey."""

    material: Material = GREY
    scale: tuple[float, float] = (1.0, 1.0)
    offset: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class _Texture:
    """A texture statement: the file that it means or None, the name that stands there, and its options."""

    file: str | None
    wanted: str
    options: Mapping[str, list[str]]

    @property
    def shown(self) -> str:
        """The name as people read it."""
        return base_name(readable(self.wanted))[:80]

    @property
    def scale(self) -> tuple[float, float]:
        u, v, *_ = self._numbers("-s", [1.0, 1.0])
        return u, v

    @property
    def offset(self) -> tuple[float, float]:
        u, v, *_ = self._numbers("-o", [0.0, 0.0])
        return u, v

    @property
    def wrap(self) -> tuple[Wrap, Wrap]:
        return ("clamp", "clamp") if self.options.get("-clamp") == ["on"] else ("repeat", "repeat")

    @property
    def placing(self) -> tuple[object, ...]:
        """All that can differ from what another picture of the same material says."""
        return self.scale, self.offset, self.wrap

    @property
    def ignored(self) -> list[str]:
        """Options that would change the picture, but cannot."""
        return [option for option, default in _NO_EFFECT.items() if self._numbers(option, default) != default]

    def _numbers(self, option: str, default: list[float]) -> list[float]:
        given = [number for word in self.options.get(option, []) if (number := _number(word)) is not None]
        return given + default[len(given) :]


def read(content: bytes, name: str) -> dict[str, Statements]:
    """The materials of an MTL file, by their names as they stand there.

    Raises:
        InvalidInputError: there are too many, or a line is too long.
    """
    found: dict[str, Statements] = {}
    current: Statements = {}
    for line in lines(content):
        keyword, *rest = within_limit(line, name).strip().split(None, 1) or [""]
        if keyword.lower() == "newmtl":
            current = found.setdefault("".join(rest), {})
            if len(found) > MAX_MATERIALS:
                raise InvalidInputError(f"{name!r} has more than {MAX_MATERIALS:,} materials.")
        elif rest:
            current[keyword.lower()] = rest[0]
    return found


def claims(library: Mapping[str, Statements], files: Files) -> set[str]:
    """The pictures that materials name, for whatever they use them."""
    maps = {statements[keyword] for statements in library.values() for keyword in MAPS if keyword in statements}
    return {file for value in maps if (file := _texture(value, files).file) is not None}


def coats(library: Mapping[str, Statements], files: Files, claimed: set[str], notes: list[str]) -> dict[str, Coat]:
    """Materials as they are to be shown.

    Args:
        library: those that are in use.
        files: where their pictures are looked up.
        claimed: pictures that are taken already; one that is none of these stands in for the only one that is asked
            for under a name that was not given, and is taken then.
        notes: gets a sentence for each kind of thing that was left out, changed or guessed.

    Raises:
        InvalidInputError: a picture was not given, or cannot be read.
    """
    said: dict[str, dict[str, None]] = defaultdict(dict)
    spare = _spare_picture(library, files, claimed)
    found = {name: _coat(name, statements, files, spare, said) for name, statements in library.items()}
    notes += (f"{sentence}: {listed(names)}." for sentence, names in said.items())
    return found


def _coat(name: str, statements: Statements, files: Files, spare: str | None, said: dict[str, dict[str, None]]) -> Coat:
    """One material; `said` gets beginnings of sentences, and what they are said of."""
    shown = repr(readable(name)[:60])
    picture, mask = (
        _texture(statements[keyword], files) if keyword in statements else None for keyword in ("map_kd", "map_d")
    )
    file = None if picture is None else picture.file or spare
    for texture, taken in ((picture, file), (mask, mask and mask.file)):
        if texture and taken and taken not in names_in(texture.wanted):
            said["Pictures are found under other names"][f"{taken!r} for {texture.shown!r}"] = None
        for option in texture.ignored if texture and taken else ():
            said[f"The texture option {option} is left out, in"][shown] = None
    if mask and mask.file is None:
        said["Pictures of opacity are left out that were not given or cannot be read"][repr(mask.shown)] = None
    if mask and mask.file and picture and mask.placing != picture.placing:
        said["The picture of opacity is laid on as that of colour is, in"][shown] = None
    placing = picture or mask
    material = Material(
        colour=(*_colour(statements, shown, said), _opacity(statements, shown, said)),
        picture=None if file is None else files[file],
        alpha=files[mask.file] if mask and mask.file else None,
        wrap=placing.wrap if placing else Material.wrap,
        name=readable(name)[:60],
    )
    if file is not None:  # exporters write any Kd beside a texture, black too; what they show is the texture
        material = replace(material, colour=(1.0, 1.0, 1.0, material.colour[3]))
    return Coat(material=material, scale=placing.scale, offset=placing.offset) if placing else Coat(material=material)


def _colour(statements: Statements, shown: str, said: dict[str, dict[str, None]]) -> tuple[float, float, float]:
    """What a material reflects, or emits if it is black otherwise."""
    colour = GREY.colour[:3]
    if "kd" in statements:
        if (given := _three(statements["kd"])) is None:  # "spectral" and "xyz" colours: hardly anybody writes them
            said["Colours that are not three numbers are left out, of"][shown] = None
        colour = given or colour
    emitted = _three(statements.get("ke", ""))
    if emitted and any(emitted) and not ("kd" in statements and any(colour)):
        said["What emits light and has no colour else has that of the light"][shown] = None
        colour = emitted
    if not all(0 <= part <= 1 for part in colour):
        said["Colours are cut off at 0 and 1, of"][shown] = None
    red, green, blue = (min(max(part, 0.0), 1.0) for part in colour)
    return red, green, blue


def _opacity(statements: Statements, shown: str, said: dict[str, dict[str, None]]) -> float:
    """``d``, or what ``Tr`` lets through."""
    given = {key: _number(uncommented(statements[key]).rpartition(" ")[2]) for key in ("d", "tr") if key in statements}
    if not given:
        return 1.0
    opacity = given["d"] if "d" in given else None if given["tr"] is None else 1 - given["tr"]
    if opacity is None:
        said["Opacities that are not numbers are left out, of"][shown] = None
        return 1.0
    if opacity <= 0:  # what exporters write that mean the opposite
        said["An opacity of 0 would hide everything, so these are opaque"][shown] = None
    return min(max(opacity, 0.0), 1.0) or 1.0


def _spare_picture(library: Mapping[str, Statements], files: Files, claimed: set[str]) -> str | None:
    """The picture that stands in for the one that was not given; None where all were given."""
    textures = (_texture(statements["map_kd"], files) for statements in library.values() if "map_kd" in statements)
    missing = {texture.shown for texture in textures if texture.file is None}
    if not missing:
        return None
    spare = [name for name in files.of_kind(*PICTURES) if name not in claimed]
    if len(missing) == len(spare) == 1:
        claimed.add(spare[0])
        return spare[0]
    wanted = min(missing)
    given = loosely(wanted) in map(loosely, files.unread)
    unknown = given or extension(wanted) not in ("", *PICTURES)
    why = [*(["was not given"] if not given else []), *(["is in a format that cannot be read"] if unknown else [])]
    raise InvalidInputError(
        f"The materials ask for the picture {wanted!r}, which {' and '.join(why)}. "
        f"Add it{' as PNG' * unknown}, or leave out the .mtl file."
    )


def _texture(value: str, files: Files) -> _Texture:
    words = value.split()
    options, start = _options(words)
    wanted = " ".join(words[start:])
    names = [value, wanted, uncommented(wanted)]
    if wanted.startswith("-"):  # an option that nobody knows, or a name that begins so
        names += (" ".join(words[i:]) for i in range(max(start + 1, len(words) - MOST_WORDS), len(words)))
    names = list(dict.fromkeys(names))
    found = ((file, name) for find in (files.find, files.find_picture) for name in names if (file := find(name)))
    file, wanted = next(found, (None, wanted))
    return _Texture(file=file, wanted=wanted, options=options)


def _options(words: list[str]) -> tuple[dict[str, list[str]], int]:
    """The options of a texture statement, and which word the name of its file begins with; it may have spaces."""
    found, place = dict[str, list[str]](), 0
    while place < len(words) - 1 and (most := _OPTIONS.get(words[place].lower())):
        end = place + 1
        while end < min(place + 1 + most, len(words) - 1) and (most == 1 or _is_number(words[end])):
            end += 1
        found[words[place].lower()] = words[place + 1 : end]
        place = end
    return found, place


def _three(value: str) -> tuple[float, float, float] | None:
    """Three numbers, or one for all three."""
    words = uncommented(value).split()[:3]
    numbers = [number for word in words if (number := _number(word)) is not None]
    if not words or len(numbers) < len(words):
        return None
    red, green, blue = numbers if len(numbers) == 3 else numbers[:1] * 3
    return red, green, blue


def _number(word: str) -> float | None:
    """A number of a sensible size."""
    return number if _is_number(word) and abs(number := float(word)) < 1e9 else None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
