"""What a figure shows and how it came about, written into its file and read back from there."""

import json
import logging
import struct
import xml.parsers.expat
import zlib
from collections.abc import Callable
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Annotated, Literal
from xml.sax.saxutils import escape

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StringConstraints,
    ValidationError,
    field_validator,
)

from perturber import __version__
from perturber.errors import InvalidInputError, PerturberError
from perturber.export.data import MAX_PACKED
from perturber.export.presets import Preset

MAX_FILE = 128 * 2**20
"""Bytes of a file that is read."""

MAX_NOTE = 2**21
"""Bytes of what is written into it; a link may hold code, and the figure's numbers come along."""

MAX_MEMORY = 2**19
"""Characters of what a figure needs beside its link, as JSON."""

BLOCK, MAX_BEFORE = 2**16, 2**22
"""Bytes of an SVG that are looked at together, and in all: the note comes first."""

logging.getLogger("pypdf").setLevel(logging.ERROR)  # it warns of what Chromium writes

NAMESPACE = "urn:perturber:provenance"
KEYWORD = "perturber"
SCRIPT = b'<script type="application/json" id="perturber-provenance">'
COMMENT = b"# perturber: "

Word = Annotated[str, StringConstraints(max_length=200)]
Hash = Annotated[str, StringConstraints(pattern="^([0-9a-f]{64})?$")]


class Weights(BaseModel):
    """A network in a figure.

    Attributes:
        name: in the catalogue, or an edit as text.
        sha256: of its weights, in hexadecimal; "" where it is not known.
        checkpoint: of its training, "" for the last.
    """

    model_config = ConfigDict(frozen=True)

    name: Annotated[str, StringConstraints(max_length=10_000)]
    sha256: Hash = ""
    checkpoint: Word = ""


class Provenance(BaseModel):
    """What a figure shows and how it came about.

    Attributes:
        schema_: version of this table.
        link: address of the state on the server that drew it: path and query.
        kind: of figure.
        models: networks in it, slot by slot.
        preset: how it was drawn.
        package: version of this project.
        seed: of what is random in it, or None.
        device: kind of device that computed it, such as ``cpu`` or ``cuda``.
        date: when.
        memory: what the figure needs to be drawn again and no link holds, as the looks of a history.
        data_sha256, data: the numbers that the figure shows (see `perturber.export.data`); `export` puts them here.
    """

    model_config = ConfigDict(frozen=True, populate_by_name=True)

    schema_: Literal[1] = Field(default=1, alias="schema")
    link: Annotated[str, StringConstraints(max_length=120_000)]
    kind: Word
    models: Annotated[tuple[Weights, ...], Field(max_length=64)]
    preset: Preset
    package: Word = __version__
    seed: int | None = None
    device: Word
    date: AwareDatetime
    memory: dict[str, JsonValue] = {}
    data_sha256: Hash = ""
    data: Annotated[str, StringConstraints(max_length=MAX_PACKED)] = ""

    @field_validator("memory")
    @classmethod
    def _bounded(cls, memory: dict[str, JsonValue]) -> dict[str, JsonValue]:
        if len(json.dumps(memory)) > MAX_MEMORY:
            raise InvalidInputError(
                f"To be drawn again this figure needs more than {MAX_MEMORY // 2**10} KiB of notes. Make it of less."
            )
        return memory

    def as_json(self) -> str:
        """On one line."""
        return self.model_dump_json(by_alias=True)

    @property
    def moment(self) -> datetime:
        """When, to the second."""
        return self.date.replace(microsecond=0)


# ---- written ------------------------------------------------------------------------------------------------------


def into_svg(data: bytes, provenance: Provenance) -> bytes:
    """As an element of its ``metadata``."""
    end = data.index(b">", data.index(b"<svg")) + 1
    note = f'<metadata><provenance xmlns="{NAMESPACE}">{escape(provenance.as_json())}</provenance></metadata>'
    return data[:end] + note.encode() + data[end:]


def into_png(data: bytes, provenance: Provenance) -> bytes:
    """As an iTXt chunk, behind one that says how large a pixel is."""
    end = len(PNG) + 12 + 13  # of the header's chunk
    per_metre = round(provenance.preset.dpi / 0.0254)
    text = KEYWORD.encode() + b"\0\0\0\0\0" + provenance.as_json().encode()
    return (
        data[:end] + _chunk(b"pHYs", struct.pack(">IIB", per_metre, per_metre, 1)) + _chunk(b"iTXt", text) + data[end:]
    )


def into_pdf(data: bytes, provenance: Provenance, size: tuple[float, float]) -> bytes:
    """In the document's information, and as XMP.

    Args:
        size: of the page in points; Chromium's is up to a quarter of a point larger.
    """
    from pypdf import PdfWriter
    from pypdf.generic import RectangleObject

    writer = PdfWriter(clone_from=BytesIO(data))
    page = writer.pages[0]
    top = float(page.mediabox.top)
    box = RectangleObject((0.0, top - size[1], size[0], top))
    page.mediabox, page.cropbox, page.trimbox, page.bleedbox, page.artbox = (box,) * 5
    creator = f"Perturber {provenance.package}"
    writer.add_metadata(
        {
            "/Title": provenance.kind,
            "/Subject": provenance.link,
            "/Creator": creator,
            "/Perturber": provenance.as_json(),
        }
    )
    writer.xmp_metadata = _xmp(provenance, creator)
    file = BytesIO()
    writer.write(file)
    return file.getvalue()


def _xmp(provenance: Provenance, creator: str) -> bytes:
    values = {
        "dc:title": f'<rdf:Alt><rdf:li xml:lang="x-default">{escape(provenance.kind)}</rdf:li></rdf:Alt>',
        "dc:source": escape(provenance.link),
        "xmp:CreatorTool": escape(creator),
        "xmp:CreateDate": provenance.moment.isoformat(),
        "perturber:provenance": escape(provenance.model_copy(update={"data": "", "memory": {}}).as_json()),
    }
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/" '
        f'xmlns:perturber="{NAMESPACE}">'
        + "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
        + '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def into_html(page: str, provenance: Provenance) -> bytes:
    """As JSON in a script element, which no browser runs."""
    note = SCRIPT + provenance.as_json().replace("<", "\\u003c").encode() + b"</script>"
    head = page.index("<head>") + len("<head>")
    return page[:head].encode() + note + page[head:].encode()


def into_csv(table: str, provenance: Provenance) -> bytes:
    """As a comment in the first line."""
    return COMMENT + provenance.as_json().encode() + b"\r\n" + table.encode()


# ---- read ---------------------------------------------------------------------------------------------------------

PNG = b"\x89PNG\r\n\x1a\n"


class _MissingError(Exception):
    """A file of the right kind without a note, or a broken one."""


def read_provenance(source: Path | bytes) -> Provenance:
    """What a file says of the figure in it, whatever it is called.

    Args:
        source: an SVG, PDF, PNG, HTML, CSV or JSON file, or what is in it.

    Raises:
        InvalidInputError: it cannot be read or is too large, is none of these, or carries no provenance.
    """
    data = _bytes(source)
    start = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n")
    read = next((read for begins, read in READERS.items() if start.lower().startswith(begins)), None)
    if read is None:
        raise InvalidInputError("This file is no figure: it is neither SVG, PDF, PNG, HTML, CSV nor JSON.")
    try:
        note = read(data)
        if len(note) > MAX_NOTE:
            raise _MissingError
        return Provenance.model_validate_json(note)
    except (_MissingError, ValidationError, PerturberError) as error:
        raise InvalidInputError(
            "This file does not say how its figure came about. Only figures that were exported here do, unless another "
            "program has stored them anew."
        ) from error


def _bytes(source: Path | bytes) -> bytes:
    data = _read(source) if isinstance(source, Path) else source
    if len(data) > MAX_FILE:
        raise InvalidInputError(f"A figure's file may have {MAX_FILE // 2**20} MiB.")
    return data


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_FILE + 1)
    except OSError as error:
        raise InvalidInputError(f"{path.name!r} cannot be read: {error.strerror or error}.") from error


def _from_svg(data: bytes) -> str | bytes:
    """The first element of our own name; nothing after it is looked at, and no document type is put up with."""
    inside = done = False
    text: list[str] = []

    def start(name: str, _: object) -> None:
        nonlocal inside
        inside = not done and name == f"{NAMESPACE} provenance"

    def end(_: str) -> None:
        nonlocal inside, done
        inside, done = False, done or inside

    def characters(part: str) -> None:
        if inside:
            text.append(part)

    def refuse(*_: object) -> None:
        raise _MissingError

    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refuse
    parser.StartElementHandler, parser.EndElementHandler, parser.CharacterDataHandler = start, end, characters
    try:
        for place in range(0, min(len(data), MAX_BEFORE), BLOCK):
            parser.Parse(data[place : place + BLOCK])
            if done:
                return "".join(text)
    except xml.parsers.expat.ExpatError as error:
        raise _MissingError from error
    raise _MissingError


def _from_png(data: bytes) -> str | bytes:
    place = len(PNG)
    while place + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[place : place + 8])
        body = data[place + 8 : place + 8 + length]
        if kind == b"iTXt" and body.startswith(KEYWORD.encode() + b"\0\0"):  # not compressed
            return body.split(b"\0", 5)[5] if body.count(b"\0") >= 5 else b""
        place += 12 + length
    raise _MissingError


def _from_pdf(data: bytes) -> str | bytes:
    from pypdf import PdfReader

    try:
        found = PdfReader(BytesIO(data)).metadata
        note = None if found is None else found.get("/Perturber")
    except Exception as error:  # whatever a broken file raises
        raise _MissingError from error
    if not isinstance(note, str):
        raise _MissingError
    return note


def _from_html(data: bytes) -> str | bytes:
    return _between(data, SCRIPT, b"</script>")


def _from_csv(data: bytes) -> str | bytes:
    return _between(data, COMMENT, b"\n").rstrip(b"\r")


def _between(data: bytes, before: bytes, after: bytes) -> bytes:
    start = data.find(before)
    end = data.find(after, start + len(before), start + len(before) + MAX_NOTE + 1)
    if start < 0 or end < 0:
        raise _MissingError
    return data[start + len(before) : end]


def _from_json(data: bytes) -> str | bytes:
    try:
        return json.dumps(json.loads(data)["provenance"])
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise _MissingError from error


READERS: dict[bytes, Callable[[bytes], str | bytes]] = {
    PNG.lower(): _from_png,
    b"%pdf-": _from_pdf,
    b"<svg": _from_svg,
    b"<?xml": _from_svg,
    b"<!doctype svg": _from_svg,
    b"<html": _from_html,
    b"<!doctype html": _from_html,
    b"#": _from_csv,
    b"trace,": _from_csv,
    b"{": _from_json,
}
"""How a file begins → what reads it."""


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
