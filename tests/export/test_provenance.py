"""What is read back from a file is what was written; everything else is refused in one sentence."""

import io
import json
import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from pypdf import PdfWriter

from perturber.errors import InvalidInputError
from perturber.export import Provenance, read_provenance
from perturber.export import provenance as module

SVG = b'<svg class="main-svg" xmlns="http://www.w3.org/2000/svg" width="1" height="1"><rect/></svg>'


def png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (2, 3)).save(file, format="PNG")
    return file.getvalue()


def pdf() -> bytes:
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(100, 100)
    writer.write(file)
    return file.getvalue()


def written(provenance: Provenance) -> dict[str, bytes]:
    return {
        "svg": module.into_svg(SVG, provenance),
        "png": module.into_png(png(), provenance),
        "pdf": module.into_pdf(pdf(), provenance, (90.0, 90.0)),
        "html": module.into_html("<!DOCTYPE html>\n<html><head></head><body></body></html>", provenance),
        "csv": module.into_csv("trace,name\r\n", provenance),
        "json": b'{"provenance": %s}' % provenance.as_json().encode(),
    }


BARE = {
    "svg": SVG,
    "png": png(),
    "pdf": pdf(),
    "html": b"<html><head></head></html>",
    "csv": b"trace,name\r\n",
    "json": b"{}",
}


@pytest.mark.parametrize("kind", BARE)
def test_files_say_what_was_written(kind: str, provenance: Provenance, tmp_path: Path) -> None:
    file = written(provenance)[kind]
    assert read_provenance(file) == provenance
    path = tmp_path / "figure with another name.txt"
    path.write_bytes(file)
    assert read_provenance(path) == provenance


@pytest.mark.parametrize("kind", BARE)
def test_files_without_it_are_refused(kind: str) -> None:
    with pytest.raises(InvalidInputError, match="does not say how its figure came about"):
        read_provenance(BARE[kind])


@pytest.mark.parametrize("kind", BARE)
def test_broken_files_are_refused_wherever_they_end(kind: str, provenance: Provenance) -> None:
    file = written(provenance)[kind]
    for end in range(0, len(file), max(1, len(file) // 60)):
        with suppress(InvalidInputError):
            assert read_provenance(file[:end]) == provenance  # what follows was not needed


@pytest.mark.parametrize("change", ['"schema":2', '"seed":"<script>"', '"device":["cpu"]', '"date":"yesterday"'])
def test_what_is_no_provenance_is_refused(change: str, provenance: Provenance) -> None:
    key = change.split(":")[0]
    text = provenance.as_json()
    begin = text.index(key)
    end = text.find(",", begin) if "," in text[begin:] else len(text) - 1
    file = b"# perturber: " + (text[:begin] + change + text[end:]).encode() + b"\n"
    with pytest.raises(InvalidInputError, match="does not say"):
        read_provenance(file)


def note(text: str, before: str = "") -> bytes:
    element = f'<metadata><provenance xmlns="{module.NAMESPACE}">{text}</provenance></metadata>'
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg">{element}</svg>'.encode()


def test_entities_of_an_svg_are_never_expanded(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {new} "&{old};&{old};">' for old, new in zip("abcdefgh", "bcdefghi", strict=True)
    )
    (tmp_path / "secret").write_text("secret")
    outside = f'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a SYSTEM "{(tmp_path / "secret").as_uri()}">]>'
    for file in (note("&i;", bomb + "]>"), note("&a;", outside)):
        with pytest.raises(InvalidInputError, match="does not say"):
            read_provenance(file)


def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, provenance: Provenance, tmp_path: Path) -> None:
    long = "x" * (module.MAX_NOTE + 1)
    compressed = zlib.compress(long.encode())
    body = b"perturber\0\x01\0\0\0" + compressed
    packed = png()[:33] + struct.pack(">I", len(body)) + b"iTXt" + body + b"\0\0\0\0" + png()[33:]
    for file in (note(long), f"# perturber: {long}\n".encode(), packed, b"<svg>" + b" " * 2**21 + note("{}")[5:]):
        with pytest.raises(InvalidInputError, match="does not say"):
            read_provenance(file)
    monkeypatch.setattr(module, "MAX_FILE", 1000)
    path = tmp_path / "figure.csv"
    path.write_bytes(written(provenance)["csv"] + b"x" * 1000)
    for source in (path, path.read_bytes()):
        with pytest.raises(InvalidInputError, match="may have"):
            read_provenance(source)


def test_deep_json_and_other_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match="does not say"):
        read_provenance(b'{"a":' * 100_000)
    with pytest.raises(InvalidInputError, match="is no figure"):
        read_provenance(b"PK\x03\x04")
    with pytest.raises(InvalidInputError, match="is no figure"):
        read_provenance(b"")
    with pytest.raises(InvalidInputError, match="cannot be read"):
        read_provenance(tmp_path / "nothing.svg")


@pytest.mark.parametrize("kind", BARE)
def test_what_no_link_holds_comes_back(kind: str, provenance: Provenance) -> None:
    memory = {"records": [[1, "", {}, {"0": ["a", [[5, "</script> & ]]>", 0.1, None]], []]}]], "measure": "logit"}
    file = written(provenance.model_copy(update={"memory": memory}))[kind]
    assert read_provenance(file).memory == memory


def test_older_files_have_no_memory(provenance: Provenance) -> None:
    described = json.loads(provenance.as_json())
    del described["memory"]
    assert read_provenance(json.dumps({"provenance": described}).encode()) == provenance


@pytest.mark.parametrize("memory", [[], {"a": "x" * module.MAX_MEMORY}, {"a": {"b": ["x" * 9] * module.MAX_MEMORY}}])
def test_a_memory_that_cannot_be_is_refused(memory: object, provenance: Provenance) -> None:
    described = {**json.loads(provenance.as_json()), "memory": memory}
    with pytest.raises(InvalidInputError):
        read_provenance(json.dumps({"provenance": described}).encode())
