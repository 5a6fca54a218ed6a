"""Text files that do not say how they are encoded: their lines, and the names in them.

Nothing is lost: bytes that are not UTF-8 stay what they are (as surrogates, PEP 383), so that names that differ in the
file differ here, and what they say is only guessed where it matters: to find a file, or to show a name.
"""

import codecs
import re
import unicodedata

from perturber.errors import InvalidInputError

LONGEST = 4000
"""Characters of a line with names in it."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)

_ENCODINGS = ("gb2312", "cp1252", "gb18030", "cp932", "euc-kr", "big5", "cp1251", "cp437", "latin-1")
"""Of names that are not UTF-8, likely ones first; the last one reads anything."""

_COMMENT = re.compile(r"^[ \t]*#[^\n]*", re.MULTILINE)
_CONTINUED = re.compile(r"(?<![\udc80-\udcff])\\\n")  # in Shift-JIS and its like a letter may end as a backslash does


def lines(content: bytes) -> list[str]:
    """The lines of a text file without those that are comments; one that ends in a backslash goes on in the next."""
    text = _decoded(content).replace("\r\n", "\n").replace("\r", "\n")
    if "\\\n" in text:
        text = _CONTINUED.sub(" ", _COMMENT.sub("", text))
    return [line for line in text.split("\n") if not line.lstrip().startswith("#")]


def within_limit(line: str, name: str) -> str:
    """A line with names in it.

    Raises:
        InvalidInputError: it is longer than any that is meant to be read.
    """
    if len(line) > LONGEST:
        raise InvalidInputError(f"{name!r} has a line with names of more than {LONGEST:,} characters.")
    return line


def uncommented(line: str) -> str:
    """A line, or a name, up to a ``#`` that begins a word, which may be a comment or belong to a name."""
    return re.split(r"(?:^|\s)#", line, maxsplit=1)[0].rstrip()


def readings(name: str) -> list[str]:
    """What a name may say, the likeliest first."""
    try:
        name.encode()
        return [name]
    except UnicodeEncodeError:
        pass
    found = []
    for encoding in _ENCODINGS:
        try:
            found.append(name.encode("utf-8", "surrogateescape").decode(encoding))
        except UnicodeError:
            continue
    return found or [name]


def readable(name: str) -> str:
    """What a name most likely says."""
    return readings(name)[0]


def loosely(name: str) -> str:
    """What names have in common that differ in case, spaces or encoding alone."""
    return " ".join(unicodedata.normalize("NFC", readable(name)).casefold().split())


def _decoded(content: bytes) -> str:
    for mark, encoding in _MARKS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "surrogateescape" if encoding == "utf-8" else "replace")
    for zero, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(content) > 1 and content[zero] == 0 != content[1 - zero]:
            return content.decode(encoding, "replace")
    return content.decode("utf-8", "surrogateescape")
