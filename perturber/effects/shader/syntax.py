"""From GLSL text to a tree of plain nodes; what cannot be read is named with line and column."""

import re
from dataclasses import dataclass, field

import tree_sitter_glsl
from tree_sitter import Language, Parser
from tree_sitter import Node as Syntax

from perturber.errors import InvalidInputError

LONGEST = 10_000
"""Characters of a snippet."""

DEEPEST = 60
"""Levels of nesting."""

_LANGUAGE = Language(tree_sitter_glsl.language())
_IGNORED = {"comment", "(", ")", "{", "}", ";", ","}


class GlslError(InvalidInputError):
    """A mistake in a snippet.

    Attributes:
        line, column: where, counted from 1, in characters.
        reason: what is wrong.
    """

    def __init__(self, line: int, column: int, reason: str) -> None:
        super().__init__(f"Line {line}, column {column}: {reason}.")
        self.line, self.column, self.reason = line, column, reason


@dataclass(frozen=True)
class Node:
    """One piece of a snippet.

    Attributes:
        kind: the grammar's name of it.
        text: what is written there.
        line, column: where it begins, counted from 1.
        fields: parts that have a name in the grammar.
        parts: all parts but punctuation and comments, in order.
    """

    kind: str
    text: str
    line: int
    column: int
    fields: "dict[str, Node]" = field(default_factory=dict)
    parts: "tuple[Node, ...]" = ()

    def error(self, reason: str) -> GlslError:
        """A mistake that begins here."""
        return GlslError(self.line, self.column, reason)


def parse(source: str) -> Node:
    """Read a snippet: statements, with or without functions between them.

    Raises:
        GlslError: too long, nested too deeply, or not GLSL.
    """
    if len(source) > LONGEST:
        raise GlslError(1, 1, f"the code has {len(source)} characters; allowed are {LONGEST}")
    # Precision means nothing here; blanks keep every place where it is.
    blanked = re.sub(r"\bprecision\s+\w+\s+\w+\s*;", lambda m: re.sub(r"[^\n]", " ", m[0]), source)
    root = Parser(_LANGUAGE).parse(blanked.encode("utf-8", "replace")).root_node
    return _node(root, blanked.split("\n"), 0)


def _place(syntax: Syntax, lines: list[str]) -> tuple[int, int]:
    """Line and column, counted from 1, in characters (the parser counts bytes)."""
    row, byte = syntax.start_point
    text = lines[row] if row < len(lines) else ""
    return row + 1, len(text.encode("utf-8", "replace")[:byte].decode("utf-8", "ignore")) + 1


def _node(syntax: Syntax, lines: list[str], depth: int) -> Node:
    line, column = _place(syntax, lines)
    text = (syntax.text or b"").decode("utf-8", "replace")
    if syntax.is_missing:
        raise GlslError(line, column, f"{syntax.type!r} is missing")
    if syntax.is_error:
        hint = "; write != for ^^" if "^" in text else ""
        raise GlslError(line, column, f"{_short(text)} cannot be understood here{hint}")
    if syntax.type.startswith("preproc"):
        raise GlslError(line, column, "lines with # are not supported")
    if depth > DEEPEST:
        raise GlslError(line, column, f"the code is nested too deeply; allowed are {DEEPEST} levels")
    fields: dict[str, Node] = {}
    parts = []
    for number, child in enumerate(syntax.children):
        if child.type in _IGNORED and not child.is_missing:
            continue
        part = _node(child, lines, depth + 1)
        parts.append(part)
        name = syntax.field_name_for_child(number)
        if name:
            fields.setdefault(name, part)
    return Node(syntax.type, text, line, column, fields, tuple(parts))


def _short(text: str) -> str:
    first = text.strip().split("\n")[0]
    return repr(first[:30] + "…" if len(first) > 30 else first) if first else "the code"
