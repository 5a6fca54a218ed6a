"""Materials of Wavefront files: MTL text → `Material`s."""

from dataclasses import replace
from math import isfinite

from perturber.errors import InvalidInputError
from perturber.objects.reading.files import PICTURES, Files
from perturber.objects.reading.surface import Material

GREY = Material(colour=(0.8, 0.8, 0.8, 1.0))
"""What has no material."""

_OPTIONS = {"-s": 3, "-o": 3, "-t": 3, "-mm": 2}
"""Options of a texture statement by the most numbers that may follow; the others have one word."""


def read(content: bytes, files: Files, *, claimed: set[str]) -> dict[str, Material]:
    """Read an MTL file.

    Args:
        content: the file.
        files: where its pictures are looked up.
        claimed: pictures that are taken already; a picture that is none of these stands in for the only one that
            the file asks for under a name that was not given.

    Raises:
        InvalidInputError: it asks for a picture that was not given.
    """
    words = _statements(content)
    spare = _spare_picture(words, files, claimed)
    materials: dict[str, Material] = {}
    for name, keyword, value in words:
        material = materials.setdefault(name, replace(GREY, name=name))
        if keyword == "kd":
            materials[name] = replace(material, colour=(*_colour(value, material), material.colour[3]))
        elif keyword == "d":
            materials[name] = replace(material, colour=(*material.colour[:3], _opacity(value)))
        elif keyword == "map_kd":
            # Exporters write any Kd beside a texture, black too; what they show is the texture.
            materials[name] = replace(material, picture=files[_find(value, files) or spare])
        elif keyword == "map_d" and (found := _find(value, files)) is not None:
            materials[name] = replace(material, alpha=files[found])
    return {
        name: replace(material, colour=(1.0, 1.0, 1.0, material.colour[3])) if material.picture else material
        for name, material in materials.items()
    }


def _spare_picture(words: list[tuple[str, str, str]], files: Files, claimed: set[str]) -> str:
    """The picture that stands in for the one that was not given; "" where all were given, which are then claimed."""
    missing: set[str] = set()
    for keyword, value in ((k, v) for _, k, v in words if k in ("map_kd", "map_d")):
        found = _find(value, files)
        if found is not None:
            claimed.add(found)
        elif keyword == "map_kd":
            missing.add(_file(value))
    if not missing:
        return ""
    spare = [name for name in files.of_kind(*PICTURES) if name not in claimed]
    if len(missing) > 1 or len(spare) != 1:
        raise InvalidInputError(
            f"The materials ask for the picture {min(missing)[:80]!r}, which was not given. "
            "Add it, or leave out the .mtl file."
        )
    return spare[0]


def _statements(content: bytes) -> list[tuple[str, str, str]]:
    """Material, keyword and the rest, of each line."""
    current, found = "", []
    for line in content.decode("utf-8-sig", errors="replace").splitlines():
        keyword, _, rest = " ".join(line.split()).partition(" ")
        if keyword.lower() == "newmtl":
            current = rest
            found.append((current, "newmtl", ""))
        elif rest and not keyword.startswith("#"):
            found.append((current, keyword.lower(), rest))
    return found


def _find(value: str, files: Files) -> str | None:
    return files.find(value) or files.find(_file(value))


def _file(value: str) -> str:
    """The file of a texture statement, which may have options before it and spaces in it."""
    words = value.split(" ")
    while len(words) > 1 and words[0].startswith("-"):
        most, words = _OPTIONS.get(words[0], 1), words[1:]
        taken = 0
        while len(words) > 1 and taken < most and (most == 1 or _is_number(words[0])):
            words, taken = words[1:], taken + 1
    return " ".join(words)


def _is_number(word: str) -> bool:
    try:
        return isfinite(float(word))
    except ValueError:
        return False


def _colour(value: str, material: Material) -> tuple[float, float, float]:
    words = value.split(" ")[:3]
    if not all(map(_is_number, words)):  # "spectral" and "xyz" colours: nobody writes them
        return material.colour[:3]
    numbers = [min(max(float(word), 0.0), 1.0) for word in words]
    return (numbers[0], numbers[1], numbers[2]) if len(numbers) == 3 else (numbers[0],) * 3


def _opacity(value: str) -> float:
    """``d``; 0 would hide everything, and is what exporters write that mean the opposite."""
    word = value.split(" ")[-1]
    return min(max(float(word), 0.0), 1.0) or 1.0 if _is_number(word) else 1.0
