"""Small files that unpack to much: refused, or read within bounds, in memory that is measured from outside."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from user_files import CUBE, QUAD, picture, read, texel

from perturber.errors import InvalidInputError
from perturber.objects.reading import read_background
from perturber.pictures import LONGEST_SIDE, decode

MIB = 2**20


def png(width: int, height: int, *, depth: int = 8, colour: int = 0, pixel: int = 1, rows: int | None = None) -> bytes:
    """A black PNG, packed some rows at a time; `rows` where it breaks off."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    packer, row = zlib.compressobj(6), bytes(1 + (width * depth * pixel + 7) // 8)
    some = max(1, MIB // len(row))
    data = [packer.compress(row * min(some, height - start)) for start in range(0, rows or height, some)]
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    whole = chunk(b"IHDR", head) + chunk(b"IDAT", b"".join([*data, packer.flush()])) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + whole


def zip_bomb(method: int, mib: int = 192) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive, archive.open("a.obj", "w", force_zip64=True) as member:
        for _ in range(mib // 16):
            member.write(bytes(16 * MIB))
    return file.getvalue()


def many_vertices() -> bytes:
    """A GLB that announces 2^31 vertices, and triangles of them."""
    tree = {
        "asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}}]}],
        "accessors": [{"componentType": 5126, "count": 2**31, "type": "VEC3"}],
    }  # fmt: skip
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    return struct.pack("<4sII", b"glTF", 2, 20 + len(text)) + struct.pack("<I4s", len(text), b"JSON") + text


MEASURE = """
import resource, sys
from pathlib import Path
from perturber import objects
from perturber.errors import PerturberError
quad, folder = Path(sys.argv[1], "quad.obj").read_bytes(), Path(sys.argv[1])
objects.store().add_object({"quad.obj": quad})
for name in sys.argv[2:]:
    files = {name: (folder / name).read_bytes()}
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    try:
        objects.store().add_object(files if name.endswith(("zip", "glb")) else {"quad.obj": quad, **files})
        said = "added"
    except PerturberError as error:
        said = str(error)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, said)
"""

BOMBS = {  # kept small to large, as only what exceeds the peak before is seen
    "vertices.glb": (many_vertices, 20, "triangles; at most 500,000 are allowed"),
    "huge.png": (lambda: png(40_000, 40_000, depth=1, rows=1), 20, "more than 40 million pixels"),
    "strip.png": (
        lambda: png(1, 39_999_999, rows=1),
        50,
        "1 × 39,999,999 pixels, but no side may be longer than 16,384",
    ),
    "bzip2.zip": (lambda: zip_bomb(zipfile.ZIP_BZIP2), 50, "packed in a way that is not supported"),
    "deflated.zip": (lambda: zip_bomb(zipfile.ZIP_DEFLATED), 120, "unpacks to more than 30 MiB"),
    "allowed.png": (lambda: png(6300, 6300, colour=2, pixel=3), 450, "added"),
    "deep.png": (lambda: png(6300, 6300, depth=16), 450, "added"),
}


def test_bombs_take_little_memory(tmp_path: Path) -> None:
    pytest.importorskip("resource", reason="memory is measured as Unix does it")
    (tmp_path / "quad.obj").write_text(QUAD)
    for name, (make, *_) in BOMBS.items():
        (tmp_path / name).write_bytes(make())
    command = [sys.executable, "-c", MEASURE, str(tmp_path), *BOMBS]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    unit = 1 if sys.platform == "darwin" else 1024
    for line, (name, (_, most, sentence)) in zip(printed, BOMBS.items(), strict=True):
        taken, _, said = line.partition(" ")
        assert sentence in said, name
        assert int(taken) * unit < most * MIB, f"{name} took {int(taken) * unit // MIB} MiB"


def test_sides_are_bounded_where_pictures_are_brought_to_a_size_alone(tmp_path: Path) -> None:
    longest, longer = png(LONGEST_SIDE, 1), png(LONGEST_SIDE + 1, 1)
    assert read_background(longest).shape == (1024, 1024, 3)
    assert read({"quad.obj": QUAD, "a.png": longest}).textures.shape[1] == 2048
    sentence = r"has 16,385 × 1 pixels, but no side may be longer than 16,384; make it smaller\."
    with pytest.raises(InvalidInputError, match=sentence):
        read_background(longer)
    with pytest.raises(InvalidInputError, match=f"'a.png' {sentence}"):
        read({"quad.obj": QUAD, "a.png": longer})
    (tmp_path / "x.png").write_bytes(png(40_000, 2))
    assert decode(tmp_path / "x.png").size == (40_000, 2)  # a photograph of one's own


def test_a_jpeg_is_decoded_no_larger_than_it_is_kept() -> None:
    ramp = np.linspace(0, 255, 4400).round().astype(np.uint8)
    pixels = np.stack([np.broadcast_to(ramp, (4200, 4400)), np.broadcast_to(ramp[:4200, None], (4200, 4400))], -1)
    whole = np.concatenate([pixels, np.full((4200, 4400, 1), 40, np.uint8)], -1)
    jpeg = picture(whole, format="JPEG")
    assert decode(jpeg, side=2048).size == (2200, 2100)
    assert decode(jpeg, side=1024).size == (1100, 1050)
    assert decode(jpeg, side=3000).size == decode(jpeg).size == (4400, 4200)
    expected = Image.fromarray(whole).crop((100, 0, 4300, 4200)).resize((1024, 1024), Image.Resampling.BICUBIC)
    assert np.abs(read_background(jpeg).astype(int) - np.asarray(expected)).max() <= 6
    pair = read({"quad.obj": QUAD, "a.jpg": jpeg})
    assert pair.textures.shape[1:] == (2048, 2048, 3)
    assert np.abs(texel(pair, np.array([0.25, 0.75])).astype(int) - (64, 61, 40)).max() <= 6


def test_ordinary_zips_are_read_and_others_named() -> None:
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("cube.obj", CUBE)
        if method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            assert len(read({"a.zip": file.getvalue()}).faces) == 12
        else:
            with pytest.raises(InvalidInputError, match=r"'a\.zip' is packed in a way .* ordinary zip \(Deflate\)"):
                read({"a.zip": file.getvalue()})
